# SPDX-License-Identifier: GPL-3.0-or-later
"""Radios with a SoapySDR driver, through gr-soapy."""

import re
import time

import pmt

from wfm_core.base.errors import WfmError

from . import Driver, Request
from .radio import Radio, open_channels, refuse_sync

_COMMANDS = pmt.intern("cmd")
_TOO_MANY = re.compile("Unsupported number of channels")


class SoapyRadio(Radio):
    """gr-soapy tags overflows, but not retunes; whether it has the radio's time depends on the device."""

    def __init__(self, source, request: Request):
        # Also with a clock of its own a driver may drop samples and not say so.
        super().__init__(source, request, clock=source.has_hardware_time(""), watch=True)

    def _set_up(self, request: Request) -> None:
        options, source = request.radio, self._source
        for name in ("lo_offset", "subdev"):
            if value := getattr(options, name):
                raise WfmError(f"{name} {value}: only USRPs (source uhd) have it")
        if options.normalized_gain:
            raise WfmError("normalized_gain: only USRPs (source uhd) have it; give the gain in dB")
        refuse_sync(options.sync)
        if options.clock_source:
            source.set_clock_source(options.clock_source)
        if options.time_source:
            source.set_time_source(options.time_source)
        if options.sync != "none" and source.has_hardware_time(""):
            source.set_hardware_time(time.time_ns(), "")  # else rx_time would begin in 1970
        for channel in range(request.channels):
            source.set_sample_rate(channel, request.sample_rate)
        self._set_up_channels(request)

    def read_rate(self) -> float:
        return self._source.get_sample_rate(0)

    def read_freq(self, channel: int) -> float:
        return self._source.get_frequency(channel)

    def _tune(self, freq: float, channel: int) -> None:
        self._source.set_frequency(channel, freq)

    def _set_antenna(self, name: str, channel: int) -> None:
        self._source.set_antenna(channel, name)

    def _set_bandwidth(self, bandwidth: float, channel: int) -> None:
        self._source.set_bandwidth(channel, bandwidth)

    def _set_agc(self, agc: bool, channel: int) -> None:
        if agc or self._source.has_gain_mode(channel):
            self._source.set_gain_mode(channel, agc)

    def _gain_elements(self, channel: int):
        return self._source.list_gains(channel)

    def _set_element(self, gain: float, name: str, channel: int) -> None:
        self._source.set_gain(channel, name, _inside(gain, self._source.get_gain_range(channel, name)))

    def set_gain(self, gain: float, channel: int) -> None:
        self._source.set_gain(channel, _inside(gain, self._source.get_gain_range(channel)))

    def forward(self, message) -> bool:
        self._source.to_basic_block()._post(_COMMANDS, message)
        return True


def open_source(request: Request) -> Driver:
    if not request.argument:
        raise WfmError("source soapy names no device: expected soapy:driver=NAME, as in soapy:driver=rtlsdr")
    try:
        from gnuradio import soapy
    except ImportError as error:
        raise WfmError("source soapy: GNU Radio's SoapySDR blocks are missing, install gr-soapy") from error
    try:
        return open_channels(request, lambda fewer: _open(soapy, fewer), _TOO_MANY)
    except (RuntimeError, ValueError) as error:
        raise WfmError(f"SoapySDR device {request.argument!r} cannot do what was asked: {error}") from error


def _open(soapy, request: Request) -> SoapyRadio:
    channels, options = request.channels, request.radio
    settings = [options.settings] * channels
    source = soapy.source(request.argument, "fc32", channels, "", options.stream_args, [""] * channels, settings)
    return SoapyRadio(source, request)


def _inside(gain: float, limits) -> float:
    """gr-soapy leaves the gain as it was, mostly at nothing, where more is asked for than there is."""
    return min(max(gain, limits.minimum()), limits.maximum())
