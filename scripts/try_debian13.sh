#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The newcomer's two commands on a fresh Debian 13, as an ordinary user who may use sudo, from what is committed here:
#
#   scripts/try_debian13.sh [--keep] [FOLDER]
#
# FOLDER (default /var/tmp/wfm-debian13) is made by debootstrap and removed at the end, with --keep it stays and the
# next --keep goes on in it with a fresh clone and the packages that are there. Root; some 8 GB. TORCH_SPEC (default
# here: system, Debian's python3-torch) may name another: torch==2.13.0 from a package index brings CUDA, 2.7 GB more.
# MIRROR names a Debian mirror, by default the one that apt uses here. Exit status: that of the two commands.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/try/chroot.sh
source scripts/try/chroot.sh

KEEP=
[[ ${1:-} == --keep ]] && KEEP=yes && shift
(($# <= 1)) || { echo "usage: scripts/try_debian13.sh [--keep] [FOLDER]" >&2; exit 2; }
FOLDER=$(realpath -m "${1:-/var/tmp/wfm-debian13}")
export TORCH_SPEC=${TORCH_SPEC:-system}

leave() {
    if [[ -n $KEEP ]]; then
        close_debian "$FOLDER"
        say "kept in $FOLDER"
    else
        remove_debian "$FOLDER"
    fi
}

if [[ -n $KEEP && -d $FOLDER/home/newcomer ]]; then
    trap leave EXIT
    open_debian "$FOLDER"
    rm -rf "$FOLDER/home/newcomer/gr-wfm"
else
    [[ ! -e $FOLDER ]] || die "$FOLDER exists: remove it, name another folder, or go on in it with --keep"
    trap leave EXIT
    make_debian trixie "$FOLDER" make sudo
    echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >"$FOLDER/etc/sudoers.d/newcomer"
fi
clone_into "$FOLDER"
for target in demo test; do
    began=$SECONDS
    as_newcomer "$FOLDER" "make $target"
    say "make $target: $((SECONDS - began)) s"
done
as_newcomer "$FOLDER" '.venv/bin/wfm-doctor' || true
