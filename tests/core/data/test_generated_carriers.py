# SPDX-License-Identifier: GPL-3.0-or-later
"""Bands with LTE and NR: the truth lies on the power, and images show it."""

import numpy as np
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.data.generated_carriers import COLUMNS, ROWS, drawn_images
from wfm_core.evaluate.classical.carrier_boxes import CarrierBoxes
from wfm_core.signal.band_image import band_image
from wfm_core.synth.carriers import LABELS, RATE, draw_band
from wfm_core.synth.scenes.air import compose


@pytest.fixture(scope="module")
def bands():
    return [draw_band(np.random.default_rng([5, number]), (20, 20)) for number in range(8)]


def test_carriers_do_not_overlap_and_are_where_the_truth_says(bands):
    """Without flaws of channel and receiver, of carriers 20 dB over the noise."""
    assert {one.label for band in bands for one in band.placed} == set(LABELS[1:])
    for band in bands:
        halves = [(one.centre, one.sent.bandwidth / 2) for one in band.placed]
        edges = sorted((centre - half, centre + half) for centre, half in halves)
        assert all(a[1] < b[0] for a, b in zip(edges, edges[1:], strict=False))
        plain = compose(RATE, len(band.samples), list(band.placed), np.random.default_rng(1), flaws=False).samples
        image, truth = band_image(torch.from_numpy(plain), 64, 64).numpy(), band.classes(64, 64)
        noise = np.median(image[truth == 0])
        assert np.quantile(image[truth == 0] - noise, 0.9) < 3
        assert not band.placed or 10 * np.log10((10 ** (image[truth > 0] / 10)).mean()) > noise + 13


def test_a_seed_gives_the_same_again(bands):
    again = draw_band(np.random.default_rng([5, 3]), (20, 20))
    assert np.array_equal(again.samples, bands[3].samples)
    images, labels = zip(*drawn_images(2, 5, (20, 20)), strict=True)
    assert images[0].shape == labels[1].shape == (ROWS, COLUMNS)
    assert np.array_equal(labels[1], bands[1].classes(ROWS, COLUMNS))


def test_an_image_is_power_over_frequency_and_time():
    time = torch.arange(64 * 32)
    iq = 1e-3 * torch.randn(64 * 32, dtype=torch.complex64, generator=torch.Generator().manual_seed(1))
    iq += torch.polar((time >= 32 * 32).float(), 2 * torch.pi * 0.25 * time)
    image = band_image(iq, 8, 32)
    assert image.shape == (8, 32) and image.median().abs() < 1e-4
    loud = image > 40
    assert loud[:, :16].sum() == 0 and loud[6, 16:].all(), "a quarter of the rate over the middle, in the second half"
    with pytest.raises(WfmError, match="needs 4096 samples, not 2048"):
        band_image(iq, 32, 64)


def test_boxes_are_found_and_named_by_their_width():
    generator = np.random.default_rng(1)
    images, label = generator.normal(0, 1, (12, 64, 64)), np.zeros((12, 64, 64), np.uint8)
    for number in range(12):
        rows = (12, 24)[number % 2]
        images[number, 8 : 8 + rows, 10:] += 10
        label[number, 8 : 8 + rows, 10:] = 1 + number % 2
    boxes = CarrierBoxes(images[:8], label[:8])
    for image, truth in zip(images[8:], label[8:], strict=True):
        assert (boxes(image) == truth).mean() > 0.93 and set(np.unique(boxes(image))) == set(np.unique(truth))
