# SPDX-License-Identifier: GPL-3.0-or-later
"""FSK telemetry: frames with known checks, modems, the contract of generators."""

import numpy as np
import pytest
import signal_contract

from wfm_core.synth.signals.bits import bits_to_number, bytes_of, crc
from wfm_core.synth.signals.telemetry import KINDS
from wfm_core.synth.signals.telemetry.checks import digest
from wfm_core.synth.signals.telemetry.fsk_sensors import bresser_6in1, danfoss, lacrosse_it
from wfm_core.synth.signals.telemetry.homes import cc1101_white, pn9, with_start_and_stop, z_wave
from wfm_core.synth.signals.telemetry.meters import (
    LINKS,
    block_check,
    format_a,
    maker_code,
    mode_t,
    stuffed,
    three_of_six,
)
from wfm_core.synth.signals.telemetry.narrow import golay_parity, mioty_burst, sigfox_frame
from wfm_core.synth.signals.telemetry.radio import Modem, burst

SECONDS = {"horus": 1.5, "sigfox": 1.0, "mioty": 0.6}


@pytest.mark.parametrize("kind", KINDS["fsk"])
def test_contract(kind):
    signal_contract.check(KINDS["fsk"][kind], kind, SECONDS.get(kind, 0.2), seed=5)


def test_maker_code_of_en_62056():
    assert maker_code("KAM") == 0x2C2D


def test_blocks_of_format_a():
    # The first block of EN 13757-4's example (C field 44h, manufacturer 6196h, CRC F2 1F): table of annex.
    assert block_check(bytes.fromhex("2e449315785634123303")) == b"\x33\x63"
    packet = format_a("KAM", 12345678, 1, 4, bytes(20))
    assert packet[0] == 29
    assert packet[2:4] == b"\x2d\x2c"
    assert packet[4:8] == b"\x78\x56\x34\x12"
    assert len(packet) == 12 + 18 + 6


def test_three_of_six_has_three_ones():
    coded = three_of_six(bytes(range(256))).reshape(-1, 6)
    assert (coded.sum(1) == 3).all()
    assert len(np.unique(coded, axis=0)) == 16


def test_mode_t_begins_with_its_sync():
    frame = mode_t(maker="KAM", id=1, version=1, type=4, data=bytes(4))
    assert "".join(map(str, frame[38:48])) == "0000111101"
    np.testing.assert_array_equal(frame[:38], np.arange(38) % 2)


def test_lacrosse_frame_of_a_real_sensor():
    # aa 2d d4 92 84 48 6a ec, as rtl_433's documentation has it: id 10, 4.8 degrees, no humidity.
    frame = lacrosse_it(id=10, temperature_C=4.8, humidity=0x6A, battery_ok=1)
    assert bytes_of(frame[32 : 32 + 56]) == bytes.fromhex("2dd49284486aec")


def test_bresser_frame_of_a_real_sensor():
    # The digest of 3d2c 18700793 41 ffffff 0000 219001 fff2 fc covers what follows it.
    assert digest(bytes.fromhex("1870079341ffffff0000219001fff2"), 0x8810, 0x5412, 16) == 0x3D2C
    frame = bytes_of(bresser_6in1(id=0x18700793, channel=1, temperature_C=21.9, humidity=50, battery_ok=1))
    assert sum(frame[8:24]) & 255 == 255


def test_danfoss_frame_begins_with_its_prefix():
    frame = danfoss(id=0x111E, temperature_C=20.0, setpoint_C=21.0, count=0, switch=2)
    assert bytes_of(frame)[16:18] == b"\x36\x5c"
    assert len(frame) == 254


def test_z_wave_checksum():
    frame = bytes_of(z_wave(home=0x01020304, node=1, data=b"\x20\x01\xff", rate=2))
    body = frame[21:]
    total = 0xFF
    for byte in body[:-1]:
        total ^= byte
    assert body[-1] == total
    assert body[7] == len(body)


def test_whitening_of_the_cc1101():
    assert bytes_of(cc1101_white(48)) == bytes.fromhex("ffe11d9aed85")


def test_whitening_of_802_15_4():
    assert "".join(map(str, pn9(16))) == "0000111101110000"


def test_start_and_stop_of_the_somfy_sync():
    bits = with_start_and_stop(b"\xff\x33")
    assert "".join(map(str, bits)) == "01111111110110011001"


def test_stuffing_and_golay():
    np.testing.assert_array_equal(stuffed(np.ones(6, np.uint8)), [1, 1, 1, 1, 1, 0, 1])
    words = [word << 11 | golay_parity(word) for word in range(1, 4096)]
    assert min(bin(word).count("1") for word in words) == 7


def test_sigfox_repeats_are_the_same_bits_filtered():
    """Polynomials 7 and 5 over what follows the type; undone, each gives the first frame (librenard)."""
    first, *others = (sigfox_frame(bytes(range(12)), 0xABC, 0x12345678, b"\1\2", time) for time in range(3))
    assert len(first) == 32 + 8 * (6 + 12 + 2 + 2)
    assert bytes_of(first[32:80]).hex() == "0abc78563412"
    for taps, other in zip(((1, 2), (2,)), others, strict=True):
        plain = other[32:].copy()
        for place in range(len(plain)):
            for tap in taps:
                plain[place] ^= plain[place - tap] if place >= tap else 0
        np.testing.assert_array_equal(plain, first[32:])
    types = [[bits_to_number(sigfox_frame(bytes(n), 0, 0, b"", t)[20:32]) for t in range(3)] for n in (1, 4, 8, 12)]
    words = np.array([list(f"{value:012b}") for value in np.ravel(types)])
    assert (words[:, None] != words[None]).sum(-1)[~np.eye(12, dtype=bool)].min() >= 4


def test_mioty_pilots_come_out_of_the_phase():
    """The running sum of the sent bits is the burst: what a matched filter sees."""
    for extension, pilots in ((False, "011101000010"), (True, "010011111010")):
        bits = np.cumsum(mioty_burst(extension, np.random.default_rng(1))) & 1
        assert "".join(map(str, bits[12:24])) == pilots


def test_burst_deviates_as_it_should():
    modem = Modem(10e3, 20e3, ramp=0.0)
    one = burst(np.array([1.0, -1.0, 1.0, 1.0]), modem, 200e3)
    frequency = np.angle(one[1:] * np.conj(one[:-1])) * 200e3 / (2 * np.pi)
    np.testing.assert_allclose(frequency[:19], 20e3, rtol=1e-9)
    np.testing.assert_allclose(frequency[20:39], -20e3, rtol=1e-9)


def test_energy_counts_are_read_back():
    """The line undone: NRZI, the scrambler, stuffing; 41 bytes between flags, whose check is right (ISO/IEC 13239)."""
    link = next(one for one in LINKS if one.kind == "ec3k")
    data = link.content(np.random.default_rng(4))["data"]
    line = link.frame(data)
    same = np.concatenate([[0], 1 ^ line[1:] ^ line[:-1]])
    plain = same.copy()
    plain[17:] ^= same[:-17] ^ same[5:-12]
    text = "".join(map(str, plain))
    start = text.index("01111110", 17) + 8  # before, the descrambler fills
    body = text[start : text.index("01111110", start)].replace("111110", "11111")
    assert bytes_of(np.array(list(body), np.uint8), lsb_first=True)[:39] == data
    assert len(body) == 41 * 8
    assert crc(np.array(list(body), np.uint8), 0x1021, 16, 0xFFFF) == 0x1D0F
