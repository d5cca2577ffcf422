# SPDX-License-Identifier: GPL-3.0-or-later
"""Radios known to gr-osmosdr, which is a package of its own."""

from gnuradio.wfm.drivers import Driver, Request
from gnuradio.wfm.drivers.frequency_tags import FrequencyTags

from wfm_core.errors import WfmError


class OsmosdrDriver(Driver):
    def __init__(self, source, channels: int):
        self._source, self._channels = source, channels
        rate, freq = source.get_sample_rate(), source.get_center_freq(0)
        self._tags = FrequencyTags([(source, channel) for channel in range(channels)], rate, freq)
        super().__init__(self._tags.outputs, rate, freq, self._tags.connections, command=(source, "command"))

    def set_center_freq(self, center_freq: float) -> None:
        for channel in range(self._channels):
            self._source.set_center_freq(center_freq, channel)
        self.center_freq = self._source.get_center_freq(0)
        self._tags.set_center_freq(self.center_freq)

    def set_gain(self, gain: float) -> None:
        for channel in range(self._channels):
            self._source.set_gain(gain, channel)


def open_source(request: Request) -> Driver:
    try:
        import osmosdr
    except ImportError as error:
        raise WfmError("source osmosdr: the module osmosdr is missing, install gr-osmosdr") from error
    try:
        source = osmosdr.source(f"numchan={request.channels} {request.argument}")
        source.set_sample_rate(request.sample_rate)
        for channel in range(request.channels):
            source.set_center_freq(request.center_freq, channel)
            source.set_gain_mode(False, channel)
            source.set_gain(request.gain, channel)
            if channel < len(request.antennas):
                source.set_antenna(request.antennas[channel], channel)
    except RuntimeError as error:
        name = f"gr-osmosdr device {request.argument!r}"
        raise WfmError(f"{name} cannot give {request.channels} channels: {error}") from error
    return OsmosdrDriver(source, request.channels)
