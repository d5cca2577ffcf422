# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Sample Publisher and WFM Sample Subscriber: coherent streams between computers, as packets of VITA 49.2."""

from collections.abc import Iterator
from contextlib import contextmanager

from wfm_core.base.errors import WfmError

from ..wfm_python import sample_publisher as stream_publisher
from ..wfm_python import sample_subscriber as stream_subscriber

DEFAULT_ADDRESS = "tcp://127.0.0.1:5711"
DEFAULT_DATAGRAM_BYTES = 1472
"""A UDP datagram of this size fits an Ethernet frame of 1500 bytes."""


class sample_publisher(stream_publisher):
    """N coherent streams to any number of WFM Sample Subscribers. It never waits: who is too slow misses samples.

    Intervals go out whole, each with the radio's rate and frequency, each packet with the time of its first sample:
    a subscriber joins at any moment, and what it misses it sees as a jump of rx_time.

    Args:
        address: `tcp://HOST:PORT` or `ipc://PATH` to bind, for a ZeroMQ PUB socket; only that interface listens. Or
            `udp://HOST:PORT`, where datagrams of one packet go.
        channels: streams, 1 to 64.
        sample_rate: Hz, until rx_rate tags say otherwise.
        interval: samples of each channel that go out together, 1 to 65536; what is lost over ZeroMQ is a whole number
            of them.
        high_water_mark: messages that wait for each subscriber.
        sample_format: `cf32`, exact; or `ci16`, half as many bytes, rounded and clipped: full scale 1.0 is 32768.
        datagram_bytes: the largest packet over UDP, 256 to 65507.
        stream_id: of channel 0, 0 to 2^32 - 1; the others follow.

    Raises:
        WfmError: the address cannot be bound, as when another program has the port, or a parameter is out of range.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        channels: int = 1,
        sample_rate: float = 1e6,
        interval: int = 4096,
        high_water_mark: int = 200,
        sample_format: str = "cf32",
        datagram_bytes: int = DEFAULT_DATAGRAM_BYTES,
        stream_id: int = 0,
    ):
        way_out = (
            f"name a free address of this machine, such as {DEFAULT_ADDRESS}, or udp://HOST:PORT where they are to go"
        )
        with _opening(f"samples cannot be published at {address}", way_out, stream_id):
            super().__init__(
                address, channels, sample_rate, interval, high_water_mark, sample_format, datagram_bytes, stream_id
            )


class sample_subscriber(stream_subscriber):
    """The N streams of a WFM Sample Publisher, with its tags; it waits for one that is away, or comes back.

    Other senders of VITA 49.2 packets of complex float32 or 16-bit samples are heard as well, DIFI devices among them.

    Args:
        address: where the publisher is bound; or the `udp://HOST:PORT` to listen at.
        channels: streams, as many as the publisher has.
        high_water_mark: messages that wait here; not over UDP, where the kernel's buffer holds what waits.
        stream_id: of channel 0, as at the publisher.

    Raises:
        WfmError: the address is not one, or cannot be had, or a parameter is out of range.
    """

    def __init__(
        self, address: str = DEFAULT_ADDRESS, channels: int = 1, high_water_mark: int = 200, stream_id: int = 0
    ):
        way_out = f"give tcp://HOST:PORT, such as {DEFAULT_ADDRESS}, or udp://HOST:PORT"
        with _opening(f"samples cannot be had from {address!r}", way_out, stream_id):
            super().__init__(address, channels, high_water_mark, stream_id)


@contextmanager
def _opening(failed: str, way_out: str, stream_id: int) -> Iterator[None]:
    """What opening raises as one sentence: the library's names neither the address nor what to do."""
    if not 0 <= stream_id < 2**32:
        raise WfmError(f"stream id {stream_id}: 0 to 4294967295 are expected")
    try:
        yield
    except ValueError as error:
        raise WfmError(str(error)) from error
    except RuntimeError as error:
        raise WfmError(f"{failed} ({error}): {way_out}") from error
