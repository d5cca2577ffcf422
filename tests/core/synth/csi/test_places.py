# SPDX-License-Identifier: GPL-3.0-or-later
"""Sites and places in them: what is heard goes with where it is sent from."""

from dataclasses import replace

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.csi.places import (
    ANTENNAS,
    KINDS,
    MARGIN,
    _channel,
    any_places,
    csi_at,
    draw_site,
    grid_places,
    moved,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_site_is_of_its_kind_and_heard_in_it(kind):
    site = draw_site(kind, generator(1))
    low, high = torch.tensor(KINDS[kind].low), torch.tensor(KINDS[kind].high)
    assert bool(((site.room.size[0] >= low) & (site.room.size[0] <= high)).all())
    assert bool(((site.anchors > 0) & (site.anchors < site.room.size)).all())
    places = any_places(site, 5, generator(2))
    csi = csi_at(site, places, 6, generator(3), spots=2)
    assert csi.shape == (5, ANTENNAS, len(KINDS[kind].grid), 6) and csi.dtype == torch.complex64
    assert bool(torch.isfinite(torch.view_as_real(csi)).all())
    assert torch.equal(csi, csi_at(site, places, 6, generator(3), spots=2))
    other = draw_site(kind, generator(4))
    assert not torch.equal(other.room.size, site.room.size)


def test_the_nearest_antenna_hears_best():
    site = draw_site("wifi", generator(5))
    even = replace(site.receiver, gain_db=torch.zeros(1, ANTENNAS))
    site = replace(site, receiver=even, left=torch.ones_like(site.left))
    near = site.anchors - torch.tensor([0.0, 0.0, 0.3])
    level = csi_at(site, near, 4, generator(6)).abs().square().mean((2, 3))
    assert level.argmax(1).tolist() == [0, 1, 2, 3]


def test_grids_fill_the_site():
    site = draw_site("srs", generator(7))
    points = grid_places(site, 5.0)
    for axis in (0, 1):
        line = points[:, axis].unique()
        assert line[0] == MARGIN and float(line[-1]) == pytest.approx(float(site.size[axis]) - MARGIN, abs=1e-4)
        assert line.diff().max() == pytest.approx(5.0, rel=0.25)
    assert len(grid_places(site, 1e3)) == 4 and set(points[:, 2].tolist()) == {points[0, 2].item()}


def test_a_screen_weakens_the_direct_path_of_whom_it_hides():
    site = draw_site("wifi", generator(8))
    middle = site.size / 2
    across = torch.stack([middle - torch.tensor([0.0, 1.0]), middle + torch.tensor([0.0, 1.0])])
    site = replace(site, screens=across.expand(2, -1, -1), left=torch.tensor([0.01, 1.0]))
    anchors = site.anchors.clone()
    anchors[:, :2] = middle + torch.tensor([[-1.0, 0.0], [1.0, 0.0], [-1.0, 0.5], [1.0, 3.0]])
    hidden, clear = replace(site, anchors=anchors), replace(site, anchors=anchors, left=torch.ones(2))
    place = torch.cat([middle + torch.tensor([1.2, 0.2]), torch.tensor([site.height])])[None]
    less = (_channel(hidden, place) - _channel(clear, place)).abs().amax(2)[0] > 0
    assert less.tolist() == [True, False, True, False]


def test_another_day_things_stand_elsewhere():
    site = draw_site("wifi", generator(9))
    day = moved(site, generator(10), things=3)
    assert int((day.room.furniture != site.room.furniture).any(2).sum()) == 3
    assert torch.equal(day.anchors, site.anchors)


def test_an_unknown_kind_is_refused():
    with pytest.raises(WfmError, match="site 'moon'"):
        draw_site("moon", generator())
