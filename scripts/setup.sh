#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sets up what is missing, and only that: system packages, virtual environment, Python packages, the GNU Radio
# module, the model bundles. Each step keeps a stamp of its inputs in $VENV/.setup, so a second run takes seconds.
# VENV (default .venv) and TORCH_SPEC (default torch==2.13.0) may be set in the environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=${VENV:-.venv}
TORCH_SPEC=${TORCH_SPEC:-torch==2.13.0}
SYSTEM_PYTHON=/usr/bin/python3   # GNU Radio is the distribution's, so the interpreter is too
PACKAGES=(gnuradio gnuradio-dev cmake g++ pkg-config libsndfile1-dev python3-dev python3-venv
    python3-numpy python3-scipy python3-matplotlib python3-yaml gir1.2-gtk-3.0)
[[ $VENV == /* ]] || VENV=$PWD/$VENV
STAMPS=$VENV/.setup

say() { echo "setup: $*"; }
die() { echo "setup: $*" >&2; exit 1; }

# fresh NAME KEY: true when step NAME was last done with this KEY. done_with NAME KEY notes that it is.
fresh() { [[ -f $STAMPS/$1 && $(<"$STAMPS/$1") == "$2" ]]; }
done_with() { mkdir -p "$STAMPS" && echo "$2" >"$STAMPS/$1"; }

system_packages() {
    if ! command -v dpkg-query >/dev/null; then
        "$SYSTEM_PYTHON" -c 'import gnuradio' || die "no dpkg here: install GNU Radio 3.10 with its headers, then run this again"
        return
    fi
    local missing=() package
    for package in "${PACKAGES[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    local root=()
    if ((EUID)); then
        command -v sudo >/dev/null || die "missing system packages: ${missing[*]}; no sudo here: install them as root"
        root=(sudo)
    fi
    say "installing system packages: ${missing[*]}"
    local install=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends)
    # Package lists may be absent (fresh container) or stale: refresh them, but an offline mirror need not stop us.
    "${root[@]}" apt-get update -qq || say "apt-get update failed; going on with the package lists there are"
    "${install[@]}" "${missing[@]}" >/dev/null || die "apt-get could not install: ${missing[*]}"
}

virtual_environment() {
    [[ -x $VENV/bin/python ]] && return
    say "making the virtual environment $VENV"
    "$SYSTEM_PYTHON" -m venv --system-site-packages "$VENV"
}

python_packages() {
    local needs key
    needs=$("$VENV/bin/python" - <<'PY'
import tomllib
project = tomllib.load(open("pyproject.toml", "rb"))
wanted = project["build-system"]["requires"] + project["project"]["dependencies"]
wanted += project["project"]["optional-dependencies"]["dev"]
print("\n".join(name for name in wanted if not name.startswith("torch>")))
PY
    )
    key=$( { echo "$needs"; echo "$TORCH_SPEC"; cat constraints.txt; } | sha256sum)
    fresh python_packages "$key" && return
    local pip=("$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt)
    # torch alone and first: another package must not choose its version, which may bring gigabytes of CUDA.
    say "installing $TORCH_SPEC"
    "${pip[@]}" "$TORCH_SPEC"
    say "installing the other Python packages"
    local list
    mapfile -t list <<<"$needs"
    "${pip[@]}" "${list[@]}" "$TORCH_SPEC"
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
    local key
    key=$( { find CMakeLists.txt gr-wfm grc examples -type f ! -name '*.pyc' -print0 2>/dev/null | sort -z \
        | xargs -0 sha256sum; echo "$PWD $VENV"; } | sha256sum)
    fresh radio_module "$key" && return
    say "building and installing the GNU Radio module"
    # A build folder that came along from another place cannot be configured again.
    if [[ -f build/CMakeCache.txt ]] && ! grep -qx "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" build/CMakeCache.txt; then
        rm -rf build
    fi
    mkdir -p build
    local log=build/setup.log
    { cmake -S . -B build -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$VENV" \
        -DPYTHON_EXECUTABLE="$VENV/bin/python" -DWFM_INSTALL_CORE=OFF \
        && cmake --build build -j "${JOBS:-$(nproc)}" && cmake --install build; } >"$log" 2>&1 \
        || { tail -n 40 "$log" >&2; die "the build failed; the whole log is $log"; }
    done_with radio_module "$key"
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

system_packages
virtual_environment
python_packages
core_package
radio_module
bundles
