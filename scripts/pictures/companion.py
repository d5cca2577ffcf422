# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that GNU Radio Companion's own code draws (needs a display): flowgraphs, single blocks, the window.

    companion.py IMAGES FLOWGRAPH...

NAME_grc.png for each flowgraph; blocks/ID.png for each of our blocks; companion.png: the first flowgraph in the window;
wfm_tree.png: our blocks in its tree. A flowgraph that is not valid, or in which blocks or the names of their ports lie
over each other, ends it with exit status 1.
"""

# ruff: noqa: E402, I001 - gi wants to know versions before it imports; of GNU Radio's modules the order matters

import itertools
import sys
import traceback
from pathlib import Path

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
gi.require_version("PangoCairo", "1.0")
from gi.repository import Gdk, GLib
from gnuradio import gr
from gnuradio.grc.gui.Platform import Platform  # before Application: they import each other
from gnuradio.grc.gui.Application import Application
from gnuradio.grc.gui.Utils import make_screenshot

WIDTH, HEIGHT = 1280, 790
SETTLE_SECONDS = 3


def make_platform() -> Platform:
    versions = (gr.major_version(), gr.api_version(), gr.minor_version())
    platform = Platform(version=gr.version(), version_parts=versions, prefs=gr.prefs(), install_prefix=gr.prefix())
    platform.build_library()
    return platform


def draw_flow_graph(platform: Platform, path: str, images: Path) -> None:
    flow_graph = platform.make_flow_graph(path)
    flow_graph.update()
    if not flow_graph.is_valid():
        raise ValueError(f"{path}: {'; '.join(text for _, text in flow_graph.iter_error_messages())}")
    make_screenshot(flow_graph, str(images / f"{Path(path).stem}_grc.png"))
    if hidden := overlaps(flow_graph):  # known only now that the texts are laid out
        raise ValueError(f"{path}: {hidden}")


def overlaps(flow_graph) -> str:
    """Which blocks lie over each other, ports included; empty if none do."""
    areas = [(block.name, block.get_extents()) for block in flow_graph.blocks]
    return "; ".join(
        f"{one} and {other} overlap"
        for (one, a), (other, b) in itertools.combinations(areas, 2)
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    )


def draw_block(platform: Platform, key: str, images: Path) -> None:
    """One block with its defaults, alone."""
    flow_graph = platform.make_flow_graph()
    flow_graph.import_data(platform.parse_flow_graph(""))  # with the variable samp_rate, which defaults name
    flow_graph.options_block.params["generate_options"].set_value("qt_gui")
    block = flow_graph.new_block(key)
    block.params["id"].set_value(key)
    flow_graph.update()
    for port in block.ports():
        port._error_messages.clear()  # nothing is connected, and its title would be red
    flow_graph.blocks[:] = [block]
    flow_graph.update_elements_to_draw()
    make_screenshot(flow_graph, str(images / "blocks" / f"{key}.png"))


def tidy(window) -> None:
    """Only the flowgraph, and our blocks open in the tree."""
    window.resize(WIDTH, HEIGHT)
    window.left_subpanel.hide()
    window.btwin.expand_module_in_tree("WFM")


def shoot(window, images: Path) -> None:
    picture = Gdk.pixbuf_get_from_window(window.get_window(), 0, 0, WIDTH, HEIGHT)
    picture.savev(str(images / "companion.png"), "png", [], [])
    tree = window.btwin.get_allocation()
    left, top = window.btwin.translate_coordinates(window, 0, 0)
    picture.new_subpixbuf(left, top, tree.width, tree.height).savev(str(images / "wfm_tree.png"), "png", [], [])


def main(images: Path, flow_graphs: list[str]) -> int:
    (images / "blocks").mkdir(parents=True, exist_ok=True)
    platform = make_platform()
    application = Application(flow_graphs[:1], platform)
    drawn = []

    def step(action, *arguments) -> bool:
        """An exception in a GLib callback would only be printed, and the window stay for ever."""
        try:
            action(*arguments)
        except Exception:
            traceback.print_exc()
            application.quit()
        return False

    def draw() -> None:
        for path in flow_graphs:
            draw_flow_graph(platform, path, images)
        for key in filter(lambda key: key.startswith("wfm_"), platform.blocks):
            draw_block(platform, key, images)
        tidy(application.main_window)
        GLib.timeout_add_seconds(SETTLE_SECONDS, step, finish)

    def finish() -> None:
        shoot(application.main_window, images)
        drawn.append(True)
        application.quit()

    GLib.timeout_add_seconds(SETTLE_SECONDS, step, draw)
    application.run([])
    return 0 if drawn else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
