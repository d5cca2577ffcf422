# SPDX-License-Identifier: GPL-3.0-or-later
# A fresh Debian in a folder, to try things in as an ordinary user. Sourced by scripts/try_*.sh; needs root and
# debootstrap, and packages from the same mirror and package index as this machine: nothing here names a host.

say() { echo "$(basename "$0"): $*"; }
die() { echo "$(basename "$0"): $*" >&2; exit 1; }

# The mirror that apt uses here; MIRROR in the environment names another.
mirror() {
    local found=${MIRROR:-}
    [[ -n $found ]] || found=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' \
        | awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }')
    [[ -n $found ]] || die "apt has no Debian mirror configured here: name one by MIRROR"
    echo "$found"
}

# make_debian SUITE FOLDER PACKAGE...: a minimal system with these packages and the user `newcomer`.
make_debian() {
    local suite=$1 folder=$2
    shift 2
    ((EUID == 0)) || die "making a system in a folder takes root"
    command -v debootstrap >/dev/null || die "no debootstrap here: apt-get install debootstrap"
    [[ ! -e $folder ]] || die "$folder exists: remove it, or name another folder"
    say "making Debian $suite in $folder"
    mkdir -p "$folder"
    debootstrap --variant=minbase --include=ca-certificates "$suite" "$folder" "$(mirror)" >"$folder.log" 2>&1 \
        || { tail -n 5 "$folder.log" >&2; die "debootstrap could not make $suite, see $folder.log"; }
    open_debian "$folder"
    # How this machine reaches mirror and index: proxies, certificates, names.
    cp /etc/resolv.conf "$folder/etc/resolv.conf"
    echo "127.0.0.1 localhost $(hostname)" >>"$folder/etc/hosts"
    apt-config dump | grep -E '^Acquire::https?::[^:]*Proxy' >"$folder/etc/apt/apt.conf.d/90proxy" || true
    cp /usr/local/share/ca-certificates/*.crt "$folder/usr/local/share/ca-certificates/" 2>/dev/null || true
    chroot "$folder" update-ca-certificates >/dev/null 2>&1
    printf '#!/bin/sh\nexit 101\n' >"$folder/usr/sbin/policy-rc.d"  # nothing that is installed starts a service
    chmod 755 "$folder/usr/sbin/policy-rc.d"
    echo force-unsafe-io >"$folder/etc/dpkg/dpkg.cfg.d/unsafe-io"  # it is thrown away: no need to sync each file
    as_system_root "$folder" apt-get update -qq
    install_in "$folder" "$@"
    chroot "$folder" useradd --create-home --shell /bin/bash newcomer
}

install_in() {
    local folder=$1
    shift
    as_system_root "$folder" apt-get install -y -qq --no-install-recommends "$@" >>"$folder.log" 2>&1 \
        || { tail -n 20 "$folder.log" >&2; die "apt-get could not install $* in $folder"; }
}

# What a running system has, and the folders that pip is told to look in here, read-only.
open_debian() {
    local folder=$1 place
    mountpoint -q "$folder/proc" && return
    mount -t proc proc "$folder/proc"
    mkdir -p "$folder/dev/shm" "$folder/dev/pts"
    mount -t tmpfs shm "$folder/dev/shm"
    mount -t devpts devpts "$folder/dev/pts"
    while read -r place; do
        [[ -d $place ]] || continue
        mkdir -p "$folder$place"
        mount --bind -o ro "$place" "$folder$place"
    done < <(pip_folders)
}

pip_settings() { python3 -m pip config list 2>/dev/null | sed -n "s/^\(global\|:env:\)\.\(.*\)='\(.*\)'$/\2 \3/p"; }

pip_folders() {
    pip_settings | sed -n 's/^\(find-links\|index-url\|extra-index-url\) //p' | tr ' ' '\n' \
        | sed -n 's#^\(file://\)\{0,1\}\(/.*\)#\2#p' | sed 's#/simple/\{0,1\}$##' | sort -u
}

# pip's settings here as variables of the environment, for what exists in there too.
pip_environment() {
    local name value
    pip_settings | while read -r name value; do
        case $name in
            index-url | extra-index-url | find-links | cert | default-timeout | trusted-host | proxy)
                name=${name^^}
                echo "PIP_${name//-/_}=$value"
                ;;
        esac
    done
}

as_system_root() {
    local folder=$1
    shift
    chroot "$folder" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

# as_newcomer FOLDER COMMAND: in the home folder's gr-wfm, if that is there, with a fresh environment.
as_newcomer() {
    local folder=$1 settings
    mapfile -t settings < <(pip_environment)
    for name in TORCH_SPEC CI; do
        [[ -z ${!name:-} ]] || settings+=("$name=${!name}")
    done
    chroot "$folder" runuser -u newcomer -- env -i HOME=/home/newcomer USER=newcomer LANG=C.UTF-8 \
        PATH=/usr/local/bin:/usr/bin:/bin "${settings[@]}" \
        bash -c 'cd; [ ! -d gr-wfm ] || cd gr-wfm; eval "$1"' bash "$2"
}

# What is committed here, as a clean clone has it.
clone_into() {
    mkdir -p "$1/home/newcomer/gr-wfm"
    git archive HEAD | tar -x -C "$1/home/newcomer/gr-wfm"
    chroot "$1" chown -R newcomer: /home/newcomer/gr-wfm
}

# close_debian FOLDER: what still runs in it is asked to end, nothing of it stays mounted.
close_debian() {
    local folder place
    folder=$(realpath -m "$1")
    while read -r place; do
        umount "$place" || umount --lazy "$place"
    done < <(awk -v folder="$folder/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r)
}

remove_debian() {
    close_debian "$1"
    rm -rf --one-file-system "$1" "$1.log"
}
