# SPDX-License-Identifier: GPL-3.0-or-later
"""Broadcasting and video: what the standards print, lines of spectra, occupied bandwidth."""

import numpy as np
import pytest
from scipy import signal as dsp
from single_signals import check_bandwidth, check_contract

from wfm_core.synth.signals.bits import bits_to_number, bytes_of, crc
from wfm_core.synth.signals.broadcast import KINDS, dab, dab_fic, drone, dvbt, dvbt_coding, fm
from wfm_core.synth.signals.broadcast.video import composite
from wfm_core.synth.signals.satellite.reed_solomon import tables

ALL = [(label, kind) for label in KINDS for kind in KINDS[label]]


@pytest.mark.parametrize(("label", "kind"), ALL)
def test_contract(label, kind):
    check = KINDS[label][kind]
    for seconds in (0.05,) if label == "fm-broadcast" else (2e-3, 0.02):
        for seed in (0, 1):
            sent = check(seconds, np.random.default_rng(seed))
            assert len(sent.samples) == round(seconds * sent.sample_rate)
    if label != "fm-broadcast":  # whose kind tells what it has beside its sound
        check_contract(check, 0.01)


@pytest.mark.parametrize(("label", "kind"), ALL)
def test_bandwidth(label, kind):
    check_bandwidth(KINDS[label][kind], 0.05 if label == "fm-broadcast" else 0.01, 0.95, carrier=True)


def syndrome(bits: np.ndarray) -> int:
    return crc(bits, 0b0110111001, 10)


def test_rds_blocks_have_the_offset_words_as_syndromes():
    group = fm.group(0xD345, 0, 0x123, 0xE0CD, 0x4142)
    words = [syndrome(block[:16]) ^ bits_to_number(block[16:]) for block in group.reshape(4, 26)]
    assert words == [0b0011111100, 0b0110011000, 0b0101101000, 0b0110110100]


def test_multiplex_has_pilot_and_rds_in_their_places():
    rng = np.random.default_rng(3)
    bits = fm.rds_bits(2400, "STATION1", "text", 0xD345, rng)
    line = fm.multiplex(1.0, "rds", rng, bits)
    frequency, power = dsp.welch(line, fm.SAMPLE_RATE, nperseg=40000)
    pilot = power[np.abs(frequency - 19e3) < 50].max()
    assert pilot > 100 * np.median(power[(frequency > 17e3) & (frequency < 18.5e3)])
    sideband = power[np.abs(frequency - 57e3) < 2400].sum()
    assert sideband > 100 * power[np.abs(frequency - 65e3) < 2400].sum()
    assert power[np.abs(frequency - 57e3) < 20].max() < 0.05 * power[np.abs(frequency - 57e3) < 2400].max()


def test_mono_has_no_pilot():
    line = fm.multiplex(0.5, "mono", np.random.default_rng(4))
    frequency, power = dsp.welch(line, fm.SAMPLE_RATE, nperseg=40000)
    assert power[frequency > 25e3].sum() < 1e-3 * power.sum()


def test_dab_frames_have_the_standards_lengths():
    assert dab.FRAME == 196608 and len(dab.interleaver()) == 1536
    assert sorted(dab.interleaver()) == list(range(1536))
    # table 25 of clause 14.6.1: 511, 1010, 1353, ... of 2048
    assert (dab.numbers()[dab.interleaver()[:4]] == [511 - 1024, 1010 - 1024, 1353 - 1024, 1716 - 1024]).all()


def test_phase_reference_begins_as_the_tables_say():
    """Clause 14.3.2: carrier -768 is of segment 1 (h0, n = 1), carrier 1 of h0, n = 3, carrier 768 of h1, n = 1."""
    reference = dict(zip(dab.numbers().tolist(), dab.phase_reference(), strict=True))
    assert [reference[carrier] for carrier in (-768, -767, 1, 768)] == pytest.approx([1j, -1j, -1j, 1j])


def test_fast_information_blocks_have_their_checksum():
    rng = np.random.default_rng(5)
    carousel = dab_fic.Carousel(dab_fic.random_ensemble(rng), 0)
    block = carousel._filled([dab_fic._ensemble_group(carousel.ensemble, 251)])
    assert len(block) == dab_fic.BLOCK
    assert crc(block[:240], 0x1021, 16, 0xFFFF, 0xFFFF) == bits_to_number(block[240:])
    assert bytes_of(block)[:2] == b"\x05\x00" and bytes_of(block)[4:6] == bytes([1, 1])
    assert dab_fic.KEPT.sum() == 2304 and len(carousel.transmission_frame()) == 9216


def test_transmitters_are_told_by_sixteen_pairs_of_carriers():
    values = dab.identification(5, 7)
    on = np.flatnonzero(values)
    assert len(on) == 32 and (np.diff(on)[::2] == 1).all()
    assert len(np.unique([tuple(np.flatnonzero(dab.identification(main, 0))) for main in range(70)], axis=0)) == 70


def test_parameters_of_dvb_t_are_a_code_word():
    mode = dvbt.Mode(8192, 3, "3/4", 8)
    for frame in range(4):
        bits = dvbt.parameter_bits(mode, frame)
        assert len(bits) == 68
        assert bits_to_number(bits[1:17]) == (0b0011010111101110, 0b1100101000010001)[frame % 2]
        assert bits_to_number(bits[23:25]) == frame
        # the shortened BCH code of clause 4.6.2.11
        assert crc(bits[1:54], 0b1101110111, 14) == bits_to_number(bits[54:])


