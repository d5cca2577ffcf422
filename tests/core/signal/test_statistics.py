# SPDX-License-Identifier: GPL-3.0-or-later
"""Dataset-wide statistics: what they standardise has mean 0 and standard deviation 1, over everything."""

import pytest
import torch
import yaml

from wfm_core.base.errors import WfmError
from wfm_core.signal import build_preprocessor
from wfm_core.signal.statistics import image_statistics, iq_statistics, spectrogram_statistics

SIZE = [16, 24]
DECIBELS = {"fft_size": 64, "hop": 64, "size": SIZE}


def windows(count=300, antennas=2, samples=640, seed=0):
    """Noise with an offset, I stronger than Q, every window at another level."""
    generator = torch.Generator().manual_seed(seed)
    parts = torch.randn(count, antennas, samples, 2, generator=generator) * torch.tensor([1.0, 0.5]) + 0.2
    level = torch.rand(count, 1, 1, generator=generator) + 0.01
    return torch.view_as_complex(parts) * level


def spectrogram(**statistics):
    return build_preprocessor({"kind": "spectrogram", **DECIBELS, **statistics})


def test_spectrograms_are_standard_with_their_own_statistics():
    iq = windows()
    raw = spectrogram(minimum=0.0, maximum=1.0, mean=0.0, std=1.0).decibels(iq)
    statistics = spectrogram_statistics(raw, SIZE)
    assert statistics["minimum"] == raw.min().item()
    assert statistics["maximum"] == raw.max().item()
    assert 0 < statistics["mean"] < 1
    images = spectrogram(**statistics)(iq).double()
    assert images.mean().item() == pytest.approx(0, abs=1e-4)
    assert images.std().item() == pytest.approx(1, abs=1e-3)


def test_iq_is_standard_with_its_own_statistics_whatever_the_levels():
    iq = windows()
    statistics = iq_statistics(iq)
    parts = torch.view_as_real(build_preprocessor({"kind": "iq_standard", **statistics})(iq))
    torch.testing.assert_close(parts.mean((0, 1, 2)), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(parts.std((0, 1, 2)), torch.ones(2), atol=1e-3, rtol=0)
    assert statistics["std"][0] / statistics["std"][1] == pytest.approx(2, rel=0.05)
    louder = iq_statistics(iq * torch.linspace(1, 50, len(iq)).view(-1, 1, 1))
    assert louder["std"] == pytest.approx(statistics["std"], rel=1e-4)


def test_image_statistics_are_per_channel_after_scaling_and_resize():
    images = torch.zeros(200, 2, 4, 4)
    images[100:, 0] = 10.0  # channel 0: half of the images 0, half 10
    images[:, 1] = 5.0
    images[:, 1, :, 2:] = 10.0  # channel 1: left half 5, right half 10
    statistics = image_statistics(images, [4, 4])
    assert statistics == {"minimum": 0.0, "maximum": 10.0, "mean": [0.5, 0.75], "std": [0.5, 0.25]}
    with pytest.raises(WfmError, match=r"standard deviations \[0.49.*, 0.0\]"):
        image_statistics(images, [4, 1])  # one column: the halves of channel 1 average out


def test_they_are_plain_numbers_for_yaml():
    statistics = image_statistics(torch.rand(3, 2, 4, 4), SIZE) | {"iq": iq_statistics(windows(3))}
    assert yaml.safe_load(yaml.safe_dump(statistics)) == statistics


def test_nothing_to_measure_is_named():
    with pytest.raises(WfmError, match="all pixels of 5 images are -120"):
        spectrogram_statistics(torch.full((5, 1, 8, 8), -120.0), SIZE)
    with pytest.raises(WfmError, match="standard deviations"):
        iq_statistics(torch.zeros(5, 1, 64, dtype=torch.complex64))
