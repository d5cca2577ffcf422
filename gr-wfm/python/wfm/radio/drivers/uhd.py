# SPDX-License-Identifier: GPL-3.0-or-later
"""USRPs, through GNU Radio's UHD source: one or several coherent channels of one or several boards."""

import functools
import re

import pmt

from wfm_core.base.errors import WfmError

from ...ports import keys
from ...wfm_python import outlive_radio_failures, radio_failure
from . import Driver, Request, uhd_time
from .radio import Radio, open_channels
from .uhd_log import UhdLog

_TOO_MANY = re.compile("channel [0-9]+ out of range|[Nn]o such channel|channel index|out of range")
_RETUNES = frozenset({"freq", "lo_offset", "tune", "lo_freq", "dsp_freq", "rate"})
"""Commands after which the stream must say where it is: GNU Radio 3.10.5 does so only when told to."""


class UhdRadio(Radio):
    """gr-uhd tags starts, overflows and retunes with the radio's time; it begins all channels together."""

    def __init__(self, source, request: Request, uhd):
        self._uhd = uhd
        self._lo_offset = request.radio.lo_offset
        self._normalized = request.radio.normalized_gain
        super().__init__(source, request, clock=True, watch=False)

    def _set_up(self, request: Request) -> None:
        options, source = request.radio, self._source
        if options.settings:
            raise WfmError(f"settings {options.settings!r}: USRPs take device arguments, after uhd:, and no settings")
        if options.subdev:
            for board in range(source.get_num_mboards()):
                source.set_subdev_spec(options.subdev, board)
        uhd_time.set_references(source, options.clock_source, options.time_source)
        source.set_samp_rate(request.sample_rate)
        self._set_up_channels(request)
        # gr-uhd's own start begins all channels together, a tenth of a second after the flowgraph.
        uhd_time.set_time(source, options.sync, self._uhd.time_spec)

    def read_rate(self) -> float:
        return self._source.get_samp_rate()

    def read_gain(self, channel: int) -> float:
        return self._source.get_normalized_gain(channel) if self._normalized else self._source.get_gain(channel)

    def _tune(self, freq: float, channel: int) -> None:
        self._source.set_center_freq(tune_request(self._uhd, freq, self._lo_offset), channel)

    def set_gain(self, gain: float, channel: int) -> None:
        if self._normalized:
            self._source.set_normalized_gain(gain, channel)
        else:
            self._source.set_gain(gain, channel)

    def _set_agc(self, agc: bool, channel: int) -> None:
        """Devices without one warn of either, and only being asked for it is of interest."""
        said_before = _log().news()
        self._source.set_rx_agc(agc, channel)
        if not agc:
            _log().news()
        _log().put_back(said_before)

    def set_center_freqs(self, center_freqs: tuple[float, ...], at: tuple[int, float] | None = None) -> None:
        """Tune every channel; with `at` (whole seconds, fraction of the radio's time) all at that instant.

        An instant that has passed is a late command: it is counted, and the radio is tuned at once.
        """
        center_freqs = center_freqs[: self.channels]
        if at is not None:
            instant = self._uhd.time_spec(int(at[0]), float(at[1]))
            if instant.get_real_secs() <= self._source.get_time_now().get_real_secs():
                self.late_commands += 1
                at = None
        if at is not None:
            self.tagger.set_center_freqs_at(list(center_freqs), int(at[0]), float(at[1]))
            self._source.set_command_time(instant)
        try:
            for channel, freq in enumerate(center_freqs):
                self._tune(freq, channel)
        finally:
            if at is not None:
                self._source.clear_command_time()
        self._note_freqs(center_freqs)
        if at is None:
            self._say_state()

    def _say_state(self) -> None:
        self._source.to_basic_block()._post(keys.COMMAND, pmt.to_pmt({"tag": True}))

    def forward(self, message) -> bool:
        self._source.to_basic_block()._post(keys.COMMAND, message)
        if pmt.is_dict(message) and any(pmt.dict_has_key(message, pmt.intern(name)) for name in _RETUNES):
            self._say_state()
        return True

    def warnings(self) -> list[str]:
        return _log().news()

    def failure(self) -> str:
        return " ".join(radio_failure().split())


def tune_request(uhd, freq: float, lo_offset: float):
    """`lo_offset` (Hz) moves the local oscillator, and its leakage, out of the middle of the band."""
    return uhd.tune_request(freq, lo_offset) if lo_offset else uhd.tune_request(freq)


@functools.cache
def _log() -> UhdLog:
    """One for the process, since the library reads its settings once."""
    return UhdLog()


def open_source(request: Request) -> Driver:
    _log()
    try:
        from gnuradio import uhd
    except ImportError as error:
        raise WfmError("source uhd: GNU Radio's UHD blocks are missing, install gnuradio with gr-uhd") from error
    named = f" with {request.argument!r}" if request.argument else ""
    try:
        found = uhd.find(uhd.device_addr(request.argument))
        _log().unlink()
        if not found:
            raise WfmError(f"no USRP{named} found: attach one, or use --source sim or file:PATH")
        outlive_radio_failures()
        return open_channels(request, lambda fewer: _open(uhd, fewer), _TOO_MANY)
    except (RuntimeError, ValueError, IndexError, KeyError) as error:
        raise WfmError(f"USRP{named} cannot do what was asked: {' '.join(str(error).split())}") from error


def _open(uhd, request: Request) -> UhdRadio:
    stream = uhd.stream_args(
        cpu_format="fc32",
        otw_format=request.radio.otw_format,
        args=uhd.device_addr(request.radio.stream_args),
        channels=list(range(request.channels)),
    )
    source = uhd.usrp_source(uhd.device_addr(request.argument), stream)
    return UhdRadio(source, request, uhd)
