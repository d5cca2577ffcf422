# SPDX-License-Identifier: GPL-3.0-or-later
"""The flowgraph of the README's five minutes, built as its steps say, without a mouse.

    first_flowgraph.py FOLDER

writes FOLDER/first_flowgraph.grc and prints its path.
"""

import sys
from pathlib import Path

from gnuradio import gr
from gnuradio.grc.core.platform import Platform

SOURCE, DETECTOR, DISPLAY = "wfm_sdr_source_0", "wfm_interference_detector_0", "wfm_detection_display_0"
PLACES = {SOURCE: (80, 152), DETECTOR: (388, 136), DISPLAY: (732, 140)}
MESSAGES = ("detects", "events", "status")


def make_platform() -> Platform:
    versions = (gr.major_version(), gr.api_version(), gr.minor_version())
    platform = Platform(version=gr.version(), version_parts=versions, prefs=gr.prefs())
    platform.build_library()
    return platform


def build(platform: Platform):
    """File > New > QT GUI, three blocks, three values, five lines."""
    flow_graph = platform.make_flow_graph()
    flow_graph.import_data(platform.parse_flow_graph(""))
    flow_graph.options_block.params["id"].set_value("first_flowgraph")
    flow_graph.options_block.params["generate_options"].set_value("qt_gui")
    flow_graph.get_block("samp_rate").params["value"].set_value("1.92e6")
    for name, place in PLACES.items():
        block = flow_graph.new_block(name.removesuffix("_0"))
        block.params["id"].set_value(name)
        block.states["coordinate"] = place
    source, detector, display = map(flow_graph.get_block, (SOURCE, DETECTOR, DISPLAY))
    source.params["duration"].set_value("600")
    detector.params["hop"].set_value("32768")
    flow_graph.rewrite()
    flow_graph.connect(source.sources[0], detector.sinks[0])
    flow_graph.connect(detector.sources[0], display.sinks[0])
    for key in MESSAGES:
        flow_graph.connect(_port(detector.sources, key), _port(display.sinks, key))
    flow_graph.rewrite()
    return flow_graph


def _port(ports, key: str):
    return next(port for port in ports if port.key == key)


def write(folder: Path) -> Path:
    """first_flowgraph.grc in `folder`."""
    platform = make_platform()
    path = folder / "first_flowgraph.grc"
    platform.save_flow_graph(str(path), build(platform))
    return path


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
