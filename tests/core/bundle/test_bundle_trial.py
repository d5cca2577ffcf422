# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles that are sent to a running flowgraph and are no good: refused, and the one in use is not held up."""

import os
import sys
import threading
import time

import pmt
import pytest
import torch
import yaml
from flowgraph_helpers import WINDOW, Collector, noise, random_model
from gnuradio import blocks, gr, wfm
from waiting import wait_for

from wfm_core.base.errors import WfmError
from wfm_core.bundle import Trial, export_bundle, load_bundle, weights_sha256
from wfm_core.bundle.export import write_bundle
from wfm_core.bundle.screening import trial as trial_module
from wfm_core.bundle.screening.archive import EXTRA_CONTRACT, read_archive

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


class Base(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.network = torch.nn.Linear(2, 2)


class Loops(Base):
    def forward(self, iq: torch.Tensor):
        x = iq.abs().sum()
        while bool(x >= 0):
            x = x * 1.0
        return {"interference": iq.abs()[:, 0, :3], "embedding_iq": iq.abs()[:, 0, :32]}


class Greedy(Base):
    def forward(self, iq: torch.Tensor):
        x = torch.full([iq.size(0) * 1000000000, 4], 1.0)
        return {"interference": iq.abs()[:, 0, :3] + x.sum(), "embedding_iq": iq.abs()[:, 0, :32]}


class NotFinite(Base):
    def forward(self, iq: torch.Tensor):
        return {"interference": iq.abs()[:, 0, :3] * float("nan"), "embedding_iq": iq.abs()[:, 0, :32]}


class TooWide(Base):
    def forward(self, iq: torch.Tensor):
        return {"interference": iq.abs()[:, 0, :7], "embedding_iq": iq.abs()[:, 0, :32]}


class Missing(Base):
    def forward(self, iq: torch.Tensor):
        return {"embedding_iq": iq.abs()[:, 0, :32]}


class Raises(Base):
    def forward(self, iq: torch.Tensor):
        if iq.size(0) < 1000:
            raise ValueError("boo")
        return {"interference": iq.abs()[:, 0, :3], "embedding_iq": iq.abs()[:, 0, :32]}


BAD = {
    Greedy: "alloc|memory",
    NotFinite: "gives interference that is not finite",
    TooWide: r"gives \[\d+, 7\] as interference, its contract says \[\d+, 3\]",
    Missing: "gives nothing as interference",
    Raises: "boo",
}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    return export_bundle(random_model(folder / "m"), folder / "good.wfm.pt")


@pytest.fixture(scope="module")
def trial():
    trial = Trial()
    yield trial
    trial.close()


def bad_bundle(good, path, kind):
    contract = yaml.safe_load(read_archive(good.read_bytes(), "good")[EXTRA_CONTRACT])
    module = torch.jit.script(kind())
    weights = {name.partition(".")[2]: value for name, value in module.named_parameters()}
    write_bundle(module, {**contract, "weights_sha256": weights_sha256(weights)}, path)
    return path


def test_a_good_bundle_passes(good, trial):
    pin = trial.run(good, 4, 1)
    assert load_bundle(good, device="cpu", dtype="fp32", sha256=pin).path == good
    assert trial.run(good.parent / "m", 4, 1) is None
    with pytest.raises(WfmError, match="windows of 9 antennas"):
        trial.run(good, 4, 9)


@pytest.mark.parametrize("kind", BAD)
def test_bad_bundles_do_not_pass(good, trial, tmp_path, kind):
    path = bad_bundle(good, tmp_path / "bad.wfm.pt", kind)
    with pytest.raises(WfmError, match=BAD[kind]):
        trial.run(path, 4, 1)
    assert trial.run(good, 4, 1)


def test_a_bundle_of_other_outputs_is_refused_before_a_stream_flows(good, tmp_path):
    with pytest.raises(WfmError, match="its contract says"):
        wfm.inference(str(bad_bundle(good, tmp_path / "bad.wfm.pt", TooWide)), sample_rate=1.92e6)


def test_a_trial_that_crashes(good, trial, monkeypatch):
    trial.run(good, 4, 1)
    monkeypatch.setattr(trial, "_line", lambda process, seconds: os.kill(process.pid, 11) or b"")
    with pytest.raises(WfmError, match="ended with signal SIG(SEGV|KILL)"):
        trial.run(good, 4, 1)
    monkeypatch.undo()
    assert trial.run(good, 4, 1)


def test_an_interpreter_that_is_none(good, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/absent")
    with pytest.raises(WfmError, match="no process for its trial"):
        Trial().run(good, 4, 1)


def test_the_process_ends_with_the_one_that_began_it(good, tmp_path):
    """Even while it is in a bundle without end: nothing is left to compute for ever."""
    process = trial_module.start_process()
    assert Trial._line(process, 120) == b"ready\n"
    path = bad_bundle(good, tmp_path / "loop.wfm.pt", Loops)
    process.stdin.write(b'{"path": "%s", "batch": 1, "channels": 1, "engine": "torchscript"}\n' % str(path).encode())
    process.stdin.flush()
    assert Trial._line(process, 1.0) is None
    process.stdin.close()
    assert process.wait(20) == 0
    process.stdout.close()


def test_a_bundle_without_end_holds_nothing_up(good, tmp_path, monkeypatch):
    """Two blocks: the one that gets it, and one that does not."""
    loops = bad_bundle(good, tmp_path / "loop.wfm.pt", Loops)
    top, events = gr.top_block(), Collector()
    source = blocks.vector_source_c(noise(1, 100 * WINDOW)[0].tolist(), True)
    throttle = blocks.throttle(gr.sizeof_gr_complex, 100e3)
    top.connect(source, throttle)
    settings = {"sample_rate": 1.92e6, "device": "cpu", "dtype": "fp32", "policy": "live"}
    both = [wfm.inference(str(good), **settings) for _ in range(2)]
    answers = [Collector() for _ in both]
    for block, collector in zip(both, answers, strict=True):
        top.connect(throttle, block, blocks.null_sink(gr.sizeof_gr_complex))
        top.msg_connect(block, "detects", collector, "in")
    top.msg_connect(both[0], "events", events, "in")
    top.start()
    try:
        asked = both[0].engine.swap.trial
        asked.seconds = 3.0
        both[0].engine.to_basic_block()._post(pmt.intern("control"), pmt.to_pmt({"model": str(loops)}))
        wait_for(events.dicts, 150)
        assert "did not end within 3 s" in events.dicts()[0]["text"]
        for collector in answers:
            before = len(collector.messages)
            wait_for(lambda collector=collector, before=before: len(collector.messages) > before + 3, 150)
        asked.seconds = 600.0  # the flowgraph is stopped while the next trial runs
        both[0].engine.to_basic_block()._post(pmt.intern("control"), pmt.to_pmt({"model": str(loops)}))
        time.sleep(1.0)
        for collector in answers:
            before = len(collector.messages)
            wait_for(lambda collector=collector, before=before: len(collector.messages) > before + 3, 150)
    finally:
        ending = threading.Thread(target=lambda: (top.stop(), top.wait()), daemon=True)
        ending.start()
        ending.join(20)
    assert not ending.is_alive()
