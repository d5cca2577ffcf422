# SPDX-License-Identifier: GPL-3.0-or-later
"""No start and no stop of a Python block raises, whatever has happened to what it uses; and it starts again."""

import contextlib
import importlib.util
import pkgutil
import socket
import sys
import threading
from pathlib import Path

import pytest
from detections import detection
from flowgraph_helpers import RuleBundle, noise, write_recording
from gnuradio import gr, wfm
from gnuradio.wfm.display.sinks import display_rows_sink
from gnuradio.wfm.images.image_intake import image_intake
from gnuradio.wfm.inference.engine import engine
from gnuradio.wfm.ports import keys
from gnuradio.wfm.radio import radio_control
from image_bundles import SHAPE
from waiting import wait_for


class Broken:
    """Whatever is asked of it raises."""

    def __getattr__(self, name):
        raise OSError(f"no {name} here")


class BrokenSocket(Broken):
    """A sender or a listener whose construction alone works, and that once."""

    made = 0
    address = "tcp://127.0.0.1:9"

    def __init__(self, *_):
        BrokenSocket.made += 1
        if BrokenSocket.made > 1:
            raise OSError("no second one")

    def close(self):
        raise OSError("it does not close")


class BrokenLines(Broken):
    def __init__(self, *_):
        pass


class BrokenQueue(Broken):
    counts, failure = {}, ""

    def __init__(self, *_):
        pass


class BrokenSource(Broken):
    on_error = "stop"

    def buffer(self, most):
        return None


class BrokenThreads(Broken):
    Lock, Event = threading.Lock, Broken


def module(name: str):
    """`wfm.NAME` is the block of its name, where the module has the same."""
    return sys.modules[f"gnuradio.wfm.{name}"]


def broken_publisher(folder, monkeypatch):
    monkeypatch.setattr(module("events.event_publisher"), "EventSender", BrokenSocket)
    return wfm.event_publisher("tcp://127.0.0.1:*", "r")


def broken_subscriber(folder, monkeypatch):
    monkeypatch.setattr(module("events.event_subscriber"), "EventListener", BrokenSocket)
    return wfm.event_subscriber("tcp://127.0.0.1:9")


def broken_log(folder, monkeypatch):
    monkeypatch.setattr(module("events.decision_log"), "WindowLines", BrokenLines)
    return wfm.decision_log("/dev/full", 1e6, True)


def broken_annotator(folder, monkeypatch):
    monkeypatch.setattr(module("record.sigmf_annotator"), "AnnotationQueue", BrokenQueue)
    return wfm.sigmf_annotator(str(write_recording(folder, noise(1, 4000)))).inboxes["detects"]


def broken_engine(folder, monkeypatch):
    return engine(BrokenSource(), RuleBundle(), 1, 4, -1.0)


def broken_intake(folder, monkeypatch):
    return image_intake(Broken(), SHAPE)


def broken_radio(folder, monkeypatch):
    monkeypatch.setattr(radio_control, "threading", BrokenThreads())
    return radio_control.radio_control(Broken(), "x", 1.0, 2.0, 0.0)


def broken_display(folder, monkeypatch):
    return display_rows_sink(Broken(), 256, 1)


BROKEN = [
    broken_publisher, broken_subscriber, broken_log, broken_annotator, broken_engine, broken_intake, broken_radio,
    broken_display,
]  # fmt: skip


@pytest.mark.parametrize("make", BROKEN)
def test_no_start_and_no_stop_raises(make, tmp_path, monkeypatch):
    monkeypatch.setattr(BrokenSocket, "made", 0)
    block = make(tmp_path, monkeypatch)
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


def takes(taken: socket.socket, address: str) -> bool:
    with contextlib.suppress(OSError):
        taken.bind(("127.0.0.1", int(address.rpartition(":")[2])))
        return True
    return False


def test_a_publisher_whose_port_was_taken_meanwhile_says_so():
    block = wfm.event_publisher("tcp://127.0.0.1:*", "r")
    assert block.stop()
    with socket.socket() as taken:
        wait_for(lambda: takes(taken, block.address()))  # ZeroMQ closes a socket a moment later
        taken.listen()
        assert block.start()
        block.handle(keys.DETECTS, detection())
        assert block.status()["refused"] == 2 and block.status()["sent"] == 0
        assert block.stop()
    assert block.start()
    block.handle(keys.DETECTS, detection())
    assert block.status()["sent"] == 1
    assert block.stop()


def test_an_example_s_sender_stops_in_time_and_starts_again():
    spec = importlib.util.spec_from_file_location("tag", Path("examples/positioning_csi_tag.py").resolve())
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    block = module.blk(places=((4.0, 3.0),) * 1000, speed=1.0)
    assert block.stop()
    before = set(threading.enumerate())
    for _ in range(2):
        assert block.start()
        (sender,) = set(threading.enumerate()) - before
        assert block.stop()
        wait_for(lambda sender=sender: not sender.is_alive(), 1)
