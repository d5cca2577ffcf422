# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from single_signals import check_bandwidth, check_contract

from wfm_core.synth.signals.bits import bits_to_number, number_bits
from wfm_core.synth.signals.paging import KINDS, flex, pocsag
from wfm_core.synth.signals.paging.code import code_word

PAGERS = KINDS["pocsag"]


@pytest.mark.parametrize("kind", PAGERS)
def test_contract(kind):
    check_contract(PAGERS[kind], 0.3)
    check_bandwidth(PAGERS[kind], 1.0, 0.96)


def test_published_words_are_code_words():
    """The sync and idle words of ITU-R M.584-2 are words of its code."""
    for word in (0x7CD215D8, 0x7A89C197):
        bits = number_bits(word, 32)
        assert np.array_equal(code_word(bits[:21]), bits)


def test_pocsag_batches():
    bits = pocsag.message([(1234567, "numeric", "123"), (2, "tone", "")], 576)
    batches = bits[576:].reshape(-1, 17, 32)
    assert len(batches) == 2 and all(bits_to_number(batch[0]) == 0x7CD215D8 for batch in batches)
    assert bits_to_number(batches[0, 15, 1:19]) << 3 | 7 == 1234567  # of frame 7, words 14 and 15
    assert bits_to_number(batches[1, 5, 1:19]) << 3 | 2 == 2
    assert bits_to_number(batches[0, 1]) == 0x7A89C197


def test_flex_frame_lasts_as_long_as_the_standard_says():
    for mode in flex.MODES:
        words = [flex.phase_words([(1000 + n, "alpha", "TEST")]) for n in range(flex.phases_of(mode))]
        levels = flex.line_levels(mode, [flex.frame(mode, 0, 0, words)])
        assert len(levels) == 1.875 * 3200
        assert len(np.unique(np.round(levels, 3))) == mode[1]


def test_flex_checksums():
    value = flex.checked(0x12345 << 4)
    assert sum(value >> shift & 0xF for shift in range(0, 21, 4)) % 16 == 15
