# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that goes, hangs, is another one or talks nonsense: the flowgraph goes on, counts what was not decided, and
decides again when the server is back. Nothing hangs at its end."""

import os
import signal
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest
from flowgraph_helpers import WINDOW
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.apps import example_run as app
from image_bundles import Sender, image
from serving_parts.proxy import AnyService, NoiseServer, Proxy
from serving_parts.ray_server import RayServer, needs_ray
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

RECOVERY_SECONDS = 5.0
"""From a server's return to the next decision, as docs/serving.md has it."""
_OUTAGES = 3


def bypassing(device: str, **settings) -> Live:
    return Live(wfm.inference("tiny", device=device, on_error="bypass", **settings))


def undecided(live: Live, because: str) -> None:
    """Wait until windows pass undecided for this reason, while samples go on."""
    wait_for(lambda: because in live.block.status()["undecided_because"], 60, lambda: str(live.block.status()))
    before = live.block.status()
    wait_for(lambda: live.block.status()["windows_undecided"] > before["windows_undecided"], 60)
    wait_for(lambda: live.block.status()["samples_out"] > before["samples_out"] + 10 * WINDOW)


def recover(lives: list[Live], outage: Callable[[], None]) -> None:
    """After `outage`, which makes one and ends it, all decide again, and in time after one of three at least: a busy
    computer may take longer, a flowgraph that always does is at fault."""
    for number in range(1, _OUTAGES + 1):
        outage()
        ended = time.monotonic()
        assert all(live.decides() for live in lives)
        took = time.monotonic() - ended
        for live in lives:
            status = live.block.status()
            assert status["undecided_because"] == "" and status["error"] == "" and not status["ended"]
            wait_for(lambda live=live, n=number: len(live.told("answered")) >= n, 20)  # another block hears it
            assert len(live.told("unanswered")) == len(live.told("answered")) == number, "once an outage"
            assert status["samples_lost"] == 0
        print(f"decides again after {took:.2f} s")
        if took < RECOVERY_SECONDS:
            return
    raise AssertionError(f"none of {_OUTAGES} outages was over within {RECOVERY_SECONDS:g} s")


def test_a_server_that_is_killed_and_started_again(server_process):
    """With four radios at it, each of which counts what was not decided."""
    lives = [bypassing(server_process.device) for _ in range(4)]
    for live in lives:
        live.top.start()
    assert all(live.decides() for live in lives)

    def outage() -> None:
        server_process.kill()
        for live in lives:
            undecided(live, "no server answers")
        server_process.start()

    recover(lives, outage)
    for live in lives:
        assert stopped_within(30, live.top) < 30
        status = live.block.status()
        counted = status["windows_inferred"] + status["windows_undecided"] + status["windows_dropped"]
        assert counted + status["queue_depth"] == status["windows_in"]


@pytest.mark.parametrize("seconds", [0, 30])
def test_a_network_that_is_cut(server, seconds):
    """Packets vanish and connections stay, as behind a switch without power."""
    proxy = Proxy(server.port)

    def outage() -> None:
        proxy.drops.set()
        undecided(live, "did not answer within 0.5 s")
        time.sleep(seconds)
        proxy.drops.clear()

    with bypassing(f"{proxy.device}?timeout=0.5") as live:
        assert live.decides()
        recover([live], outage)
    proxy.close()


def test_a_server_that_is_slow(server, served):
    def outage() -> None:
        served["tiny"].pause = 1.0
        undecided(live, "did not answer within 0.3 s")
        served["tiny"].pause = 0.0

    with bypassing(f"{server.device}?timeout=0.3") as live:
        assert live.decides()
        recover([live], outage)


@needs_ray
def test_one_of_two_replicas_hangs_and_one_is_killed(installed, tmp_path):
    """The other one answers meanwhile; what was asked of the first is undecided, or asked again."""
    config = tmp_path / "serve.yaml"
    config.write_text("bundles:\n  tiny: {replicas: 2, cpus: 0.5}\n")
    with RayServer("--config", str(config)) as server:
        first, second = server.replicas("tiny")
        with bypassing(server.device.replace("timeout=30", "timeout=2")) as live:
            assert live.decides()
            os.kill(first, signal.SIGSTOP)
            try:
                assert all(live.decides() for _ in range(3))
            finally:
                os.kill(first, signal.SIGCONT)
            assert live.decides()
            os.kill(second, signal.SIGKILL)
            assert live.decides()
            wait_for(lambda: len(set(server.replicas("tiny")) - {second}) == 2, 300)
            assert live.decides()
            status = live.block.status()
            assert status["samples_lost"] == 0 and status["error"] == "" and not status["ended"]
            print(f"{status['windows_undecided']} of {status['windows_in']} windows undecided")


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
    with ServerThread(Service(served)) as first, bypassing(first.device) as live:
        assert live.decides()

        def outage() -> None:
            first.stop()
            with ServerThread(service(), port=first.port):
                undecided(live, because)
            first.start()

        recover([live], outage)


def test_noise_in_place_of_a_server(served):
    with ServerThread(Service(served)) as first, bypassing(first.device) as live:
        assert live.decides()

        def outage() -> None:
            first.stop()
            noisy = NoiseServer(first.port)
            wait_for(lambda: noisy.called > 0, 60)
            undecided(live, "no server answers")
            noisy.close()
            first.start()

        recover([live], outage)


def test_a_file_goes_on_without_a_server(server, served):
    """Lossless: every sample passes, every window is counted."""
    device = f"{server.device}?timeout=0.2"
    slow = lambda: setattr(served["tiny"], "pause", 1.0)  # noqa: E731
    samples, tags, detections, status = decided(device, slow, on_error="bypass")
    assert (len(tags), len(detections)) == (0, 0)
    assert (status["windows_in"], status["windows_undecided"], status["error"]) == (100, 100, "")
    assert len(samples[0]) == 100 * WINDOW + 99
    assert "windows dropped 0, undecided 100, flushed" in app.inference_summary(status)


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
        where = {"device": f"{server.device}?timeout=1", "on_error": "bypass"}
        made = classifier("signals", **where), wfm.image_inference("activity", policy="lossless", **where)
        signals.pause = activity.pause = 3.0
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
