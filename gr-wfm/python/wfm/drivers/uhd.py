# SPDX-License-Identifier: GPL-3.0-or-later
"""USRPs, through GNU Radio's UHD source: one or several coherent channels."""

import os
import time

import pmt
from gnuradio.wfm import keys
from gnuradio.wfm.drivers import Driver, Request

from wfm_core.errors import WfmError

_START_DELAY = 0.1  # seconds from "start" to the first sample, so that all channels start together


class UhdDriver(Driver):
    def __init__(self, source, channels: int):
        self._source, self._channels = source, channels
        super().__init__(
            [(source, channel) for channel in range(channels)],
            source.get_samp_rate(),
            source.get_center_freq(0),
            command=(source, "command"),
        )

    def set_center_freq(self, center_freq: float) -> None:
        for channel in range(self._channels):
            self._source.set_center_freq(center_freq, channel)
        self.center_freq = self._source.get_center_freq(0)
        # UHD says nothing on the stream when it is retuned: ask for fresh rx_time, rx_rate and rx_freq tags.
        self._source.to_basic_block()._post(keys.COMMAND, pmt.to_pmt({"tag": True}))

    def set_gain(self, gain: float) -> None:
        for channel in range(self._channels):
            self._source.set_gain(gain, channel)


def open_source(request: Request) -> Driver:
    # Read by the library when it is loaded: its own log would bury our one sentence.
    os.environ.setdefault("UHD_LOG_CONSOLE_LEVEL", "error")
    os.environ.setdefault("UHD_LOG_FASTPATH_DISABLE", "1")
    try:
        from gnuradio import uhd
    except ImportError as error:
        raise WfmError("source uhd: GNU Radio's UHD blocks are missing, install gnuradio with gr-uhd") from error
    named = f" with {request.argument!r}" if request.argument else ""
    try:
        if not uhd.find(uhd.device_addr(request.argument)):
            raise WfmError(f"no USRP{named} found: attach one, or use --source sim or file:PATH")
        stream = uhd.stream_args(cpu_format="fc32", channels=list(range(request.channels)))
        source = uhd.usrp_source(request.argument, stream)
        _configure(source, request, uhd)
    except RuntimeError as error:
        wanted = f"{request.channels} channels at {request.sample_rate:g} samples/s"
        raise WfmError(f"USRP{named} cannot give {wanted}: {error}") from error
    return UhdDriver(source, request.channels)


def _configure(source, request: Request, uhd) -> None:
    source.set_samp_rate(request.sample_rate)
    for channel in range(request.channels):
        source.set_center_freq(request.center_freq, channel)
        source.set_gain(request.gain, channel)
        if channel < len(request.antennas):
            source.set_antenna(request.antennas[channel], channel)
    now = uhd.time_spec(time.time())
    if source.get_num_mboards() == 1:
        source.set_time_now(now)
    else:
        source.set_time_unknown_pps(now)
    source.set_start_time(source.get_time_now() + uhd.time_spec(_START_DELAY))
