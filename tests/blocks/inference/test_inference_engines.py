# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine of a bundle in flowgraphs: said in the status and on every tag, kept over a swap, and a core left to the
stream.
"""

import os

import pmt
import pytest
import torch
from bundle_files import gains, needs_openvino, without_openvino
from flowgraph_helpers import WINDOW, flowgraph, noise, random_model
from gnuradio import wfm

from wfm_core.base import compute
from wfm_core.base.errors import WfmError
from wfm_core.bundle import export_bundle

RATE = 1.92e6
KEPT = {"sample_rate": RATE, "device": "cpu", "dtype": "fp32"}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two bundles of one contract, by name."""
    folder = tmp_path_factory.mktemp("models")
    made = {}
    for seed, name in enumerate(("first", "second")):
        made[name] = export_bundle(random_model(folder / name, seed, name=name), folder / f"{name}.wfm.pt")
    return made


@pytest.mark.parametrize("engine", ["torchscript", pytest.param("openvino", marks=needs_openvino)])
def test_it_is_said_in_the_status_on_tags_and_on_messages(models, engine):
    block = wfm.inference(str(models["first"]), policy="lossless", hold=4096, engine=engine, **KEPT)
    graph = flowgraph(noise(1, 20 * WINDOW), block)
    graph.top.run()
    status = graph.status.dicts()[-1]
    assert (status["engine"], status["engine_reason"], status["dtype"]) == (engine, "asked for", "fp32")
    tags = [pmt.to_python(tag.value) for tag in graph.sinks[0].tags()]
    assert len(tags) == 20 and {tag["origin"] for tag in tags} == {f"{engine} fp32"}
    assert {found.origin for found in graph.detects.detections()} == {f"{engine} fp32"}


@needs_openvino
def test_both_decide_alike(models):
    found = {}
    for engine in ("torchscript", "openvino"):
        block = wfm.inference(str(models["first"]), policy="lossless", engine=engine, **KEPT)
        graph = flowgraph(noise(1, 40 * WINDOW), block)
        graph.top.run()
        found[engine] = [detection.decision["probabilities"] for detection in graph.detects.detections()]
    assert len(found["openvino"]) == 40
    for given, wanted in zip(found["openvino"], found["torchscript"], strict=True):
        assert given == pytest.approx(wanted, abs=1e-5)


@needs_openvino
def test_auto_says_what_it_took_and_why(models, monkeypatch):
    gains(monkeypatch, 3.0)
    status = wfm.inference(str(models["first"]), **KEPT).status()
    assert status["engine"] == "openvino" and "3 times as fast as torchscript fp32" in status["engine_reason"]
    without_openvino(monkeypatch)
    status = wfm.inference(str(models["first"]), **KEPT).status()
    assert (status["engine"], status["engine_reason"][:29]) == ("torchscript", "openvino is not installed: pi")


@needs_openvino
def test_a_swap_keeps_the_engine(models, tmp_path):
    block = wfm.inference(str(models["first"]), policy="lossless", engine="openvino", **KEPT)
    swap = block.engine.swap
    swap.request(str(models["second"]))
    assert swap.join(120)
    taken = swap.take_next()
    assert (taken.contract.name, taken.engine, taken.dtype) == ("second", "openvino", "fp32")
    damaged = tmp_path / "damaged.wfm.pt"
    damaged.write_bytes(models["first"].read_bytes()[:-100])
    swap.request(str(damaged))
    assert swap.join(120)
    assert swap.take_next() is taken, "the old one goes on"
    swap.close()


@needs_openvino
def test_a_live_flowgraph_has_its_core(models, monkeypatch):
    """Also where the bundle was loaded before the flowgraph was built."""
    before = compute.run(torch.get_num_threads)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    try:
        compute.run(torch.set_num_threads, 2)
        block = wfm.interference_detector(str(models["first"]), sample_rate=RATE, policy="live", engine="openvino")
        bundle = block.inference.engine.swap.current
        assert bundle.engine == "openvino" and bundle._network.threads[-1] == 1
        compute.run(torch.set_num_threads, 2)
        bundle.infer(noise(1, WINDOW)[None])
        assert bundle._network.threads[-1] == 2
        wfm.inference(bundle, sample_rate=RATE, policy="live")
        assert bundle._network.threads[-1] == 1
    finally:
        compute.run(torch.set_num_threads, before)


def test_a_missing_package_is_one_sentence(models, monkeypatch):
    without_openvino(monkeypatch)
    for make in (wfm.inference, wfm.interference_detector):
        with pytest.raises(WfmError, match="'openvino' was asked for, but openvino is not installed: pip install"):
            make(str(models["first"]), engine="openvino")


@pytest.mark.parametrize(
    "make",
    [
        wfm.inference,
        wfm.interference_detector,
        wfm.rf_fingerprinter,
        wfm.signal_classifier,
        wfm.image_inference,
        wfm.activity_sensor,
        wfm.positioner,
    ],
)
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"device": "tpu"}, "device 'tpu' is not known"),
        ({"dtype": "fp8"}, "dtype 'fp8' is not known"),
        ({"engine": "tensorrt"}, "engine 'tensorrt' is not known"),
        ({"on_error": "explode"}, "on_error is 'explode', one of stop, bypass"),
    ],
)
def test_every_block_says_where_and_how_its_bundle_computes(models, make, setting, said):
    with pytest.raises(WfmError, match=said):
        make(str(models["first"]), **setting)
