# SPDX-License-Identifier: GPL-3.0-or-later
# Where PyTorch comes from: a package index, or the distribution (TORCH_SPEC=system). Sourced by scripts/setup.sh.

# Add python3-torch to the packages to install, or say why it is not new enough.
system_torch() {
    local version
    [[ $TORCH_SPEC == system ]] && command -v apt-cache >/dev/null || return 0
    version=$(candidate_version python3-torch)
    dpkg --compare-versions "${version:-0}" ge "$(least_torch)" \
        || die "TORCH_SPEC=system: this distribution's python3-torch is ${version:-missing}," \
            "$(least_torch) or newer is expected: leave TORCH_SPEC out"
    PACKAGES+=(python3-torch)
}

# check_system_torch PYTHON: the version that this interpreter imports is new enough.
check_system_torch() {
    local version
    version=$(ask "$1" 'import torch; print(torch.__version__)') || version=
    printf '%s\n' "$(least_torch)" "${version:-0}" | sort -V -C \
        || die "TORCH_SPEC=system: $1 imports torch ${version:-not at all}," \
            "$(least_torch) or newer is expected: install it, or leave TORCH_SPEC out"
}

# What pip would fetch for $TORCH_SPEC is asked first: nobody should learn of gigabytes by waiting for them.
announce_cuda() {
    local report
    report=$("$@" --dry-run --report - "$TORCH_SPEC" 2>/dev/null) || return 0  # installing says what is wrong
    if grep -qiE '"name": "(nvidia|cuda)-' <<<"$report"; then
        say "$TORCH_SPEC comes with CUDA here: about 2.7 GB to download. Without: TORCH_SPEC=system where" \
            "the distribution's python3-torch is $(least_torch) or newer, or an index of PyTorch for the CPU in" \
            "PIP_INDEX_URL"
    fi
}
