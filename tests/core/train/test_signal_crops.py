# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops for training carry the right name."""

import numpy as np
import pytest
import torch

from wfm_core.signal.found import FoundSignal
from wfm_core.synth.scenes.air import Band, Truth
from wfm_core.synth.signals.catalogue import LABELS
from wfm_core.train.signals.crops import Box, draw_crops, name_box, near_boxes
from wfm_core.train.signals.shards import inputs, records

RATE = 1e6


def truth(label="morse", lower=-50e3, upper=50e3, snr_db=20.0, intervals=((0, 100_000),)):
    return Truth(label, label, np.array(intervals), lower, upper, snr_db)


def band(*truths):
    return Band(np.zeros(100_000, np.complex64), RATE, list(truths))


def box(lower=-50e3, upper=50e3, start=0, count=100_000, snr_db=20.0):
    return Box(start, count, lower, upper, snr_db)


def test_a_box_has_the_name_of_the_signal_in_it():
    assert name_box(box(), band(truth()))[:2] == ("morse", "morse")
    assert name_box(box(lower=-60e3, upper=45e3), band(truth()))[0] == "morse"
    weak = truth("ais", -45e3, 45e3, snr_db=4.0)
    assert name_box(box(), band(truth(), weak))[0] == "morse"
    assert name_box(box(), band(truth(), weak))[3] is False
    near = truth("ais", -45e3, 45e3, snr_db=10.0)
    assert name_box(box(), band(truth(), near))[::3] == ("morse", True)


@pytest.mark.parametrize(
    ("where", "truths"),
    [
        (box(), [truth(), truth("ais", snr_db=19.0)]),  # two as strong
        (box(lower=-1.5e6, upper=1.5e6), [truth()]),  # far wider than its signal
        (box(lower=-5e3, upper=5e3), [truth()]),  # a slice of it
        (box(lower=60e3, upper=80e3, snr_db=5.0), [truth(snr_db=40.0)]),  # on its skirts
        (box(lower=-350e3, upper=-250e3, snr_db=5.0), [truth(lower=250e3, upper=350e3)]),  # its image
        (box(lower=200e3, upper=201e3, snr_db=25.0), [truth()]),  # a spur
    ],
)
def test_a_box_that_is_no_signal_of_its_own_has_no_name(where, truths):
    assert name_box(where, band(*truths))[0] is None


def test_a_box_of_nothing_is_noise():
    assert name_box(box(300e3, 360e3, snr_db=3.5), band(truth(snr_db=10.0)))[0] == "noise"
    late = truth(snr_db=10.0, intervals=((60_000, 90_000),))
    assert name_box(box(300e3, 330e3, start=0, count=20_000, snr_db=4.0), band(late))[0] == "noise"


def test_near_boxes_lie_near_their_signal():
    rng = np.random.default_rng(4)
    bursts = truth(intervals=[(start, start + 2000) for start in range(0, 100_000, 20_000)])
    for _ in range(40):
        boxes = near_boxes(bursts, band(bursts), rng)
        assert 1 <= len(boxes) <= 3
        for one in boxes:
            assert one.start >= 0 and one.start + one.count <= 100_000 and one.count >= 1
            assert -RATE / 2 <= one.lower < one.upper <= RATE / 2
            assert min(one.upper, 50e3) - max(one.lower, -50e3) > 0.5 * 100e3


@pytest.mark.parametrize("finder_share", [0.0, 1.0])
def test_drawn_crops_are_seeded_and_kept_in_eight_bits(finder_share):
    options = {"most_samples": 1 << 16}
    crops = draw_crops(9, 12, finder_share, **options)
    again = draw_crops(9, 12, finder_share, **options)
    assert [crop.label for crop in crops] == [crop.label for crop in again]
    np.testing.assert_array_equal(crops[3].observed, again[3].observed)
    assert {crop.label for crop in crops} <= set(range(len(LABELS)))
    rows = records(crops)
    iq, whole, close, heard, facts = inputs(rows)
    assert [len(part) for part in (iq, whole, close, heard, facts)] == [12] * 5
    # what a bundle makes of the same observation
    exact = FoundSignal()(torch.from_numpy(crops[3].observed)[None, None])
    torch.testing.assert_close(whole[3], exact[1][0], atol=0.1, rtol=0)
    torch.testing.assert_close(close[3], exact[2][0], atol=0.1, rtol=0)
    torch.testing.assert_close(heard[3], exact[3][0].clamp(-3, 3), atol=0.1, rtol=0)
