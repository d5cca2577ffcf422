# SPDX-License-Identifier: GPL-3.0-or-later
"""The radios behind `wfm.sdr_source`: one file a driver, chosen by the word before the colon of the source string.

A driver's `open_source(request)` returns a `Driver`; what it cannot do it says in one WfmError.
"""

import importlib
from dataclasses import dataclass, field, replace

from wfm_core.base.errors import WfmError

NAMES = ("uhd", "soapy", "osmosdr", "file", "sim")


@dataclass(frozen=True)
class RadioOptions:
    """What only radios have. Empty strings and 0 leave the device's own choice.

    bandwidth and lo_offset in Hz; `normalized_gain`: gains are shares of the range, 0 to 1; `gain_elements` and
    `settings`: "NAME=VALUE,..." ; `sync`: "pc", "pps", "gps" or "none" (`wfm.drivers.uhd_time`).
    """

    bandwidth: float = 0.0
    agc: bool = False
    normalized_gain: bool = False
    lo_offset: float = 0.0
    clock_source: str = ""
    time_source: str = ""
    sync: str = ""
    subdev: str = ""
    otw_format: str = ""
    stream_args: str = ""
    gain_elements: str = ""
    settings: str = ""


@dataclass(frozen=True)
class Request:
    """What the user asked of a source. `argument` is what follows the driver's name and colon.

    `sample_rate` in Hz; `center_freqs` (Hz) and `gains` (dB): one a channel; `antennas` names the RX antenna port of
    each channel (empty: the device's default); `paced` lets recordings and scenes play by the wall clock; `duration`
    in seconds is a hint for the simulator, 0 means its own length.
    """

    argument: str
    channels: int
    sample_rate: float
    center_freqs: tuple[float, ...]
    gains: tuple[float, ...]
    antennas: tuple[str, ...]
    paced: bool
    duration: float
    radio: RadioOptions = field(default_factory=RadioOptions)

    @property
    def center_freq(self) -> float:
        """Hz, of the first channel."""
        return self.center_freqs[0]

    def of_first(self, channels: int) -> "Request":
        """The same of the first channels only."""
        cut = {name: getattr(self, name)[:channels] for name in ("center_freqs", "gains", "antennas")}
        return replace(self, channels=channels, **cut)


class Driver:
    """An opened source.

    outputs: (block, port) of each channel, in order. connections: pairs to connect inside the hierarchical block.
    """

    clock = "none"
    """Whose clock times the samples: the radio's ("hardware"), the host's ("host"), or "none" to speak of."""
    differences: tuple[str, ...] = ()
    """Where the device did not do as asked, a sentence each."""

    def __init__(self, outputs, sample_rate: float, center_freq: float | None, connections=()):
        self.outputs = list(outputs)
        self.connections = list(connections)
        self.sample_rate = sample_rate
        self.center_freq = center_freq

    def set_center_freqs(self, center_freqs: tuple[float, ...], at: tuple[int, float] | None = None) -> None:
        raise WfmError("this source's frequency is what was recorded: it cannot be tuned")

    def set_gains(self, gains: tuple[float, ...]) -> None:
        """Recordings and scenes have no gain to set; radios override this."""

    def samples_lost(self) -> int:
        """Samples lost before they reached the flowgraph, where the driver knows."""
        return 0

    def release(self) -> None:
        """Let go of the device."""
        self.connections.clear()
        self.outputs.clear()

    def error(self) -> str:
        """Why the stream ended early, or "". Radios are watched from outside (`wfm.radio_control`)."""
        return ""

    def truth(self):
        """What was really sent (`wfm.radio.ground_truth.GroundTruth`); most sources do not know: None."""


def split_source(source: str) -> tuple[str, str]:
    """`"file:PATH"` -> ("file", "PATH"); raises WfmError for a driver that does not exist."""
    name, _, argument = source.partition(":")
    if name not in NAMES:
        raise WfmError(
            f"source {source!r} names no driver: uhd, uhd:ARGS, soapy:ARGS, osmosdr:ARGS, file:PATH, sim or sim:SEED "
            "is expected"
        )
    return name, argument


def open_driver(name: str, request: Request) -> Driver:
    return importlib.import_module(f"{__name__}.{name}").open_source(request)
