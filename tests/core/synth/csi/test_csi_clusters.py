# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels of clusters by TR 38.901, 7.5: powers, K-factors, spreads and directions are those that were drawn."""

import math

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.evaluate.classical.line_of_sight import ricean_db
from wfm_core.synth.csi.clusters import SCENARIOS, SECTOR, cluster_channel, draw_clusters
from wfm_core.synth.csi.grids import find_grid

GRID = find_grid("srs-104")


def channel(scenario, count=300, moments=2, antennas=1, seed=0, period=1e-3):
    generator = torch.Generator().manual_seed(seed)
    times = period * torch.arange(moments).expand(count, -1)
    carrier = torch.full((count,), 3.5e9)
    return cluster_channel(scenario, carrier, times, GRID.offsets(), antennas, generator)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_mean_power_is_one_and_half_of_the_scenarios_have_line_of_sight(scenario):
    found, causes = channel(scenario)
    assert found.shape == (300, 1, 2, 104) and found.dtype == torch.complex64
    assert found.abs().square().mean().item() == pytest.approx(1, abs=0.12)
    assert causes["line_of_sight"].all() == scenario.endswith("-los")
    assert causes["ricean_db"].isnan().all() != scenario.endswith("-los")


def test_what_stays_while_a_terminal_moves_is_as_strong_as_the_k_factor_says():
    found, causes = channel("umi-los", count=60, moments=256, period=20e-3)
    seen = ricean_db(found.abs().square().flatten(2), 2)[:, 0]
    drawn, moving = causes["ricean_db"], causes["speed"] > 2
    plain = moving & (drawn > 3) & (drawn < 15)
    assert plain.sum() > 15
    assert (seen - drawn)[plain].abs().median() < 1.5
    faded = ricean_db(channel("umi-nlos", count=60, moments=256, period=20e-3)[0].abs().square().flatten(2), 2)
    assert faded.median() < 0


def test_offices_are_shorter_than_macro_cells():
    spreads = {name: channel(name, count=800)[1]["delay_spread"].log10() for name in ("indoor-los", "uma-nlos")}
    assert spreads["indoor-los"].mean().item() == pytest.approx(-7.692 - 0.01 * math.log10(4.5), abs=0.03)
    assert spreads["uma-nlos"].mean().item() == pytest.approx(-6.28 - 0.204 * math.log10(6), abs=0.06)
    assert spreads["uma-nlos"].std().item() == pytest.approx(0.39, abs=0.05)


def test_the_direct_path_leaves_where_the_terminal_is():
    found, causes = channel("indoor-los", count=200, antennas=16)
    strong = causes["ricean_db"] > 10
    angle = torch.linspace(-90, 90, 361)
    waves = torch.polar(torch.ones(16, 361), math.pi * torch.arange(16.0)[:, None] * torch.deg2rad(angle).sin())
    power = torch.einsum("bank,aw->bwnk", found[strong], waves.conj()).abs().square().mean((2, 3))
    off = angle[power.argmax(1)] - causes["direction"][strong]
    assert strong.sum() > 20 and off.abs().median() < 1.5
    assert 0.9 * SECTOR < causes["direction"].abs().max() <= SECTOR


def test_windows_are_of_all_scenarios_and_of_their_seed():
    def drawn(seed, **changes):
        return draw_clusters(60, GRID, 4, 2, torch.Generator().manual_seed(seed), **changes)

    one, again, other = drawn(1), drawn(1), drawn(2)
    assert torch.equal(one.csi, again.csi) and not torch.equal(one.csi, other.csi)
    assert one.csi.shape == (60, 2, 104, 4) and one.times.shape == (60, 4)
    names = [list(SCENARIOS)[number] for number in one.causes["scenario"].tolist()]
    assert set(names) == set(SCENARIOS)
    assert one.causes["line_of_sight"].tolist() == [name.endswith("-los") for name in names]
    assert one.causes["snr_db"].min() >= -1 and one.causes["snr_db"].max() <= 29
    alone = drawn(1, scenarios=["uma-nlos"]).causes
    assert not alone["line_of_sight"].any() and set(alone["scenario"].tolist()) == {list(SCENARIOS).index("uma-nlos")}


def test_faults_are_named():
    generator = torch.Generator().manual_seed(0)
    with pytest.raises(WfmError, match="no scenario 'moon': expected one of umi-los"):
        draw_clusters(2, GRID, 4, 1, generator, ["moon"])
    with pytest.raises(WfmError, match="2 windows of 1 soundings, 1 antennas, 6 scenarios"):
        draw_clusters(2, GRID, 1, 1, generator)
