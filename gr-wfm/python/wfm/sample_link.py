# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Sample Publisher and WFM Sample Subscriber: coherent streams from one computer to another over gr-zeromq."""

from gnuradio import blocks, gr, zeromq
from gnuradio.wfm.tag_repeater import tag_repeater

from wfm_core.errors import WfmError

DEFAULT_ADDRESS = "tcp://127.0.0.1:5711"
_POLL_MS = 100


class sample_publisher(gr.hier_block2):
    """N coherent streams to any number of WFM Sample Subscribers. It never waits: who is too slow misses samples.

    Messages hold whole intervals, each with the radio's time, rate and frequency as tags: a subscriber joins at any
    moment, and what it misses it sees as a jump of rx_time.

    Args:
        address: `tcp://HOST:PORT` to bind; only that interface listens.
        channels: streams.
        sample_rate: Hz, until rx_rate tags say otherwise.
        interval: samples of each channel from tag to tag; what is lost is a whole number of them.
        high_water_mark: messages that wait for each subscriber.

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
    ):
        gr.hier_block2.__init__(
            self,
            "wfm_sample_publisher",
            gr.io_signature(channels, channels, gr.sizeof_gr_complex),
            gr.io_signature(0, 0, 0),
        )
        if interval < 1 or high_water_mark < 1:
            raise WfmError(f"interval {interval}, high-water mark {high_water_mark}: at least 1 of each is wanted")
        self._repeater = tag_repeater(channels, sample_rate, interval)
        size = gr.sizeof_gr_complex
        try:
            sink = zeromq.pub_sink(size, channels, address, _POLL_MS, True, high_water_mark)
        except RuntimeError as error:  # it names neither the address nor what to do
            raise WfmError(
                f"samples cannot be published at {address} ({error}): name a free address of this machine, such as "
                f"{DEFAULT_ADDRESS}"
            ) from error
        sink.set_output_multiple(interval)
        if channels == 1:
            self.connect(self, self._repeater, sink)
            return
        together = blocks.streams_to_vector(size, channels)
        for channel in range(channels):
            self.connect((self, channel), (together, channel))
        self.connect(together, self._repeater, sink)

    def samples_sent(self) -> int:
        """Samples of each channel that went out, whether anybody listened or not."""
        return self._repeater.items

    def finish(self) -> None:
        """Take no more samples, so that the stream ends."""
        self._repeater.finish()

    def status(self) -> dict:
        return {"samples_out": self.samples_sent(), "ended": self.ended()}

    def ended(self) -> bool:
        """Whether the stream has ended; the flowgraph goes on while others of its blocks do."""
        return self._repeater.ended.is_set()


class sample_subscriber(gr.hier_block2):
    """The N streams of a WFM Sample Publisher, with its tags; it waits for one that is away, or comes back.

    Args:
        address: where the publisher is bound.
        channels: streams, as many as the publisher has.
        high_water_mark: messages that wait here.

    Raises:
        WfmError: the address is not one.
    """

    def __init__(self, address: str = DEFAULT_ADDRESS, channels: int = 1, high_water_mark: int = 200):
        gr.hier_block2.__init__(
            self,
            "wfm_sample_subscriber",
            gr.io_signature(0, 0, 0),
            gr.io_signature(channels, channels, gr.sizeof_gr_complex),
        )
        size = gr.sizeof_gr_complex
        try:
            source = zeromq.sub_source(size, channels, address, _POLL_MS, True, high_water_mark)
        except RuntimeError as error:
            raise WfmError(
                f"samples cannot be had from {address!r} ({error}): give tcp://HOST:PORT, such as {DEFAULT_ADDRESS}"
            ) from error
        if channels == 1:
            self.connect(source, self)
            return
        apart = blocks.vector_to_streams(size, channels)
        self.connect(source, apart)
        for channel in range(channels):
            self.connect((apart, channel), (self, channel))
