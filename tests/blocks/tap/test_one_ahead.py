# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the stream waits, a batch is taken while the one before is computed: answers, order and ends stay the same."""

import threading

import numpy as np
import pytest
import torch
from bundle_files import make_folder
from flowgraph_helpers import Collector, RuleBundle, noise
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.inference.inference_base import batch_of
from stops import stopped_within
from waiting import wait_for

from wfm_core import load_bundle
from wfm_core.base import compute, left_behind
from wfm_core.base.errors import WfmError

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
WINDOWS = 50


@pytest.fixture
def bundle(tmp_path):
    return load_bundle(str(make_folder(tmp_path / "model")), device="cpu", dtype="fp32", engine="torchscript")


def run(block, samples: np.ndarray) -> list:
    top, got = gr.top_block(), Collector()
    source = blocks.vector_source_c(samples.tolist())
    top.connect(source, block, blocks.null_sink(gr.sizeof_gr_complex))
    top.msg_connect(block, "detects", got, "in")
    top.run()
    return got.detections()


def answers_of(bundle, begun: list, waits=lambda number: None):
    """Lets `bundle` note when it begins with a batch ("begin") and when that is waited for ("result")."""
    begin = bundle.begin

    def noted(iq):
        number = sum(what == "begin" for what, *_ in begun)
        begun.append(("begin", number, len(iq)))
        answer = begin(iq)
        result = answer.result

        def waited():
            begun.append(("result", number))
            waits(number)
            return result()

        answer.result = waited
        return answer

    bundle.begin = noted


def test_a_batch_is_begun_before_the_one_before_is_waited_for(bundle):
    noticed, length = [], bundle.contract.samples
    iq = noise(1, WINDOWS * length)[0]
    wanted = bundle.infer(iq.reshape(WINDOWS, 1, length))["interference"]
    answers_of(bundle, noticed)
    block = wfm.inference(bundle, channels=1, policy="lossless", batch=4, tasks="interference")
    found = run(block, iq)
    assert [one.sample_start for one in found] == [length * number for number in range(WINDOWS)]
    given = np.array([list(one.decision["probabilities"].values()) for one in found])
    np.testing.assert_allclose(given, wanted, atol=1e-5)
    assert sum(size for what, _, *rest in noticed if what == "begin" for size in rest) == WINDOWS
    order = [(what, number) for what, number, *_ in noticed]
    ahead = [number for number in range(1, 12) if order.index(("begin", number)) < order.index(("result", number - 1))]
    assert ahead, "some were: others may have come late"
    assert all(order.index(("result", number)) < order.index(("begin", number + 2)) for number in range(9)), "never two"
    status = block.status()
    assert (status["windows_inferred"], status["queue_depth"], status["windows_dropped"]) == (WINDOWS, 0, 0)
    assert status["coverage"] == 1.0


def test_a_live_stream_has_none(bundle):
    def begin(_):
        raise AssertionError("a decision would come later")

    bundle.begin = begin
    assert (
        len(run(wfm.inference(bundle, channels=1, policy="live", batch=4, tasks="interference"), noise(1, 8 * 256)[0]))
        == 8
    )


def test_what_fails_does_not_lose_the_answers_before_it(bundle):
    noticed = []

    def fails(number):
        if number == 3:
            raise WfmError("the fourth")

    answers_of(bundle, noticed, fails)
    block = wfm.inference(bundle, channels=1, policy="lossless", batch=2, tasks="interference")
    found = run(block, noise(1, WINDOWS * 256)[0])
    assert block.error() == "the fourth"
    assert [one.sample_start // 256 for one in found] == list(range(sum(size for what, number, *rest in noticed
            if what == "begin" and number < 3 for size in rest)))  # fmt: skip


def test_a_batch_that_does_not_come_back_is_given_up_with_the_one_behind_it(bundle, monkeypatch):
    gate, within = threading.Event(), []
    block = wfm.inference(bundle, channels=1, policy="lossless", batch=4, tasks="interference")
    answer = type(bundle)._answer

    def waits(*given):
        within.append(given)
        gate.wait(60)
        return answer(*given)

    monkeypatch.setattr(type(bundle), "_answer", waits)
    top = gr.top_block()
    top.connect(blocks.vector_source_c([1 + 1j], True), block, blocks.null_sink(gr.sizeof_gr_complex))
    top.start()
    try:
        wait_for(lambda: within)
        assert stopped_within(8, top) < 5.0
        assert "has not come back" in block.error() and left_behind.sentences()
        assert compute.run(lambda: 5) == 5, "there is another thread for others"
    finally:
        gate.set()
        wait_for(lambda: not left_behind.sentences())


def test_how_many_windows_at_once(bundle):
    most = bundle.windows_at_once(1)
    assert most == 600 // 17 * compute.run(torch.get_num_threads)
    assert batch_of(7, bundle, 1, 3) == 7, "up to 16 as was asked for"
    assert batch_of(64, bundle, 1, 1000) == max(16, min(64, most))
    assert batch_of(64, bundle, 1, 20) == max(16, min(20, most)), "those that may wait for their decisions"
    assert batch_of(64, bundle, 4, 2) == 16
    assert batch_of(64, RuleBundle(), 1, 40) == 40
    with pytest.raises(WfmError, match="batch is 0, at least 1"):
        batch_of(0, bundle, 1, 40)
