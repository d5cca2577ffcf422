# SPDX-License-Identifier: GPL-3.0-or-later
"""Delay lines of TR 38.901: spreads, spectra and directions are those asked for."""

import math

import numpy as np
import pytest
import torch
from scipy.special import j0

from wfm_core.base.errors import WfmError
from wfm_core.synth.csi import cells
from wfm_core.synth.csi.cells import cell_channel, draw_cells
from wfm_core.synth.csi.grids import find_grid
from wfm_core.synth.csi.profiles import PROFILES

GRID = find_grid("srs-104")


def channel(count, soundings, antennas, models, seed=0, period=1e-3):
    generator = torch.Generator().manual_seed(seed)
    times = period * torch.arange(soundings).expand(count, -1)
    return cell_channel(torch.full((count,), 3.5e9), times, GRID, antennas, generator, models)


def test_profiles_are_whole():
    for profile in PROFILES.values():
        assert len({len(getattr(profile, name)) for name in ("delay", "power", "aod", "aoa", "zod", "zoa")}) == 1
        power = 10 ** (np.array(profile.power) / 10)
        delay = np.array(profile.delay)
        spread = math.sqrt(np.average(delay**2, weights=power) - np.average(delay, weights=power) ** 2)
        assert spread == pytest.approx(1, abs=0.02), "the tables are normalised (7.7.3)"


@pytest.mark.parametrize("model", "ABCDE")
def test_mean_power_is_one(model):
    found, causes = channel(1500, 2, 1, model)
    assert found.abs().square().mean().item() == pytest.approx(1, abs=0.06)
    assert causes["line_of_sight"].all() == (model in "DE")


def test_delay_spread_is_what_the_frequencies_show(monkeypatch):
    """The mean of |H(f+d) H*(f)| falls as the delay spread says: its curvature at 0 is (2 pi spread)^2."""
    monkeypatch.setattr(
        cells, "log_uniform", lambda shape, low, high, generator: torch.full(shape, 50e-9 if high < 1e-3 else 1.0)
    )
    found, _ = channel(2000, 1, 1, "C")
    step = (found[..., 1:] * found[..., :-1].conj()).mean().abs() / found.abs().square().mean()
    spread = torch.sqrt(2 * (1 - step)) / (2 * math.pi * GRID.spacing)
    assert spread.item() == pytest.approx(50e-9, rel=0.1)


def test_tapped_lines_have_the_classical_spectrum(monkeypatch):
    monkeypatch.setattr(cells, "TAPPED", 1.0)
    monkeypatch.setattr(cells, "_SPEEDS", (10.0, 10.0))
    found, causes = channel(700, 24, 2, "A")
    doppler = 10.0 * 3.5e9 / 299_792_458
    lags = np.arange(0, 16)
    correlation = [(found[:, :, lag:] * found[:, :, : 24 - lag].conj()).mean().real.item() for lag in lags]
    np.testing.assert_allclose(correlation, j0(2 * np.pi * doppler * lags * 1e-3), atol=0.08)
    assert causes["doppler_spread"].median().item() == pytest.approx(doppler / math.sqrt(2), rel=0.1)
    between = (found[:, 0] * found[:, 1].conj()).mean().abs()
    assert between < 0.08, "antennas fade on their own"


def test_direct_paths_come_from_their_angle(monkeypatch):
    monkeypatch.setattr(cells, "TAPPED", 0.0)
    found, causes = channel(400, 1, 4, "D")
    phase = (found[:, 1:] * found[:, :-1].conj()).sum((1, 2, 3)).angle()
    angle = torch.asin((phase / math.pi).clamp(-1, 1))
    assert (angle - causes["angle_of_arrival"]).abs().median() < 0.1


def test_windows_and_wrong_use():
    windows = draw_cells(5, GRID, 12, 4, torch.Generator().manual_seed(0))
    again = draw_cells(5, GRID, 12, 4, torch.Generator().manual_seed(0))
    assert windows.csi.shape == (5, 4, 104, 12) and torch.equal(windows.csi, again.csi) and windows.csi.isfinite().all()
    assert (windows.causes["activity"] == -1).all() and windows.causes["position"].isnan().all()
    for wrong in ({"models": "F"}, {"models": ""}, {"packets": 1}, {"antennas": 0}):
        with pytest.raises(WfmError, match="expected"):
            draw_cells(
                **{"count": 2, "grid": GRID, "packets": 4, "antennas": 2, "generator": torch.Generator(), **wrong}
            )
