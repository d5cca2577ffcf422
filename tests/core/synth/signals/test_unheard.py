# SPDX-License-Identifier: GPL-3.0-or-later
"""What is of no class: technologies kept out of training, frames and waveforms by their standards; and what is of no
standard."""

import numpy as np
import pytest
from single_signals import check_bandwidth, check_contract

from wfm_core.synth.scenes.air import AirBands
from wfm_core.synth.signals.bits import bits_of, bytes_of, random_bits
from wfm_core.synth.signals.catalogue import IMPROVISED, LABELS, LEAST_SECONDS, SIGNALS, UNHEARD, UNKNOWN
from wfm_core.synth.signals.improvised import waves
from wfm_core.synth.signals.unheard import dect, drm, hellschreiber, ocean_radar, psk31, wefax

KINDS = [(technology, kind) for technology, kinds in UNHEARD.items() for kind in kinds]


@pytest.mark.parametrize(("technology", "kind"), KINDS)
def test_contract(technology, kind):
    generator = UNHEARD[technology][kind]
    check_contract(generator, LEAST_SECONDS[technology])
    assert generator(LEAST_SECONDS[technology], np.random.default_rng(7)).kind == kind


@pytest.mark.parametrize(("technology", "kind"), KINDS)
def test_bandwidth(technology, kind):
    check_bandwidth(UNHEARD[technology][kind], 1.3 * LEAST_SECONDS[technology], 0.95)


def test_no_model_is_taught_any_of_them():
    taught = {kind for kinds in SIGNALS.values() for kind in kinds}
    functions = {function for kinds in SIGNALS.values() for function in kinds.values()}
    assert len(UNHEARD) >= 3
    assert not set(UNHEARD) & (set(LABELS) | set(SIGNALS) | taught) and UNKNOWN not in LABELS
    assert not {kind for _, kind in KINDS} & taught
    assert not {function for kinds in UNHEARD.values() for function in kinds.values()} & functions


def test_dect_checks_and_scrambling():
    # CRC-16/DECT-R in the catalogue of parametrised CRC algorithms
    assert bytes_of(dect.r_crc(bits_of(b"123456789"))) == b"\x00\x7e"
    begins = ["3bcd21", "32dea2", "2dea27", "2779a4", "196f51", "13bcd2", "0cb7a8", "79a42b"]
    assert [bytes_of(dect.scrambling(frame, 24)).hex() for frame in range(8)] == begins
    np.testing.assert_array_equal(dect.scrambling(5)[31:62], 1 - dect.scrambling(5)[:31])
    tested = np.zeros(320, np.uint8)
    tested[48 + 1] = 1  # the second bit that the X-field covers
    assert dect.x_field(tested).tolist() == [0, 1, 0, 0]
    tested[:48] = 1  # not covered
    assert dect.x_field(tested).tolist() == [0, 1, 0, 0]


def test_dect_packets():
    rng = np.random.default_rng(1)
    a, b = dect.a_field(3 << 5, random_bits(40, rng)), random_bits(320, rng)
    assert len(dect.packet(dect.FIXED, a)) == 96
    full = dect.packet(dect.PORTABLE, a, b, frame=13)
    assert len(full) == 424
    assert bytes_of(full[:32]) == bytes.fromhex("55551675")
    np.testing.assert_array_equal(full[96:416] ^ dect.scrambling(5), b)
    np.testing.assert_array_equal(full[416:420], full[420:])


def test_dect_bursts_come_every_ten_milliseconds():
    sent = dect.beacon(0.06, np.random.default_rng(2))
    on = np.flatnonzero(np.diff((sent.samples != 0).astype(int)) == 1)
    apart = (on[:, None] - on[None]) / sent.sample_rate
    assert np.min(np.abs(apart - 10e-3)) < 1e-6
    rate = np.angle(sent.samples[1:] * sent.samples[:-1].conj()) * sent.sample_rate / (2 * np.pi)
    steady = np.abs(rate[np.abs(sent.samples[1:]) > 0.5])
    assert 200e3 < np.percentile(steady, 90) < 400e3


def test_wefax_tones_and_phasing():
    start = wefax.alternating(wefax.START_576, 2.0)
    spectrum = np.abs(np.fft.rfft(start - start.mean()))
    assert np.fft.rfftfreq(len(start), 1 / wefax.SAMPLE_RATE)[spectrum.argmax()] == pytest.approx(300, abs=1)
    lines = wefax.lines(wefax.phasing(4), 120)
    assert len(lines) == 4 * 0.5 * wefax.SAMPLE_RATE
    assert lines.mean() == pytest.approx(0.05, abs=0.005)
    assert np.count_nonzero(lines[:2000] != lines[2000:4000]) < 4  # a line in half a second, edges to a sample
    white, black = (wefax.modulated(np.full(400, grey), wefax.SHIFT)[100:300] for grey in (1.0, 0.0))
    for wave, frequency in ((white, 400), (black, -400)):
        seen = np.angle(wave[1:] * wave[:-1].conj()) * wefax.SAMPLE_RATE / (2 * np.pi)
        np.testing.assert_allclose(seen, frequency, atol=1e-6)


def test_varicode():
    codes = list(psk31.VARICODE.values())
    assert len(set(codes)) == len(codes) == 97
    assert all("00" not in code and code[0] == code[-1] == "1" for code in codes)
    assert [psk31.VARICODE[letter] for letter in " etaZ~"] == ["1", "11", "101", "1011", "1010101101", "1011010111"]


