# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF recordings of any datatype, played once through."""

import math

from gnuradio import blocks, gr
from gnuradio.wfm.drivers import Driver, Request
from gnuradio.wfm.wfm_python import sample_player

from wfm_core.data.recording import Recording, open_recording
from wfm_core.errors import WfmError


class FileDriver(Driver):
    """The recording's own rate and frequencies count, whatever was asked for."""

    def __init__(self, recording: Recording, request: Request):
        self._player = _player(recording, request.paced)
        # A recording with fewer channels repeats its last one; one with more leaves the rest unheard.
        outputs = [(self._player, min(channel, recording.channels - 1)) for channel in range(request.channels)]
        unheard = range(request.channels, recording.channels)
        sinks = [((self._player, channel), (blocks.null_sink(gr.sizeof_gr_complex), 0)) for channel in unheard]
        super().__init__(outputs, recording.sample_rate, recording.center_freq_at(0), sinks)
        self._note(recording, request)

    def samples_lost(self) -> int:
        return int(self._player.samples_lost())

    @staticmethod
    def _note(recording: Recording, request: Request) -> None:
        log = gr.logger("wfm.sdr_source")
        name = recording.meta_path.name
        own, asked = recording.channels, request.channels
        if own < asked:
            log.warn(f"{name} has {own} channels, {asked} asked for: the last one is repeated")
        own, asked = recording.sample_rate, request.sample_rate
        if own != asked:
            log.warn(f"{name} was sampled at {own:g} Hz, {asked:g} asked for: the recording counts")


def _player(recording: Recording, paced: bool) -> sample_player:
    segments = [
        (
            capture.sample_start,
            math.nan if capture.center_freq is None else capture.center_freq,
            *(capture.rx_time or (0, 0.0)),
            capture.rx_time is not None,
        )
        for capture in recording.captures
    ]
    return sample_player(
        str(recording.data_path),
        recording.datatype,
        recording.channels,
        recording.sample_rate,
        header_bytes=recording.header_bytes,
        paced=paced,
        segments=segments,
    )


def open_source(request: Request) -> Driver:
    if not request.argument:
        raise WfmError("source file names no recording: file:PATH of a .sigmf-meta is wanted")
    return FileDriver(open_recording(request.argument), request)