def test_symbol_interleavers_are_permutations():
    for size, most in ((2048, 1512), (8192, 6048)):
        assert sorted(dvbt_coding.permutation(size)) == list(range(most))


def test_packets_are_words_of_the_reed_solomon_code():
    """Zero at the sixteen roots."""
    exponents, logarithms = tables(0x11D)
    rng = np.random.default_rng(6)
    for word in dvbt_coding.protected(dvbt.packets(4, rng)):
        for root in range(16):
            value = 0
            for byte in word:
                value = int(exponents[(logarithms[value] + root) % 255]) if value else 0
                value ^= int(byte)
            assert value == 0


@pytest.mark.parametrize("size", [2048, 8192])
def test_pilots_of_dvb_t_are_stronger_and_in_their_places(size):
    rng = np.random.default_rng(7)
    mode = dvbt.Mode(size, 2, "2/3", 32)
    cells = np.exp(0.5j * np.pi * (rng.integers(0, 4, (4, mode.cells)) + 0.5))
    body = dvbt.symbols(cells, mode, 0).reshape(4, -1)[:, size // 32 :]
    bins = np.fft.fft(body) * np.sqrt(mode.used) / size
    seen = bins[:, (np.arange(mode.used) - mode.used // 2) % size]
    continual = dvbt.carriers(dvbt.CONTINUAL, mode.used)
    assert len(continual) == (45 if size == 2048 else 177)
    np.testing.assert_allclose(np.abs(seen[:, continual]), 4 / 3, rtol=1e-4)
    for symbol in range(4):
        np.testing.assert_allclose(np.abs(seen[symbol, 3 * symbol :: 12]), 4 / 3, rtol=1e-4)
    others = np.delete(np.abs(seen[0]), np.unique(np.r_[continual, 0 : mode.used : 12]))
    np.testing.assert_allclose(others, 1, rtol=1e-4)


def test_prefixes_repeat_the_end_of_their_symbols():
    sent = dvbt.symbols(np.ones((3, 1512), complex), dvbt.Mode(2048, 1, "1/2", 8), 0).reshape(3, -1)
    np.testing.assert_allclose(sent[:, :256], sent[:, -256:], atol=1e-6)


def test_atsc_has_its_pilot():
    sent = KINDS["dvb-t"]["atsc"](0.02, np.random.default_rng(8))
    power = np.abs(np.fft.fft(sent.samples)) ** 2
    frequency = np.fft.fftfreq(len(power), 1 / sent.sample_rate)
    assert frequency[power.argmax()] == pytest.approx(-2.69e6, abs=100)


@pytest.mark.parametrize(("pal", "line_rate"), [(True, 15625.0), (False, 15734.26)])
def test_composite_video_repeats_each_line(pal, line_rate):
    line = composite(0.01, 16e6, pal, np.random.default_rng(9))
    power = np.abs(np.fft.rfft(line * np.hanning(len(line)))) ** 2
    frequency = np.fft.rfftfreq(len(line), 1 / 16e6)
    inside = (frequency > 5000) & (frequency < 25000)
    assert frequency[inside][power[inside].argmax()] == pytest.approx(line_rate, abs=100)
    assert line.min() == pytest.approx(-0.3)


def test_identity_bursts_of_drones_have_their_symbols_in_place():
    """643 us of nine symbols; sequences in the fourth and sixth, none at the middle carrier."""
    rng = np.random.default_rng(10)
    payload = rng.integers(0, 4, (9, 600))
    burst = drone.identity_burst(payload)
    assert len(burst) == 9 * 1024 + 2 * 80 + 7 * 72
    assert len(drone.identity_burst(payload, 1)) == len(burst) - 1104
    place = np.arange(601) - 300
    for symbol, root in ((3, 600), (5, 147)):
        start = 80 + symbol * 1096
        bins = np.fft.fft(burst[start : start + 1024])[place]
        assert abs(bins[300]) < 1e-6
        match = abs(np.vdot(drone.synchronisation(600, root), bins)) / np.sqrt(600) / np.linalg.norm(bins)
        assert match == pytest.approx(1, abs=1e-6)
        assert abs(np.vdot(drone.synchronisation(600, root + 1), bins)) < 0.1 * np.sqrt(600) * np.linalg.norm(bins)
    states = np.fft.fft(burst[80:1104])[place]
    seen = np.round(np.angle(np.delete(states, 300)) / (np.pi / 2) - 0.5).astype(int) % 4
    np.testing.assert_array_equal(seen, payload[0])


def test_clock_groups_hold_a_date_and_a_time():
    group = fm.clock_group(0xD345, 0, np.random.default_rng(11)).reshape(4, 26)
    second, third, fourth = (bits_to_number(block[:16]) for block in group[1:])
    assert second >> 12 == 4
    assert 57000 <= (second & 3) << 15 | third >> 1 < 62000
    assert (third & 1) << 4 | fourth >> 12 < 24 and fourth >> 6 & 63 < 60 and fourth & 31 < 24


def test_processing_raises_what_is_quiet():
    rng = np.random.default_rng(12)
    loud = np.sin(2 * np.pi * 1000 * np.arange(80000) / fm.SAMPLE_RATE)
    sound = loud * np.where(np.arange(80000) < 40000, 0.2, 1)
    left, _ = fm._processed(sound, sound, rng)
    before, after = (line[8000:16000].std() / line[-16000:-8000].std() for line in (sound, left))
    assert after > 2 * before and np.abs(left).max() < 1
