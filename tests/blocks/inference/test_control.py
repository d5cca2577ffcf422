# SPDX-License-Identifier: GPL-3.0-or-later
"""Control while the flowgraph runs: tasks, and messages that are not understood."""

import numpy as np
import pmt
import pytest
from flowgraph_helpers import WINDOW, Collector, Comparer, RuleBundle, flowgraph, noise
from gnuradio import blocks, gr, wfm
from waiting import wait_for

from wfm_core.base.errors import WfmError

RATE = 1.92e6
HOLD = 1024


class TwoTasks(RuleBundle):
    def __init__(self):
        super().__init__()
        first = self.contract.tasks["interference"]
        object.__setattr__(self.contract, "tasks", {"interference": first, "classification": first})

    def decide(self, outputs, i, threshold=None):
        answer = super().decide(outputs, i, threshold)["interference"]
        return {"interference": answer, "classification": answer}


@pytest.fixture
def running():
    """(inference block of two tasks on an endless stream, its detections, its events); no sample may be lost."""
    top, detects, events = gr.top_block(), Collector(), Collector()
    period = noise(1, 100 * WINDOW)[0]
    block, sink = wfm.inference(TwoTasks(), sample_rate=RATE, hold=HOLD), Comparer(period)
    source = blocks.vector_source_c(period.tolist(), True)
    top.connect(source, blocks.throttle(gr.sizeof_gr_complex, 50e3), block, sink)
    top.msg_connect(block, "detects", detects, "in")
    top.msg_connect(block, "events", events, "in")
    top.start()
    yield block, detects, events
    block.finish()
    top.wait()
    status = block.status()
    assert (status["error"], status["samples_lost"], sink.wrong) == ("", 0, 0)
    assert sink.seen == status["samples_out"]
    assert sink.seen > 4 * WINDOW


def post(block, message):
    block.engine.to_basic_block()._post(pmt.intern("control"), message)


def recent_tasks(detects) -> set:
    return {d.task for d in detects.detections()[-10:]}


def test_tasks_are_chosen_at_construction():
    block = wfm.inference(TwoTasks(), sample_rate=RATE, policy="lossless", tasks="classification")
    graph = flowgraph(noise(1, 5 * WINDOW), block)
    graph.top.run()
    assert [d.task for d in graph.detects.detections()] == ["classification"] * 5
    assert {pmt.symbol_to_string(t.key) for t in graph.sinks[0].tags()} == {"classification"}
    with pytest.raises(WfmError, match="tasks fly are not in the bundle: choose from interference, classification"):
        wfm.inference(TwoTasks(), tasks="fly")


def test_tasks_are_chosen_while_running(running):
    block, detects, _ = running
    wait_for(lambda: recent_tasks(detects) == {"interference", "classification"})
    post(block, pmt.to_pmt({"tasks": ["classification"]}))
    wait_for(lambda: recent_tasks(detects) == {"classification"})
    post(block, pmt.cons(pmt.intern("tasks"), pmt.intern("interference")))
    wait_for(lambda: recent_tasks(detects) == {"interference"})
    block.set_tasks("")  # as Companion's callback does
    wait_for(lambda: recent_tasks(detects) == {"interference", "classification"})


def recent_hops(detects) -> set:
    return set(np.diff(sorted({d.sample_start for d in detects.detections()[-12:]})).tolist())


def test_hop_threshold_and_gate_while_running(running):
    block, detects, _ = running
    wait_for(lambda: recent_hops(detects) == {WINDOW})
    post(block, pmt.to_pmt({"hop": 2 * WINDOW}))
    wait_for(lambda: recent_hops(detects) == {2 * WINDOW})
    block.set_hop(0)
    wait_for(lambda: recent_hops(detects) == {WINDOW})
    post(block, pmt.to_pmt({"threshold": 0.9}))
    wait_for(lambda: detects.detections()[-1].decision["label"] == "unknown")
    block.set_threshold(-1)
    wait_for(lambda: detects.detections()[-1].decision["label"] != "unknown")
    post(block, pmt.to_pmt({"gate_dbfs": 0.0}))
    wait_for(lambda: block.status()["windows_gated"] > 5)
    block.set_gate_dbfs(-200)
    before = len(detects.messages)
    wait_for(lambda: len(detects.messages) > before + 5)
    assert block.status()["control_refused"] == 0


MALFORMED = [
    pmt.intern("hello"),
    pmt.from_long(3),
    pmt.PMT_NIL,
    pmt.init_f32vector(2, [1.0, 2.0]),
    pmt.cons(pmt.from_long(1), pmt.from_long(2)),
    pmt.to_pmt({"colour": "blue"}),
    pmt.to_pmt({"tasks": ["fly"]}),
    pmt.to_pmt({"tasks": 7}),
    pmt.to_pmt({"threshold": "high"}),
    pmt.to_pmt({"threshold": float("nan")}),
    pmt.to_pmt({"gate_dbfs": None}),
    pmt.to_pmt({"hop": -1}),
    pmt.to_pmt({"hop": 1e30}),
    pmt.to_pmt({"hop": True}),
]


def test_malformed_messages_are_counted_and_change_nothing(running):
    block, detects, events = running
    for message in MALFORMED:
        post(block, message)
    wait_for(lambda: block.status()["control_refused"] == len(MALFORMED))
    wait_for(lambda: sum(e["event"] == "refused" for e in events.dicts()) == len(MALFORMED))
    before = len(detects.messages)
    wait_for(lambda: len(detects.messages) > before + 10)
    starts = np.array(sorted({d.sample_start for d in detects.detections()}))
    assert (np.diff(starts) == WINDOW).all()


def test_a_bad_setting_does_not_keep_the_good_ones_of_its_message(running):
    block, detects, _ = running
    post(block, pmt.to_pmt({"colour": "blue", "tasks": "classification"}))
    wait_for(lambda: recent_tasks(detects) == {"classification"})
    assert block.status()["control_refused"] == 1
