# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages between programs: what the schema takes and refuses, the sockets' counts, the monitor's table."""

import json
import select
import signal
import subprocess
import sys

import pytest
import zmq
from waiting import wait_for

from wfm_core.base.errors import WfmError
from wfm_core.cli.monitor import event_line, table
from wfm_core.messages.events import MAX_BYTES, Message, decode, encode
from wfm_core.messages.heard import HeardTable
from wfm_core.messages.sockets import EventListener, EventSender

ANSWER = {"label": "dsss-bpsk", "index": 1, "score": 0.9, "probabilities": {"none": 0.1, "dsss-bpsk": 0.9}}
BODY = {"sample_start": 512, "sample_count": 256, "rx_freq": 2.4e9, "level": -20.0, "tasks": {"interference": ANSWER}}
DECISION = Message("decision", "roof", 7, BODY)


def altered(**changes) -> bytes:
    return json.dumps({**json.loads(encode(DECISION)), **changes}).encode()


def test_a_message_comes_back():
    assert decode(encode(DECISION)) == DECISION


def test_a_run_comes_back_and_is_left_out_where_there_is_none():
    started = Message("decision", "roof", 7, BODY, "5f0c9e1ab2d34c77")
    assert decode(encode(started)) == started
    assert b"run" not in encode(DECISION)


def test_each_start_of_a_sender_is_a_run_of_its_own():
    runs = set()
    for _ in range(2):
        sender = EventSender("tcp://127.0.0.1:*", "roof", 1000)
        listener = EventListener([sender.address])
        joined(sender, listener)
        sender.send("event", {"n": 1})
        runs.add(listener.receive(5.0).run)
        listener.close()
        sender.close()
    assert len(runs) == 2 and "" not in runs


def test_a_listener_hears_the_kinds_that_it_asks_for():
    sender = EventSender("tcp://127.0.0.1:*", "roof", 1000)
    listener = EventListener([sender.address], kinds=("event", "status"))
    joined(sender, listener)
    for number in range(3):
        sender.send("decision", BODY)
        sender.send("event", {"n": number})
    heard = []
    while {"n": 2} not in [message.body for message in heard]:
        heard.append(wait_for(lambda: listener.receive(0.05)))
    assert [message.body for message in heard if message.kind == "event"] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert {message.kind for message in heard} <= {"event", "status"} and listener.missed == 0
    listener.close()
    sender.close()


def test_numbers_that_json_lacks_become_null():
    assert decode(encode(Message("status", "roof", 0, {"p50": float("nan")}))).body == {"p50": None}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b" " * (MAX_BYTES + 1), "bytes"),
        (b'{"a": NaN}', "not a JSON number"),
        (b'{"a": 1e999}', "not a JSON number"),
        (b"[]", "schema"),
        (altered(body={"n": 2**63}), "not a JSON number"),
        (altered(radio="\ud800"), "not JSON"),
        (altered(version=3), "version 3"),
        (altered(kind="command"), "kind"),
        (altered(sequence=-1), "sequence"),
        (altered(run=7), "run"),
        (altered(run="x" * 65), "run"),
        (altered(body={**BODY, "sample_start": -1}), "sample_start"),
        (altered(body={**BODY, "tasks": {"interference": {"label": "x"}}}), "tasks"),
    ],
)
def test_what_is_not_ours_is_refused(data, words):
    with pytest.raises(WfmError, match=words):
        decode(data)


def joined(sender: EventSender, listener: EventListener) -> None:
    """Send status until the listener hears: a subscription takes a moment."""
    for _ in range(200):
        sender.send("status", {})
        if listener.receive(0.02):
            return
    raise AssertionError("the listener never heard the sender")


def test_an_address_in_use_is_one_sentence():
    first = EventSender("tcp://127.0.0.1:*", "a", 10)
    try:
        with pytest.raises(WfmError, match="in use.*name a free address"):
            EventSender(first.address, "b", 10)
    finally:
        first.close()


def test_a_bad_address_to_listen_to_is_one_sentence():
    with pytest.raises(WfmError, match="nonsense"):
        EventListener(["nonsense"])


