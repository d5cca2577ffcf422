# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from single_signals import check_bandwidth, check_contract

from wfm_core.synth.signals.aviation import KINDS, acars, mode_s, mode_s_frames, radar, vor
from wfm_core.synth.signals.bits import bits_of, bits_to_number, crc

SECONDS = {"ads-b": 0.02, "airband": 1.0, "acars": 0.5, "vor": 0.5, "radar": 0.05}
GENERATORS = [(label, kind) for label, kinds in KINDS.items() for kind in kinds]


@pytest.mark.parametrize(("label", "kind"), GENERATORS)
def test_generators_keep_their_contract(label, kind):
    check_contract(KINDS[label][kind], SECONDS[label])
    # Speech and its pauses leave nearly all the power to the carrier.
    check_bandwidth(KINDS[label][kind], SECONDS[label], 0.95, carrier=label == "airband")
    assert KINDS[label][kind](SECONDS[label], np.random.default_rng(3)).kind == kind


@pytest.mark.parametrize(
    "received", ["8D4840D6202CC371C32CE0576098", "8D40621D58C382D690C8AC2863A7", "8D485020994409940838175B284F"]
)
def test_mode_s_parity_is_that_of_received_messages(received):
    frame = mode_s_frames.frame_of(received)
    assert crc(frame[:88], mode_s_frames.GENERATOR, 24) == bits_to_number(frame[88:])


def test_mode_s_fields_are_those_of_published_examples():
    aircraft = mode_s_frames.random_aircraft(np.random.default_rng(0))
    aircraft.address, aircraft.callsign, aircraft.squawk = 0x4840D6, "KLM1023", "7700"
    message = mode_s_frames.identification(aircraft, 0)
    assert mode_s_frames.frame_hex(mode_s_frames.squitter(aircraft, message)) == "8d4840d6202cc371c32ce0576098"
    assert mode_s_frames.identity_code("7700") == 0b0101010101010
    assert [mode_s_frames.longitude_zones(latitude) for latitude in (0, 52.25, 86.9, 89)] == [59, 36, 2, 1]
    # DO-260B's worked position (latitude 52.2572, longitude 3.91937), as heard in 8D40621D58C382D690C8AC2863A7.
    assert mode_s_frames.compact_position(52.25720, 3.91937, 0, 17) == (93000, 51372)


def test_mode_a_code_spells_the_pulses():
    starts = mode_s.mode_ac_starts(mode_s_frames.identity_code("7700"))
    assert np.allclose(starts / 1.45e-6, [0, 2, 4, 6, 8, 10, 12, 14])


def test_acars_check_sequence_is_that_of_a_received_block():
    # An answer of aircraft LN-DYY, as heard: its check bytes were 33 7C.
    bits = acars.frame("x", "LN-DYY", "5", "_\x7f", "A", "")
    assert np.packbits(bits[-24:], bitorder="little").tobytes() == b"\x33\x7c\x7f"
    assert all(np.packbits(bits[:-24]).tobytes()[place].bit_count() % 2 for place in range(len(bits) // 8 - 3))


def test_acars_turns_bits_into_whole_and_half_periods():
    bits = np.array([1, 1, 0, 0, 1], np.uint8)
    sound = acars.tone(bits, 0, 48000.0)
    inner = sound.reshape(5, 20)[:, 1:]
    # A half period of 1200 Hz keeps its sign, a whole one of 2400 Hz does not.
    assert (np.sign(inner).std(1) == 0).tolist() == [False, False, True, False, True]
    assert bits_of(acars.with_parity(b"+"))[0] == 1


def test_vor_bearing_is_the_phase_between_its_two_signals():
    sound = vor.composite(1.0, 77.0, np.random.default_rng(0))
    analytic = np.fft.ifft(np.where(np.abs(np.fft.fftfreq(len(sound), 1 / 40000) - 9960) < 1500, np.fft.fft(sound), 0))
    frequency = np.diff(np.unwrap(np.angle(analytic)), prepend=0.0)[2000:-2000]
    time = np.arange(len(sound))[2000:-2000] / 40000
    wave = np.exp(-2j * np.pi * 30 * time)
    # The frequency is the derivative of the phase: a cosine where the carrier has a sine.
    variable, reference = np.angle(np.sum(sound[2000:-2000] * wave)), np.angle(np.sum(frequency * wave)) - np.pi / 2
    assert abs((np.degrees(reference - variable) - 77 + 180) % 360 - 180) < 3


def test_morse_of_an_ident():
    assert "".join(map(str, vor.ident("AN", 0.1))) == "10111000" + "11101"


def test_dme_pulses_are_half_as_high_at_half_their_width():
    envelope = radar.pair(12e-6, 3.5e-6, sample_rate=20e6)
    above = np.flatnonzero(np.diff((envelope > 0.5).astype(int)))
    assert np.allclose(np.diff(above) / 20e6, [3.5e-6, 8.5e-6, 3.5e-6], atol=0.1e-6)


def test_dme_ground_station_keeps_its_dead_time():
    sent = radar.dme_ground(0.1, np.random.default_rng(0))
    starts = np.flatnonzero((sent.samples[1:] != 0) & (sent.samples[:-1] == 0)) / sent.sample_rate
    firsts = starts[np.diff(starts, prepend=-1) > 40e-6]
    assert 500 < len(firsts) / 0.1 < 2700
    assert np.diff(firsts).min() > 55e-6
