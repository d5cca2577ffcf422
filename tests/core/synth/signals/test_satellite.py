# SPDX-License-Identifier: GPL-3.0-or-later
"""Satellites' telemetry and weather links: frames, codes, the contract of generators."""

import numpy as np
import pytest
import signal_contract

from wfm_core.synth.signals.bits import bytes_of
from wfm_core.synth.signals.satellite import KINDS
from wfm_core.synth.signals.satellite.coding import ax25, ax100, ccsds_frame, golay24, hdlc, randomised, rate_half
from wfm_core.synth.signals.satellite.weather_links import cadu, iridium_burst


@pytest.mark.parametrize("kind", KINDS["satellite"])
def test_contract(kind):
    signal_contract.check(KINDS["satellite"][kind], kind, 0.2, seed=4, least=0.96)


def test_randomiser_of_ccsds():
    assert bytes_of(randomised(bytes(5))) == bytes.fromhex("ff480ec09a")


def test_golay_words_are_eight_apart():
    weights = [bin(golay24(word)).count("1") for word in range(1, 4096)]
    assert min(weights) == 8
    assert golay24(0xABC) & 0xFFF == 0xABC


def test_rate_half_inverts_its_second_output():
    np.testing.assert_array_equal(rate_half(np.zeros(4, np.uint8)), [0, 1] * 4)


def test_frames_begin_with_their_markers():
    assert bytes_of(ccsds_frame(bytes(223), False))[:4] == b"\x1a\xcf\xfc\x1d"
    assert len(ccsds_frame(bytes(223), True)) == 2 * 8 * 259
    assert bytes_of(ax100(bytes(10), 2))[:6] == b"\xaa\xaa\x93\x0b\x51\xde"
    assert len(cadu(bytes(892))) == 8 * 1024


def test_ax25_addresses_and_flags():
    frame = ax25("CQ", "W1AW", b"text")
    assert frame[:6] == bytes(ord(letter) << 1 for letter in "CQ    ")
    assert frame[13] & 1 == 1
    assert frame[14:16] == b"\x03\xf0"
    line = hdlc(frame, 4, 2, False)
    # In NRZI a flag is one change, seven bits without, and one more.
    changes = np.abs(np.diff(line.astype(int)))
    np.testing.assert_array_equal(np.flatnonzero(changes[:24]) % 8, [6, 7, 6, 7, 6, 7])


def test_iridium_burst_lasts_as_it_should():
    burst = iridium_burst(np.zeros(179, int), 4)
    assert len(burst) / 4 / 25e3 == pytest.approx(8.28e-3, abs=0.7e-3)
