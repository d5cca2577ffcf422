# SPDX-License-Identifier: GPL-3.0-or-later
"""Inference that does not come back keeps nothing else from ending: every stop returns in time, and says what it waited
for."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from endless import endless_bundle
from flowgraph_helpers import WINDOW, Collector, RuleBundle, noise
from gnuradio import blocks, gr, wfm
from image_bundles import ImageRule, image
from stops import stopped_within
from waiting import thread, wait_for

from wfm_core.base import compute, left_behind
from wfm_core.base.errors import WfmError

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


@pytest.fixture(scope="module")
def endless(tmp_path_factory):
    return endless_bundle(tmp_path_factory.mktemp("endless"))


@pytest.mark.parametrize("way", ["companion", "wait", "example"])
def test_ctrl_c_ends_a_program_whose_bundle_does_not_come_back(endless, way):
    program = Path(__file__).with_name("endless_program.py")
    running = subprocess.Popen(
        [sys.executable, program, endless, way], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        while (line := running.stdout.readline()) != "ready\n":
            assert line, running.stderr.read()
        time.sleep(1.0)
        begin = time.monotonic()
        running.send_signal(signal.SIGINT)
        _, complaint = running.communicate(timeout=30)
        took = time.monotonic() - begin
    finally:
        running.kill()
    assert running.returncode == 1
    assert complaint.count("\n") == 1 and f"inference with bundle test-model ({endless}) has not come back" in complaint
    assert took < 2.0


class Gate:
    """A call that waits, as one that never comes back, until it is let go. It counts those within."""

    def __init__(self):
        self.open = threading.Event()
        self.within = 0

    def __call__(self, *_):
        self.within += 1
        self.open.wait(60)


class Running:
    """An endless source -> WFM Inference -> null sink; leaving it opens the gate, so that no thread stays."""

    def __init__(self, bundle, gate: Gate, **settings):
        self.top, self.gate, self.events, self.detects = gr.top_block(), gate, Collector(), Collector()
        self.block = wfm.inference(bundle, sample_rate=1.92e6, hold=4096, policy="live", **settings)
        source = blocks.vector_source_c(noise(1, 100 * WINDOW)[0].tolist(), True)
        throttle = blocks.throttle(gr.sizeof_gr_complex, 200e3)
        self.top.connect(source, throttle, self.block, blocks.null_sink(gr.sizeof_gr_complex))
        self.top.msg_connect(self.block, "events", self.events, "in")
        self.top.msg_connect(self.block, "detects", self.detects, "in")

    def __enter__(self):
        self.top.start()
        return self

    def __exit__(self, *_):
        self.gate.open.set()
        stopped_within(10, self.top)
        wait_for(lambda: not left_behind.sentences())

    def texts(self) -> list[str]:
        return [event["text"] for event in self.events.dicts()]


def test_a_batch_that_does_not_come_back_is_left_behind_and_its_bundle_refused_until_it_does():
    gate = Gate()
    with Running(RuleBundle(before_infer=gate), gate) as running:
        wait_for(lambda: gate.within == 1)
        assert 0.5 < stopped_within(5, running.top) < 3.0
        assert "inference with bundle test-model (rule) has not come back for 1." in running.block.error()
        assert running.block.status()["ended"] and running.block.status()["error"] == left_behind.sentences()[0]
        running.top.start()
        running.top.wait()  # on_error is stop
        assert "is still at a batch of an earlier run" in running.block.error() and gate.within == 1
        assert running.texts()[-1] == running.block.error()
        gate.open.set()
        wait_for(lambda: not left_behind.sentences())
        running.top.start()
        wait_for(lambda: len(running.detects.messages) > 3)
        assert running.block.error() == "" and running.block.status()["windows_inferred"] > 0


def test_what_was_left_behind_says_nothing_in_the_next_run():
    """Another bundle, as good, takes over in it."""
    gate, decided = Gate(), []
    endless = RuleBundle(before_infer=gate)
    endless.decide = lambda *arguments: decided.append(arguments)
    with Running(endless, gate) as running:
        wait_for(lambda: gate.within == 1)
        first = thread("wfm-engine")
        running.top.lock()
        running.block.engine.swap.offer(RuleBundle(name="second"))
        running.top.unlock()
        wait_for(lambda: len(running.detects.messages) > 3)
        assert first.is_alive()
        gate.open.set()
        wait_for(lambda: not first.is_alive())
        before = len(running.detects.messages)
        wait_for(lambda: len(running.detects.messages) > before + 3)
        status = running.block.status()
        assert (status["error"], status["bundle"], status["ended"], decided) == ("", "second", False, [])


def test_on_error_bypass_a_bundle_that_is_refused_lets_the_samples_through():
    gate = Gate()
    with Running(RuleBundle(before_infer=gate), gate, on_error="bypass") as running:
        wait_for(lambda: gate.within == 1)
        running.top.lock()
        running.top.unlock()
        wait_for(lambda: "is still at a batch" in running.block.error())
        before = running.block.status()["samples_out"]
        wait_for(lambda: running.block.status()["samples_out"] > before + 100 * WINDOW)
        assert gate.within == 1


def test_a_slow_batch_is_waited_for():
    """As long as the longest so far allows."""
    slow = RuleBundle(before_infer=lambda iq: time.sleep(0.6))
    with Running(slow, Gate(), batch=1) as running:
        wait_for(lambda: running.block.status()["windows_inferred"] > 1)
        assert stopped_within(5, running.top) < 2.5  # a second for those that wait, and the one under way
        assert running.block.error() == "" and left_behind.sentences() == []
        assert running.block.status()["ended"]


def test_images_that_do_not_come_back():
    gate = Gate()
    block = wfm.image_inference(ImageRule(before_infer=gate), policy="lossless")
    top, say = gr.top_block(), Collector()
    top.msg_connect(say, "out", block, "images")
    top.start()
    try:
        for number in range(300):  # more than wait for the worker: the last ones stand at the door
            say.say(image(1, number))
        wait_for(lambda: gate.within == 1)
        assert stopped_within(5, top) < 3.0
        assert "has not come back" in block.error()
    finally:
        gate.open.set()
        wait_for(lambda: not left_behind.sentences())


def test_the_compute_thread_is_replaced():
    gate, raised = Gate(), []

    def compute_something(call):
        try:
            compute.run(call)
        except WfmError as error:
            raised.append(str(error))

    callers = [threading.Thread(target=compute_something, args=(call,)) for call in (gate, lambda: None)]
    for caller in callers:
        caller.start()
        wait_for(lambda: gate.within == 1)
    assert compute.give_up(callers[1], "the second") is None  # its turn had not come
    callers[1].join(5)
    left = compute.give_up(callers[0], "the first")
    callers[0].join(5)
    assert raised == ["the second", "the first"] and left.is_alive() and left_behind.sentences() == ["the first"]
    assert compute.run(lambda: 5) == 5
    assert compute.give_up(threading.current_thread(), "nothing") is None
    gate.open.set()
    left.join(5)
    assert not left.is_alive() and left_behind.sentences() == []
    assert compute.run(lambda: 6) == 6
