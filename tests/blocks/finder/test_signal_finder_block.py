# SPDX-License-Identifier: GPL-3.0-or-later
"""signal_finder: what it finds is what wfm_core defines, where it says so, and that the stream passes through."""

import numpy as np
import pmt
import pytest
from finder_rig import NOISE, Rig, add, noise, random_band
from gnuradio import wfm
from tap_harness import tag

from wfm_core.signal.finding import FinderSettings, SignalFinder

RATE = 250e3


def defined(pieces, rate, **settings):
    """Boxes [n, 6] that the definition gives for pieces of a stream without a break in any."""
    finder = SignalFinder(rate, FinderSettings(**settings))
    found = []
    for piece in pieces:
        found += finder.push(piece)
        found += finder.split()
    return np.array(
        [
            (
                one.sample_start, one.sample_count, one.freq_lower_edge, one.freq_upper_edge,
                one.snr_db, one.level_dbfs,
            )
            for one in found
        ]
    ).reshape(-1, 6)  # fmt: skip


def said(pdus):
    keys = ("sample_start", "sample_count", "freq_lower_edge", "freq_upper_edge", "snr_db", "level_dbfs")
    return np.array([[pdu[key] for key in keys] for pdu in pdus]).reshape(-1, 6)


def assert_same(ours, right, rate):
    np.testing.assert_array_equal(ours[:, :2], right[:, :2])
    np.testing.assert_allclose(ours[:, 2:4], right[:, 2:4], rtol=0, atol=1e-6 * rate)
    np.testing.assert_allclose(ours[:, 4:], right[:, 4:], rtol=0, atol=0.01)


@pytest.mark.parametrize("rate", [48e3, 250e3])
@pytest.mark.parametrize("seed", range(4))
def test_it_finds_what_the_definition_finds(seed, rate):
    band = random_band(seed, rate)
    rig = Rig(band, rate, policy="lossless", chunk=[0, 4096, 777][seed % 3])
    rig.run()
    right = defined([band], rate)
    assert len(right) > 0
    assert_same(said(rig.pdus), right, rate)
    np.testing.assert_array_equal(rig.output, band)


def test_carriers_of_one_sound_and_lines_that_bursts_strew_are_the_definitions():
    rng, count = np.random.default_rng(7), int(1.2 * RATE)
    place = np.arange(count) / RATE
    band, sound = noise(count), np.cumsum(rng.standard_normal(count))
    sound = np.convolve(sound - np.convolve(sound, np.ones(601) / 601, "same"), np.ones(60) / 60, "same")
    for middle in (-40e3, -33e3):
        carrier = NOISE * (1 + 0.3 * sound / np.std(sound)) * np.exp(2j * np.pi * middle * place)
        band += carrier.astype(np.complex64)
    for start in range(30_000, count - 10_000, 60_000):
        phase = np.cumsum(0.15 * np.repeat(2.0 * rng.integers(0, 2, 100) - 1, 10) + 1.5)
        band[start : start + 1000] += (8 * NOISE * np.exp(1j * phase)).astype(np.complex64)
    right = defined([band], RATE)
    rig = Rig(band, RATE, policy="lossless")
    rig.run()
    assert any((right[:, 2] < -39e3) & (right[:, 3] > -34e3))
    assert_same(said(rig.pdus), right, RATE)


