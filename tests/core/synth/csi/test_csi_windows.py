# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole windows: shapes, seeds, causes."""

import numpy as np
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.csi.activities import ACTIVITIES, EMPTY
from wfm_core.synth.csi.grids import WIFI, find_grid
from wfm_core.synth.csi.rooms import draw_rooms
from wfm_core.synth.csi.windows import draw_windows, room_channel

GRID = find_grid("intel5300-20")


def draw(count=12, packets=48, antennas=(1, 3), seed=0, **settings):
    return draw_windows(count, GRID, packets, antennas, torch.Generator().manual_seed(seed), **settings)


@pytest.mark.parametrize("name", WIFI)
@pytest.mark.parametrize("antennas", [(1, 1), (2, 3)])
def test_shapes(name, antennas):
    grid = WIFI[name]
    windows = draw_windows(3, grid, 17, antennas, torch.Generator().manual_seed(1))
    assert windows.csi.shape == (3, antennas[0] * antennas[1], len(grid), 17) and windows.csi.dtype == torch.complex64
    assert windows.times.shape == (3, 17) and windows.csi.isfinite().all() and windows.csi.abs().mean() > 0
    assert all(len(value) == 3 for value in windows.causes.values())


def test_a_seed_is_a_window():
    one, same, other = draw(), draw(), draw(seed=1)
    assert torch.equal(one.csi, same.csi) and torch.equal(one.times, same.times)
    for name, value in one.causes.items():
        np.testing.assert_array_equal(value, same.causes[name])
    assert not torch.equal(one.csi, other.csi)


def test_nobody_is_a_channel_that_stands_still():
    generator = torch.Generator().manual_seed(2)
    room = draw_rooms(6, GRID.carriers, generator)
    activity = torch.tensor([ACTIVITIES.index(name) for name in (EMPTY, "walk") * 3])
    times = torch.arange(40).expand(6, -1) / 50
    channel, causes = room_channel(room, activity, times, GRID, (1, 2), generator, 3)
    change = (channel - channel[:, :, :1]).abs().amax((1, 2, 3)) / channel.abs().mean((1, 2, 3))
    assert (change[0::2] == 0).all() and (change[1::2] > 0.02).all()
    assert (causes["doppler_spread"][0::2] == 0).all() and (causes["doppler_spread"][1::2] > 0).all()
    assert causes["people"].tolist()[0::2] == [0, 0, 0] and (causes["people"][1::2] >= 1).all()
    assert causes["position"][0::2].isnan().all() and not causes["position"][1::2].isnan().any()


def test_causes_say_what_is_there():
    windows = draw(200, 24)
    causes = windows.causes
    somebody = causes["activity"] != ACTIVITIES.index(EMPTY)
    assert set(causes["activity"].tolist()) == set(range(len(ACTIVITIES)))
    assert ((causes["people"] > 0) == somebody).all() and causes["people"].max() == 3
    assert (causes["position"][somebody] > 0).all()
    assert (causes["position"][somebody][:, :2] < causes["size"][somebody][:, :2]).float().mean() > 0.97
    assert 2e-9 < causes["delay_spread"].median() < 60e-9, "of rooms"
    assert causes["angle_of_arrival"].abs().max() <= np.pi / 2
    assert ((causes["packet_rate"] >= 20) & (causes["packet_rate"] <= 1000)).all()


def test_speed_is_the_first_persons():
    walking = draw(40, 64, activities=["walk"], most_people=1).causes
    assert 0.4 < walking["speed"].median() < 1.6 and (walking["people"] == 1).all()
    running = draw(40, 64, activities=["run"]).causes
    assert running["speed"].median() > 1.4
    assert running["doppler_spread"].median() > 1.5 * walking["doppler_spread"].median()
    assert draw(40, 64, activities=["still"], most_people=1).causes["speed"].max() < 0.05


def test_windows_in_rooms_that_are_given():
    rooms = draw_rooms(2, GRID.carriers, torch.Generator().manual_seed(5))
    windows = draw(30, 4, rooms=rooms, activities=[EMPTY])
    place = windows.causes["transmitter"]
    assert {tuple(row) for row in place.tolist()} == {tuple(row) for row in rooms.transmitter.tolist()}
    other = draw(30, 4, activities=[EMPTY])
    assert len({tuple(row) for row in other.causes["transmitter"].tolist()}) == 30


def test_rates_that_are_asked_for():
    windows = draw(20, 24, rates=(30.0, 30.0))
    np.testing.assert_allclose(windows.causes["packet_rate"], 30.0, rtol=1e-5)
    seconds = windows.times[:, -1]
    assert (seconds > 0.9 * 23 / 30).all() and seconds.median() < 1.3 * 23 / 30


def test_wrong_use():
    for settings in (
        {"count": 0},
        {"rates": (9.0, 3.0)},
        {"rates": (0.0, 3.0)},
        {"packets": 1},
        {"antennas": (0, 1)},
        {"most_people": 0},
    ):
        with pytest.raises(WfmError, match="expected"):
            draw(**settings)
    with pytest.raises(WfmError, match="'hop'"):
        draw(activities=["hop"])
    with pytest.raises(WfmError, match="'intel'.*intel5300-20"):
        find_grid("intel")
