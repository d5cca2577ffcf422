# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Task Head: enrolment over messages, alone and behind a running WFM Inference."""

import numpy as np
import pmt
import pytest
import torch
from flowgraph_helpers import WINDOW, Collector, RuleBundle
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.ports import keys, messages
from waiting import wait_for

from wfm_core.base.errors import WfmError
from wfm_core.model.prototypes import Prototypes
from wfm_core.synth.scenes.devices import random_transmitters, transmit

FACTS = messages.WindowFacts(512, 256, (7, 0.5), 1.8e9, -20.0, 0.01, False)


class Head:
    """A head in a running flowgraph of its own, with collectors on its ports."""

    def __init__(self, **options):
        self.block = wfm.task_head(**options)
        self.top = gr.top_block()
        for port in ("detects", "events", "status"):
            setattr(self, port, Collector())
            self.top.msg_connect(self.block, port, getattr(self, port), "in")
        self.top.start()

    def send(self, values: np.ndarray, name: str = "embedding_iq") -> None:
        for row in np.atleast_2d(values):
            pdu = messages.embedding_pdu(name, messages.facts_dict(FACTS), row)
            self.block.to_basic_block()._post(keys.EMBEDDINGS, pdu)

    def control(self, message) -> None:
        """Give a control message, and wait until it was answered: embeddings come on another queue."""
        told = len(self.events.messages)
        self.block.to_basic_block()._post(keys.CONTROL, pmt.to_pmt(message))
        wait_for(lambda: len(self.events.messages) > told)

    def enrol(self, name: str, values: np.ndarray) -> None:
        self.control({"enrol": name, "windows": len(values)})
        self.send(values)
        wait_for(lambda: self.block.status()["enrolling"] == "")

    def last_event(self) -> dict:
        return self.events.dicts()[-1]


@pytest.fixture
def head():
    made = Head()
    yield made
    made.top.stop()
    made.top.wait()


def cloud(middle: float, count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 8)) + middle


def test_enrolled_classes_are_named_and_a_stranger_is_unknown(head):
    head.enrol("low", cloud(-9, 10))
    head.enrol("high", cloud(9, 10))
    head.send(np.array([cloud(-9, 10, 1).mean(0), cloud(9, 10, 1).mean(0), np.full(8, 90.0)]))
    wait_for(lambda: len(head.detects.messages) == 3)
    assert [d.decision["label"] for d in head.detects.detections()] == ["low", "high", "unknown"]
    assert head.block.status()["enrolled"] == 20 and head.block.status()["unknown"] == 1


def test_decision_keeps_the_facts_of_its_window(head):
    head.enrol("one", cloud(0, 10))
    head.send(cloud(0, 10, 1).mean(0))
    wait_for(lambda: head.detects.messages)
    detection = head.detects.detections()[0]
    assert (detection.task, detection.sample_start, detection.sample_count) == ("fingerprint", 512, 256)
    assert (detection.rx_time, detection.rx_freq, detection.level) == ((7, 0.5), 1.8e9, -20.0)
    fields = pmt.to_python(pmt.car(head.detects.messages[0]))
    assert 0 < fields["distance"] <= 1 and "embedding" not in fields


@pytest.mark.parametrize(
    "message",
    [
        {"enrol": "x", "windows": 2},
        {"enrol": "x", "windows": "ten"},
        {"enrol": "unknown"},
        {"enrol": 3},
        {"enrol": "x", "forget": "y"},
        {"windows": 5},
        {"train": "x"},
        {"name": "unknown-1"},
        {"name": "unknown-1", "as": "x"},
        {"name": "unknown-1", "as": "unknown-2"},
        {"name": "unknown-1", "as": 3},
        {"as": "x"},
        {"enrol": "x", "as": "y"},
        {"forget": "x", "windows": 5},
        {"enrol": "unknown-7"},
        {"forget": "nobody"},
        {"load": "/nowhere/at/all"},
        {"save": "/nowhere/at/all"},
        "text",
        [1, 2],
    ],
    ids=str,
)
def test_bad_control_is_told_counted_and_ignored(head, message):
    before = {**head.block.status(), "refused": 1}
    head.control(message)
    assert head.last_event()["event"] == "refused"
    assert head.block.status() == before
    head.enrol("after", cloud(0, 5))  # and the block goes on
    assert head.block.status()["classes"] == ["after"]


