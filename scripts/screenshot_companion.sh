#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Takes the picture of the example in GNU Radio Companion: docs/images/live_interference_grc.png (needs Xvfb).
set -eu
cd "$(dirname "$0")/.."

python=${VENV:-.venv}/bin/python
flowgraph=$PWD/examples/live_interference.grc
picture=$PWD/docs/images/live_interference_grc.png
width=1280
height=790
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Preferences of our own: the user's window layout and recent files stay out of the picture, and as they are.
cat > "$work/grc.conf" <<PREFERENCES
[main]
main_window_width = $width
main_window_height = $height
blocks_window_position = $((width - 230))
console_window_position = $height
PREFERENCES

cat > "$work/shoot.py" <<'PYTHON'
import sys

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
gi.require_version("PangoCairo", "1.0")
from gi.repository import Gdk, GLib
from gnuradio import gr
from gnuradio.grc.gui.Platform import Platform  # before Application: they import each other
from gnuradio.grc.gui.Application import Application

flowgraph, picture, width, height = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
versions = (gr.major_version(), gr.api_version(), gr.minor_version())
platform = Platform(version=gr.version(), version_parts=versions, prefs=gr.prefs(), install_prefix=gr.prefix())
platform.build_library()
application = Application([flowgraph], platform)


def tidy():
    """Only the flowgraph, and our blocks open in the tree."""
    window = application.main_window
    window.resize(width, height)
    window.left_subpanel.hide()
    window.btwin.expand_module_in_tree("WFM")
    GLib.timeout_add_seconds(3, shoot, window)


def shoot(window):
    Gdk.pixbuf_get_from_window(window.get_window(), 0, 0, width, height).savev(picture, "png", [], [])
    application.quit()


GLib.timeout_add_seconds(4, tidy)
application.run([])
PYTHON

mkdir -p "$(dirname "$picture")"
GRC_PREFS_PATH=$work/grc.conf GRC_BLOCKS_PATH=$PWD/grc \
    xvfb-run -a -s "-screen 0 1600x1200x24" "$python" "$work/shoot.py" "$flowgraph" "$picture" $width $height
echo "$picture"
