# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands beside, opposite or within a stronger signal: its own part, or a signal of its own."""

import numpy as np
import pytest
from test_finder import found, noise, psk, put

from wfm_core.synth.signals.keying import frequency_modulated

RATE = 250e3
COUNT = 262_144


def between(boxes, low, high):
    """Those whose middles lie within low..high Hz."""
    return [box for box in boxes if low < (box.freq_lower_edge + box.freq_upper_edge) / 2 < high]


def channel(band, centre, snr_db, seed, rate=RATE, symbol_rate=5e3):
    put(band, psk(round(len(band) / rate * symbol_rate), symbol_rate, rate, seed), 0, centre, snr_db, symbol_rate, rate)


def test_channels_at_equal_distances_from_a_stronger_one_are_no_sidebands():
    band = noise(COUNT)
    for centre, snr_db, seed in ((-60e3, 14, 1), (-20e3, 28, 2), (20e3, 14, 3)):
        channel(band, centre, snr_db, seed)
    assert len(found(band, RATE)) == 3


def test_two_sidebands_of_one_sound_belong_to_their_carrier():
    band, place = noise(COUNT), np.arange(COUNT) / RATE
    sound = np.real(psk(round(COUNT / RATE * 5e3), 5e3, RATE, 4)[:COUNT] * np.exp(2j * np.pi * 30e3 * place))
    put(band, 1 + 0.25 * sound, 0, 20e3, 30, 5e3, RATE)
    (one,) = found(band, RATE)
    assert abs(one.freq_lower_edge + one.freq_upper_edge - 40e3) < 1e3


def test_a_channel_beside_a_wide_signal_that_is_always_on_is_its_own():
    band = noise(COUNT)
    put(band, psk(100_000, 80e3, RATE), 0, 0, 27, 80e3, RATE)
    channel(band, 62e3, 13, 5)
    assert len(between(found(band, RATE), 55e3, 70e3)) == 1


def test_the_rest_of_a_stream_is_seen_as_sharply_as_the_frames_before_it():
    rate = 240e3
    band = noise(131_072 + 640)
    for centre, seed in ((-41e3, 6), (-36.5e3, 7)):
        channel(band, centre, 14, seed, rate, 1.2e3)
    boxes = found(band, rate)
    assert len(boxes) == 2
    assert all(box.freq_upper_edge - box.freq_lower_edge < 2e3 for box in boxes)


def test_faint_outer_lobes_count_for_the_width_of_a_keyed_carrier():
    band = noise(COUNT, 8)
    bits = np.random.default_rng(9).integers(0, 2, COUNT // 100 + 1)
    put(band, 2**0.5 * np.repeat(bits, 100)[:COUNT].astype(complex), 0, 30e3, 24, 5e3, RATE)
    (one,) = found(band, RATE)
    # 99 % of the power of on-off keying at 2500 Bd, half of which is the carrier's: 12.7 kHz
    assert one.freq_upper_edge - one.freq_lower_edge == pytest.approx(12.7e3, rel=0.25)


def test_tones_far_apart_that_take_turns_are_one_signal_also_with_pauses():
    rng, band = np.random.default_rng(10), noise(COUNT)
    for start in range(0, COUNT - 20_000, 28_000):
        level = np.repeat(2.0 * rng.integers(0, 2, 200) - 1, 100)
        put(band, frequency_modulated(20e3 * level, RATE), start, 0, 22, 10e3, RATE)
    boxes = found(band, RATE)
    assert boxes and all(box.freq_upper_edge - box.freq_lower_edge > 38e3 for box in boxes)


def test_a_line_at_the_other_end_of_the_band_is_its_own_where_long_rows_show_it():
    rate, band = 48e3, noise(65_536)
    channel(band, -22.5e3, 20, 11, rate, 1e3)
    channel(band, 22.5e3, 12, 12, rate, 400)
    assert len(between(found(band, rate), 22e3, 23e3)) == 1


def test_lines_of_a_tone_that_is_on_for_part_of_the_time_are_one():
    band, place = noise(COUNT), np.arange(60_000) / RATE
    channel(band, -80e3, 20, 13)
    lines = sum(np.exp(2j * np.pi * (8e3 * k * place + k * k)) for k in range(-4, 5)) / 3
    put(band, lines, 100_000, 50e3, 24, 5e3, RATE)
    (one,) = between(found(band, RATE), 0, 120e3)
    assert one.freq_lower_edge < 19e3 and one.freq_upper_edge > 81e3


def through_a_filter(band, begin, depth_db):
    """As a receiver's filter leaves it that falls from `begin` (1: the band's ends) by `depth_db` to the ends."""
    edge = np.clip((2 * np.abs(np.fft.fftfreq(len(band))) - begin) / (1 - begin), 0, 1)
    gain = 10 ** (-depth_db / 20 * np.sin(edge * np.pi / 4) ** 2 * 2)
    return np.fft.ifft(np.fft.fft(band) * gain).astype(np.complex64)


@pytest.mark.parametrize(("begin", "depth_db"), [(0.75, 30), (0.85, 20), (0.92, 40)])
def test_what_a_receivers_filter_lets_through_is_no_signal(begin, depth_db):
    band = noise(COUNT)
    for centre, snr_db, seed in ((-60e3, 18, 1), (-20e3, 25, 2), (50e3, 14, 3)):
        channel(band, centre, snr_db, seed)
    boxes = found(through_a_filter(band, begin, depth_db), RATE)
    assert all(box.freq_upper_edge - box.freq_lower_edge < 8e3 for box in boxes)
    for centre in (-60e3, -20e3, 50e3):
        assert len(between(boxes, centre - 1e3, centre + 1e3)) == 1


def test_a_narrow_and_a_wide_signal_that_are_strong_in_turn_are_two():
    band, turn = noise(COUNT), np.where(np.arange(COUNT) // 2000 % 2, 1.0, 0.3)
    for centre, symbol_rate, level, seed in ((-60e3, 40e3, turn, 14), (60e3, 3e3, 1.3 - turn, 15)):
        signal = psk(round(COUNT / RATE * symbol_rate), symbol_rate, RATE, seed)[:COUNT]
        put(band, signal * level[: len(signal)], 0, centre, 20, symbol_rate, RATE)
    wide, narrow = found(band, RATE)
    assert wide.freq_upper_edge < -36e3 and narrow.freq_lower_edge > 57e3


def test_lines_of_a_code_are_one_also_where_some_of_them_are_at_equal_distances():
    band = noise(COUNT)
    for kilohertz in (*range(-90, -49, 5), -31, -24, -12, 3, 13, 20, 34, 42, 57, 61, 80, 88):
        put(band, np.full(COUNT, np.exp(1j * kilohertz**2)), 0, 1e3 * kilohertz, 26, 500, RATE)
    (one,) = found(band, RATE)
    assert one.freq_lower_edge < -89e3 and one.freq_upper_edge > 87e3
