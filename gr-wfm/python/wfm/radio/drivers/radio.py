# SPDX-License-Identifier: GPL-3.0-or-later
"""What all radios share: the tagger behind the device's block, retunes, gains, and what they count."""

import math
import re
from abc import abstractmethod
from collections.abc import Callable

from wfm_core.base.errors import WfmError

from ...wfm_python import radio_tagger
from .. import radio_settings
from . import Driver, Request


class Radio(Driver):
    """An opened radio: its GNU Radio source block and a `radio_tagger` right behind it.

    Args:
        source: the device's block, as it was made.
        request: what was asked of the channels that the device has.
        clock: the device's block tags rx_time by the radio's own clock.
        watch: look for losses that the device's block does not tell.
    """

    def __init__(self, source, request: Request, clock: bool, watch: bool):
        self._source = source
        self.channels = request.channels
        self.late_commands = 0
        self._set_up(request)
        rate = self.read_rate()
        self._note_freqs(request.center_freqs)
        self.tagger = radio_tagger(self.channels, rate, self.freqs, clock, watch)
        inputs = [((source, channel), (self.tagger, channel)) for channel in range(self.channels)]
        outputs = [(self.tagger, channel) for channel in range(self.channels)]
        super().__init__(outputs, rate, self.center_freq, inputs)
        self.differences = tuple(radio_settings.differences(self, request))

    @property
    def clock(self) -> str:
        return "hardware" if self.tagger.clock() else "host"

    def repeat_last(self, channels: int) -> None:
        """Give `channels` streams, as a recording with fewer does."""
        missing = channels - self.channels
        if missing > 0:
            self.outputs += [self.outputs[-1]] * missing
            own = f"{self.channels} channel{'s' * (self.channels > 1)}"
            self.differences += (f"channels: asked for {channels}, the radio has {own}: the last one is repeated",)

    @abstractmethod
    def _set_up(self, request: Request) -> None:
        """What `request` asks of the device, by `_set_up_channels` of its channels. Raises `WfmError`."""

    def _set_up_channels(self, request: Request) -> None:
        options = request.radio
        for channel in range(request.channels):
            if request.antennas:
                self._set_antenna(request.antennas[channel], channel)
            self._tune(request.center_freqs[channel], channel)
            if options.bandwidth:
                self._set_bandwidth(options.bandwidth, channel)
            self._set_agc(options.agc, channel)
            if not options.agc:
                self._set_gains(request, channel)

    def _set_gains(self, request: Request, channel: int) -> None:
        elements = radio_settings.named_numbers("gain elements", request.radio.gain_elements)
        radio_settings.check_elements(elements, self._gain_elements(channel))
        for name, gain in elements.items():
            self._set_element(gain, name, channel)
        if not elements:
            self.set_gain(request.gains[channel], channel)

    # As most devices' blocks call it.

    @abstractmethod
    def read_rate(self) -> float:
        """The sample rate that the device has, Hz."""

    def read_freq(self, channel: int) -> float:
        """The frequency that the device is tuned to, Hz."""
        return self._source.get_center_freq(channel)

    def read_gain(self, channel: int) -> float:
        """dB, or a share of the range where the request's gains are normalized; NaN where the device does not say."""
        return self._source.get_gain(channel)

    def read_bandwidth(self, channel: int) -> float:
        """Of the analogue filter, Hz; 0 where the device does not say."""
        return self._source.get_bandwidth(channel)

    def read_antenna(self, channel: int) -> str:
        return self._source.get_antenna(channel)

    def _tune(self, freq: float, channel: int) -> None:
        self._source.set_center_freq(freq, channel)

    def _set_antenna(self, name: str, channel: int) -> None:
        self._source.set_antenna(name, channel)

    def _set_bandwidth(self, bandwidth: float, channel: int) -> None:
        self._source.set_bandwidth(bandwidth, channel)

    def _set_agc(self, agc: bool, channel: int) -> None:
        self._source.set_gain_mode(agc, channel)

    def _gain_elements(self, channel: int):
        return self._source.get_gain_names(channel)

    def _set_element(self, gain: float, name: str, channel: int) -> None:
        self._source.set_gain(gain, name, channel)

    def set_gain(self, gain: float, channel: int) -> None:
        """As `read_gain` has it."""
        self._source.set_gain(gain, channel)

    # What `sdr_source` and its control use.

    def set_center_freqs(self, center_freqs: tuple[float, ...], at: tuple[int, float] | None = None) -> None:
        """Tune every channel (Hz, one each); `at`: by a timed command, where the device has them."""
        if at is not None:
            raise ValueError(f"this radio has no timed commands: the time {at} of a retune cannot be kept")
        for channel, freq in enumerate(center_freqs[: self.channels]):
            self._tune(freq, channel)
        self._note_freqs(center_freqs[: self.channels])
        self.tagger.set_center_freqs(self.freqs)

    def _note_freqs(self, wished) -> None:
        """The frequencies that the device has; what was wished of one that does not know its own."""
        own = [self.read_freq(channel) for channel in range(self.channels)]
        self.freqs = [freq if _known(freq) else wish for freq, wish in zip(own, wished, strict=True)]
        self.center_freq = self.freqs[0]

    def set_gains(self, gains: tuple[float, ...]) -> None:
        for channel, gain in enumerate(gains[: self.channels]):
            self.set_gain(gain, channel)

    def forward(self, message) -> bool:
        """Hand a command over to the device's block as it is; False where that takes none."""
        return False

    def samples_lost(self) -> int:
        return self.tagger.counters()["samples_lost"]

    def warnings(self) -> list[str]:
        """What the driver's library said since the last call, a sentence each."""
        return []

    def failure(self) -> str:
        """Why the device's block can give no samples any more, where that is known; else ""."""
        return ""

    def hush(self, quiet: bool) -> None:
        """A block whose device has died would log it many thousand times a second."""
        self._source.set_log_level("off" if quiet else "debug")

    def release(self) -> None:
        """Let go of the device: some drivers abort the process when the interpreter ends first."""
        self._source = None
        super().release()


def open_channels(request: Request, open_radio: Callable[[Request], Radio], too_many: re.Pattern) -> Radio:
    """The radio with as many channels as it has, up to those asked for.

    open_radio: opens it, and raises what says `too_many` where the device has fewer.
    """
    for channels in range(request.channels, 0, -1):
        try:
            radio = open_radio(request.of_first(channels))
        except (RuntimeError, ValueError, LookupError) as error:
            if channels == 1 or not too_many.search(str(error)):
                raise
        else:
            radio.repeat_last(request.channels)
            return radio
    raise AssertionError("unreachable: one channel is opened or raises")


def refuse_sync(sync: str) -> None:
    """Of a device that is no USRP."""
    if sync in ("pps", "gps"):
        raise WfmError(f"sync {sync!r}: only USRPs (source uhd) set their time by it; expected pc or none here")


def _known(value: float) -> bool:
    return math.isfinite(value) and value > 0
