# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that goes, hangs, is another one or talks nonsense: the flowgraph goes on, counts what was not decided, and
decides again when the server is back. Nothing hangs at its end."""

import os
import sys
import time

import numpy as np
import pytest
from flowgraph_helpers import WINDOW
from gnuradio import blocks, gr, wfm
from image_bundles import Sender, image
from serving_parts.proxy import AnyService, NoiseServer, Proxy
from serving_parts.server import LocalServed, ServerThread
from stops import stopped_within
from test_remote import Live, decided
from test_signal_classifier import NARROW, Run, band, classifier
from waiting import wait_for

from wfm_core.base import left_behind
from wfm_core.base.errors import WfmError
from wfm_core.serving import protocol
from wfm_core.serving.service import Service

pytestmark = pytest.mark.slow  # servers, radios and proxies at once


def bypassing(device: str, **settings) -> Live:
    return Live(wfm.inference("tiny", device=device, on_error="bypass", **settings))


def undecided(live: Live, because: str) -> None:
    """Wait until windows pass undecided for this reason, while samples go on."""
    wait_for(lambda: because in live.block.status()["undecided_because"], 60, lambda: str(live.block.status()))
    before = live.block.status()
    wait_for(lambda: live.block.status()["windows_undecided"] > before["windows_undecided"], 60)
    wait_for(lambda: live.block.status()["samples_out"] > before["samples_out"] + 10 * WINDOW)


def recovered(live: Live) -> None:
    assert live.decides()
    status = live.block.status()
    assert status["undecided_because"] == "" and status["error"] == "" and not status["ended"]
    assert len(live.told("unanswered")) == len(live.told("answered")) == 1, "once an outage"
    assert status["samples_lost"] == 0


def test_a_server_that_is_killed_and_started_again(server_process):
    with bypassing(server_process.device) as live:
        assert live.decides()
        server_process.kill()
        undecided(live, "no server answers")
        server_process.start()
        recovered(live)
    status = live.block.status()
    counted = status["windows_inferred"] + status["windows_undecided"] + status["windows_dropped"]
    assert counted + status["queue_depth"] == status["windows_in"]


@pytest.mark.parametrize("seconds", [0, pytest.param(30, marks=pytest.mark.slow)])
def test_a_network_that_is_cut(server, seconds):
    """Packets vanish and connections stay, as behind a switch without power."""
    proxy = Proxy(server.port)
    with bypassing(f"{proxy.device}?timeout=0.5") as live:
        assert live.decides()
        proxy.drops.set()
        undecided(live, "did not answer within 0.5 s")
        time.sleep(seconds)
        proxy.drops.clear()
        recovered(live)
    proxy.close()


def test_a_server_that_is_slow(server, served):
    with bypassing(f"{server.device}?timeout=0.3") as live:
        assert live.decides()
        served["tiny"].pause = 1.0
        undecided(live, "did not answer within 0.3 s")
        served["tiny"].pause = 0.0
        recovered(live)


def other_version() -> AnyService:
    return AnyService("wfm.serving.v2.Inference", lambda method, question: b"")


def garbage() -> AnyService:
    return AnyService(protocol.SERVICE, lambda method, question: os.urandom(200))


def not_a_number() -> AnyService:
    def answer(method, question):
        count = len(protocol.JudgeRequest.FromString(question).iq.data) // (8 * WINDOW)
        said = protocol.Judgement()
        said.outputs.add(name="interference", columns=3, values=b"\xff" * (12 * count))
        said.outputs.add(name="embedding_iq", columns=32, values=bytes(4 * 32 * count))
        return said.SerializeToString()

    return AnyService(protocol.SERVICE, answer)


def too_sure() -> AnyService:
    def answer(method, question):
        count = len(protocol.JudgeRequest.FromString(question).iq.data) // (8 * WINDOW)
        said = protocol.Judgement()
        said.outputs.add(name="interference", columns=3, values=b"\x00\x00\x80\x47" * (3 * count))
        said.outputs.add(name="embedding_iq", columns=32, values=bytes(4 * 32 * count))
        return said.SerializeToString()

    return AnyService(protocol.SERVICE, answer)


@pytest.mark.parametrize(
    ("service", "because"),
    [
        (other_version, "does not speak wfm.serving.v1.Inference: install the same version on both sides"),
        (garbage, "the server's answer cannot be used"),
        (not_a_number, "interference holds nan"),
        (too_sure, "interference holds 65536"),
    ],
    ids=["version", "garbage", "nan", "probability"],
)
def test_another_server_in_its_place(served, service, because):
    with ServerThread(Service(served)) as first:
        live = bypassing(first.device)
        with live:
            assert live.decides()
            first.stop()
            with ServerThread(service(), port=first.port):
                undecided(live, because)
            with ServerThread(Service(served), port=first.port):
                recovered(live)


def test_noise_in_place_of_a_server(served):
    with ServerThread(Service(served)) as first:
        live = bypassing(first.device)
        with live:
            assert live.decides()
            first.stop()
            noisy = NoiseServer(first.port)
            wait_for(lambda: noisy.called > 0)
            undecided(live, "no server answers")
            noisy.close()
            with ServerThread(Service(served), port=first.port):
                recovered(live)


def test_a_file_goes_on_without_a_server(server, served):
    """Lossless: every sample passes, every window is counted."""
    device = f"{server.device}?timeout=0.2"
    slow = lambda: setattr(served["tiny"], "pause", 1.0)  # noqa: E731
    samples, tags, detections, status = decided(device, slow, on_error="bypass")
    assert (len(tags), len(detections)) == (0, 0)
    assert (status["windows_in"], status["windows_undecided"], status["error"]) == (100, 100, "")
    assert len(samples[0]) == 100 * WINDOW + 99


def test_on_error_stop_ends_the_flowgraph_with_the_reason(server, served, monkeypatch):
    monkeypatch.setattr(sys.modules["gnuradio.wfm.inference.inference_base"], "PATIENCE_SECONDS", 0.5)
    live = Live(wfm.inference("tiny", device=f"{server.device}?timeout=0.2"))
    served["tiny"].pause = 1.0
    live.top.start()
    live.top.wait()
    assert "did not answer within 0.2 s" in live.block.error() and live.block.status()["ended"]


@pytest.mark.parametrize("on_error", ["stop", "bypass"])
def test_nothing_hangs_at_the_end_and_the_next_run_is_as_good(server, served, on_error):
    live = Live(wfm.inference("tiny", device=f"{server.device}?timeout=30", on_error=on_error))
    live.top.start()
    assert live.decides()
    asked = served["tiny"].asked
    served["tiny"].pause = 20.0
    wait_for(lambda: served["tiny"].asked > asked)
    assert stopped_within(10, live.top) < 6
    assert left_behind.sentences() == [] and live.block.error() == ""
    served["tiny"].pause = 0.0
    with live:
        assert live.decides()


def test_a_server_that_is_not_there_is_said_at_construction():
    with pytest.raises(WfmError, match="no server answers"):
        wfm.inference("tiny", device="grpc://127.0.0.1:1", on_error="bypass")


def test_signals_and_images_pass_undecided_too(installed_kinds):
    signals, activity = LocalServed("signals"), LocalServed("activity")
    samples = band(1.2, NARROW)
    with ServerThread(Service({"signals": signals, "activity": activity})) as server:
        where = {"device": f"{server.device}?timeout=0.2", "on_error": "bypass"}
        made = classifier("signals", **where), wfm.image_inference("activity", policy="lossless", **where)
        signals.pause = activity.pause = 1.0
        run = Run(made[0], samples)
        assert np.array_equal(run.samples, samples) and run.tags == run.detections == []
        status = run.status
        assert status["signals_found"] == status["windows_undecided"] > 0 == status["signals_decided"]
        sender, top = Sender([image(1, place) for place in range(20)]), gr.top_block()
        top.msg_connect(sender, "out", made[1], "images")
        top.connect(sender, blocks.null_sink(1))
        top.run()
        status = made[1].status()
        assert (status["windows_in"], status["windows_undecided"], status["error"]) == (20, 20, "")
