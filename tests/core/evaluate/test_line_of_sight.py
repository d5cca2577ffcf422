# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers that tell line of sight without a network."""

import pytest
import torch

from wfm_core.evaluate.classical.line_of_sight import NAMES, channel_numbers, ricean_db
from wfm_core.synth.csi.clusters import draw_clusters
from wfm_core.synth.csi.grids import find_grid
from wfm_core.synth.draws import complex_normal


@pytest.mark.parametrize("k_db", [3.0, 10.0])
def test_the_k_factor_of_moments(k_db):
    ratio = 10 ** (k_db / 10)
    faded = complex_normal((20_000,), torch.Generator().manual_seed(1)) + ratio**0.5
    assert ricean_db(faded.abs().square(), 0).item() == pytest.approx(k_db, abs=0.3)


def test_what_does_not_change_and_what_fades_alone_are_at_the_ends():
    faded = complex_normal((4, 5000), torch.Generator().manual_seed(1))
    assert ricean_db(torch.ones(4, 50), 1).tolist() == [30.0] * 4
    assert ricean_db(faded.abs().square(), 1).max() < -5


def test_each_number_is_higher_or_lower_with_line_of_sight():
    windows = draw_clusters(300, find_grid("srs-104"), 8, 2, torch.Generator().manual_seed(3))
    numbers = channel_numbers(windows.csi)
    assert numbers.shape == (300, len(NAMES)) and numbers.isfinite().all()
    seen = windows.causes["line_of_sight"]
    higher = (numbers[seen].median(0).values > numbers[~seen].median(0).values).tolist()
    assert [name for name, more in zip(NAMES, higher, strict=True) if not more] == [
        "its deviation over its mean", "delay spread, samples", "delays before it", "delays over the noise",
    ]  # fmt: skip
    assert channel_numbers(7 * windows.csi)[:, 4:].sub(numbers[:, 4:]).abs().max() < 1e-2, "whatever the level"
    assert channel_numbers(torch.zeros(1, 2, 104, 4, dtype=torch.complex64)).isfinite().all()
