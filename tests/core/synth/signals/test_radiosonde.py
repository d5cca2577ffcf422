# SPDX-License-Identifier: GPL-3.0-or-later
"""Radiosondes: frames, codes, the contract of generators."""

import numpy as np
import pytest
import signal_contract

from wfm_core.synth.signals.bits import bits_of, bytes_of
from wfm_core.synth.signals.satellite.reed_solomon import ccsds, parity, tables
from wfm_core.synth.signals.sondes import KINDS
from wfm_core.synth.signals.sondes.manchester_sondes import (
    dfm_frame,
    hamming,
    m10_check,
    m10_chips,
    m10_frame,
    mrz_frame,
)  # fmt: skip
from wfm_core.synth.signals.sondes.other_sondes import lms6_block
from wfm_core.synth.signals.sondes.rs41 import HEADER, block, frame, sent_bits

VALUES = {0x7A: bytes(range(42)), 0x7C: bytes(30), 0x7D: bytes(range(89)), 0x7B: bytes(21)}


@pytest.mark.parametrize("kind", KINDS["radiosonde"])
def test_contract(kind):
    signal_contract.check(KINDS["radiosonde"][kind], kind, 0.4, seed=1, least=0.96)


def at_root(word: bytes, root: int, polynomial: int) -> int:
    """The polynomial whose highest coefficient comes first, at alpha^root."""
    exponents, logarithms = tables(polynomial)
    value = 0
    for byte in word:
        value = int(exponents[(logarithms[value] + root) % 255]) if value else 0
        value ^= byte
    return value


def test_ccsds_codewords_have_their_roots():
    word = ccsds(bytes(range(223)))
    assert all(at_root(word, 11 * (112 + place) % 255, 0x187) == 0 for place in range(32))
    assert at_root(word, 11 * 111 % 255, 0x187) != 0


def test_rs41_header_on_the_air():
    # The bit pattern that receivers look for.
    expected = "0000100001101101010100111000100001000100011010010100100000011111"
    assert "".join(map(str, sent_bits(frame(1, "S1234567", VALUES))[:64])) == expected


def test_rs41_frame():
    data = frame(4711, "S1234567", VALUES)
    assert len(data) == 320
    assert data[:8] == HEADER
    assert data[56:59] == b"\x0f\x79\x28"
    assert int.from_bytes(data[59:61], "little") == 4711
    assert data[61:69] == b"S1234567"
    for first in (0, 1):
        word = data[8 + 24 * first : 32 + 24 * first] + data[56 + first :: 2]
        assert all(at_root(word[::-1], root, 0x11D) == 0 for root in range(24))


def test_rs41_block_has_its_check():
    assert block(0x76, b"123456789")[-2:] == (0x29B1).to_bytes(2, "little")


def test_parity_of_nothing_is_nothing():
    assert parity(bytes(20), 24, 0x11D, 0, 1) == bytes(24)


def test_dfm_frame_and_its_hamming_code():
    words = np.array(
        [hamming(np.array([value >> 3 & 1, value >> 2 & 1, value >> 1 & 1, value & 1])) for value in range(16)]
    )
    distances = [(a != b).sum() for index, a in enumerate(words) for b in words[:index]]
    assert min(distances) == 4
    bits = dfm_frame(np.ones(28, np.uint8), np.zeros(52, np.uint8), np.ones(52, np.uint8))
    assert len(bits) == 280
    np.testing.assert_array_equal(bits[:16], bits_of(b"\x45\xcf"))


def test_m10_frame_checks_to_itself():
    data = m10_frame(b"\x9f\x20", bytes(range(96)))
    assert len(data) == 101
    assert data[0] == 100
    assert m10_check(data[:-2]) == int.from_bytes(data[-2:], "big")


def test_m10_is_read_as_its_analysis_has_it():
    """After the sync, pairs of half bits that are as the pair before are ones (RS, m10mod.c)."""
    data = m10_frame(b"\x9f\x20", bytes(range(96)))
    chips = np.append(m10_chips(data), 0)
    pairs = chips[30:].reshape(-1, 2)  # the last pair of the sync is the first to compare with
    assert (pairs.sum(1) == 1)[:-1].all()
    bits = 1 ^ pairs[1:, 0] ^ pairs[:-1, 0]
    assert bytes_of(bits[: 8 * len(data)])[:-1] == data[:-1]
    printed = "11001100110011001010011001001100110101001101001101001101010101010011010011001100"
    assert "1" + "".join(map(str, chips[: len(printed) - 1])) == printed


def test_lms6_begins_with_the_sync_that_its_analysis_looks_for():
    """RS, lms6Xmod.c: 64 symbols of the sync behind a zero byte."""
    printed = "0101011000001000000111001001011100011010101001110011110100111110"
    symbols = "".join(map(str, lms6_block(bytes(223))))
    assert symbols[16:80] == printed
    assert len(symbols) == 2 * 8 * 260


def test_mrz_frames_check_by_the_reflected_crc():
    """RS, mp3h1mod.c: 0xA001 over 45 bytes from all ones, low byte first."""
    frame = mrz_frame(bytes(range(45)))
    remainder = 0xFFFF
    for byte in frame[2:47]:
        remainder ^= byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (0xA001 if remainder & 1 else 0)
    assert frame[47:] == remainder.to_bytes(2, "little")


def test_dfm_sends_two_thousand_five_hundred_half_bits():
    """Runs of one level are one or two half bits long."""
    sent = KINDS["radiosonde"]["dfm"](0.5, np.random.default_rng(2))
    frequency = np.angle(sent.samples[1:] * sent.samples[:-1].conj())
    runs = np.diff(np.flatnonzero(np.diff(frequency > np.median(frequency))))
    halves = runs / sent.sample_rate * 2500
    assert np.mean(np.abs(halves - np.round(halves)) < 0.2) > 0.95
    assert set(np.round(halves).astype(int)) == {1, 2}
