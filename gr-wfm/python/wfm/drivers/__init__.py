# SPDX-License-Identifier: GPL-3.0-or-later
"""The radios behind `wfm.sdr_source`: one file a driver, chosen by the word before the colon of the source string.

A driver's `open_source(request)` returns a `Driver`; what it cannot do it says in one WfmError.
"""

import importlib
from dataclasses import dataclass

from wfm_core.errors import WfmError

NAMES = ("uhd", "soapy", "osmosdr", "file", "sim")


@dataclass(frozen=True)
class Request:
    """What the user asked of a source. `argument` is what follows the driver's name and colon.

    Rates, frequencies and gain are in samples/s, Hz and dB; `antennas` names the RX antenna port of each channel
    (empty: the device's default); `paced` lets recordings and scenes play by the wall clock; `duration` in seconds
    is a hint for the simulator, 0 means its own length.
    """

    argument: str
    channels: int
    sample_rate: float
    center_freq: float
    gain: float
    antennas: tuple[str, ...]
    paced: bool
    duration: float


class Driver:
    """An opened source.

    outputs: (block, port) of each channel, in order. connections: pairs to connect inside the hierarchical block.
    command: (block, port name) that understands command messages, or None.
    """

    def __init__(self, outputs, sample_rate: float, center_freq: float | None, connections=(), command=None):
        self.outputs = list(outputs)
        self.connections = list(connections)
        self.command = command
        self.sample_rate = sample_rate
        self.center_freq = center_freq

    def set_center_freq(self, center_freq: float) -> None:
        raise WfmError("this source's frequency is what was recorded: it cannot be tuned")

    def set_gain(self, gain: float) -> None:
        """Recordings and scenes have no gain to set; radios override this."""

    def samples_lost(self) -> int:
        """Samples lost before they reached the flowgraph, where the driver knows."""
        return 0

    def truth(self):
        """What was really sent (`wfm.truth.SceneTruth`); most sources do not know: None."""


def split_source(source: str) -> tuple[str, str]:
    """`"file:PATH"` -> ("file", "PATH"); raises WfmError for a driver that does not exist."""
    name, _, argument = source.partition(":")
    if name not in NAMES:
        raise WfmError(
            f"source {source!r} names no driver: uhd, uhd:ARGS, soapy:ARGS, osmosdr:ARGS, file:PATH, sim or sim:SEED "
            "is wanted"
        )
    return name, argument


def open_driver(name: str, request: Request) -> Driver:
    return importlib.import_module(f"gnuradio.wfm.drivers.{name}").open_source(request)
