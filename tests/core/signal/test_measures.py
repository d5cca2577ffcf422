# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures of a found signal: known ones of known signals."""

import numpy as np
import pytest
import torch

from wfm_core.signal.found import FACTS, NUMBERS, FoundSignal
from wfm_core.signal.measures import MEASURES, moments, of_beginning, stays
from wfm_core.signal.observe import observe


def numbers_of(crop: np.ndarray) -> torch.Tensor:
    return FoundSignal()(torch.from_numpy(observe(crop, 1e4, 1.0, 20.0, 1e6))[None, None])[-1][0]


def test_there_are_as_many_as_said():
    assert numbers_of(np.ones(5000)).shape == (NUMBERS,) == (FACTS + MEASURES,)


def test_moments_of_a_known_distribution():
    x = torch.from_numpy(np.random.default_rng(0).normal(3, 2, (1, 200_000))).float()
    found = moments(x)[0].tolist()
    expected = [3, 2, 0, np.log1p(3), *(3 + 2 * np.array([-2.054, -1.282, -0.674, 0, 0.674, 1.282, 2.054]))]
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_how_long_it_stays_on():
    on = torch.zeros(1, 64, 128)
    on[:, :, :40] = 1
    # of the 128 - 2^k + 1 stretches of 2^k steps, 40 - 2^k + 1 are on throughout
    expected = [max(40 - length + 1, 0) / (128 - length + 1) for length in (1, 2, 4, 8, 16, 32, 64, 128)]
    np.testing.assert_allclose(stays(on)[0].tolist(), expected, atol=1e-6)


def test_pulses_are_on_for_their_share():
    count = 64 * 512
    line = np.exp(0.1j * np.pi * np.arange(count))
    numbers = numbers_of(((np.arange(count) % 256) < 64) * line + 1e-6)
    # after the three facts, eleven moments and the depth
    assert numbers[FACTS + 12] == pytest.approx(0.25, abs=0.01)
    assert numbers[FACTS + 11] == pytest.approx(1.0, abs=0.3), "depth"


@pytest.mark.parametrize(
    ("points", "c20", "c40"),
    [([1, -1], 1, 2), ([1, 1j, -1, -1j], 0, 1), (np.exp(0.25j * np.pi * np.arange(8)), 0, 0)],
)
def test_cumulants_tell_phases_apart(points, c20, c40):
    """Swami and Sadler (2000), table I: magnitudes of C20 and C40 of BPSK, QPSK and 8PSK."""
    symbols = np.asarray(points, np.complex64)[np.random.default_rng(0).integers(0, len(points), 50_000)]
    found = of_beginning(torch.from_numpy(symbols)[None])[0]
    assert found[0] == pytest.approx(c20, abs=0.03)
    assert float(torch.expm1(found[1])) == pytest.approx(c40, abs=0.06)
