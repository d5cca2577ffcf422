# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from single_signals import check_bandwidth, check_contract

from wfm_core.synth.signals.amateur import KINDS, ax25, ffsk, packet
from wfm_core.synth.signals.bits import bits_to_number, crc, crc_x25

PACKET = KINDS["packet"]


@pytest.mark.parametrize("kind", PACKET)
def test_contract(kind):
    check_contract(PACKET[kind], 0.4)
    check_bandwidth(PACKET[kind], 1.0, 0.95)


def test_checksum_is_that_of_hdlc():
    """Check value of CRC-16/IBM-SDLC."""
    assert crc_x25(b"123456789") == (0x906E).to_bytes(2, "little")


def test_addresses_are_shifted():
    assert ax25.address("NJ7P-3", True) == bytes([0x9C, 0x94, 0x6E, 0xA0, 0x40, 0x40, 0x67])


def test_no_six_ones_but_in_flags():
    bits = ax25.stuffed(np.ones(64, np.uint8))
    assert len(bits) == 64 + 12
    assert "111111" not in "".join(map(str, bits))
    line = "".join(map(str, ax25.line_bits([b"\xff" * 20, b"\x00" * 20], 4, 2)))
    assert line.startswith("01111110" * 4) and line.count("01111110") == 7


def test_scrambled_bits_are_undone():
    sent = packet.nrzi(ax25.line_bits([b"some frame"], 5, 1))
    air = packet.g3ruh([b"some frame"], 5)[: len(sent)].astype(int)
    delayed = np.concatenate([np.zeros(17, int), air])
    assert np.array_equal(air ^ delayed[5 : 5 + len(air)] ^ delayed[: len(air)], packet.nrzi(
        ax25.line_bits([b"some frame"], 5, 6))[: len(sent)])  # fmt: skip


def test_train_block_is_a_code_word():
    word = ffsk.train_block(np.arange(45, dtype=np.uint8) & 1)
    assert len(word) == 64 and crc(word[:63], 0o1701317 & (1 << 18) - 1, 18) == 0


def test_trunking_word_has_even_parity():
    word = ffsk.trunking_word(np.ones(48, np.uint8))
    assert len(word) == 64 and int(word.sum()) % 2 == 0
    assert bits_to_number(ffsk.TRUNKING_SYNC) == 0xC4D7


def test_control_channel_words_end_in_the_sync():
    """The system code word is a code word whose check bits are the synchronisation (MPT 1327, 3.3.2.2)."""
    bits = ffsk.control_channel(3, np.random.default_rng(0)).reshape(3, 128)
    for slot in bits:
        assert np.array_equal(slot[48:64], ffsk.TRUNKING_SYNC)
        assert np.array_equal(ffsk.trunking_word(slot[:48]), slot[:64])
        assert np.array_equal(slot[32:48], np.resize([1, 0], 16))
