# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reader, live and offline, makes the same windows of the same recording, and says the same of them."""

import numpy as np
import pytest
from recording_readers import Windows, capture, check_all, write

WINDOW, N, RATE = 100, 1000, 1e6
VALUES = ((np.arange(N) + 1) * (1 - 0.5j)).astype(np.complex64)
EVEN = list(range(0, N, WINDOW))
BROKEN = [0, 100, 250, 350, 450, 550, 650, 750, 850]  # at 250
TIME, SECOND = "2024-02-08T17:50:34Z", 1707414634
F, G = 8.06e8, 8.16e8


def counted(starts, whole, fraction=0.0, begin=0):
    """Times of windows that count on from that of the sample `begin`; None for those before it."""
    since = [(start - begin) / RATE + fraction for start in starts]
    return [None if start < begin else (whole + int(s // 1), s % 1) for start, s in zip(starts, since, strict=True)]


def none(starts):
    return [None] * len(starts)


def before(starts, at, first, second):
    return [first if start < at else second for start in starts]


# captures -> starts, times, frequencies, samples lost, pieces
CASES = {
    "one capture": ([capture(0, F, TIME)], EVEN, counted(EVEN, SECOND), [F] * 10, 0),
    "no captures": ([], EVEN, none(EVEN), none(EVEN), 0),
    "nothing stated": ([capture(0)], EVEN, none(EVEN), none(EVEN), 0),
    "offset west": ([capture(0, F, "2024-02-08T12:50:34-05:00")], EVEN, counted(EVEN, SECOND), [F] * 10, 0),
    "offset with minutes": ([capture(0, F, "2024-02-08T23:20:34+05:30")], EVEN, counted(EVEN, SECOND), [F] * 10, 0),
    "python's isoformat": (
        [capture(0, F, "2024-02-08T17:50:34.250000+00:00")], EVEN, counted(EVEN, SECOND, 0.25), [F] * 10, 0),
    "twelve decimals": (
        [capture(0, F, "2024-02-08T17:50:34.000250000001Z")], EVEN, counted(EVEN, SECOND, 0.00025), [F] * 10, 0),
    "before 1970": ([capture(0, F, "1969-12-31T23:59:58.75Z")], EVEN, counted(EVEN, -2, 0.75), [F] * 10, 0),
    "across 1970": ([capture(0, F, "1969-12-31T23:59:59.9995Z")], EVEN, counted(EVEN, -1, 0.9995), [F] * 10, 0),
    "gap by index": (
        [capture(0, F, index=0), capture(250, F, index=50_250)], BROKEN, none(BROKEN), [F] * 9, 50_000),
    "gap by index, from a later start": (
        [capture(0, F, index=7_000), capture(250, F, index=57_250)], BROKEN, none(BROKEN), [F] * 9, 50_000),
    "gap by time": (
        [capture(0, F, TIME), capture(250, F, "2024-02-08T17:50:34.05025Z")], BROKEN,
        [*counted([0, 100], SECOND), *counted(BROKEN[2:], SECOND, 0.05)], [F] * 9, 50_000),
    "gap by both, the index is exact": (
        [capture(0, F, TIME, 0), capture(250, F, "2024-02-08T17:50:34.0502Z", 50_250)], BROKEN,
        [*counted([0, 100], SECOND), *counted(BROKEN[2:], SECOND, 0.04995)], [F] * 9, 50_000),
    "no gap by index, a rounded time": (
        [capture(0, F, TIME, 0), capture(250, F, "2024-02-08T17:50:34.001Z", 250)], EVEN, counted(EVEN, SECOND),
        [F] * 10, 0),
    "no gap by index, the clock was set": (
        [capture(0, F, "2016-01-01T00:00:00Z", 0), capture(250, F, TIME, 250)], BROKEN,
        [*counted([0, 100], 1451606400), *counted(BROKEN[2:], SECOND, begin=250)], [F] * 9, 0),
    "no gap by index, the clock was set back": (
        [capture(0, F, TIME, 0), capture(250, F, "2024-02-08T17:50:33.5Z", 250)], BROKEN,
        [*counted([0, 100], SECOND), *counted(BROKEN[2:], SECOND - 1, 0.5, begin=250)], [F] * 9, 0),
    "the clock was set": (
        [capture(0, F, "2016-01-01T00:00:00Z"), capture(250, F, TIME)], BROKEN,
        [*counted([0, 100], 1451606400), *counted(BROKEN[2:], SECOND, begin=250)], [F] * 9, 0),
    "the clock was set back": (
        [capture(0, F, TIME), capture(250, F, "1969-12-31T23:59:59Z")], BROKEN,
        [*counted([0, 100], SECOND), *counted(BROKEN[2:], -1, begin=250)], [F] * 9, 0),
    "a radio lost samples before they were counted": (
        [capture(0, F, TIME, 0), capture(250, F, "2024-02-08T17:50:34.000350000Z", 250)], BROKEN,
        [*counted([0, 100], SECOND), *counted(BROKEN[2:], SECOND, 1e-4)], [F] * 9, 100),
    "an index that goes back": (
        [capture(0, F, index=5_000), capture(250, F, index=250)], BROKEN, none(BROKEN), [F] * 9, 0),
    "a gap of one sample by index": (
        [capture(0, F, index=0), capture(250, F, index=251)], BROKEN, none(BROKEN), [F] * 9, 1),
    "an index that the second leaves out": ([capture(0, F, index=0), capture(250, F)], EVEN, none(EVEN), [F] * 10, 0),
    "retuned, the time goes on": (
        [capture(0, F, TIME), capture(250, G, "2024-02-08T17:50:34.00025Z")], BROKEN, counted(BROKEN, SECOND),
        before(BROKEN, 250, F, G), 0),
    "nothing changes": (
        [capture(0, F, TIME), capture(250, F, "2024-02-08T17:50:34.00025Z")], EVEN, counted(EVEN, SECOND), [F] * 10, 0),
    "the second says nothing": (
        [capture(0, F, TIME), capture(250)], BROKEN, [*counted([0, 100], SECOND), *none(BROKEN[2:])],
        before(BROKEN, 250, F, None), 0),
    "the second has no time": (
        [capture(0, F, TIME), capture(250, F)], BROKEN, [*counted([0, 100], SECOND), *none(BROKEN[2:])], [F] * 9, 0),
    "the second has no frequency": (
        [capture(0, F, TIME), capture(250, None, "2024-02-08T17:50:34.00025Z")], BROKEN, counted(BROKEN, SECOND),
        before(BROKEN, 250, F, None), 0),
    "time from the second on": (
        [capture(0, F), capture(250, F, TIME)], BROKEN, counted(BROKEN, SECOND, begin=250), [F] * 9, 0),
    "frequency from the second on": (
        [capture(0), capture(250, F)], BROKEN, none(BROKEN), before(BROKEN, 250, None, F), 0),
    "the first begins late": ([capture(250, F)], BROKEN, none(BROKEN), before(BROKEN, 250, None, F), 0),
    "retuned at the end": ([capture(0, F, TIME), capture(N, G)], EVEN, counted(EVEN, SECOND), [F] * 10, 0),
    "two at one sample": ([capture(0, F), capture(250, F), capture(250, G)], BROKEN, none(BROKEN),
                          before(BROKEN, 250, F, G), 0),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_captures(tmp_path, case):
    captures, starts, times, freqs, lost = CASES[case]
    path = write(tmp_path / "r", "x", VALUES.tobytes(), captures)
    pieces = [(0, N)] if starts == EVEN else [(0, 250), (250, N)]
    check_all(path, WINDOW, VALUES, Windows(starts, times, freqs, samples_lost=lost), pieces)


def test_many_breaks_of_every_kind(tmp_path):
    """Known, unknown and known again: nothing of before is left."""
    captures = [
        capture(0, F, TIME, 0), capture(130, None, None, 130), capture(250, G, None, 1250), capture(480, G, TIME),
        capture(700),
    ]  # fmt: skip
    starts = [0, 130, 250, 350, 480, 580, 700, 800, 900]
    times = [(SECOND, 0.0), None, None, None, (SECOND, 0.0), (SECOND, 1e-4), None, None, None]
    freqs = [F, None, G, G, G, G, None, None, None]
    path = write(tmp_path / "r", "x", VALUES.tobytes(), captures)
    pieces = [(0, 130), (130, 250), (250, 480), (480, 700), (700, N)]
    check_all(path, WINDOW, VALUES, Windows(starts, times, freqs, samples_lost=1000), pieces)


@pytest.mark.parametrize(("header", "trailer"), [(64, 10_000), (0, 808), (5, 0), (3, 1)])
def test_what_is_around_the_samples_is_not_played(tmp_path, header, trailer):
    captures = [{**capture(0, F, TIME), "core:header_bytes": header}]
    data = b"H" * header + VALUES.tobytes() + np.full(trailer, 9, np.uint8).tobytes()
    path = write(tmp_path / "r", "x", data, captures, file="capture.dat", dataset="capture.dat", trailing_bytes=trailer)
    check_all(path, WINDOW, VALUES, Windows(EVEN, counted(EVEN, SECOND), [F] * 10, samples_lost=0), [(0, N)])