def test_bad_embeddings_are_counted_and_ignored(head):
    head.enrol("one", cloud(0, 10))
    head.block.to_basic_block()._post(keys.EMBEDDINGS, pmt.intern("nonsense"))
    head.send(np.zeros(5))
    head.send(np.zeros(8), name="embedding_image")
    wait_for(lambda: head.block.status()["skipped"] == 1)
    assert head.block.status()["refused"] == 2 and not head.detects.messages


def test_enrolment_of_embeddings_that_fit_no_class_is_refused(head):
    head.enrol("one", cloud(0, 10))
    head.enrol("two", cloud(0, 10)[:, :5])
    assert head.block.status()["refused"] == 1 and head.block.status()["classes"] == ["one"]


def test_forget_ends_an_enrolment_under_way(head):
    head.control({"enrol": "one", "windows": 5})
    head.control({"enrol": "two", "windows": 5})
    assert head.last_event()["event"] == "refused"
    head.control({"forget": "one"})
    assert head.block.status()["enrolling"] == "" and head.block.status()["windows_wanted"] == 0


def test_an_order_is_obeyed_before_the_windows_that_wait():
    head = wfm.task_head()
    head.to_basic_block()._post(keys.CONTROL, pmt.to_pmt({"enrol": "new", "windows": 5}))
    head.handle(keys.EMBEDDINGS, messages.embedding_pdu("embedding_iq", messages.facts_dict(FACTS), cloud(0, 1)[0]))
    assert (head.status()["enrolling"], head.status()["decided"]) == ("new", 0)


def test_save_forget_load(head, tmp_path):
    head.enrol("one", cloud(0, 10))
    path = str(tmp_path / "p.safetensors")
    head.control({"save": path})
    head.control({"forget": "one"})
    assert head.block.status()["classes"] == []
    head.control({"load": path})
    assert head.block.status()["classes"] == ["one"]
    assert wfm.task_head(prototypes=path).status()["classes"] == ["one"]
    assert Prototypes.load(path).names == ("one",)


def test_what_is_unknown_is_gathered_offered_and_named(head, tmp_path):
    head.enrol("low", cloud(-9, 20))
    head.enrol("high", cloud(9, 20))
    head.send(cloud(60, 45, 1) * 0.5 + 30)  # narrower than the classes are: none of it is off the others
    wait_for(lambda: len(head.detects.messages) == 45)
    told = [event for event in head.events.dicts() if event["event"] == "unknown"]
    assert [(event["name"], event["heard"]) for event in told] == [("unknown-1", n) for n in (10, 20, 40)]
    assert "unknown-1, heard 40 times" in told[-1]["text"]
    fields = pmt.to_python(pmt.car(head.detects.messages[-1]))
    assert (fields["label"], fields["index"], fields["cluster"]) == ("unknown", -1, "unknown-1")
    status = head.block.status()
    assert (status["clusters"], status["clusters_heard"]) == (["unknown-1"], [45])
    head.control({"save": str(tmp_path / "p")})
    head.control({"name": "unknown-1", "as": "garage door"})
    assert head.last_event()["event"] == "enrolled" and "garage door from 45 windows" in head.last_event()["text"]
    head.send(cloud(60, 1, 2) * 0.5 + 30)
    wait_for(lambda: len(head.detects.messages) == 46)
    fields = pmt.to_python(pmt.car(head.detects.messages[-1]))
    assert fields["label"] == "garage door" and "cluster" not in fields
    assert head.block.status()["clusters"] == [] and head.block.status()["enrolled"] == 85
    head.control({"load": str(tmp_path / "p")})
    assert head.block.status()["classes"] == ["low", "high"] and head.block.status()["clusters_heard"] == [45]


def test_without_an_offer_nothing_is_gathered():
    head = Head(offer=0)
    head.enrol("low", cloud(-9, 20))
    head.send(cloud(60, 30, 1))
    wait_for(lambda: len(head.detects.messages) == 30)
    assert head.block.status()["clusters"] == [] and "cluster" not in str(head.detects.messages[-1])
    head.top.stop()
    head.top.wait()


def test_a_cohort_is_stated_and_kept_in_the_file(tmp_path):
    np.savez(tmp_path / "cohort.npz", cohort=np.concatenate([cloud(middle, 50) for middle in range(12, 20)]))
    head = Head(cohort=str(tmp_path / "cohort.npz"), strangers=0.1)
    assert (head.block.status()["cohort"], head.block.status()["strangers"]) == (400, 0.1)
    head.enrol("high", cloud(9, 20))
    wait_for(lambda: head.last_event()["event"] == "enrolled")
    assert "of a cohort of 400 strangers" in head.last_event()["text"]
    head.control({"save": str(tmp_path / "p")})
    head.top.stop()
    head.top.wait()
    loaded = wfm.task_head(prototypes=str(tmp_path / "p"))
    assert (loaded.status()["cohort"], loaded.status()["strangers"]) == (400, 0.1)
    assert wfm.task_head(cohort="wfm-base").status()["cohort"] == 512  # by the foundation's name


