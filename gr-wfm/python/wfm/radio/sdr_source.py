# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM SDR Source: N coherent channels from a radio, a recording or the simulated radio, chosen by a string."""

import math

from gnuradio import blocks, gr

from wfm_core.base.errors import WfmError

from ..ports.block import keep_alive
from . import radio_settings
from .drivers import RadioOptions, Request, open_driver, split_source
from .drivers.file import open_argument
from .radio_control import radio_control

POLICIES = ("live", "lossless")


class sdr_source(gr.hier_block2):
    """N complex streams at full scale 1.0, with rx_time (where the source has a clock), rx_rate and rx_freq tags.

    Radios say rx_time, rx_rate and rx_freq on the very sample, at the start and at each retune or loss. Their time is
    their own where the driver gives it (uhd, some of soapy), else the host's.

    Message port in: `command` (radios): a dict or pair; `freq` (Hz) and `gain` (dB) for all channels, or that of
    `chan`; with `time` (whole seconds, fraction; uhd) all channels at that instant. Other commands go to the device's
    block as they are. Ports out: `events` (dict: event, text), `status` (dict, once a second; radios).

    Args:
        source: "uhd", "uhd:ARGS", "soapy:ARGS", "osmosdr:ARGS", "file:PATH" (SigMF, its archives and
            collections, raw files, WAV; with "?rate=HZ&freq=HZ&real=analytic" behind it where the file does not say
            it), "sim", "sim:SEED", "sim:SCENE" or "sim:SCENE:SEED" (`wfm_core.synth.scenes.simulated`).
        channels: streams; a recording or a radio with fewer repeats its last one and says so.
        sample_rate: Hz; a recording's own counts instead, where it or its name states one, and that which the radio
            really has.
        center_freq: Hz, one number or one a channel; recordings and scenes have their own; raw files whose names tell
            none have this one.
        gain: dB, one number or one a channel.
        policy: "live": recordings and scenes play by the wall clock, and overflow like a radio; "lossless": as
            fast as the flowgraph takes them; "": lossless for recordings, live for the rest.
        duration: seconds after which the source ends; 0: at the recording's end (the simulator: after its scene, of
            10 s at most; radios: never). A radio that gives too few samples ends a second later by the clock.
        antennas: names of the RX antenna ports, one for all or one a channel, also as "RX2,RX2"; empty for the
            device's own choice.
        bandwidth: of the analogue filter, Hz; 0 for the device's own choice.
        agc: let the device set its gain.
        normalized_gain: (uhd) gains are shares of the device's range, 0 to 1.
        lo_offset: (uhd) Hz by which the local oscillator lies off the middle of the band.
        clock_source, time_source: (uhd, soapy) where 10 MHz and PPS come from: "internal", "external", "gpsdo", ...
        sync: (uhd) "pc", "pps", "gps", "none": see `wfm.drivers.uhd_time.set_time`; "": pc.
        subdev: (uhd) subdevice specification, such as "A:0 B:0".
        otw_format: (uhd) samples on the wire: "sc16", "sc12", "sc8".
        stream_args: arguments of the stream, "NAME=VALUE,...".
        gains: gain elements in dB, such as "LNA=16,VGA=20", in place of `gain`.
        settings: (soapy) the driver's settings, such as "biastee=true".
        silence: s without samples after which a radio's silence is said.
        patience: s without samples after which the stream ends with an error.

    Raises:
        WfmError: an unknown driver, an absent device, a refused setting, a recording that is not one: one sentence.
    """

    def __init__(
        self,
        source: str = "sim",
        channels: int = 2,
        sample_rate: float = 1.92e6,
        center_freq: float | tuple[float, ...] = 1.8425e9,
        gain: float | tuple[float, ...] = 40.0,
        policy: str = "",
        duration: float = 0.0,
        antennas: tuple[str, ...] | str = (),
        bandwidth: float = 0.0,
        agc: bool = False,
        normalized_gain: bool = False,
        lo_offset: float = 0.0,
        clock_source: str = "",
        time_source: str = "",
        sync: str = "",
        subdev: str = "",
        otw_format: str = "",
        stream_args: str = "",
        gains: str = "",
        settings: str = "",
        silence: float = 2.0,
        patience: float = 8.0,
    ):
        gr.hier_block2.__init__(
            self,
            "wfm_sdr_source",
            gr.io_signature(0, 0, 0),
            gr.io_signature(channels, channels, gr.sizeof_gr_complex),
        )
        name, argument = split_source(source)
        policy = source_policy(source, policy)
        _check(channels, sample_rate, duration, silence, patience)
        request = Request(
            argument=argument,
            channels=channels,
            sample_rate=sample_rate,
            center_freqs=radio_settings.each("center_freq", "Hz", center_freq, channels),
            gains=radio_settings.each("gain", "dB", gain, channels),
            antennas=_one_each(antennas, channels),
            paced=policy == "live",
            duration=duration,
            radio=RadioOptions(
                bandwidth=bandwidth,
                agc=agc,
                normalized_gain=normalized_gain,
                lo_offset=lo_offset,
                clock_source=clock_source,
                time_source=time_source,
                sync=sync,
                subdev=subdev,
                otw_format=otw_format,
                stream_args=stream_args,
                gain_elements=gains,
                settings=settings,
            ),
        )
        self._channels = channels
        self._driver = open_driver(name, request)
        for begin, end in self._driver.connections:
            self.connect(begin, end)
        for channel, output in enumerate(self._driver.outputs):
            self._connect_channel(channel, output, duration)
        self.message_port_register_hier_in("command")
        for port in ("events", "status"):
            self.message_port_register_hier_out(port)
        self._control = None
        if self._driver.clock != "none":
            self._watch(source, silence, patience, duration)

    def _watch(self, source: str, silence: float, patience: float, duration: float) -> None:
        self._control = radio_control(self._driver, source, silence, patience, duration)
        self.msg_connect(self, "command", self._control, "command")
        keep_alive(self, self._control)
        for port in ("events", "status"):
            self.msg_connect(self._control, port, self, port)
        log = gr.logger("wfm.sdr_source")
        for sentence in (*self._driver.warnings(), *self._driver.differences):
            log.warn(sentence)

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

    def set_center_freq(self, center_freq, at: tuple[int, float] | None = None) -> None:
        """Tune all channels (Hz, one number or one a channel); `at`: (whole seconds, fraction) of the radio's time."""
        freqs = radio_settings.each("center_freq", "Hz", center_freq, self._channels)
        if at is None:
            self._driver.set_center_freqs(freqs)
        else:
            self._driver.set_center_freqs(freqs, at)

    def set_gain(self, gain) -> None:
        """dB, one number or one a channel."""
        self._driver.set_gains(radio_settings.each("gain", "dB", gain, self._channels))

    def samples_lost(self) -> int:
        """Samples lost in front of the flowgraph, where the radio's clock or the simulation tells exactly."""
        return self._driver.samples_lost()

    def status(self) -> dict:
        """Of a radio, see `radio_control.status`; empty for recordings and scenes."""
        return self._control.status() if self._control is not None else {}

    def error(self) -> str:
        """Why a radio's stream, or that of a recording, ended early, or ""."""
        return self._control.error() if self._control is not None else self._driver.error()

    def release(self) -> None:
        """After the flowgraph has ended, let go of the device; this block cannot run again."""
        self.disconnect_all()
        self._driver.release()

    def truth(self):
        """The scene's `GroundTruth` for the simulated radio, None for everything else."""
        return self._driver.truth()


