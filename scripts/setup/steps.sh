# SPDX-License-Identifier: GPL-3.0-or-later
# What the steps of scripts/setup.sh say and remember. Needs STAMPS, a folder of one file a step.

say() { echo "setup: $*"; }
die() { echo "setup: $*" >&2; exit 1; }

# fresh NAME KEY: true when step NAME was last done with this KEY. done_with NAME KEY notes that it is.
fresh() { [[ -f $STAMPS/$1 && $(<"$STAMPS/$1") == "$2" ]]; }
done_with() { mkdir -p "$STAMPS" && echo "$2" >"$STAMPS/$1"; }
