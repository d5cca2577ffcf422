# SPDX-License-Identifier: GPL-3.0-or-later
"""What a listener hears after messages that ZeroMQ or the schema refuse, and how exact times are between programs."""

import contextlib
import json

import pytest
import zmq
from waiting import wait_for

from wfm_core.messages.events import MAX_BYTES, Message, decode, encode
from wfm_core.messages.sockets import EventListener


def good(sequence: int, **changes) -> bytes:
    return json.dumps(
        {"version": 2, "kind": "event", "radio": "r", "sequence": sequence, "body": {"a": 1}, **changes}
    ).encode()


class Talk:
    """A PUB socket that says anything, and a listener."""

    def __enter__(self):
        self.socket = zmq.Context.instance().socket(zmq.PUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        self.listener = EventListener([f"tcp://127.0.0.1:{self.port}"])
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.socket.close()

    def binds_again(self) -> bool:
        with contextlib.suppress(zmq.ZMQError):
            self.socket.bind(f"tcp://127.0.0.1:{self.port}")
            return True
        return False

    def hear(self, sequence: int = 0) -> Message:
        """Say a good message until it is heard."""

        def heard() -> Message | None:
            self.socket.send_multipart([b"event", good(sequence)])
            return self.listener.receive(0.05)

        return wait_for(heard)


@pytest.mark.parametrize(
    "frames",
    [
        [b"event", b"x" * (MAX_BYTES + 3)],
        [b"event", b'{"a":' * 100_000],
        [b"event", b'{"a":"\\ud800"}'],
        [b"event"],
        [b"event", good(0), b"and more"],
        [b""] * 1500,
    ],
    ids=["too long", "deep", "surrogate", "one frame", "three frames", "1500 frames"],
)
def test_a_listener_goes_on_after_a_message_that_is_refused(frames):
    with Talk() as talk:
        talk.hear()
        while talk.listener.receive(0.1):
            pass
        for _ in range(3):
            talk.socket.send_multipart(frames)
            talk.hear()
        assert talk.listener.refused >= 1 and talk.listener.last_refusal


def test_a_sender_that_starts_again_is_heard_and_refuses_nothing():
    with Talk() as talk:
        talk.hear(5)
        talk.socket.close()
        talk.socket = zmq.Context.instance().socket(zmq.PUB)
        talk.socket.setsockopt(zmq.LINGER, 0)
        wait_for(talk.binds_again)  # ZeroMQ closes a socket a moment later
        assert talk.hear(0).sequence == 0
        assert talk.listener.refused == talk.listener.missed == 0


def test_jumps_of_the_sequence_fill_no_counter():
    with Talk() as talk:
        talk.hear()
        for sequence in (2**63 - 1, 0, 2**63 - 1, 0):
            talk.socket.send_multipart([b"event", good(sequence)])
        heard = []
        while (found := talk.listener.receive(0.3)) is not None:
            heard.append(found.sequence)
        assert heard[-4:] == [2**63 - 1, 0, 2**63 - 1, 0]
        assert talk.listener.missed == 2**63 - 1, "as much as a PMT holds"


def decision(rx_time, version: int = 2) -> bytes:
    answer = {"label": "a", "index": 0, "score": 1.0, "probabilities": {"a": 1.0}}
    body = {"sample_start": 1, "sample_count": 2, "rx_time": rx_time, "tasks": {"t": answer}}
    return json.dumps({"version": version, "kind": "decision", "radio": "r", "sequence": 0, "body": body}).encode()


def test_times_between_programs_are_exact():
    times = [[1_767_225_600, 0.1 + 1e-9], [0, 0.0], [2**53, 0.999999999999]]
    assert [decode(encode(decode(decision(time)))).body["rx_time"] for time in times] == times


def test_a_time_of_version_1_is_read():
    found = decode(decision(1_767_225_600.25, version=1))
    assert found.body["rx_time"] == [1_767_225_600, 0.25]
    assert json.loads(encode(found))["version"] == 2


@pytest.mark.parametrize("bad", [1.5, [1], [1.5, 0.5], [1, 1.0], [1, -0.1], [-1, 0.5], ["a", "b"], [1, 0.5, 0], None])
def test_other_times_are_refused(bad):
    with pytest.raises(Exception, match="rx_time"):
        decode(decision(bad))
