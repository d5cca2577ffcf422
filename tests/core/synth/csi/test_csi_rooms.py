# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands still: delays, strengths and reflections are those of geometry and optics."""

import math

import numpy as np
import pytest
import torch

from wfm_core.synth.csi.grids import GRIDS, find_grid
from wfm_core.synth.csi.rooms import (
    LIGHT,
    ORDER,
    draw_rooms,
    images,
    mirrored,
    reflection,
    reflections,
    response,
    still_paths,
)

GRID = find_grid("atheros-40")


def bare(count=16, seed=0):
    """Rooms in which nothing but the direct path is left."""
    room = draw_rooms(count, GRID.carriers, torch.Generator().manual_seed(seed))
    room.permittivity[:] = 1.0
    room.section[:] = 0.0
    room.absorbed[:] = 1e12
    room.obstruction[:] = 1.0
    return room


def test_direct_path_has_the_delay_and_the_strength_of_its_length():
    room = bare()
    length, gain = still_paths(room, *room.antennas(1, 3))
    channel = response(length, gain, room.carrier, GRID.offsets())
    distance = (room.transmitter - room.receiver).norm(dim=1)
    # the middle one of three antennas is where the array is
    middle = channel[:, 0, 1]
    np.testing.assert_allclose(
        middle.abs(), (room.wavelength / (4 * math.pi * distance))[:, None].expand(-1, 114), 1e-4
    )
    turn = np.unwrap(middle.angle().numpy(), axis=1)
    slope = np.polyfit(GRID.offsets().numpy(), turn.T, 1)[0]
    np.testing.assert_allclose(-slope / (2 * math.pi) * LIGHT, distance, rtol=1e-3)


def test_arrival_is_the_phase_between_antennas():
    room = bare(64)
    length, gain = still_paths(room, *room.antennas(1, 2))
    difference = (length[:, 0, 0, 1] - length[:, 0, 0, 0]) / room.spacing
    far = (room.transmitter - room.receiver).norm(dim=1) > 20 * room.spacing
    assert far.sum() > 30
    # the second antenna lies further along the line: nearer to what arrives from that side
    np.testing.assert_allclose(-difference[far], room.arrival.sin()[far], atol=0.03)


def test_images_are_mirrors():
    size = torch.tensor([[5.0, 4.0, 3.0]])
    point = torch.tensor([[[1.0, 1.5, 0.5]]])
    known = torch.tensor([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 2, 0], [0, -2, 0], [1, 0, -1]])
    expected = [[1, 1.5, 0.5], [9, 1.5, 0.5], [-1, 1.5, 0.5], [1, 9.5, 0.5], [1, -6.5, 0.5], [9, 1.5, -0.5]]
    np.testing.assert_allclose(mirrored(point, size, known)[0, :, 0], expected)
    assert len(images(1)) == 7 and len(images(2)) == 25 and images(ORDER)[0].tolist() == [0, 0, 0]


def test_reflections_meet_the_surfaces_they_say():
    """One reflection takes its surface's permittivity; two across a room take both."""
    permittivity = torch.ones(1, 3, 2)
    permittivity[0, 0] = torch.tensor([4.0, 9.0])
    known = torch.tensor([[1, 0, 0], [-1, 0, 0], [2, 0, 0], [0, 1, 0], [3, 0, 0]])
    way = torch.tensor([1.0, 1e-4, 1e-4]).expand(1, 5, 3)
    upper, lower = -0.5, -1 / 3
    found = reflections(way, known, permittivity)[0]
    np.testing.assert_allclose(found, [upper, lower, upper * lower, 0, upper**2 * lower], atol=1e-6)


def test_reflection_vanishes_at_brewsters_angle():
    permittivity = torch.tensor(5.24)
    brewster = torch.atan(permittivity.sqrt())
    assert abs(reflection(torch.cos(brewster), permittivity, magnetic=True)) < 1e-6
    assert reflection(torch.cos(brewster), permittivity, magnetic=False) < -0.5
    grazing = torch.tensor(1e-5)
    assert reflection(grazing, permittivity, magnetic=False) == pytest.approx(-1, abs=1e-4)


def test_reverberation_has_its_power():
    """Without anything else, the mean power between antennas is that of the room's reverberation."""
    room = bare(4000)
    room.absorbed[:] = 0.5
    length, gain = still_paths(room, *room.antennas(1, 1))
    gain[:, 0] = 0.0
    channel = response(length, gain, room.carrier, torch.zeros(1))[:, 0, 0, 0]
    assert (channel.abs().square() / room.diffuse).mean() == pytest.approx(1.0, abs=0.06)


def test_antennas_are_in_the_room_and_apart():
    room = draw_rooms(500, GRID.carriers, torch.Generator().manual_seed(2))
    for place in (room.transmitter, room.receiver):
        assert (place > 0).all() and (place < room.size).all()
    assert (room.transmitter - room.receiver).norm(dim=1).min() > 0.2
    assert 0.6 < room.line_of_sight.float().mean() < 0.9
    assert (room.obstruction[room.line_of_sight] == 1).all() and (room.obstruction[~room.line_of_sight] <= 0.5).all()


def test_grids_are_those_of_receivers():
    sizes = {name: len(grid) for name, grid in GRIDS.items()}
    assert sizes == {
        "intel5300-20": 30, "intel5300-40": 30, "legacy-20": 52, "atheros-20": 56, "esp32-20": 64, "atheros-40": 114,
        "nexmon-80": 256, "vht-160": 484, "srs-32": 32, "srs-104": 104, "srs-272": 272,
    }  # fmt: skip
    assert GRIDS["intel5300-20"].indices[13:17] == (-2, -1, 1, 3) and GRIDS["intel5300-20"].indices[-2:] == (27, 28)
    assert GRIDS["intel5300-40"].indices[:2] == (-58, -54) and GRIDS["intel5300-40"].indices[14:16] == (-2, 2)
    for grid in GRIDS.values():
        assert list(grid.indices) == sorted(set(grid.indices)) and grid.used <= set(grid.indices)
    assert len(GRIDS["nexmon-80"].used) == 242 and len(GRIDS["esp32-20"].used) == 52
