# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from single_signals import check_bandwidth, check_contract

from wfm_core.synth.signals.bits import bits_of, bits_to_number, crc
from wfm_core.synth.signals.marine import KINDS, ais, ais_messages

GENERATORS = [(label, kind) for label, kinds in KINDS.items() for kind in kinds]


@pytest.mark.parametrize(("label", "kind"), GENERATORS)
def test_generators_keep_their_contract(label, kind):
    check_contract(KINDS[label][kind], 0.2)
    check_bandwidth(KINDS[label][kind], 0.2)
    assert KINDS[label][kind](0.2, np.random.default_rng(3)).kind == kind


def test_check_sequence_is_that_of_hdlc():
    assert crc(bits_of(b"123456789", lsb_first=True), 0x1021, 16, 0xFFFF, 0xFFFF) == int(f"{0x906E:016b}"[::-1], 2)


def test_frame_has_no_flag_but_its_two():
    rng = np.random.default_rng(0)
    for _ in range(20):
        bits = ais.frame(ais.random_message(ais_messages.random_vessel(rng), "class_a", rng))
        text = "".join(map(str, bits))
        assert text.count("01111110") == 2 and text.endswith("01111110")
        assert "1111111" not in text


def test_messages_have_their_lengths_and_fields():
    rng = np.random.default_rng(1)
    vessel = ais_messages.random_vessel(rng)
    assert len(ais_messages.position_report(vessel, 1, rng)) == 168
    assert len(ais_messages.base_report(vessel, rng)) == 168
    assert len(ais_messages.static_data(vessel, rng)) == 424
    assert len(ais_messages.class_b_report(vessel, rng)) == 168
    assert len(ais_messages.class_b_static(vessel, 0, rng)) == len(ais_messages.class_b_static(vessel, 1, rng)) == 168
    bits = ais_messages.position_report(vessel, 3, rng)
    assert bits_to_number(bits[:6]) == 3 and bits_to_number(bits[8:38]) == vessel.mmsi
    assert bits_to_number(bits[61:89]) == round(vessel.longitude * 600000) % 2**28
