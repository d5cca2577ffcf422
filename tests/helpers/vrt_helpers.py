# SPDX-License-Identifier: GPL-3.0-or-later
"""VITA 49.2 packets written by hand from the standard, and sockets that send and hear them, for tests of the link."""

import socket
import struct
import time
from types import SimpleNamespace

import numpy as np
import pmt
import zmq
from gnuradio import blocks, gr, wfm
from waiting import wait_for

RATE = 1e6
CF32, CI16 = 0xAE0007DF, 0xA00003CF
CHANGED, RF_FREQ, PLAIN_FIELDS = 1 << 31, 1 << 27, 0x73B98000
"""Of CIF 0: the change indicator, the RF reference frequency, and the rest of what DIFI has in it."""
DIFI = struct.pack(">II", 0x6A621E, 0)
DIFI_CONTEXT = struct.pack(">II", 0x6A621E, 1)


def hertz(value: float) -> bytes:
    return struct.pack(">q", round(value * 2**20))


def stamp_bytes(stamp) -> bytes:
    """(seconds, picoseconds), a count of samples, or None."""
    if stamp is None:
        return b""
    return struct.pack(">IQ", *stamp) if isinstance(stamp, tuple) else struct.pack(">Q", stamp)


def packet(kind: int, stream: int, count: int, stamp, body: bytes, own_class: bytes = b"", flags: int = 0) -> bytes:
    stamps = 0 if stamp is None else 0b0110 if isinstance(stamp, tuple) else 0b0011
    rest = struct.pack(">I", stream) + own_class + stamp_bytes(stamp) + body
    words = 1 + len(rest) // 4
    header = kind << 28 | bool(own_class) << 27 | flags << 24 | stamps << 20 | (count & 15) << 16 | words
    return struct.pack(">I", header) + rest


def context(
    stream=0, count=0, stamp=(17, 0), rate=RATE, freq=2.4e9, form=CF32, changed=True, loss=False, own_class=b""
) -> bytes:
    """As DIFI lays it out, in its 27 words or fewer."""
    cif = (CHANGED if changed else 0) | PLAIN_FIELDS | (0 if freq is None else RF_FREQ)
    body = struct.pack(">II", cif, 75) + hertz(rate) + hertz(0)
    body += (b"" if freq is None else hertz(freq)) + hertz(0) + bytes(8)
    body += hertz(rate) + bytes(12) + struct.pack(">III", 0x01001000 if loss else 0x01000000, form, 0)
    return packet(4, stream, count, stamp, body, own_class, flags=1)


def data(samples: np.ndarray, stream=0, count=0, stamp=(17, 0), own_class=b"", flags: int = 0) -> bytes:
    """complex64: single precision; int16 [n, 2]: as it is."""
    whole = samples.dtype.kind == "i"
    body = samples.astype(">i2").tobytes() if whole else samples.astype(np.complex64).view(np.float32).astype(">f4")
    return packet(1, stream, count, stamp, bytes(body), own_class, flags)


def message(rows: np.ndarray, count=0, stamp=(17, 0), **fields) -> bytes:
    """The packets of an interval, complex [channels, n]."""
    contexts = b"".join(context(c, count, stamp, **fields) for c in range(len(rows)))
    return contexts + b"".join(data(row, c, count, stamp) for c, row in enumerate(rows))


def marked(number: int, channels: int = 1, samples: int = 64) -> np.ndarray:
    """Samples that tell of themselves: `number` + 1j * index."""
    return np.tile(number + 1j * np.arange(samples), (channels, 1)).astype(np.complex64)


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Talk:
    """A ZeroMQ PUB socket of an unknown sender."""

    def __init__(self, address: str):
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.XPUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.SNDHWM, 0)
        self.socket.bind(address)

    def wait_for_subscriber(self) -> None:
        assert self.socket.poll(10_000), "a subscriber comes"
        self.socket.recv()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self._context.term()


class Receiver:
    """A running flowgraph with a sample subscriber; what came out of it."""

    def __init__(self, address: str, channels: int = 1, **parameters):
        self.block = wfm.sample_subscriber(address, channels, **parameters)
        self._top = gr.top_block()
        self.sinks = [blocks.vector_sink_c() for _ in range(channels)]
        for channel, sink in enumerate(self.sinks):
            self._top.connect((self.block, channel), sink)

    def __enter__(self):
        self._top.start()
        return self

    def __exit__(self, *_):
        self._top.stop()
        self._top.wait()

    def __getattr__(self, name: str):
        return self.block.status()[name]

    def heard(self, samples: int, seconds: float = 10.0) -> bool:
        """Whether so many samples a channel have come through in time."""
        return wait_for(lambda: min(sink.nitems_read(0) for sink in self.sinks) >= samples, seconds)

    def samples(self) -> np.ndarray:
        return np.array([sink.data() for sink in self.sinks], np.complex64)

    def tags(self, channel: int = 0) -> dict[str, list[tuple[int, object]]]:
        """key -> (offset, value), by offset."""
        found: dict[str, list] = {}
        for tag in sorted(self.sinks[channel].tags(), key=lambda t: t.offset):
            found.setdefault(pmt.symbol_to_string(tag.key), []).append((tag.offset, pmt.to_python(tag.value)))
        return found


def tag(offset: int, key: str, value) -> gr.tag_t:
    made = gr.tag_t()
    made.offset, made.key, made.value = offset, pmt.intern(key), value
    return made


def radio_time(secs: int, frac: float):
    return pmt.make_tuple(pmt.from_uint64(secs) if secs >= 0 else pmt.from_long(secs), pmt.from_double(frac))


def publish(link, rows: np.ndarray, tags=()) -> None:
    """Run a flowgraph that sends complex [channels, n]; `tags` on every channel, or a list of lists, one a channel."""
    top = gr.top_block()
    own = tags if tags and isinstance(tags[0], list) else [list(tags)] * len(rows)
    for channel, row in enumerate(rows):
        top.connect(blocks.vector_source_c(row.tolist(), False, 1, own[channel]), (link, channel))
    top.run()


def through(address: str, rows: np.ndarray, tags=(), rate: float = RATE, interval: int = 512, **parameters):
    """What a subscriber in this process has of a stream: samples [channels, n], tags by channel, both blocks."""
    link = wfm.sample_publisher(address, len(rows), rate, interval, **parameters)
    with Receiver(address, len(rows)) as receiver:
        time.sleep(0.3)  # until the subscriber is known to the publisher
        publish(link, rows, tags)
        receiver.heard(rows.shape[1] // interval * interval)
    channels = range(len(rows))
    return SimpleNamespace(
        samples=receiver.samples(), tags=[receiver.tags(c) for c in channels], link=link, status=receiver.block.status()
    )
