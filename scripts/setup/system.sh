# SPDX-License-Identifier: GPL-3.0-or-later
# Packages and tools from outside Python. Sourced by scripts/setup.sh, after interpreter.sh.

PACKAGES=(gnuradio gnuradio-dev cmake g++ pkg-config libsndfile1-dev libzmq3-dev nlohmann-json3-dev python3-dev
    python3-venv python3-numpy python3-scipy python3-matplotlib python3-yaml gir1.2-gtk-3.0)
# For the tests with simulated radios; a release that lacks one of them can do without.
OPTIONAL_PACKAGES=(libsoapysdr-dev uhd-soapysdr gr-osmosdr)

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }
candidate_version() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: \([^(].*\)/\1/p'; }

# as_root COMMAND...: fails where this user cannot become root.
as_root() {
    if ((EUID)); then
        command -v sudo >/dev/null && sudo "$@"
    else
        "$@"
    fi
}

apt_install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }

# Packages of the distribution: the needed ones or an error, the optional ones as far as they are there, tried once.
system_packages() {
    local package missing=() extra=()
    for package in "${PACKAGES[@]}"; do installed "$package" || missing+=("$package"); done
    if ! fresh optional_packages "${OPTIONAL_PACKAGES[*]}"; then
        for package in "${OPTIONAL_PACKAGES[@]}"; do installed "$package" || extra+=("$package"); done
    fi
    ((${#missing[@]} + ${#extra[@]})) || return 0
    if ((EUID)) && ! command -v sudo >/dev/null; then
        ((${#missing[@]} == 0)) || die "missing system packages: ${missing[*]}; no sudo here: install them as root"
        say "without ${extra[*]} (no sudo here to install them): tests with simulated radios are skipped"
        done_with optional_packages "${OPTIONAL_PACKAGES[*]}"
        return 0
    fi
    # Package lists may be absent (fresh container) or stale: refresh them, but an offline mirror need not stop us.
    as_root apt-get update -qq || say "apt-get update failed; going on with the package lists there are"
    if ((${#missing[@]})); then
        say "installing system packages: ${missing[*]}"
        apt_install "${missing[@]}" || die "apt-get could not install: ${missing[*]}"
    fi
    for package in "${extra[@]}"; do
        [[ -n $(candidate_version "$package") ]] || continue
        say "installing the system package $package"
        apt_install "$package" || say "$package could not be installed: tests with simulated radios are skipped"
    done
    done_with optional_packages "${OPTIONAL_PACKAGES[*]}"
}

# What building takes, whoever installed it; PYTHON is the interpreter that GNU Radio belongs to.
build_tools() {
    local python=$1 prefix include compiler
    ask "$python" "import sys; sys.exit(sys.version_info < tuple(map(int, '$(least_python)'.split('.'))))" \
        || die "$python is $("$python" --version), $(least_python) or newer is expected: use a GNU Radio built for one"
    ask "$python" 'import ensurepip, venv' \
        || die "$python has no venv module: install it (Debian and Ubuntu: python3-venv)"
    command -v cmake >/dev/null || die "no cmake found: install it (Debian, Fedora and conda: cmake)"
    for compiler in "${CXX:-}" c++ g++ clang++; do
        [[ -n $compiler ]] && command -v "${compiler%% *}" >/dev/null && break
    done || die "no C++ compiler found: install one (Debian: g++; Fedora: gcc-c++; conda: gxx), or name it by CXX"
    prefix=$(gnuradio_prefix "$python")
    [[ -f $prefix/include/gnuradio/block.h ]] \
        || die "no GNU Radio headers in $prefix/include: install them (Debian: gnuradio-dev; Fedora: gnuradio-devel)"
    command -v pkg-config >/dev/null || die "no pkg-config found: install it (Debian, Fedora and conda: pkg-config)"
    PKG_CONFIG_PATH=$prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} pkg-config --exists 'libzmq >= 4.2' \
        || die "no headers of ZeroMQ 4.2 found: install them (Debian: libzmq3-dev; Fedora: zeromq-devel; conda: zeromq)"
    PKG_CONFIG_PATH=$prefix/share/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} pkg-config --exists 'nlohmann_json >= 3.9' \
        || die "no headers of nlohmann-json 3.9 found: install them (Debian: nlohmann-json3-dev; Fedora: json-devel;" \
            "conda: nlohmann_json)"
    include=$(ask "$python" 'import sysconfig; print(sysconfig.get_path("include"))')
    [[ -f $include/Python.h ]] \
        || die "no Python.h in $include: install it (Debian: python3-dev; Fedora: python3-devel)"
    pybind11_header "$python" "$prefix" "$include" \
        || die "no pybind11 headers found: install them (Debian: pybind11-dev; Fedora: pybind11-devel; conda: pybind11)"
}

gnuradio_prefix() { ask "$1" 'from gnuradio import gr; print(gr.prefix())'; }

pybind11_header() {
    local folder
    for folder in "$2/include" "$3" /usr/local/include /usr/include; do
        [[ -f $folder/pybind11/pybind11.h ]] && return
    done
    ask "$1" 'import pybind11'
}
