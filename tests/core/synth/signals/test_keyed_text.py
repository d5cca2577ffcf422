# SPDX-License-Identifier: GPL-3.0-or-later
"""Teleprinter and Morse code."""

import numpy as np
import pytest
from single_signals import check_bandwidth, check_contract

from wfm_core.synth.signals.amateur import KINDS, morse, phrases, rtty
from wfm_core.synth.signals.bits import bits_of, crc

SLOW = {**KINDS["rtty"], **KINDS["morse"]}


@pytest.mark.parametrize("kind", SLOW)
def test_contract(kind):
    check_contract(SLOW[kind], 1.0)


@pytest.mark.parametrize("kind", [kind for kind in SLOW if kind != "mcw-am"])
def test_bandwidth(kind):
    check_bandwidth(SLOW[kind], 2.0, 0.95)


def test_baudot_text():
    codes = rtty.baudot_codes("RY 12")
    assert codes == [31, 10, 21, 4, 27, 23, 19]
    assert rtty.framed([10], 5, 3).tolist() == [0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1]


def test_every_sitor_code_has_four_ones():
    codes = list(rtty._CCIR_476.values()) + [rtty._ALPHA, rtty._REPETITION]
    assert len(set(codes)) == len(codes) and all(code.bit_count() == 4 for code in codes)


def test_navtex_says_everything_twice():
    groups = rtty.mode_b("HELLO", 8).reshape(-1, 7)
    direct, repeated = groups[::2], groups[1::2]
    assert np.array_equal(direct[8:14], repeated[10:16])
    assert (groups.sum(1) == 4).all()


def test_balloon_strings_have_their_checksum():
    said = phrases.balloon(np.random.default_rng(0))
    body, check = said.strip().lstrip("$").split("*")
    assert crc(bits_of(body.encode()), 0x1021, 16, 0xFFFF) == int(check, 16)
    assert crc(bits_of(b"123456789"), 0x1021, 16, 0xFFFF) == 0x29B1


def test_paris_lasts_fifty_dots():
    on, off = morse.elements("PARIS")
    assert on.sum() + off.sum() == 50


def test_a_word_a_second_at_sixty_a_minute():
    on, off = morse.elements("PARIS PARIS")
    key = morse.keyed(on, off, 1.2 / 60, 1000)
    assert len(key) == 2000 and key.mean() == pytest.approx(on.sum() / 100)
