# SPDX-License-Identifier: GPL-3.0-or-later
"""The image of what antennas have in common: Hermitian matrices of the parts of a band, packed."""

import numpy as np
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.signal import build_preprocessor
from wfm_core.synth.arrays import steering

SETTINGS = {"kind": "covariance", "antennas": 4, "bands": 16}


def of(iq, **changes):
    return build_preprocessor({**SETTINGS, **changes})(iq)


def test_a_tone_is_in_its_band_with_the_phases_of_its_direction():
    turns = torch.arange(256) * (0.25 + 1 / 512)  # the middle of the 13th of 16 bands
    wave = steering(torch.tensor([20.0]), 4)[:, :, None] * torch.polar(torch.ones(256), 2 * torch.pi * turns)
    image = of(7 * wave)
    assert image.shape == (1, 1, 16, 16)
    assert image[0, 0].abs().sum(1).argmax() == 12
    matrix = image[0, 0].sum(0).view(4, 4) / 16
    wanted = (wave[0] @ wave[0].mH / 256).numpy()
    packed = np.where(np.triu(np.ones((4, 4), bool)), wanted.real, wanted.imag)
    np.testing.assert_allclose(matrix, packed, atol=1e-4)


def test_antennas_that_are_not_there_are_zero_and_level_does_not_count():
    iq = torch.randn(2, 2, 64, dtype=torch.complex64, generator=torch.Generator().manual_seed(1))
    few, loud = of(iq, antennas=5), of(1e3 * iq, antennas=5)
    assert few.shape == (2, 1, 16, 32)
    torch.testing.assert_close(few, loud)
    there = few.reshape(2, 16, 32)[:, :, :25].view(2, 16, 5, 5)
    assert there[:, :, 2:].abs().max() == there[:, :, :, 2:].abs().max() == 0 < there[:, :, :2, :2].abs().min()
    assert of(torch.zeros(1, 4, 64, dtype=torch.complex64)).abs().max() == 0


def test_what_does_not_fit_is_refused():
    with pytest.raises(WfmError, match="1 antennas and 16 bands; expected 2 to 64"):
        of(torch.zeros(1), antennas=1)
    with pytest.raises(ValueError, match="5 antennas x 64 samples; expected at most 4"):
        of(torch.zeros(1, 5, 64, dtype=torch.complex64))
