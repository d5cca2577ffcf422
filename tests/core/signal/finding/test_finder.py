# SPDX-License-Identifier: GPL-3.0-or-later
"""SignalFinder on signals whose place is known."""

import numpy as np
import pytest

from wfm_core.base.errors import WfmError
from wfm_core.signal.finding import FinderSettings, FoundSignal, SignalFinder
from wfm_core.synth.signals.keying import frequency_modulated, fsk, linear, ramped


def noise(samples: int, seed: int = 0) -> np.ndarray:
    """White, of power 1."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((samples, 2), np.float32).view(np.complex64)[:, 0] * np.float32(0.5**0.5)


def put(band: np.ndarray, signal: np.ndarray, start: int, centre: float, snr_db: float, width: float, rate: float):
    """Adds `signal`, of power 1, at snr_db in `width`, in place."""
    stop = min(start + len(signal), len(band))
    turn = np.exp(2j * np.pi * centre / rate * np.arange(stop - start))
    gain = 10 ** (snr_db / 20) * np.sqrt(width / rate)
    band[start:stop] += (gain * signal[: stop - start] * turn).astype(np.complex64)


def found(band: np.ndarray, rate: float, **settings) -> list[FoundSignal]:
    finder = SignalFinder(rate, FinderSettings(**settings))
    return finder.push(band) + finder.finish()


def psk(symbols: int, symbol_rate: float, rate: float, seed: int = 1) -> np.ndarray:
    points = np.exp(0.5j * np.pi * np.random.default_rng(seed).integers(0, 4, symbols))
    return linear(points, symbol_rate, rate, 0.25)


def tone(seconds: float, rate: float) -> np.ndarray:
    return np.ones(round(seconds * rate), np.complex128)


def test_a_burst_is_one_box_at_its_place():
    rate, band = 1e6, noise(600_000)
    put(band, psk(2000, 50e3, rate), 200_000, 120e3, 15, 60e3, rate)
    (one,) = found(band, rate)
    assert abs(one.sample_start - 200_000) < 800 and abs(one.sample_count - 40_000) < 1600
    # 99 % of the power of a root-raised cosine of roll-off 0.25 lies within 1.12 times the symbol rate
    assert abs(one.freq_lower_edge - 92e3) < 6e3 and abs(one.freq_upper_edge - 148e3) < 6e3
    assert abs(one.snr_db - 15) < 1.5 and not one.whole_band
    assert abs(one.level_dbfs - (15 + 10 * np.log10(0.06))) < 1


@pytest.mark.parametrize("rate", [48e3, 2.4e6])
def test_noise_alone_gives_nothing(rate):
    assert len(found(noise(1_200_000, 3), rate)) == 0


def test_results_do_not_depend_on_how_the_stream_is_cut():
    rate, band = 250e3, noise(400_000)
    put(band, psk(1500, 10e3, rate), 100_000, 40e3, 18, 12e3, rate)
    put(band, tone(1.5, rate), 0, -60e3, 20, 500, rate)
    whole, finder, pieces = found(band, rate), SignalFinder(rate), []
    cuts = np.sort(np.random.default_rng(2).integers(0, len(band), 37))
    for part in np.split(band, cuts):
        pieces += finder.push(part)
    assert pieces + finder.finish() == whole and len(whole) == 2


def test_a_carrier_that_is_always_on_is_found_and_hides_nothing():
    rate, band = 1e6, noise(1_000_000)
    put(band, tone(1.0, rate), 0, 200e3, 40, 1e3, rate)
    put(band, psk(600, 20e3, rate), 500_000, 230e3, 15, 24e3, rate)
    boxes = sorted(found(band, rate), key=lambda one: one.freq_lower_edge)
    assert len(boxes) == 2
    assert abs(boxes[0].freq_lower_edge - 200e3) < 500 and boxes[0].sample_count > 950_000
    assert abs(boxes[1].sample_count - 30_000) < 2000


def test_adjacent_channels_are_apart_and_a_hopper_is_a_box_a_hop():
    rate, band = 250e3, noise(500_000)
    audio = np.random.default_rng(4).standard_normal(500_000)
    for channel, centre in enumerate((-12.5e3, 0.0, 12.5e3)):
        sound = np.convolve(np.roll(audio, 5000 * channel), np.ones(60) / 60, "same")
        put(band, frequency_modulated(12e3 * sound, rate), 0, 50e3 + centre, 15, 9e3, rate)
    hops = [(-100e3, 50_000), (-70e3, 60_000), (-40e3, 70_000), (-85e3, 80_000)]
    for centre, start in hops:
        put(band, psk(190, 5e3, rate), start, centre, 18, 6e3, rate)
    boxes = found(band, rate)
    middles = sorted((one.freq_lower_edge + one.freq_upper_edge) / 2 for one in boxes)
    assert len(boxes) == 7
    assert np.allclose(middles, sorted([37.5e3, 50e3, 62.5e3] + [c for c, _ in hops]), atol=1.5e3)


def test_many_hops_of_one_power_are_no_comb():
    """Lines of one comb are on at the same time."""
    rate, band = 250e3, noise(400_000)
    for hop in range(24):
        put(band, psk(190, 5e3, rate), 10_000 + 15_000 * hop, -100e3 + 20e3 * (3 * hop % 10), 18, 6e3, rate)
    boxes = found(band, rate)
    assert len(boxes) == 24 and all(one.freq_upper_edge - one.freq_lower_edge < 9e3 for one in boxes)


def test_dots_and_dashes_are_one_signal_and_so_are_two_tones():
    rate, band = 48e3, noise(192_000)
    keyed = np.repeat([1, 0, 1, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 0, 0, 1, 0, 1], round(0.06 * rate)).astype(float)
    keyed = np.convolve(keyed, np.hanning(480) / np.hanning(480).sum(), "same")
    put(band, keyed, 68_000, 8e3, 20, 60, rate)
    symbols = 2.0 * np.random.default_rng(5).integers(0, 2, 700) - 1
    put(band, fsk(symbols, 512, rate, 4500), 60_000, -10e3, 15, 11e3, rate)
    boxes = sorted(found(band, rate), key=lambda one: one.freq_lower_edge)
    assert abs(boxes[0].freq_upper_edge - boxes[0].freq_lower_edge - 10.5e3) < 2e3
    assert len(boxes) == 2 and abs(boxes[1].sample_count - 21 * 0.06 * rate) < 4000


def voice(samples: int, rate: float, seed: int) -> np.ndarray:
    """AM with noise of 300 to 2500 Hz in syllables of 0.1 s; of a carrier of power 1."""
    rng = np.random.default_rng(seed)
    spectrum, at = np.fft.rfft(rng.standard_normal(samples)), np.fft.rfftfreq(samples, 1 / rate)
    sound = np.fft.irfft(np.where((at > 300) & (at < 2500), spectrum, 0), samples)
    syllables = np.repeat(rng.random(samples // round(0.1 * rate) + 1) < 0.6, round(0.1 * rate))[:samples]
    sound *= np.convolve(syllables, np.ones(500) / 500, "same")
    return 1 + 0.3 * sound / np.std(sound)


@pytest.mark.parametrize("snr_db", [12, 25])
def test_carriers_of_one_voice_are_one_signal_and_of_two_are_two(snr_db):
    rate, band = 64e3, noise(128_000)
    for centre, seed in ((-20e3, 1), (-12e3, 1), (12e3, 2), (20e3, 3)):
        put(band, voice(128_000, rate, seed), 0, centre, snr_db, 6e3, rate)
    boxes = sorted(found(band, rate), key=lambda one: one.freq_lower_edge)
    assert len(boxes) == 3
    assert boxes[0].freq_lower_edge < -19.9e3 and boxes[0].freq_upper_edge > -12.1e3
    assert all(one.freq_upper_edge - one.freq_lower_edge < 6e3 for one in boxes[1:])


@pytest.mark.parametrize("seed", [1, 2])
def test_lines_that_strong_bursts_strew_in_long_rows_are_no_signals(seed):
    rate, band, rng = 1e6, noise(300_000, seed), np.random.default_rng(seed)
    places = range(20_000, 280_000, 50_000)
    for number, start in enumerate(places):
        symbols = 2.0 * rng.integers(0, 2, 100) - 1
        put(band, fsk(symbols, 1e5, rate, 25e3, 0.5), start, (number % 3 - 1) * 250e3, 28, 150e3, rate)
    boxes = found(band, rate)
    assert len(boxes) == len(places) and all(one.sample_count < 1500 for one in boxes)


def test_bursts_shorter_than_a_row_and_files_shorter_than_a_frame():
    rate, band = 2e6, noise(400_000)
    put(band, psk(240, 1e6, rate), 200_000, 0, 18, 1.2e6, rate)
    (one,) = found(band, rate)
    assert abs(one.sample_start - 200_000) < 100 and abs(one.sample_count - 500) < 200
    rate, short = 3.125e6, noise(1158)
    burst = ramped(fsk(2.0 * np.random.default_rng(6).integers(0, 2, 370) - 1, 1e6, rate, 250e3, 0.5), 10)
    put(short, burst, 0, 0, 25, 1.1e6, rate)
    (one,) = found(short, rate)
    assert one.sample_count > 900 and 0.7e6 < one.freq_upper_edge - one.freq_lower_edge < 1.5e6


def test_a_wide_signal_that_is_always_on_is_one_box():
    rate, rng = 10e6, np.random.default_rng(7)
    used = np.r_[1:301, 724:1024]
    grid = np.zeros((1400, 1024), np.complex64)
    grid[:, used] = rng.choice([1, -1, 1j, -1j], (1400, 600)) * (rng.random((1400, 1)) < 0.8)
    grid[::4, used[::6]] = rng.choice([1, -1, 1j, -1j], (350, 100))
    symbols = np.fft.ifft(grid, axis=1)
    x = np.concatenate([symbols[:, -72:], symbols], 1).ravel()
    band = noise(len(x) - 5000, 8)
    put(band, x / np.sqrt(np.mean(np.abs(x) ** 2)), 0, 0, 20, 5.86e6, rate)
    (one,) = found(band, rate)
    assert abs(one.freq_lower_edge + 2.93e6) < 0.1e6 and abs(one.freq_upper_edge - 2.93e6) < 0.1e6


def test_a_burst_over_the_whole_band_is_said_so():
    band = noise(600_000)
    band[250_000:300_000] += noise(50_000, 9) * np.float32(10)
    (one,) = found(band, 1e6)
    assert one.whole_band and abs(one.sample_start - 250_000) < 500


def test_what_lasts_is_reported_again():
    rate = 24e3
    band = noise(round(13 * rate))
    put(band, tone(13, rate), 0, 5e3, 20, 200, rate)
    boxes = found(band, rate, max_duration=3.0)
    assert 2 <= len(boxes) <= 5 and all(one.sample_count <= 6 * rate for one in boxes)
    assert sum(one.sample_count for one in boxes) > 12.5 * rate and boxes[0].cut and not boxes[-1].cut


def test_a_break_ends_signals_and_samples_go_on_being_counted():
    rate, finder = 250e3, SignalFinder(250e3)
    for part in range(2):
        band = noise(200_000, part)
        put(band, tone(0.8, rate), 0, 30e3, 20, 500, rate)
        (one,) = finder.push(band) + finder.split(forget=part == 0)
        assert abs(one.sample_start - part * 200_000) < 1500 and one.sample_count < 201_000


@pytest.mark.parametrize("bad", ["zeros", "nan", "clipped", "short", "none"])
def test_samples_that_are_none(bad):
    band = noise(300_000) * np.float32(0.3)
    if bad == "zeros":
        band[:] = 0
    elif bad == "nan":
        band[1000:200_000] = np.nan
    elif bad == "clipped":
        band = (np.sign(band.real) + 1j * np.sign(band.imag)).astype(np.complex64)
    else:
        band = band[: 7 if bad == "short" else 0]
    boxes = found(band, 1e6)
    assert all(np.isfinite([one.snr_db, one.level_dbfs, one.freq_lower_edge]).all() for one in boxes)
    assert len(boxes) <= 1


def test_settings_that_cannot_be():
    for settings in ({"fft_size": 1000}, {"false_alarms": 0}, {"max_duration": 0}, {"min_snr": 90}):
        with pytest.raises(WfmError, match=next(iter(settings))):
            SignalFinder(1e6, FinderSettings(**settings))
    with pytest.raises(WfmError, match="sample_rate"):
        SignalFinder(0)
    with pytest.raises(WfmError, match="shape"):
        SignalFinder(1e6).push(np.zeros((2, 3)))
