# SPDX-License-Identifier: GPL-3.0-or-later
"""PUB and SUB sockets for `wfm_core.messages.events`: what is lost on the way is counted on both sides."""

import secrets
from collections import Counter, deque
from collections.abc import Sequence

import zmq
from zmq.utils.monitor import recv_monitor_message

from wfm_core.base.errors import WfmError
from wfm_core.messages.events import MAX_BYTES, Message, decode, encode

DEFAULT_ADDRESS = "tcp://127.0.0.1:5710"
_MAX_STREAMS = 1024
_MOST_FRAMES = 2
_RETRY_MS = 50
_LARGEST = 2**63 - 1
"""A count stays there: a PMT holds no larger one."""


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
        self._radio, self._run = radio, secrets.token_hex(8)
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
        data = encode(Message(kind, self._radio, self._sequences[kind], body, self._run))
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
        kinds: what to hear; the others are neither sent here nor missed. "" is everything.

    Raises:
        WfmError: an address is not one, or the high-water mark is below 1.
    """

    def __init__(self, addresses: list[str], high_water_mark: int = 1000, kinds: Sequence[str] = ("",)):
        _check_high_water_mark(high_water_mark)
        self.received = self.missed = self.refused = 0
        self.last_refusal = ""
        self._next: dict[tuple[str, str], int] = {}
        self._lines: list[_Line] = []
        self._poller = zmq.Poller()
        self._ready: deque[_Line] = deque()
        try:
            for address in addresses:
                self._add(_Line(address, high_water_mark, kinds))
        except WfmError:
            self.close()
            raise

    def receive(self, timeout: float) -> Message | None:
        """The next message, or None when `timeout` seconds brought none that is one of ours."""
        frames = self._next_frames(timeout)
        if frames is None:
            return None
        try:
            if len(frames) != 2:
                raise WfmError(f"a message of {len(frames)} frames: two are expected, the kind and one JSON object")
            message = decode(frames[-1])
        except WfmError as error:
            self._refuse(str(error))
            return None
        self.received = min(self.received + 1, _LARGEST)
        self._count_missed(message)
        return message

    def counts(self) -> dict[str, int]:
        return {"received": self.received, "missed": self.missed, "refused": self.refused}

    def close(self) -> None:
        for line in self._lines:
            line.close()

    def _next_frames(self, timeout: float) -> list[bytes] | None:
        """Senders are heard in turn."""
        if not self._ready:
            readable = dict(self._poller.poll(int(timeout * 1000)))
            for line in list(self._lines):
                if line.socket in readable:  # first: what came before the connection ended
                    self._ready.append(line)
                elif line.monitor in readable and line.was_cut_off():
                    self._renew(line)
        return self._ready.popleft().frames() if self._ready else None

    def _renew(self, line: "_Line") -> None:
        """ZeroMQ does not connect again to who broke its protocol, as one message over the limit does."""
        self._refuse(f"{line.address} sent what ZeroMQ refuses, such as a frame of more than {MAX_BYTES} bytes")
        self._poller.unregister(line.socket)
        self._poller.unregister(line.monitor)
        self._lines.remove(line)
        line.close()
        self._add(_Line(line.address, line.high_water_mark, line.kinds))

    def _add(self, line: "_Line") -> None:
        self._lines.append(line)
        self._poller.register(line.socket, zmq.POLLIN)
        self._poller.register(line.monitor, zmq.POLLIN)

    def _refuse(self, why: str) -> None:
        self.refused = min(self.refused + 1, _LARGEST)
        self.last_refusal = why

    def _count_missed(self, message: Message) -> None:
        """A sequence that goes back is a sender that started again: nothing is known to be missed then."""
        stream = (message.radio, message.kind)
        if len(self._next) >= _MAX_STREAMS and stream not in self._next:
            self._next.clear()
        gap = max(0, message.sequence - self._next.get(stream, message.sequence))
        self.missed = min(self.missed + gap, _LARGEST)  # an unknown sender may name any sequence
        self._next[stream] = message.sequence + 1


class _Line:
    """A SUB socket to one sender, and the socket that tells of its connection."""

    def __init__(self, address: str, high_water_mark: int, kinds: Sequence[str]):
        self.address, self.high_water_mark, self.kinds = address, high_water_mark, kinds
        self.socket = zmq.Context.instance().socket(zmq.SUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVHWM, high_water_mark)
        self.socket.setsockopt(zmq.MAXMSGSIZE, MAX_BYTES)
        for kind in kinds:
            self.socket.setsockopt(zmq.SUBSCRIBE, kind.encode())
        self._cut_off = False
        self.monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED)
        try:
            self.socket.connect(address)
        except zmq.ZMQError as error:
            self.close()
            raise WfmError(
                f"cannot listen to {address!r} ({zmq.strerror(error.errno)}): give tcp://HOST:PORT, such as "
                f"{DEFAULT_ADDRESS}"
            ) from error

    def was_cut_off(self) -> bool:
        """Whether the connection has ended, and ZeroMQ does not try again by itself."""
        while self.monitor.poll(0):
            self._cut_off = recv_monitor_message(self.monitor)["event"] == zmq.EVENT_DISCONNECTED
            if self._cut_off:
                self.monitor.poll(_RETRY_MS)  # the news that it tries again come at once
        return self._cut_off

    def frames(self) -> list[bytes] | None:
        """The next message; of one with many frames only the first few."""
        try:
            found = [self.socket.recv(zmq.NOBLOCK)]
            while self.socket.getsockopt(zmq.RCVMORE):
                frame = self.socket.recv(zmq.NOBLOCK)
                if len(found) <= _MOST_FRAMES:
                    found.append(frame)
        except zmq.Again:
            return None
        return found

    def close(self) -> None:
        self.socket.disable_monitor()
        self.socket.close()


def _check_high_water_mark(high_water_mark: int) -> None:
    # to ZeroMQ 0 means without a limit
    if high_water_mark < 1:
        raise WfmError(f"high-water mark {high_water_mark}: at least 1 message must be able to wait; raise it")
