# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops for training carry the right name."""

import numpy as np
import pytest
import torch

from wfm_core.signal.found import FoundSignal
from wfm_core.synth.scenes.air import AirBands, Band, Truth
from wfm_core.synth.signals.catalogue import LABELS
from wfm_core.train.signals.batches import as_inputs
from wfm_core.train.signals.crops import Box, draw_crops, has_neighbour, name_box, named_crops, near_boxes, noise_crops
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
        (box(lower=-2.5e6, upper=2.5e6), [truth()]),  # far wider than its signal
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


def test_near_boxes_of_what_is_nearly_beside_the_band_have_a_width():
    rng = np.random.default_rng(2)
    for lower, upper in ((499.9e3, 500e3), (500e3, 500e3), (-500e3, -500e3)):
        beside = truth(lower=lower, upper=upper)
        for _ in range(50):
            for near in near_boxes(beside, band(beside), rng):
                assert -500e3 <= near.lower < near.upper <= 500e3
                name_box(near, band(beside))


def test_an_empty_band_gives_crops_of_noise():
    bands = AirBands(np.random.default_rng(5), ("morse",), most_samples=1 << 15)
    crops = [crop for _ in range(6) for crop in noise_crops(bands, np.random.default_rng(6))]
    assert len(crops) >= 6 and {LABELS[crop.label] for crop in crops} == {"noise"}
    drawn = draw_crops(8, 150, 0.0, ("morse", "ais"), most_samples=1 << 15)
    assert 2 <= sum(LABELS[crop.label] == "noise" for crop in drawn) < 50


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


@pytest.mark.parametrize(
    ("other", "there"),
    [
        (truth("ais", 60e3, 90e3), True),  # beside the box, in the samples that are cut out
        (truth("ais", -90e3, -60e3, snr_db=0.0), False),  # so weak that it is nothing
        (truth("ais", 60e3, 90e3, intervals=((60_000, 90_000),)), False),  # at another time
        (truth("ais", 110e3, 130e3), False),  # filtered out
        (truth("ais", -10e3, 10e3, snr_db=17.0), True),  # within
    ],
)
def test_neighbours_are_those_whose_samples_are_in_the_crop(other, there):
    assert has_neighbour(box(count=50_000), band(truth(), other)) is there
    assert has_neighbour(box(count=50_000), band(other, truth())) is there


def test_a_signal_of_no_class_has_no_number():
    (where, crop), *others = named_crops([box(), box(300e3, 310e3, snr_db=3.0)], band(truth("unknown", snr_db=12.0)))
    assert where == box() and crop.label == -1 and crop.kind == "unknown" and not crop.beside
    assert [LABELS[one.label] for _, one in others] == ["noise"]
    _, target = as_inputs(records([crop, others[0][1]]), ("ais", "noise"))
    assert target.tolist() == [-1, 1]


@pytest.mark.parametrize("finder_share", [0.0, 1.0])
def test_drawn_crops_are_seeded_and_kept_in_eight_bits(finder_share):
    options = {"most_samples": 1 << 16}
    crops = draw_crops(9, 12, finder_share, **options)
    again = draw_crops(9, 12, finder_share, **options)
    assert [crop.label for crop in crops] == [crop.label for crop in again]
    np.testing.assert_array_equal(crops[3].observed, again[3].observed)
    assert {crop.label for crop in crops} <= set(range(len(LABELS)))
    rows = records(crops)
    kept = inputs(rows)
    # what a bundle makes of the same observation
    exact = FoundSignal()(torch.from_numpy(crops[3].observed)[None, None])
    assert [part.shape[1:] for part in kept] == [part.shape[1:] for part in exact]
    for part, own in zip(kept[1:-1], exact[1:-1], strict=True):
        torch.testing.assert_close(part[3], own[0].clamp(-3, 3), atol=0.1, rtol=0)
    torch.testing.assert_close(kept[-1][3], exact[-1][0])
