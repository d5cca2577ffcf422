# SPDX-License-Identifier: GPL-3.0-or-later
"""Inference at a server, in flowgraphs: what a flowgraph decides is what it decides with the bundle in it."""

import subprocess
import sys
import threading
import time

import pmt
import pytest
from flowgraph_helpers import WINDOW, Collector, flowgraph, noise
from gnuradio import blocks, gr, wfm
from image_bundles import SHAPE, Sender, image
from serving_parts.ray_server import RayServer, needs_ray
from serving_parts.server import LocalServed, ServerThread
from waiting import wait_for

from wfm_core.base.errors import WfmError
from wfm_core.serving.service import Service

RATE = 1.92e6
SCENE = noise(2, 100 * WINDOW + 99)


def decided(device: str, before_it_runs=lambda: None, **settings):
    """What came out of one lossless run over `SCENE`: samples, tags, decisions, the last status."""
    settings = {"channels": 2, "sample_rate": RATE, "policy": "lossless", "hold": 4096, **settings}
    graph = flowgraph(SCENE, wfm.inference("tiny", device=device, **settings))
    before_it_runs()
    graph.top.run()
    samples = [list(sink.data()) for sink in graph.sinks]
    tags = [(tag.offset, pmt.to_python(tag.value)) for tag in sorted(graph.sinks[0].tags(), key=lambda t: t.offset)]
    return samples, tags, graph.detects.detections(), graph.status.dicts()[-1]


def test_the_same_decisions_on_the_same_samples(server_process):
    theirs = decided(server_process.device)
    ours = decided("auto", **{key: theirs[3][key] for key in ("dtype", "engine")})  # each chooses by what is fast
    assert ours[0] == theirs[0], "samples"
    assert [(at, v["label"], v["sample_start"], v["late"]) for at, v in ours[1]] == [
        (at, v["label"], v["sample_start"], v["late"]) for at, v in theirs[1]
    ]
    assert len(ours[2]) == len(theirs[2]) == 100
    for here, there in zip(ours[2], theirs[2], strict=True):
        assert (here.sample_start, here.sample_count, here.label) == (
            there.sample_start,
            there.sample_count,
            there.label,
        )
        # batches are cut by who was quicker, and a batch of another size rounds in another way
        assert here.decision["score"] == pytest.approx(there.decision["score"], abs=1e-5)
    assert len({here.label for here in ours[2]}) > 1, "the scene says nothing"


def test_the_status_says_where_the_time_went(server, served):
    served["tiny"].pause = 0.02
    _, tags, _, status = decided(server.device)
    assert status["device"] == server.device and status["bundle"] == "tiny" and status["server_version"]
    assert (status["windows_inferred"], status["windows_undecided"], status["undecided_because"]) == (100, 0, "")
    assert status["wait_ms_p50"] >= 20 and status["network_ms_p50"] > 0 and status["compute_ms_p50"] > 0
    assert status["latency_ms_p50"] >= status["wait_ms_p50"]
    *_, here = decided("auto")
    assert (here["network_ms_p95"], here["wait_ms_p95"], here["server_version"]) == (0, 0, "")


def test_status_and_tags_say_who_decided(server, served):
    facts = served["tiny"].facts
    _, tags, _, status = decided(server.device)
    assert (status["engine"], status["dtype"], status["replica"]) == (facts.engine, facts.dtype, "tiny-1")
    assert status["engine_reason"] == facts.engine_reason
    assert {tag["origin"] for _, tag in tags} == {f"{facts.engine} {facts.dtype}"}
    _, _, _, here = decided("auto")
    assert here["replica"] == ""


@needs_ray
@pytest.mark.slow
def test_eight_radios_at_one_server_decide_as_one_with_the_bundle_in_it(installed):
    ours = decided("auto")
    with RayServer("--bundle", "tiny") as server:
        found = {}
        runs = [threading.Thread(target=lambda n=n: found.update({n: decided(server.device)})) for n in range(8)]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
        for samples, tags, detections, status in found.values():
            assert samples == ours[0] and len(tags) == len(detections) == 100
            assert [(d.sample_start, d.label) for d in detections] == [(d.sample_start, d.label) for d in ours[2]]
            assert (status["windows_undecided"], status["samples_lost"]) == (0, 0)
        assert len(found) == 8
        radios = [Live(wfm.inference("tiny", device=server.device, on_error="bypass")) for _ in range(8)]
        for radio in radios:
            radio.top.start()
        assert all(radio.decides() for radio in radios)
        for radio in radios:
            status = radio.block.status()
            radio.__exit__()
            assert status["samples_lost"] == status["windows_undecided"] == 0


class Live:
    """An endless noise through `block`, about as fast as a slow radio."""

    def __init__(self, block, rate: float = 100e3):
        self.top, self.block = gr.top_block(), block
        self.events, self.detects, self.out = Collector(), Collector(), blocks.null_sink(gr.sizeof_gr_complex)
        source = blocks.vector_source_c(noise(1, 100 * WINDOW)[0].tolist(), True)
        self.top.connect(source, blocks.throttle(gr.sizeof_gr_complex, rate), block, self.out)
        self.top.msg_connect(block, "events", self.events, "in")
        self.top.msg_connect(block, "detects", self.detects, "in")

    def __enter__(self):
        self.top.start()
        return self

    def __exit__(self, *_):
        self.top.stop()
        self.top.wait()

    def say(self, **control) -> None:
        self.block.engine.to_basic_block()._post(pmt.intern("control"), pmt.to_pmt(control))

    def told(self, kind: str) -> list[str]:
        return [event["text"] for event in self.events.dicts() if event["event"] == kind]

    def decides(self) -> bool:
        """Whether windows that come from now on are decided."""
        before = len(self.detects.messages)
        wait_for(lambda: len(self.detects.messages) > before + 5, 60)
        return True