def test_embeddings_that_are_not_finite_are_counted_and_ignored(head):
    head.control({"enrol": "one", "windows": 5})
    head.send(np.full((3, 8), np.nan))
    head.send(cloud(0, 5))
    wait_for(lambda: head.block.status()["enrolling"] == "")
    head.send(np.full(8, np.inf))
    wait_for(lambda: head.block.status()["refused"] == 4)
    assert head.block.status()["classes"] == ["one"] and not head.detects.messages


@pytest.mark.parametrize(
    "options",
    [
        {"task": "two words"},
        {"windows": 1},
        {"margin": 0.0},
        {"prototypes": "/none"},
        {"modes": 0},
        {"cohort": "/none"},
        {"strangers": 0.0},
        {"offer": -1},
        {"offer": 1.5},
    ],
    ids=str,
)
def test_constructor_refuses(options):
    with pytest.raises(WfmError):
        wfm.task_head(**options)


class SpectrumBundle(RuleBundle):
    """Its embedding is the log spectrum in 16 bands: it tells apart transmitters of other carrier offsets."""

    def infer(self, iq: np.ndarray) -> dict[str, np.ndarray]:
        outputs = super().infer(iq)
        power = np.square(np.abs(np.fft.fft(iq[:, 0]))).reshape(len(iq), 16, -1).sum(2)
        return {**outputs, "embedding_iq": np.log(power + 1e-3).astype(np.float32)}


class Operator(gr.basic_block):
    """Passes embeddings on to `head`, one at a time, and asks for an enrolment when a transmitter is first heard."""

    def __init__(self, head, enrolments: dict[int, dict]):
        gr.basic_block.__init__(self, name="operator", in_sig=None, out_sig=None)
        self.message_port_register_in(pmt.intern("in"))
        self.set_msg_handler(pmt.intern("in"), self._relay)
        self.message_port_register_out(pmt.intern("out"))
        self._head, self._enrolments, self._count = head, enrolments, 0

    def _relay(self, pdu) -> None:
        if self._count in self._enrolments:
            self._head.to_basic_block()._post(keys.CONTROL, pmt.to_pmt(self._enrolments[self._count]))
            wait_for(lambda: self._head.status()["enrolling"])
        self._count += 1
        self.message_port_pub(pmt.intern("out"), pdu)
        wait_for(lambda: self._head.status()["windows_in"] == self._count)


def test_transmitters_are_enrolled_and_named_in_a_running_flowgraph():
    generator = torch.Generator().manual_seed(0)
    devices = random_transmitters(3, generator)
    devices.carrier_offset[:] = torch.tensor([-55e3, 55e3, 0.0])
    heard = torch.tensor([0] * 40 + [1] * 40 + [0, 1, 2] * 30)
    samples = transmit(devices, heard, 4 * WINDOW, generator).numpy().ravel()
    top = gr.top_block()
    source = blocks.vector_source_c(samples.tolist(), False)
    bundle = SpectrumBundle(samples=4 * WINDOW)
    inference = wfm.inference(bundle, policy="lossless", hold=0, batch=4, sample_rate=1e6)
    head, detects = wfm.task_head(), Collector()
    operator = Operator(head, {0: {"enrol": "a", "windows": 20}, 40: {"enrol": "b", "windows": 20}})
    top.connect(source, inference, blocks.null_sink(gr.sizeof_gr_complex))
    top.msg_connect(inference, "embeddings", operator, "in")
    top.msg_connect(operator, "out", head, "embeddings")
    top.msg_connect(head, "detects", detects, "in")
    top.run()
    assert head.status()["classes"] == ["a", "b"] and head.status()["refused"] == 0
    later = [d for d in detects.detections() if d.sample_start >= 80 * 4 * WINDOW]
    assert len(later) >= 80
    truth = [("a", "b", "unknown")[heard[d.sample_start // (4 * WINDOW)]] for d in later]
    right = np.mean([d.decision["label"] == wanted for d, wanted in zip(later, truth, strict=True)])
    assert right > 0.8
