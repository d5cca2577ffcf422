# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Event Publisher to WFM Event Subscriber: what one flowgraph decides, another hears."""

import pmt
import pytest
import zmq
from detections import detection as signal_detection
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.ports import messages
from gnuradio.wfm.ports.event import Event
from waiting import thread, wait_for

from wfm_core.base.errors import WfmError

ANSWER = {"label": "dsss-bpsk", "index": 1, "score": 0.75, "probabilities": {"none": 0.25, "dsss-bpsk": 0.75}}
ANYWHERE = "tcp://127.0.0.1:*"


def detection(answer: dict, level: float = -20.0) -> pmt.pmt_base:
    facts = messages.WindowFacts(2**40, 256, (17, 0.5), 2.4e9, level, 0.0, False, origin="openvino bf16")
    return messages.detects_pdu("interference", messages.task_dict(messages.facts_dict(facts), answer), answer, False)


class Pair:
    """A publisher in one flowgraph, a subscriber in another, what the subscriber passes on in debug blocks."""

    def __init__(self, also: str = ""):
        """also: another address that the subscriber listens to."""
        self.publisher = wfm.event_publisher(ANYWHERE, "roof")
        self.subscriber = wfm.event_subscriber(f"{self.publisher.address()} {also}")
        self.sinks = {port: blocks.message_debug() for port in ("detects", "events", "status")}
        self.own = blocks.message_debug()
        self.sending, self.hearing = gr.top_block(), gr.top_block()
        self.sending.msg_connect(self.publisher, "status", self.own, "store")
        for port, sink in self.sinks.items():
            self.hearing.msg_connect(self.subscriber, port, sink, "store")

    def __enter__(self):
        self.sending.start()
        self.hearing.start()
        return self

    def __exit__(self, *_):
        for graph in (self.sending, self.hearing):
            graph.stop()
            graph.wait()

    def send(self, port: str, message: pmt.pmt_base):
        """Post until the subscriber, which joins a moment later, has it; returns the last that it passed on."""
        sink = self.sinks[port]

        def passed_on() -> list[pmt.pmt_base]:
            self.publisher.to_basic_block()._post(pmt.intern(port), message)
            found = [sink.get_message(i) for i in range(sink.num_messages())]
            return [m for m in found if port != "status" or pmt.dict_has_key(m, pmt.intern("radio"))]

        return wait_for(passed_on)[-1]


@pytest.mark.parametrize("answer", [ANSWER, {"position": [1.0, 2.0, 0.5]}], ids=["class", "position"])
def test_a_decision_arrives_as_it_was_sent(answer):
    with Pair() as pair:
        heard = pair.send("detects", detection(answer))
    assert messages.read_detection(heard) == messages.read_detection(detection(answer))
    assert pmt.to_python(pmt.dict_ref(pmt.car(heard), pmt.intern("radio"), pmt.PMT_NIL)) == "roof"


def test_edges_of_a_signal_arrive_with_its_decision_and_its_event():
    band = {"freq_lower_edge": 99e6, "freq_upper_edge": 101e6, "snr_db": 12.5}
    event = Event("end", "lora", 0.9, 5, 10, 0.1, (17, 0.5), 1e8, *band.values())
    with Pair() as pair:
        heard = pair.send("detects", signal_detection(**band))
        told = pair.send("events", messages.event_dict("classification", event))
    assert messages.band_of(messages.read_detection(heard)) == band
    assert messages.read_event(told) == ("classification", event)


def test_a_silent_window_arrives():
    with Pair() as pair:
        heard = pair.send("detects", detection(ANSWER, level=float("-inf")))
    assert messages.read_detection(heard).level == float("-inf")


@pytest.mark.parametrize("port", ["events", "status"])
def test_events_and_status_arrive_with_their_radio(port):
    with Pair() as pair:
        heard = pair.send(port, pmt.to_pmt({"windows_in": 3}))
    assert pmt.to_python(heard) == {"windows_in": 3, "radio": "roof"}


def test_counts_are_on_status_and_a_wrong_message_is_one_of_them():
    with Pair() as pair:
        pair.publisher.to_basic_block()._post(pmt.intern("detects"), pmt.intern("not a PDU"))
        pair.send("events", pmt.to_pmt({"a": 1}))
    assert set(pmt.to_python(pair.own.get_message(0))) == {"sent", "dropped", "refused"}
    counts = pair.publisher.status()
    assert counts["refused"] == 1 and counts["dropped"] == 0 and counts["sent"] >= 1
    assert pair.subscriber.counts()["received"] >= 1 and pair.subscriber.counts()["refused"] == 0
    assert thread("wfm_event_subscriber") is None


def test_both_blocks_work_again_after_a_stop():
    pair = Pair()
    for _ in range(2):
        with pair:
            pair.send("events", pmt.to_pmt({"a": 1}))
            pair.sinks["events"] = blocks.message_debug()
        pair.hearing.msg_connect(pair.subscriber, "events", pair.sinks["events"], "store")


def test_a_message_too_deep_for_a_pmt_does_not_end_the_listening():
    """JSON may nest deeper than Python code can follow."""
    deep = '{"a": ' * 700 + "1" + "}" * 700
    data = f'{{"version": 1, "kind": "status", "radio": "x", "sequence": 0, "body": {deep}}}'.encode()
    with zmq.Context.instance().socket(zmq.XPUB) as strange:
        strange.setsockopt(zmq.LINGER, 0)
        port = strange.bind_to_random_port("tcp://127.0.0.1")
        with Pair(f"tcp://127.0.0.1:{port}") as pair:
            assert strange.poll(10_000), "the subscriber comes"
            strange.send_multipart([b"status", data])
            wait_for(lambda: pair.subscriber.counts()["refused"] == 1)
            pair.send("status", pmt.to_pmt({"b": 1}))
    assert pair.subscriber.counts()["refused"] == 1


def test_a_port_in_use_is_one_sentence():
    first = wfm.event_publisher(ANYWHERE)
    with pytest.raises(WfmError, match="in use"):
        wfm.event_publisher(first.address())
    first.stop()


def test_the_default_is_loopback():
    block = wfm.event_publisher()
    assert block.address().startswith("tcp://127.0.0.1:")
    block.stop()


def test_wrong_parameters_are_refused():
    with pytest.raises(WfmError, match="a radio's name of 0 characters"):
        wfm.event_publisher(ANYWHERE, "", 1)
    with pytest.raises(WfmError, match="no address to listen to"):
        wfm.event_subscriber(" ")
