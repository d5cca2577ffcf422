#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Does the Debian package install into a clean Debian, and do a flowgraph and Companion find everything there?
#
#   scripts/try_package.sh bookworm|trixie [FOLDER]
#
# Builds the package in one fresh system below FOLDER (default /var/tmp/wfm-package), or takes the one that DEB in the
# environment names, installs it into another with nothing but its Depends, and there, as an ordinary user without any variable set: runs live_interference.py on the
# simulated radio, starts a command, looks the blocks up as Companion does. Then removes the package and looks for what
# it left. Root. PyTorch, safetensors and pydantic come from Debian where it has PyTorch 2.6, else from pip, for that user alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/try/chroot.sh
source scripts/try/chroot.sh

SUITE=${1:-}
[[ $SUITE == bookworm || $SUITE == trixie ]] && (($# <= 2)) \
    || { echo "usage: scripts/try_package.sh bookworm|trixie [FOLDER]" >&2; exit 2; }
FOLDER=$(realpath -m "${2:-/var/tmp/wfm-package}")
BUILD=$FOLDER/$SUITE-build CLEAN=$FOLDER/$SUITE-clean
TORCH=${TORCH_SPEC:-torch==2.13.0}
trap 'remove_debian "$BUILD"; remove_debian "$CLEAN"; rm -rf "$FOLDER/$SUITE-package"; rmdir --ignore-fail-on-non-empty "$FOLDER"' EXIT

if [[ -z ${DEB:-} ]]; then
    make_debian "$SUITE" "$BUILD" make cmake g++ pkg-config dpkg-dev file gnuradio gnuradio-dev libzmq3-dev \
        nlohmann-json3-dev python3-dev
    clone_into "$BUILD"
    say "building the package"
    as_newcomer "$BUILD" 'make deb'
    mkdir "$FOLDER/$SUITE-package"
    cp "$BUILD"/home/newcomer/gr-wfm/out/gr-wfm_*.deb "$FOLDER/$SUITE-package/"
    remove_debian "$BUILD"
    DEB=$(ls "$FOLDER/$SUITE-package/"*.deb)
fi
package=$(basename "$DEB")
make_debian "$SUITE" "$CLEAN"
cp "$DEB" "$CLEAN/tmp/"
say "installing $package with what it depends on"
install_in "$CLEAN" "/tmp/$package"
if ! as_newcomer "$CLEAN" 'python3 -c "import torch"' 2>/dev/null; then
    say "installing $TORCH, safetensors and pydantic with pip"
    install_in "$CLEAN" python3-pip
    as_newcomer "$CLEAN" "pip install --quiet --user --break-system-packages '$TORCH' safetensors pydantic"
fi

say "a flowgraph"
as_newcomer "$CLEAN" 'python3 /usr/share/gnuradio/wfm/examples/live_interference.py --source sim --duration 3 \
    --json decisions.jsonl | tail -n 3; wc -l decisions.jsonl'
say "the commands"
as_newcomer "$CLEAN" 'wfm-evaluate --help >/dev/null && wfm-doctor'
say "Companion's blocks and compiler"
as_newcomer "$CLEAN" "python3 - $(ls grc/*.block.yml | wc -l)" <scripts/try/companion_blocks.py
as_newcomer "$CLEAN" 'grcc -o "$HOME" /usr/share/gnuradio/wfm/examples/live_interference.grc >/dev/null'

say "removing it"
as_system_root "$CLEAN" dpkg -L gr-wfm >"$CLEAN/tmp/files"
as_system_root "$CLEAN" apt-get purge -y -qq gr-wfm >/dev/null
while read -r file; do
    [[ $file != *wfm* || ! -e $CLEAN$file ]] || die "the package left $file behind"
done <"$CLEAN/tmp/files"
say "$package installs, runs and goes"
