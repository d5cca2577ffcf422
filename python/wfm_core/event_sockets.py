# SPDX-License-Identifier: GPL-3.0-or-later
"""PUB and SUB sockets for `wfm_core.events`: what is lost on the way is counted on both sides."""

from collections import Counter

import zmq

from wfm_core.errors import WfmError
from wfm_core.events import MAX_BYTES, Message, decode, encode

DEFAULT_ADDRESS = "tcp://127.0.0.1:5710"
_MAX_STREAMS = 1024


class EventSender:
    """Sends messages to everybody who listens at `address`, and never waits for them.

    Not safe to call from two threads at once.

    Args:
        address: `tcp://HOST:PORT` (PORT `*`: any free one) or `ipc://PATH`. Only the named host's interface listens.
        radio: the name that listeners see.
        high_water_mark: messages that wait for one slow listener; beyond it that listener misses messages.

    Raises:
        WfmError: the address cannot be bound, or the high-water mark is below 1.
    """

    def __init__(self, address: str, radio: str, high_water_mark: int):
        _check_high_water_mark(high_water_mark)
        self._radio = radio
        self._sequences: Counter = Counter()
        self.dropped = 0
        """Messages that at least one listener, too slow, did not get."""
        self._socket = zmq.Context.instance().socket(zmq.PUB)
        self._socket.setsockopt(zmq.LINGER, 100)
        self._socket.setsockopt(zmq.SNDHWM, high_water_mark)
        self._socket.setsockopt(zmq.XPUB_NODROP, 1)
        try:
            self._socket.bind(address)
        except zmq.ZMQError as error:
            self._socket.close()
            raise WfmError(
                f"events cannot be published at {address} ({zmq.strerror(error.errno)}): "
                f"name a free address of this machine, such as {DEFAULT_ADDRESS}"
            ) from error
        self.address = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    @property
    def sent(self) -> int:
        return sum(self._sequences.values())

    def send(self, kind: str, body: dict) -> None:
        data = encode(Message(kind, self._radio, self._sequences[kind], body))
        self._sequences[kind] += 1
        frames = [kind.encode(), data]
        try:
            self._socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            # A listener's queue is full. The others still get the message: send it as a plain PUB socket does.
            self.dropped += 1
            self._socket.setsockopt(zmq.XPUB_NODROP, 0)
            self._socket.send_multipart(frames, zmq.NOBLOCK)
            self._socket.setsockopt(zmq.XPUB_NODROP, 1)

    def close(self) -> None:
        self._socket.close()


class EventListener:
    """Hears one or many senders. Counts messages `received`, `missed` (gaps in sequences) and `refused` (not ours).

    Args:
        addresses: where senders are bound; they need not be there yet.
        high_water_mark: messages that wait here for each sender.

    Raises:
        WfmError: an address is not one, or the high-water mark is below 1.
    """

    def __init__(self, addresses: list[str], high_water_mark: int = 1000):
        _check_high_water_mark(high_water_mark)
        self.received = self.missed = self.refused = 0
        self.last_refusal = ""
        self._next: dict[tuple[str, str], int] = {}
        self._socket = zmq.Context.instance().socket(zmq.SUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVHWM, high_water_mark)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MAX_BYTES)
        self._socket.setsockopt(zmq.SUBSCRIBE, b"")
        for address in addresses:
            try:
                self._socket.connect(address)
            except zmq.ZMQError as error:
                self._socket.close()
                raise WfmError(
                    f"cannot listen to {address!r} ({zmq.strerror(error.errno)}): "
                    f"give tcp://HOST:PORT, such as {DEFAULT_ADDRESS}"
                ) from error

    def receive(self, timeout: float) -> Message | None:
        """The next message, or None when `timeout` seconds brought none that is one of ours."""
        if not self._socket.poll(int(timeout * 1000)):
            return None
        frames = self._socket.recv_multipart()
        try:
            message = decode(frames[-1])
        except WfmError as error:
            self.refused += 1
            self.last_refusal = str(error)
            return None
        self.received += 1
        self._count_missed(message)
        return message

    def counts(self) -> dict[str, int]:
        return {"received": self.received, "missed": self.missed, "refused": self.refused}

    def _count_missed(self, message: Message) -> None:
        """A sequence that goes back is a sender that started again: nothing is known to be missed then."""
        stream = (message.radio, message.kind)
        if len(self._next) >= _MAX_STREAMS and stream not in self._next:
            self._next.clear()
        self.missed += max(0, message.sequence - self._next.get(stream, message.sequence))
        self._next[stream] = message.sequence + 1

    def close(self) -> None:
        self._socket.close()


def _check_high_water_mark(high_water_mark: int) -> None:
    # to ZeroMQ 0 means without a limit
    if high_water_mark < 1:
        raise WfmError(f"high-water mark {high_water_mark}: at least 1 message must be able to wait; raise it")
