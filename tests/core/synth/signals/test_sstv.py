# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from single_signals import check_bandwidth, check_contract

from wfm_core.synth.signals.amateur import KINDS, sstv

SSTV = KINDS["sstv"]


@pytest.mark.parametrize("kind", SSTV)
def test_contract(kind):
    check_contract(SSTV[kind], 0.6)
    check_bandwidth(SSTV[kind], 1.5, 0.93)


@pytest.mark.parametrize(
    "name, seconds",
    [("martin1", 114.3), ("martin2", 58.1), ("scottie1", 109.6), ("scottie2", 71.1), ("robot36", 36.0),
     ("robot72", 72.0), ("pd90", 90.0), ("pd120", 126.1), ("pd180", 187.1)],
)  # fmt: skip
def test_modes_last_as_long_as_published(name, seconds):
    mode = next(mode for mode in sstv.MODES if mode.name == name)
    image = np.zeros((mode.height, mode.width, 3))
    lines = sum(time for time, _ in sstv.whole(mode, image)) - sum(time for time, _ in sstv.header(mode.number))
    assert lines / 1e3 == pytest.approx(seconds, abs=0.1)


def test_header_has_even_parity_and_its_own_length():
    segments = sstv.header(44)
    assert sum(time for time, _ in segments) == 910
    bits = [tones[0] == 1100 for _, tones in segments[4:12]]
    assert sum(bit << place for place, bit in enumerate(bits[:7])) == 44 and sum(bits) % 2 == 0


def test_white_and_black():
    tones = sstv.tones_of([sstv._scan(10.0, np.array([0.0, 1.0]))], 8000)
    assert len(tones) == 80 and (tones[:40] == 1500).all() and (tones[40:] == 2300).all()
