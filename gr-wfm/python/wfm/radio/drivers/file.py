# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of any kind and datatype, played once through: what `open_recording` reads, it plays."""

import math
import os
from urllib.parse import parse_qsl

from gnuradio import blocks, gr

from wfm_core.base.errors import WfmError, one_line
from wfm_core.base.rates import same_rate
from wfm_core.data.recordings.analytic import hilbert_taps
from wfm_core.data.recordings.recording import Recording, Told, open_recording

from ...wfm_python import sample_player
from . import Driver, Request


class FileDriver(Driver):
    """The recording's own rate and frequencies count, whatever was asked for."""

    def __init__(self, recording: Recording, request: Request):
        self._name = one_line(recording.meta_path.name)
        self._player = _player(recording, request.paced)
        # A recording with fewer channels repeats its last one; one with more leaves the rest unheard.
        outputs = [(self._player, min(channel, recording.channels - 1)) for channel in range(request.channels)]
        unheard = range(request.channels, recording.channels)
        sinks = [((self._player, channel), (blocks.null_sink(gr.sizeof_gr_complex), 0)) for channel in unheard]
        super().__init__(outputs, recording.sample_rate, recording.center_freq_at(0), sinks)
        self._note(recording, request)

    def samples_lost(self) -> int:
        return int(self._player.samples_lost())

    def error(self) -> str:
        if not self._player.cut():
            return ""
        return f"{self._name} was cut while it was played: it ended after {self._player.samples_played()} samples"

    def _note(self, recording: Recording, request: Request) -> None:
        log, name = gr.logger("wfm.sdr_source"), self._name
        own, asked = recording.channels, request.channels
        if own < asked:
            log.warn(f"{name} has {own} channels, {asked} asked for: the last one is repeated")
        own, asked = recording.sample_rate, request.sample_rate
        if not same_rate(own, asked):
            log.warn(f"{name} was sampled at {own:g} Hz, {asked:g} asked for: the recording counts")


def _player(recording: Recording, paced: bool) -> sample_player:
    timeline = recording.timeline
    segments = [
        (
            piece.sample_start,
            math.nan if piece.center_freq is None else piece.center_freq,
            *(piece.rx_time or (0, 0.0)),
            piece.rx_time is not None,
        )
        for piece in timeline.pieces
    ]
    first, *beside = [(os.fsencode(f.path), f.datatype, f.channels, f.header_bytes) for f in recording.files]
    path, datatype, channels, header_bytes = first
    try:
        return sample_player(
            path,
            datatype,
            channels,
            recording.sample_rate,
            header_bytes=header_bytes,
            count=recording.samples,
            paced=paced,
            segments=segments,
            missing=sorted(timeline.lost.items()),
            beside=beside,
            hilbert=hilbert_taps() if recording.is_real else [],
        )
    except (RuntimeError, ValueError) as error:  # it may not be read, or is gone since it was looked at
        raise WfmError(f"{recording.meta_path} cannot be played ({error}): get it again") from error


def open_argument(argument: str, sample_rate: float, center_freq: float | None = None) -> Recording:
    """The recording of `PATH` or `PATH?rate=HZ&freq=HZ&real=analytic`. Raises `WfmError`.

    Rate and frequency in the argument count over what the name of a raw file tells, and that over `sample_rate` and
    `center_freq` (Hz).
    """
    path, told = argument, {}
    if "?" in argument and not os.path.exists(argument):
        path, _, query = argument.rpartition("?")
        told = _told(argument, query)
    if not path:
        raise WfmError("source file names no recording: file:PATH of a .sigmf-meta or another recording is expected")
    return open_recording(path, Told(**told, default_rate=sample_rate, default_freq=center_freq))


def _told(argument: str, query: str) -> dict:
    told: dict = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        try:
            told[name] = {"rate": float, "freq": float, "real": str}[name](value)
        except (KeyError, ValueError) as error:
            raise WfmError(
                f"source file:{argument}: {name}={value} is not understood; rate=HZ, freq=HZ and real=analytic are, "
                "with & between them"
            ) from error
    return told


def open_source(request: Request) -> Driver:
    return FileDriver(open_argument(request.argument, request.sample_rate, request.center_freq), request)
