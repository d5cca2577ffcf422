# SPDX-License-Identifier: GPL-3.0-or-later
"""Radios with a SoapySDR driver, through gr-soapy."""

from gnuradio.wfm.drivers import Driver, Request
from gnuradio.wfm.drivers.frequency_tags import FrequencyTags

from wfm_core.errors import WfmError


class SoapyDriver(Driver):
    def __init__(self, source, channels: int):
        self._source, self._channels = source, channels
        rate, freq = source.get_sample_rate(0), source.get_frequency(0)
        self._tags = FrequencyTags([(source, channel) for channel in range(channels)], rate, freq)
        super().__init__(self._tags.outputs, rate, freq, self._tags.connections, command=(source, "cmd"))

    def set_center_freq(self, center_freq: float) -> None:
        for channel in range(self._channels):
            self._source.set_frequency(channel, center_freq)
        self.center_freq = self._source.get_frequency(0)
        self._tags.set_center_freq(self.center_freq)

    def set_gain(self, gain: float) -> None:
        for channel in range(self._channels):
            self._source.set_gain(channel, gain)


def open_source(request: Request) -> Driver:
    if not request.argument:
        raise WfmError("source soapy names no device: soapy:driver=NAME is wanted, as in soapy:driver=rtlsdr")
    try:
        from gnuradio import soapy
    except ImportError as error:
        raise WfmError("source soapy: GNU Radio's SoapySDR blocks are missing, install gr-soapy") from error
    channels = request.channels
    try:
        source = soapy.source(request.argument, "fc32", channels, "", "", [""] * channels, [""] * channels)
        for channel in range(channels):
            source.set_sample_rate(channel, request.sample_rate)
            source.set_frequency(channel, request.center_freq)
            source.set_gain_mode(channel, False)
            source.set_gain(channel, request.gain)
            if channel < len(request.antennas):
                source.set_antenna(channel, request.antennas[channel])
    except (RuntimeError, ValueError) as error:
        raise WfmError(f"SoapySDR device {request.argument!r} cannot give {channels} channels: {error}") from error
    return SoapyDriver(source, channels)