def test_a_listener_that_does_not_read_makes_counted_drops():
    # ZeroMQ gives room back in batches and up to a millisecond late: a short queue would drop the quick one's, too
    sender = EventSender("tcp://127.0.0.1:*", "a", 50)
    slow, quick = EventListener([sender.address], 5), EventListener([sender.address], 100_000)
    try:
        joined(sender, slow)
        joined(sender, quick)
        heard = 0
        for i in range(600):
            sender.send("event", {"i": i, "padding": "x" * 20_000})
            heard += quick.receive(0.05) is not None
        assert sender.dropped > 0
        assert heard > 540, "a slow listener must not take messages from a quick one"
        while slow.receive(0.2):
            pass
        sender.send("event", {"last": True})
        while slow.receive(0.2):
            pass
        assert slow.missed > 0
    finally:
        for socket in (sender, slow, quick):
            socket.close()


def test_a_stranger_is_counted_and_not_fatal():
    sender = EventSender("tcp://127.0.0.1:*", "a", 10)
    strange = zmq.Context.instance().socket(zmq.XPUB)
    strange.setsockopt(zmq.LINGER, 0)
    listener = EventListener([sender.address, f"tcp://127.0.0.1:{strange.bind_to_random_port('tcp://127.0.0.1')}"])
    try:
        joined(sender, listener)
        assert strange.poll(10_000), "the listener comes"
        strange.send_multipart([b"event", b"rm -rf"])
        wait_for(lambda: listener.receive(0.05) is None and listener.refused)
        sender.send("event", {"fine": True})
        assert wait_for(lambda: listener.receive(0.5)).body == {"fine": True}
        assert listener.refused == 1
    finally:
        for socket in (sender, strange, listener):
            socket.close()


def test_the_table_counts_by_radio_and_frequency_and_hides_control_characters():
    heard = HeardTable(40)
    for radio in ("roof", "roof", "bad\x1b[2J"):
        heard.add(Message("decision", radio, 0, BODY), at=10.0)
    lines = table(heard, now=13.0)
    assert len(lines) == 3 and not any("\x1b" in line for line in lines)
    roof = next(line for line in lines if line.startswith("roof")).split()
    assert roof == ["roof", "2400.0000", "interference", "dsss-bpsk", "0.90", "-20.0", "2", "3", "s"]
    assert "dsss-bpsk 0.90" in event_line(DECISION)


def test_the_monitor_prints_json_from_two_radios_and_ctrl_c_is_success(tmp_path):
    senders = [EventSender("tcp://127.0.0.1:*", name, 100) for name in ("roof", "cellar")]
    command = [sys.executable, "-m", "wfm_core.cli.monitor", "--json"]
    command += [word for sender in senders for word in ("--connect", sender.address)]
    printed = tmp_path / "heard.jsonl"
    # In a background process SIGINT may come ignored; Python then leaves it so.
    with printed.open("w") as stdout:
        monitor = subprocess.Popen(
            command, stdout=stdout, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        )
    try:

        def heard() -> str:
            """What both have said, once both are heard."""
            for sender in senders:
                sender.send("decision", BODY)
            text = printed.read_text()
            return text if "roof" in text and "cellar" in text else ""

        line = json.loads(wait_for(heard, 30).splitlines()[0])
        assert line["kind"] == "decision" and line["body"] == BODY
        monitor.send_signal(signal.SIGINT)
        assert monitor.wait(10) == 0
    finally:
        monitor.kill()
        monitor.wait()
        for sender in senders:
            sender.close()


def test_the_monitor_ends_quietly_when_its_reader_has_enough():
    sender = EventSender("tcp://127.0.0.1:*", "roof", 100)
    command = [sys.executable, "-m", "wfm_core.cli.monitor", "--connect", sender.address]
    monitor = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:

        def ended() -> bool:
            sender.send("decision", BODY)
            if not monitor.stdout.closed and select.select([monitor.stdout], [], [], 0)[0]:
                monitor.stdout.readline()
                monitor.stdout.close()
            return monitor.poll() is not None

        wait_for(ended, 30)
        assert monitor.wait(1) == 128 + signal.SIGPIPE
        assert "Traceback" not in (said := monitor.stderr.read()) and "received" in said
    finally:
        monitor.kill()
        monitor.wait()
        monitor.stderr.close()
        sender.close()
