# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel vectors to windows of packets: gaps, losses, restarts, antennas."""

import numpy as np
import pytest
from gnuradio.wfm.images.csi_gather import ChannelVector, CsiGather

from wfm_core.base.errors import WfmError

ROWS = 3


def vector(level: float, number=None, antenna=0, **more) -> ChannelVector:
    return ChannelVector(np.full(ROWS, level * 1j, np.complex64), antenna, number, **more)


def feed(gather: CsiGather, numbers, **more) -> list:
    """Packets with these numbers, each with its number as amplitude."""
    return [window for n in numbers for window in gather.add(vector(n, n, **more))]


def levels(window) -> list[float]:
    return window.pixels[0, 0].tolist()


def test_windows_back_to_back_and_overlapping():
    assert [levels(w) for w in feed(CsiGather(1, 3), range(7))] == [[0, 1, 2], [3, 4, 5]]
    overlapping = feed(CsiGather(1, 3, hop=2), range(7))
    assert [(w.sample_start, levels(w)) for w in overlapping] == [(0, [0, 1, 2]), (2, [2, 3, 4]), (4, [4, 5, 6])]
    sparse = feed(CsiGather(1, 2, hop=4), range(7))
    assert [(w.sample_start, levels(w)) for w in sparse] == [(0, [0, 1]), (4, [4, 5])]
    assert overlapping[0].pixels.shape == (1, ROWS, 3) and overlapping[0].pixels.dtype == np.float32


def test_a_short_gap_is_filled_in_and_counted():
    gather = CsiGather(1, 6)
    windows = feed(gather, [0, 1, 4, 5])
    assert [(levels(w), w.packets_lost) for w in windows] == [([0, 1, 2, 3, 4, 5], 2)]
    assert gather.counts["packets_lost"] == 2 and gather.counts["packets_in"] == 4
    assert feed(gather, range(6, 12))[0].sample_start == 6, "lost packets have their places"


def test_no_window_spans_a_long_gap():
    gather = CsiGather(1, 4, max_gap=2)
    windows = feed(gather, [0, 1, 2, 9, 10, 11, 12])
    assert [(w.sample_start, levels(w)) for w in windows] == [(9, [9, 10, 11, 12])]
    counts = gather.counts
    assert (counts["breaks"], counts["packets_flushed"], counts["packets_lost"]) == (1, 3, 6)
    assert (windows[0].packets_lost, windows[0].lost_so_far) == (0, 6)


def test_late_and_repeated_packets_are_left_out():
    gather = CsiGather(1, 4)
    assert [levels(w) for w in feed(gather, [0, 1, 1, 3, 2])] == [[0, 1, 2, 3]]
    assert gather.counts["packets_late"] == 2


def test_numbers_wrap_around():
    gather = CsiGather(1, 4, max_gap=2, modulus=16)
    assert [levels(w) for w in feed(gather, [14, 15, 0, 1])] == [[14, 15, 0, 1]]
    assert gather.counts["packets_lost"] == gather.counts["breaks"] == 0


def test_a_restart_of_the_sender_is_a_break_without_losses():
    gather = CsiGather(1, 3)
    windows = feed(gather, [500, 501, 0, 1, 2])
    assert [(w.sample_start, levels(w)) for w in windows] == [(2, [0, 1, 2])]
    assert gather.counts["packets_lost"] == 0 and gather.counts["breaks"] == 1


def test_no_window_spans_a_retune():
    gather = CsiGather(1, 3)
    feed(gather, [0, 1], rx_freq=5.18e9)
    windows = feed(gather, [2, 3, 4], rx_freq=5.2e9)
    assert [(levels(w), w.rx_freq) for w in windows] == [([2, 3, 4], 5.2e9)]


def test_without_numbers_losses_are_told_by_time():
    gather = CsiGather(1, 4, packet_rate=100.0)
    times = [(7, 0.98), (7, 0.99), (8, 0.02)]
    windows = [w for level, time in zip((0, 1, 4), times, strict=True) for w in gather.add(vector(level, rx_time=time))]
    assert [(levels(w), w.packets_lost, w.rx_time) for w in windows] == [([0, 1, 2, 3], 2, (7, 0.98))]
    gather.add(vector(5, rx_time=(3, 0.0)))
    assert gather.counts["breaks"] == 1, "a clock that goes back"


def test_antennas_of_a_packet_come_in_any_order_and_one_may_be_missing():
    gather = CsiGather(2, 2)
    came = [(0, 0), (0, 1), (1, 1), (2, 0), (1, 0), (3, 0), (4, 1), (4, 0)]
    windows = [w for number, antenna in came for w in gather.add(vector(10 * antenna + number, number, antenna))]
    assert [w.pixels[:, 0].tolist() for w in windows] == [[[0, 1], [10, 11]], [[2, 3], [12, 13]]]
    assert [w.packets_lost for w in windows] == [0, 2]
    assert gather.counts["packets_incomplete"] == 2, "packets 2 and 3 had one antenna each"
    assert gather.counts["packets_lost"] == 2


def test_without_numbers_an_antenna_that_comes_again_begins_a_packet():
    gather = CsiGather(2, 2)
    came = [0, 1, 0, 0, 1]  # the second packet has antenna 0 alone
    windows = [w for i, antenna in enumerate(came) for w in gather.add(vector(i, antenna=antenna))]
    assert [w.pixels[:, 0].tolist() for w in windows] == [[[0, 3], [1, 4]]]
    assert gather.counts["packets_incomplete"] == 1


def test_an_antenna_that_died_fills_no_memory():
    gather = CsiGather(2, 2)
    feed(gather, range(1000))
    assert gather.counts["packets_incomplete"] == 1000 - 64 and gather.counts["packets_in"] == 0


def test_what_is_out_of_range_is_refused():
    with pytest.raises(ValueError, match="antenna 2: 0 to 1 is expected"):
        CsiGather(2, 4).add(vector(1, antenna=2))
    for bad in ({"antennas": 0}, {"packets": 0}, {"hop": -1}, {"max_gap": -1}, {"max_gap": 1024}, {"packet_rate": -1}):
        with pytest.raises(WfmError, match="expected"):
            CsiGather(**{"antennas": 1, "packets": 4, **bad})


def test_complex_values_are_kept_and_a_lost_packet_repeats_the_one_before():
    gather = CsiGather(2, 3, complex_values=True)
    windows = []
    for number in (0, 2):
        for antenna, value in ((0, 3 + 1j), (1, -2j)):
            windows += gather.add(ChannelVector(np.full(ROWS, value + number, np.complex64), antenna, number))
    pixels = windows[0].pixels
    assert pixels.shape == (4, ROWS, 3) and pixels.dtype == np.float32
    assert pixels[:, 1].tolist() == [[3, 3, 5], [0, 0, 2], [1, 1, 1], [-2, -2, -2]]
    assert windows[0].packets_lost == 1
