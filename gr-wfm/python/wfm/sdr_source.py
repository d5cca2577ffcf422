# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM SDR Source: N coherent channels from a radio, a recording or the simulated radio, chosen by a string."""

from gnuradio import blocks, gr
from gnuradio.wfm.drivers import Request, open_driver, split_source
from gnuradio.wfm.drivers.file import open_argument

from wfm_core.errors import WfmError

POLICIES = ("live", "lossless")


class sdr_source(gr.hier_block2):
    """N complex streams at full scale 1.0, with rx_time (where the source has a clock), rx_rate and rx_freq tags.

    Message port in: `command`, passed on to the drivers that have one (uhd: as in GNU Radio's USRP source, add
    `"tag": True` to a retune so that the stream says it; soapy, osmosdr: as in theirs).

    Args:
        source: "uhd", "uhd:ARGS", "soapy:ARGS", "osmosdr:ARGS", "file:PATH" (SigMF, its archives and
            collections, raw files, WAV; with "?rate=HZ&freq=HZ&real=analytic" behind it where the file does not say
            it), "sim", "sim:SEED", "sim:SCENE" or "sim:SCENE:SEED" (`wfm_core.synth.simulated`).
        channels: streams; a recording with fewer repeats its last one and says so.
        sample_rate: Hz; a recording's own rate counts instead, where it or its name states one.
        center_freq: Hz; recordings and scenes have their own; raw files whose names tell none have this one.
        gain: dB.
        policy: "live": recordings and scenes play by the wall clock, and overflow like a radio; "lossless": as
            fast as the flowgraph takes them; "": lossless for recordings, live for the rest.
        duration: seconds after which the source ends; 0: at the recording's end (the simulator: after 10 s; radios:
            never).
        antennas: names of the RX antenna ports, one a channel; empty for the device's own choice.

    Raises:
        WfmError: an unknown driver, an absent device, a recording that is not one: one sentence.
    """

    def __init__(
        self,
        source: str = "sim",
        channels: int = 2,
        sample_rate: float = 1.92e6,
        center_freq: float = 1.8425e9,
        gain: float = 40.0,
        policy: str = "",
        duration: float = 0.0,
        antennas: tuple[str, ...] = (),
    ):
        gr.hier_block2.__init__(
            self,
            "wfm_sdr_source",
            gr.io_signature(0, 0, 0),
            gr.io_signature(channels, channels, gr.sizeof_gr_complex),
        )
        name, argument = split_source(source)
        policy = source_policy(source, policy)
        _check(channels, sample_rate, duration)
        paced = policy == "live"
        request = Request(argument, channels, sample_rate, center_freq, gain, tuple(antennas), paced, duration)
        self._driver = open_driver(name, request)
        for begin, end in self._driver.connections:
            self.connect(begin, end)
        for channel, output in enumerate(self._driver.outputs):
            self._connect_channel(channel, output, duration)
        self.message_port_register_hier_in("command")
        if self._driver.command is not None:
            block, port = self._driver.command
            self.msg_connect(self, "command", block, port)

    def _connect_channel(self, channel: int, output: tuple, duration: float) -> None:
        if duration > 0:
            head = blocks.head(gr.sizeof_gr_complex, max(1, round(duration * self._driver.sample_rate)))
            self.connect(output, head, (self, channel))
        else:
            self.connect(output, (self, channel))

    def sample_rate(self) -> float:
        """Hz, as the device or the recording really has it."""
        return self._driver.sample_rate

    def center_freq(self) -> float | None:
        """Hz, as the device or the recording really has it; None where it is unknown."""
        return self._driver.center_freq

    def set_center_freq(self, center_freq: float) -> None:
        self._driver.set_center_freq(center_freq)

    def set_gain(self, gain: float) -> None:
        self._driver.set_gain(gain)

    def samples_lost(self) -> int:
        """Samples the simulated radio lost because the flowgraph was too slow."""
        return self._driver.samples_lost()

    def truth(self):
        """The scene's `SceneTruth` for the simulated radio, None for everything else."""
        return self._driver.truth()


def source_policy(source: str, policy: str = "") -> str:
    """`policy`, or where it is empty the one that suits the source: lossless for recordings, live for the rest."""
    if policy == "":
        return "lossless" if split_source(source)[0] == "file" else "live"
    if policy not in POLICIES:
        raise WfmError(f"policy is {policy!r}, one of {', '.join(POLICIES)} is wanted")
    return policy


def source_rate(source: str, default: float) -> float:
    """The sample rate (Hz) that `source` will have: a recording's own, else `default`."""
    name, argument = split_source(source)
    return open_argument(argument, default).sample_rate if name == "file" and argument else float(default)


def source_freq(source: str, default: float) -> float:
    """The centre frequency (Hz) at `source`'s start: a recording's own (0 if it states none), else `default`."""
    name, argument = split_source(source)
    if name == "file" and argument:
        return open_argument(argument, 1.0, default).center_freq_at(0) or 0.0
    return float(default)


def _check(channels: int, sample_rate: float, duration: float) -> None:
    if channels < 1:
        raise WfmError(f"{channels} channels asked for, at least 1 is wanted")
    if not sample_rate > 0:
        raise WfmError(f"sample rate {sample_rate:g} Hz, more than 0 is wanted")
    if not duration >= 0:
        raise WfmError(f"duration {duration:g} s, 0 (to the end) or more is wanted")