def test_hot_swap_takes_another_bundle_of_the_server(installed_kinds, server, served):
    served = {**served, "odd": LocalServed("odd")}
    with ServerThread(Service(served)) as server, Live(wfm.inference("tiny", device=server.device)) as live:
        assert live.decides()
        live.say(model="absent")
        wait_for(lambda: any("has no such bundle" in text for text in live.told("refused")))
        live.say(model="odd")
        wait_for(lambda: any("wifi" in text for text in live.told("refused")))
        live.say(model="other")
        wait_for(lambda: live.block.status()["bundle"] == "other")
        assert live.decides()


@pytest.mark.parametrize("away", [0, 3], ids=["at once", "after three seconds"])
def test_a_server_that_was_given_another_bundle_of_the_name_is_followed(installed, served, away):
    """Where its contract agrees, as after an update of the model on the server. In three seconds calls are given up."""
    with ServerThread(Service(served)) as first:
        live = Live(wfm.inference("tiny", device=first.device, on_error="bypass"))
        with live:
            assert live.decides()
            before = live.block.status()["bundle_sha256"]
            first.stop()
            time.sleep(away)
            with ServerThread(Service({"tiny": served["other"]}), port=first.port):
                wait_for(lambda: live.block.status()["bundle_sha256"] != before, 60)
                assert live.decides() and live.block.status()["bundle"] == "other"
                assert any(text.startswith("model other") for text in live.told("model"))


def test_presets_and_images(installed_kinds):
    served = {name: LocalServed(name) for name in ("tiny", "signals", "activity", "position")}
    with ServerThread(Service(served)) as server:
        where = {"device": server.device, "on_error": "bypass"}
        for made in (
            wfm.interference_detector("tiny", **where),
            wfm.signal_classifier("signals", **where),
            wfm.activity_sensor("activity", **where),
            wfm.positioner("position", **where),
        ):
            assert made.status()["device"] == server.device
        with pytest.raises(WfmError, match="fingerprint is expected here"):
            wfm.rf_fingerprinter("tiny", **where)
        block, detects, top = wfm.image_inference("activity", policy="lossless", **where), Collector(), gr.top_block()
        sender = Sender([image(1, place) for place in range(20)])
        top.msg_connect(sender, "out", block, "images")
        top.msg_connect(block, "detects", detects, "in")
        top.connect(sender, blocks.null_sink(1))
        top.run()
        assert len(detects.messages) == 20 and block.status()["windows_inferred"] == 20
        assert SHAPE == (1, 6, 8)


def test_found_signals_are_named_at_the_server(installed_kinds):
    from test_signal_classifier import NARROW, Run, band, classifier

    samples = band(1.2, NARROW)
    with ServerThread(Service({"signals": LocalServed("signals")})) as server:
        ours, theirs = (Run(classifier("signals", device=where), samples) for where in ("auto", server.device))
    assert [(d.sample_start, d.label) for d in ours.detections] == [
        (d.sample_start, d.label) for d in theirs.detections
    ]
    assert len(ours.detections) > 0 and theirs.status["signals_decided"] == len(theirs.detections)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"device": "grpc://10.1.2.3:5720"}, "would send samples and token unencrypted to 10.1.2.3: write grpcs://"),
        ({"device": "grpc://127.0.0.1"}, "grpc://HOST:PORT is expected"),
        ({"device": "grpc://127.0.0.1:1?colour=blue"}, "has the option 'colour'; one of format, timeout"),
        ({"device": "grpc://127.0.0.1:1?format=cs8"}, "format of windows is 'cs8'; one of cf32, ci16"),
        ({"device": "grpc://127.0.0.1:1?timeout=0"}, "timeout is '0'; seconds up to 60"),
        ({"device": "grpc://127.0.0.1:1?ca=x"}, "names certificates, but is not encrypted"),
        ({"device": "grpc://127.0.0.1:1", "dtype": "int8"}, "the name of a bundle that is served, and auto"),
        ({"device": "grpc://127.0.0.1:1", "engine": "openvino"}, "chooses its engine, not 'openvino': use auto"),
        ({"on_error": "explode"}, "on_error is 'explode', one of stop, bypass"),
    ],
)
def test_what_cannot_be_is_said_at_construction(settings, said):
    with pytest.raises(WfmError, match=said):
        wfm.inference("tiny", **settings)


@pytest.mark.parametrize("package", ["grpc", "google.protobuf", "pybreaker"])
def test_without_its_packages_all_else_works_and_it_says_what_to_install(package):
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from gnuradio import wfm\n"
        "from wfm_core.base.errors import WfmError\n"
        "try:\n    wfm.inference('tiny', device='grpc://127.0.0.1:1')\nexcept WfmError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    called = {"grpc": "grpcio", "google.protobuf": "protobuf"}.get(package, package)
    assert f"takes the Python package {called}, which" in done.stdout and done.stderr == ""
