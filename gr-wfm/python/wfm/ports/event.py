# SPDX-License-Identifier: GPL-3.0-or-later
"""An event of a task: something began, or ended. Without GNU Radio."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """kind: "begin" or "end". At a begin, count and duration are those of the windows seen so far.

    score: mean over the event's windows that answered `label`; sample_count: samples from the event's first sample to
    its last; duration: the same in seconds. freq_lower_edge and freq_upper_edge (Hz) and snr_db of an event of one
    signal, None of one of the whole band.
    """

    kind: str
    label: str
    score: float
    sample_start: int
    sample_count: int
    duration: float
    rx_time: tuple[int, float] | None
    rx_freq: float | None
    freq_lower_edge: float | None = None
    freq_upper_edge: float | None = None
    snr_db: float | None = None
