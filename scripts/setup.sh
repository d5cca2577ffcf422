#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sets up what is missing, and only that: system packages, virtual environment, Python packages, the GNU Radio
# module, the model bundles. Each step keeps a stamp of its inputs in $VENV/.setup, so a second run takes seconds.
# May be set in the environment: VENV (default .venv); PYTHON, the interpreter that GNU Radio belongs to (default: the
# first python3 that imports it); TORCH_SPEC (default torch==2.13.0), what pip installs, or `system`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=${VENV:-.venv}
TORCH_SPEC=${TORCH_SPEC:-torch==2.13.0}
[[ $VENV == /* ]] || VENV=$PWD/$VENV
STAMPS=$VENV/.setup

# shellcheck source=scripts/setup/steps.sh
source scripts/setup/steps.sh
# shellcheck source=scripts/setup/interpreter.sh
source scripts/setup/interpreter.sh
# shellcheck source=scripts/setup/system.sh
source scripts/setup/system.sh
# shellcheck source=scripts/setup/torch.sh
source scripts/setup/torch.sh

# Sets BASE_PYTHON. A GNU Radio that is not the distribution's gets none of its packages: two would get in each
# other's way.
gnu_radio() {
    BASE_PYTHON=$(gnuradio_python) || BASE_PYTHON=
    if command -v apt-get >/dev/null && { [[ -z $BASE_PYTHON ]] || of_distribution "$BASE_PYTHON"; }; then
        system_torch
        system_packages
        BASE_PYTHON=$(gnuradio_python) || BASE_PYTHON=
    fi
    [[ -n $BASE_PYTHON ]] || die "no GNU Radio found for $(python_candidates | paste -sd, | sed 's/,/, /g'): install" \
        "version 3.10 with its headers, or name the interpreter that imports it: PYTHON=/path/to/python3"
    if ! fresh build_tools "$BASE_PYTHON"; then
        build_tools "$BASE_PYTHON"
        done_with build_tools "$BASE_PYTHON"
    fi
}

virtual_environment() {
    if [[ -x $VENV/bin/python ]]; then
        ask "$VENV/bin/python" 'from gnuradio import gr' || die "$VENV was made for another Python than $BASE_PYTHON," \
            "or its numpy does not fit GNU Radio: remove it (rm -r $VENV) and run this again"
        return
    fi
    say "making the virtual environment $VENV with $BASE_PYTHON"
    "$BASE_PYTHON" -m venv --system-site-packages "$VENV"
}

python_packages() {
    local needs key file constraints
    needs=$("$VENV/bin/python" - <<'PY'
import tomllib
project = tomllib.load(open("pyproject.toml", "rb"))
wanted = project["build-system"]["requires"] + project["project"]["dependencies"]
wanted += project["project"]["optional-dependencies"]["dev"]
print("\n".join(name for name in wanted if not name.startswith("torch>")))
PY
    )
    mapfile -t constraints < <(constraint_files "$BASE_PYTHON")
    key=$( { echo "$needs"; echo "$TORCH_SPEC"; cat "${constraints[@]}"; } | sha256sum)
    fresh python_packages "$key" && return
    local pip=("$VENV/bin/python" -m pip install --quiet --disable-pip-version-check)
    for file in "${constraints[@]}"; do pip+=(-c "$file"); done
    local list
    mapfile -t list <<<"$needs"
    if [[ $TORCH_SPEC == system ]]; then
        check_system_torch "$VENV/bin/python"
    else
        # torch alone and first: another package must not choose its version, which may bring gigabytes of CUDA.
        announce_cuda "${pip[@]}"
        say "installing $TORCH_SPEC"
        "${pip[@]}" "$TORCH_SPEC"
        list+=("$TORCH_SPEC")
    fi
    say "installing the other Python packages"
    "${pip[@]}" "${list[@]}"
    done_with python_packages "$key"
}

core_package() {
    local key
    key=$( { cat pyproject.toml; echo "$PWD"; } | sha256sum)
    fresh core_package "$key" && return
    say "installing wfm_core and its commands"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
    done_with core_package "$key"
}

radio_module() {
    local key prefix
    key=$( { find CMakeLists.txt cmake gr-wfm grc examples -type f ! -name '*.pyc' -print0 2>/dev/null | sort -z \
        | xargs -0 sha256sum; echo "$PWD $VENV"; } | sha256sum)
    fresh radio_module "$key" && return
    say "building and installing the GNU Radio module"
    # A build folder that came along from another place cannot be configured again.
    if [[ -f build/CMakeCache.txt ]] && ! grep -qx "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" build/CMakeCache.txt; then
        rm -rf build
    fi
    mkdir -p build
    local log=build/setup.log
    prefix=$(gnuradio_prefix "$BASE_PYTHON")
    { cmake -S . -B build -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$VENV" -DCMAKE_PREFIX_PATH="$prefix" \
        -DPYTHON_EXECUTABLE="$VENV/bin/python" -DWFM_INSTALL_CORE=OFF \
        && cmake --build build -j "${JOBS:-$(nproc)}" && remove_module && cmake --install build; } >"$log" 2>&1 \
        || { tail -n 40 "$log" >&2; die "the build failed; the whole log is $log"; }
    done_with radio_module "$key"
}

# What an earlier version installed and this one does not have would be found by Python still.
remove_module() {
    rm -rf "$VENV"/lib/python*/site-packages/gnuradio/wfm
}

# A bundle is exported again when its model, or the code that is scripted into it, is newer than the file.
bundles() {
    local contract model bundle
    for contract in models/*/contract.yaml; do
        [[ -f $contract ]] || continue
        model=$(dirname "$contract")
        bundle=$VENV/share/wfm/bundles/$(basename "$model").wfm.pt
        if [[ ! -f $bundle || -n $(find "$model" python/wfm_core/{model,signal,bundle} -type f ! -name '*.pyc' \
            ! -name '*.md' -newer "$bundle" -print -quit) ]]; then
            say "exporting the bundle $(basename "$bundle")"
            mkdir -p "$(dirname "$bundle")"
            "$VENV/bin/wfm-export" "$model" -o "$bundle" >/dev/null
        fi
    done
}

gnu_radio
virtual_environment
python_packages
core_package
radio_module
bundles
