# SPDX-License-Identifier: GPL-3.0-or-later
"""No start and no stop of a Python block raises, whatever has happened to what it uses; and it starts again."""

import importlib.util
import pkgutil
import socket
from pathlib import Path

import pytest
from detections import detection
from flowgraph_helpers import RuleBundle, noise, write_recording
from gnuradio import gr, wfm
from gnuradio.wfm.display.sinks import display_rows_sink
from gnuradio.wfm.display.state import DisplayState
from gnuradio.wfm.ports import messages
from gnuradio.wfm.radio.radio_control import radio_control
from image_bundles import ImageRule


class Broken:
    """Whatever is asked of it raises."""

    def __getattr__(self, name):
        raise OSError(f"no {name} here")


def broken_publisher(folder):
    block = wfm.event_publisher("tcp://127.0.0.1:*", "r")
    block._sender._socket.close()
    block._sender.close = Broken().__getattr__
    return block


def broken_subscriber(folder):
    block = wfm.event_subscriber("tcp://127.0.0.1:9")
    block._listener.close()
    block._settings = (["tcp://nowhere:none"], 1000)  # cannot listen again
    return block


def broken_log(folder):
    block = wfm.decision_log("/dev/full", 1e6, True)
    block._windows.add(messages.read_detection(detection()))
    block._windows.finish = Broken().__getattr__
    return block


def broken_annotator(folder):
    block = wfm.sigmf_annotator(str(write_recording(folder, noise(1, 4000))))
    block._queue.start = block._queue.stop = Broken().__getattr__
    return block._detects


def broken_engine(folder):
    block = wfm.inference(RuleBundle(), sample_rate=1.92e6)
    block.engine._tap = Broken()
    return block.engine


def broken_intake(folder):
    block = wfm.image_inference(ImageRule())
    block.intake._queue = Broken()
    return block.intake


def broken_radio(folder):
    block = radio_control(Broken(), "x", 1.0, 2.0, 0.0)
    block._stopping = Broken()
    return block


def broken_display(folder):
    block = display_rows_sink(DisplayState(256, 100, 0.0, ("none",)), 256, 1)
    block._state = Broken()
    return block


BROKEN = [
    broken_publisher, broken_subscriber, broken_log, broken_annotator, broken_engine, broken_intake, broken_radio,
    broken_display,
]  # fmt: skip


@pytest.mark.parametrize("make", BROKEN)
def test_no_start_and_no_stop_raises(make, tmp_path):
    block = make(tmp_path)
    for call in ("stop", "stop", "start", "stop", "start", "stop"):
        assert getattr(block, call)() is True


def test_every_start_and_stop_is_under_the_guard():
    """Of all Python blocks; the cases above are each one's."""
    seen = set()
    for module in pkgutil.walk_packages(wfm.__path__, "gnuradio.wfm."):
        for name, kind in vars(importlib.import_module(module.name)).items():
            if isinstance(kind, type) and kind.__module__ == module.name and issubclass(kind, gateway_blocks()):
                for call in {"start", "stop"} & set(vars(kind)):
                    assert hasattr(vars(kind)[call], "__wrapped__"), f"{name}.{call} is not guarded"
                    seen.add((name, call))
    assert len(seen) > 12


def gateway_blocks() -> tuple:
    return gr.basic_block, gr.sync_block


def test_a_publisher_whose_port_was_taken_meanwhile_says_so():
    block = wfm.event_publisher("tcp://127.0.0.1:*", "r")
    assert block.stop()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(block.address().rpartition(":")[2])))
        taken.listen()
        assert block.start()
        block._on_detection(detection())
        assert block.status()["refused"] == 2 and block.status()["sent"] == 0
        assert block.stop()
    assert block.start()
    block._on_detection(detection())
    assert block.status()["sent"] == 1
    assert block.stop()


def test_an_example_s_sender_stops_in_time_and_starts_again():
    spec = importlib.util.spec_from_file_location("tag", Path("examples/positioning_csi_tag.py").resolve())
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    block = module.blk(places=((4.0, 3.0),) * 1000, speed=1.0)
    assert block.stop()
    for _ in range(2):
        assert block.start()
        first = block._thread
        assert block.stop()
        first.join(1)
        assert not first.is_alive()