def test_psk31_is_read_from_its_reversals():
    said = "cq cq de W1AW pse k"
    wave = psk31.shaped(psk31.bpsk_turns(psk31.message_bits(said, 8, 4)), 8)
    symbols = wave[8::8]  # where a symbol is reached
    ones = (symbols[1:] * symbols[:-1].conj()).real > 0
    bits = "".join(map(str, ones.astype(int)))
    letters = {code: letter for letter, code in psk31.VARICODE.items()}
    words = [word for word in bits[:-3].split("00") if word.strip("0")]
    assert said in "".join(letters.get(word.strip("0"), "?") for word in words)


def test_psk31_idle_and_carrier():
    for turns in (psk31.bpsk_turns, psk31.qpsk_turns):
        assert set(turns(np.zeros(20, np.uint8))[5:]) == {2}
        assert set(turns(np.ones(20, np.uint8))[5:]) == {0}
    idle = np.abs(psk31.shaped(psk31.bpsk_turns(np.zeros(6, np.uint8)), 64))
    assert idle[64:-64].min() < 0.03 and idle.max() <= 1


def test_drm_references_are_where_the_standard_has_them():
    cells, where = drm.references()
    sent = drm.frames(2, 64, np.random.default_rng(3)).reshape(2, 15, 320)
    np.testing.assert_allclose(sent[..., :64], sent[..., 256:], atol=1e-9)
    seen = np.fft.fft(sent[..., 64:])[..., drm.CARRIERS % 256] / 256
    for frame in seen:
        np.testing.assert_allclose(frame[where], cells[where], atol=1e-9)
    place = {carrier: at for at, carrier in enumerate(drm.CARRIERS)}
    for carrier, phase in ((16, 331), (48, 651), (64, 555)):
        expected = np.sqrt(2) * np.exp(2j * np.pi * phase / 1024)
        np.testing.assert_allclose(cells[:, place[carrier]], expected)
    # a gain reference on every sixth carrier, two further up in each symbol
    assert [drm.CARRIERS[where[symbol]][:2].tolist() for symbol in (1, 2, 3)] == [[-99, -93], [-103, -97], [-101, -95]]
    assert np.abs(cells[2, place[-103]]) == pytest.approx(2) and np.abs(cells[2, place[-97]]) == pytest.approx(2**0.5)
    # symbol 4 is row 1, column 1 of the tables: 4 * 255 + 512 p + 12 * 5 p^2 with p = 3
    expected = (4 * 255 + 3 * 512 + 9 * 5 * 12) % 1024
    assert np.angle(cells[4, place[1 + 2 + 18]] * np.exp(-2j * np.pi * expected / 1024)) == pytest.approx(0, abs=1e-9)
    assert np.mean(np.abs(seen[:, ~where]) ** 2) == pytest.approx(1, abs=0.05)


def test_ocean_radars_sweep_and_gate():
    x = ocean_radar.swept(1.0, 50e3, 0.5, 200e3, 0.0, down=True)
    frequency = np.angle(x[1:] * x[:-1].conj()) * 200e3 / (2 * np.pi)
    assert frequency[0] == pytest.approx(25e3, abs=10) and frequency[99_000] == pytest.approx(-24.5e3, abs=10)
    np.testing.assert_allclose(frequency[1000:99_000], frequency[101_000:199_000], atol=1)
    gates = ocean_radar.gates(20_000, 1e-3, 0.5, 200e3, 0.0, 0.0)
    assert gates.mean() == pytest.approx(0.5) and np.count_nonzero(np.diff(gates) > 0) == 99


def test_hellschreiber_letters():
    drawn = hellschreiber.pixels("L ")
    assert drawn[0, 1].tolist() == [1] * 7  # the stem
    assert drawn[0, 2:6, 0].tolist() == [1] * 4 and not drawn[0, 2:6, 1:].any()  # the foot, sent first
    assert not drawn[0, [0, 6]].any() and not drawn[1].any()
    halves = hellschreiber.keying("THE QUICK 0123")
    assert len(halves) / hellschreiber.HALF_PIXELS == pytest.approx(14 * 0.4)
    runs = np.diff(np.flatnonzero(np.diff(halves.astype(int))))
    assert runs.min() >= 2


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, kinds in IMPROVISED.items() for kind in kinds])
def test_transmissions_of_no_standard_have_the_contract_and_the_bandwidth(name, kind):
    generator, seconds = IMPROVISED[name][kind], LEAST_SECONDS.get(name, 4e-3)
    check_contract(generator, seconds)
    check_bandwidth(generator, seconds, 0.95)
    assert generator(seconds, np.random.default_rng(7)).kind == kind


def test_no_class_and_no_technology_of_the_open_set_is_of_no_standard():
    assert not set(IMPROVISED) & (set(SIGNALS) | set(UNHEARD))
    known = {function for kinds in (*SIGNALS.values(), *UNHEARD.values()) for function in kinds.values()}
    assert not known & {function for kinds in IMPROVISED.values() for function in kinds.values()}


def test_in_a_band_what_is_of_no_standard_is_unknown():
    bands = AirBands(np.random.default_rng(3), ("ais",), crowded=2, most_samples=1 << 16)
    assert bands.draw("improvised-wide").truths[0].label == UNKNOWN


def test_ofdm_of_no_standard_repeats_itself_after_its_useful_time():
    """The guard interval is the symbol's end once more: an autocorrelation peak at the inverse of the spacing."""
    rng = np.random.default_rng(5)
    sent = waves.ofdm(0.05, rng, 1e6, 1.1e6, "ofdm")
    x = sent.samples[: 1 << 16]
    same = np.abs(np.fft.ifft(np.abs(np.fft.fft(x, 2 * len(x))) ** 2))[: len(x) // 2]
    lag = 40 + int(same[40:].argmax())
    assert same[lag] / same[0] > 0.015
    assert 6 <= sent.bandwidth / (sent.sample_rate / lag) < 700
