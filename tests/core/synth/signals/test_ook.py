# SPDX-License-Identifier: GPL-3.0-or-later
"""On-off keyed remotes and sensors: frames, pulse codes, transmitters, the contract of generators."""

import numpy as np
import pytest
import signal_contract

from wfm_core.synth.signals.bits import bits_of, bits_to_number, bytes_of
from wfm_core.synth.signals.telemetry import KINDS, OOK_PROTOCOLS
from wfm_core.synth.signals.telemetry.checks import byte_reversed, digest, fields
from wfm_core.synth.signals.telemetry.distance_sensors import tfa_twin_plus
from wfm_core.synth.signals.telemetry.keyer import Oscillator, keyed_signal, occupied
from wfm_core.synth.signals.telemetry.phase_sensors import differential
from wfm_core.synth.signals.telemetry.pulses import distance_coded, envelope, repeated, runs
from wfm_core.synth.signals.telemetry.security import ert_scm, honeywell

PERFECT = Oscillator(0.0, 0.0, 1e-4, 0.0, 0.1, 0.0, 0.0, True)


@pytest.mark.parametrize("kind", KINDS["ook"])
def test_contract(kind):
    signal_contract.check(KINDS["ook"][kind], kind, 0.25, seed=3)


def test_kinds_are_many_and_of_many_speeds():
    shortest = []
    for protocol in OOK_PROTOCOLS:
        rng = np.random.default_rng(0)
        shortest.append(protocol.press(protocol.content(rng), rng)[:-1].min())
    assert len(OOK_PROTOCOLS) >= 45
    assert min(shortest) < 50e-6
    assert max(shortest) > 0.9e-3


def test_tfa_frame_of_a_real_sensor():
    # The frame e4 4b 70 73 0 that rtl_433's source names: 23.7 degrees, 50 %.
    frame = tfa_twin_plus(id=0b0100111 & 0x3F, channel=1, battery_ok=1, temperature_C=23.7, humidity=50)
    assert bytes_of(frame)[2:4] == b"\x70\x73"


def test_scm_check_covers_the_frame():
    frame = ert_scm(id=12345678, ert_type=7, consumption_data=98765, physical_tamper=1, encoder_tamper=2)
    assert len(frame) == 96
    assert bits_to_number(frame[:21]) == 0x1F2A60
    register = 0
    for bit in frame[16:]:
        register = (register << 1 | int(bit)) ^ (0x16F63 if register >> 15 & 1 else 0)
    assert register & 0xFFFF == 0


def test_honeywell_frame_begins_with_its_sync():
    frame = honeywell(id=0x12345, channel=8, event=0x80)
    assert bytes_of(frame)[:6] == b"\xff\xfe\x81\x23\x45\x80"
    assert len(frame) == 64


def test_digest_of_one_bit_is_the_key_where_it_stands():
    assert digest(b"\x80", 0x98, 0x3E) == 0x3E
    assert digest(b"\x40", 0x98, 0x3E) == 0x1F
    assert digest(b"\x20", 0x98, 0x3E) == 0x1F >> 1 ^ 0x98


def test_fields_and_reversal():
    assert bytes_of(fields((-1, 4), (5, 4))) == b"\xf5"
    np.testing.assert_array_equal(byte_reversed(bits_of(b"\x01\x80")), bits_of(b"\x80\x01"))


def test_runs_and_distances():
    np.testing.assert_allclose(runs(np.array([0, 1, 1, 0, 1]), 2.0), [4.0, 2.0, 2.0, 0.0])
    np.testing.assert_allclose(distance_coded(np.array([0, 1]), 1.0, 2.0, 4.0), [1, 2, 1, 4])
    np.testing.assert_allclose(repeated(np.array([1.0, 1.0]), 2, 3.0), [1, 4, 1, 4])


def test_envelope_holds_the_durations_at_any_rate():
    durations = np.array([1e-3, 2e-3, 0.5e-3, 1e-3])
    for rate in (9e3, 20e3, 33.3e3):
        level, pulses = envelope(durations, rate, -1e-3, round(6e-3 * rate))
        assert level.sum() / rate == pytest.approx(1.5e-3, rel=1e-9)
        np.testing.assert_array_equal(pulses, [np.floor(1e-3 * rate), np.floor(4e-3 * rate)])


def test_biphase_mark_changes_at_every_bit():
    halves = differential(np.array([1, 0, 1, 1, 0], np.uint8), zero_changes=False)
    assert (halves[1:-1:2] != halves[2::2]).all()
    np.testing.assert_array_equal(halves[::2] != halves[1::2], [True, False, True, True, False])


def test_a_transmitter_without_leakage_is_off_between_pulses():
    signal = keyed_signal(np.array([1e-3, 1e-3, 1e-3, 1e-3]), 50e3, -1e-3, 300, PERFECT, np.random.default_rng(0))
    np.testing.assert_array_equal(np.abs(signal[:49]), 0)
    np.testing.assert_allclose(np.abs(signal[51:99]), 1, rtol=1e-6)
    np.testing.assert_array_equal(np.abs(signal[101:149]), 0)


def test_leakage_ends_with_the_packet():
    leaking = Oscillator(0.0, 0.0, 1e-4, 0.0, 0.1, 0.0, 0.03, True)
    signal = keyed_signal(
        np.array([1e-3, 1e-3, 1e-3, 0.1, 1e-3, 0.0]), 50e3, 0.0, 5300, leaking, np.random.default_rng(0)
    )
    assert np.abs(signal[75]) == pytest.approx(0.03, rel=1e-3)
    np.testing.assert_array_equal(signal[1500:3000], 0)


def test_occupied_bandwidth_of_two_tones():
    t = np.arange(10000) / 10e3
    two = np.exp(2j * np.pi * 1000 * t) + np.exp(-2j * np.pi * 500 * t)
    assert occupied(two, 10e3) == pytest.approx(2000, abs=5)
