#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes every picture in docs/images again: Companion's (flowgraphs, blocks, tree), the displays', the demos'.
# Needs Xvfb (apt-get install xvfb xauth), Chromium (apt-get install chromium) and what `make demo demo-classify` leaves in out; `make pictures` sees to that.
set -eu
cd "$(dirname "$0")/.."

python=${VENV:-.venv}/bin/python
scripts=scripts/pictures
command -v xvfb-run >/dev/null || { echo "make_pictures: no xvfb-run here: apt-get install xvfb xauth" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Preferences of our own: the user's window layout and recent files stay out of the pictures, and as they are.
cat > "$work/grc.conf" <<PREFERENCES
[main]
main_window_width = 1280
main_window_height = 790
blocks_window_position = 1050
console_window_position = 790
PREFERENCES
export GRC_PREFS_PATH="$work/grc.conf" GRC_BLOCKS_PATH="$PWD/grc"

on_a_screen() { xvfb-run -a -s "-screen 0 1600x1200x24" "$python" "$@"; }

mkdir "$work/images"
"$python" $scripts/first_flowgraph.py "$work"
on_a_screen $scripts/companion.py "$work/images" "$work/first_flowgraph.grc" examples/*.grc
on_a_screen $scripts/display.py detection_display sim 10 "$work/images/detection_display.png"
on_a_screen $scripts/display.py classify_band sim:air 5 "$work/images/classify_band.png"
"$python" $scripts/monitor_page.py "$work/images/monitor.png" 45
"$python" $scripts/csi_images.py "$work/images/csi_images.png"
"$python" $scripts/csi_activities.py "$work/images/csi_activities.png"
"$python" $scripts/direction_finding.py "$work/images/direction_finding.png"
"$python" $scripts/occupancy.py "$work/images/occupancy.png"
cp out/demo/waterfall.png "$work/images/demo.png"
cp out/demo-classify/waterfall.png "$work/images/demo_classify.png"
"$python" $scripts/shrink.py "$work/images" docs/images