def test_a_band_that_one_signal_fills_is_the_definitions():
    rng, count = np.random.default_rng(8), 131_072
    body = np.fft.ifft(rng.choice([1, -1, 1j, -1j], (count // 137 + 1, 128)), axis=1) * 128**0.5
    band = np.concatenate([body[:, -9:], body], 1).ravel()[:count].astype(np.complex64) + noise(count)
    rig = Rig(band, RATE, policy="lossless")
    rig.run()
    right = defined([band], RATE)
    assert len(right) == 1 and right[0, 3] - right[0, 2] > 0.97 * RATE
    assert_same(said(rig.pdus), right, RATE)


@pytest.mark.parametrize(
    "settings", [{"fft_size": 128}, {"max_duration": 0.15}, {"min_snr": 15.0, "false_alarms": 5.0}]
)
def test_settings_are_the_definitions(settings):
    band = random_band(11, RATE)
    rig = Rig(band, RATE, policy="lossless", **settings)
    rig.run()
    assert_same(said(rig.pdus), defined([band], RATE, **settings), RATE)


def test_noise_alone_has_no_signals():
    rig = Rig(noise(int(2 * RATE)), RATE, policy="lossless")
    assert rig.run()["signals_found"] == 0


def test_a_signal_is_tagged_on_its_first_sample_when_it_is_held_back_as_long():
    band = noise(int(0.8 * RATE))
    add(band, RATE, 60_000, 30_000, 40e3, 12e3, 20)
    settings = {"max_duration": 0.3, "policy": "lossless"}
    memory = wfm.signal_finder(RATE, **settings).memory()
    rig = Rig(band, RATE, hold=memory, **settings)
    counters = rig.run()
    assert counters["tags_late"] == 0 and counters["signals_found"] == 1
    ((offset, fields),) = rig.tags
    assert offset == fields["sample_start"] == pytest.approx(60_000, abs=200)
    assert fields["late"] is False
    del fields["late"]
    assert rig.pdus == [fields]
    assert fields["freq_lower_edge"] == pytest.approx(34e3, abs=600)
    assert fields["freq_upper_edge"] == pytest.approx(46e3, abs=600)
    assert "rx_freq" not in fields and "rx_time" not in fields and fields["sample_rate"] == RATE


def test_a_late_tag_is_on_a_sample_that_is_still_there():
    band = noise(int(0.8 * RATE))
    add(band, RATE, 60_000, 30_000, 40e3, 12e3, 20)
    rig = Rig(band, RATE, policy="lossless")
    assert rig.run()["tags_late"] == 1
    ((offset, fields),) = rig.tags
    assert fields["late"] is True and offset > fields["sample_start"] + fields["sample_count"]


def test_edges_and_times_are_absolute_where_tags_tell_them():
    band = noise(int(0.8 * RATE))
    add(band, RATE, 100_000, 50_000, -40e3, 12e3, 20)
    tags = [tag(0, "rx_freq", 433.92e6), tag(0, "rx_time", (1000, 0.25)), tag(0, "rx_rate", RATE)]
    rig = Rig(band, 1e6, tags=tags, policy="lossless")
    rig.run()
    (fields,) = rig.pdus
    assert fields["freq_lower_edge"] == pytest.approx(433.92e6 - 46e3, abs=600)
    assert fields["rx_freq"] == 433.92e6 and fields["sample_rate"] == RATE
    secs, frac = fields["rx_time"]
    assert secs + frac == pytest.approx(1000.25 + fields["sample_start"] / RATE, abs=1e-6)


BREAKS = {
    "retune": [("rx_freq", 100.2e6)],
    "rate": [("rx_rate", 2 * RATE)],
    "lost": [("wfm_lost", 5000)],
    "jump": [("rx_time", (20, 0.0))],
}


@pytest.mark.parametrize("kind", BREAKS)
def test_no_signal_spans_a_break(kind):
    band = noise(int(0.8 * RATE))
    add(band, RATE, 30_000, 150_000, 20e3, 30e3, 20)
    at = 98_765
    tags = [tag(0, "rx_freq", 100e6), tag(0, "rx_time", (10, 0.0)), tag(0, "rx_rate", RATE)]
    for key, value in BREAKS[kind]:
        tags.append(tag(at, key, pmt.from_uint64(value) if key == "wfm_lost" else value))
    rig = Rig(band, RATE, tags=tags, policy="lossless")
    counters = rig.run()
    assert counters["breaks"] == 1
    before = [pdu for pdu in rig.pdus if pdu["sample_start"] < at]
    after = [pdu for pdu in rig.pdus if pdu["sample_start"] >= at]
    assert before and after
    assert all(pdu["sample_start"] + pdu["sample_count"] <= at for pdu in before)
    assert before[-1]["sample_start"] + before[-1]["sample_count"] == pytest.approx(at, abs=1000)
    assert after[0]["sample_start"] == pytest.approx(at, abs=1000)
    if kind == "retune":
        assert after[0]["rx_freq"] == 100.2e6
        assert after[0]["freq_lower_edge"] - before[0]["freq_lower_edge"] == pytest.approx(200e3, abs=1e3)
    if kind == "rate":
        assert after[0]["sample_rate"] == 2 * RATE
    np.testing.assert_array_equal(rig.output, band)


def test_live_says_the_same_when_it_keeps_up():
    band = random_band(5, RATE)
    rig = Rig(band[:60_000], RATE)  # all of it fits in the ring
    assert rig.run()["samples_skipped"] == 0
    assert_same(said(rig.pdus), defined([band[:60_000]], RATE), RATE)


def test_strange_samples_have_defined_answers():
    for band in (
        np.zeros(100_000, np.complex64),
        np.full(100_000, np.nan + 1j * np.nan, np.complex64),
        np.full(100_000, np.inf, np.complex64),
    ):
        rig = Rig(band, RATE, policy="lossless", extract=True)
        counters = rig.run()
        assert counters["signals_found"] == 0 and counters["samples_out"] == len(band)
    clipped = noise(200_000)
    add(clipped, RATE, 40_000, 60_000, 10e3, 20e3, 60)
    parts = np.clip(clipped.view(np.float32), -0.5, 0.5)
    parts[50_000] = np.nan
    clipped = parts.view(np.complex64)
    rig = Rig(clipped, RATE, policy="lossless", extract=True)
    rig.run()
    assert_same(said(rig.pdus), defined([clipped], RATE), RATE)
    assert all(np.isfinite(signal.samples).all() for signal in rig.taken) and rig.taken


def test_cells_that_are_marked_for_their_neighbours_alone_are_no_box():
    """Two tones at the begin and at the end of a frame of three long rows, some bins apart: the mean of the cells
    between is over the limit where none of them is over the floor."""
    rate, count = 500e3, 12_288
    band = noise(count, 11) / NOISE
    t, rng = np.arange(count), np.random.default_rng(11)
    for group in range(40, 1000, 24):
        for near in (group - 1, group + 1):
            tone = 0.14 * np.exp(2j * np.pi * (((near * 8 + 3.5) / 8192 - 0.5) * t + rng.random()))
            band[:1500] += tone[:1500]
            band[-1500:] += tone[-1500:]
    rig = Rig(band, rate, policy="lossless", min_snr=0.0)
    rig.run()
    assert_same(said(rig.pdus), defined([band], rate, min_snr=0.0), rate)


def test_a_rate_that_cannot_be_is_passed_on_and_counted():
    rig = Rig(noise(50_000), RATE, tags=[tag(0, "rx_rate", 1.0)], policy="lossless")
    counters = rig.run()
    assert counters["samples_skipped"] == counters["samples_out"] == 50_000


@pytest.mark.parametrize(
    "parameters",
    [
        {"sample_rate": 99.0}, {"sample_rate": float("nan")}, {"fft_size": 100}, {"fft_size": 16384},
        {"false_alarms": 0.0}, {"max_duration": 0.0}, {"max_duration": 61.0}, {"min_snr": 100.0},
        {"hold": -1}, {"hold": 1 << 25}, {"policy": "lazy"}, {"slots": 0},
    ],
)  # fmt: skip
def test_a_bad_parameter_is_named(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        wfm.signal_finder(**{"sample_rate": RATE, **parameters})


def test_levels_are_of_the_signal():
    band = noise(int(0.8 * RATE))
    add(band, RATE, 50_000, 100_000, 0.0, 20e3, 20)
    rig = Rig(band, RATE, policy="lossless")
    rig.run()
    (fields,) = rig.pdus
    level = 20 * np.log10(NOISE) + 10 * np.log10(20e3 / RATE) + 20
    assert fields["snr_db"] == pytest.approx(20, abs=0.7)
    assert fields["level_dbfs"] == pytest.approx(level, abs=0.7)


def test_what_max_duration_ends_is_cut():
    band = noise(int(1.6 * RATE))
    add(band, RATE, 20_000, 30_000, -60e3, 20e3, 20)
    add(band, RATE, 100_000, 300_000, 60e3, 20e3, 20)
    rig = Rig(band, RATE, policy="lossless", max_duration=0.5)
    counters = rig.run()
    cut = [pdu["cut"] for pdu in rig.pdus]
    assert len(cut) >= 3 and cut == [False] + [True] * (len(cut) - 2) + [False]
    assert counters["signals_cut"] == len(cut) - 2
