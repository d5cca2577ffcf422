# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from single_signals import check_bandwidth, check_contract

from wfm_core.synth.signals.aviation import KINDS, mode_s, mode_s_frames
from wfm_core.synth.signals.bits import bits_to_number, crc

SECONDS = {"ads-b": 0.02}
GENERATORS = [(label, kind) for label, kinds in KINDS.items() for kind in kinds]


@pytest.mark.parametrize(("label", "kind"), GENERATORS)
def test_generators_keep_their_contract(label, kind):
    check_contract(KINDS[label][kind], SECONDS[label])
    check_bandwidth(KINDS[label][kind], SECONDS[label])
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