def source_policy(source: str, policy: str = "") -> str:
    """`policy`, or where it is empty the one that suits the source: lossless for recordings, live for the rest."""
    if policy == "":
        return "lossless" if split_source(source)[0] == "file" else "live"
    if policy not in POLICIES:
        raise WfmError(f"policy is {policy!r}, expected one of {', '.join(POLICIES)}")
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


def _check(channels: int, sample_rate: float, duration: float, silence: float, patience: float) -> None:
    if channels < 1:
        raise WfmError(f"{channels} channels asked for, expected at least 1")
    if not 0 < sample_rate < math.inf:
        raise WfmError(f"sample rate {sample_rate:g} Hz, expected more than 0")
    if not 0 <= duration < math.inf:
        raise WfmError(f"duration {duration:g} s, expected 0 (to the end) or more")
    if not 0 < silence <= patience:
        raise WfmError(f"silence {silence:g} s, patience {patience:g} s: expected more than 0, and patience no less")


def _one_each(antennas: tuple[str, ...] | str, channels: int) -> tuple[str, ...]:
    names = antennas.split(",") if isinstance(antennas, str) else antennas
    names = tuple(name.strip() for name in names if name.strip())
    if len(names) == 1:
        names *= channels
    if names and len(names) != channels:
        raise WfmError(
            f"{len(names)} antenna ports ({', '.join(names)}) for {channels} channels: expected one, or one a channel"
        )
    return names
