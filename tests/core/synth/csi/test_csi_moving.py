# SPDX-License-Identifier: GPL-3.0-or-later
"""What moves: Doppler is that of geometry, bodies block, and the grid of delays is as good as the exact sum."""

import math

import numpy as np
import pytest
import torch
from test_csi_rooms import GRID, bare

from wfm_core.synth.csi.body import PARTS
from wfm_core.synth.csi.moving import BUILDS, WIDTH, Paths, add_moving, moving_paths, unblocked
from wfm_core.synth.csi.rooms import draw_rooms, images, response

RATE = 500.0
MOMENTS = 256


def straight(start, velocity):
    """A body of one point (all parts in it) that moves evenly, [1, parts, N, 3]."""
    seconds = torch.arange(MOMENTS) / RATE
    way = torch.tensor(start) + seconds[:, None] * torch.tensor(velocity)
    return way.expand(1, len(PARTS), -1, -1).contiguous()


def spectrum_peak(room, body):
    """Hz of the strongest line of the channel over moving paths alone, at the carrier."""
    transmit, receive = room.antennas(1, 1)
    paths = moving_paths(
        room, transmit, receive, body, torch.zeros(1, dtype=torch.long), torch.Generator().manual_seed(0)
    )
    channel = torch.zeros(1, 1, MOMENTS, len(GRID), dtype=torch.complex64)
    add_moving(channel, paths, room.carrier, GRID.offsets(), GRID.bandwidth)
    line = channel[0, 0, :, len(GRID) // 2] * torch.hann_window(MOMENTS)
    size = 16 * MOMENTS
    power = torch.fft.fft(line, size).abs()
    return torch.fft.fftfreq(size, 1 / RATE)[power.argmax()].item()


@pytest.mark.parametrize("speed", [-1.4, 0.7, 1.4])
def test_doppler_of_a_walk_towards_both_antennas_is_2v_over_lambda(speed):
    room = bare(1)
    room.transmitter[:] = torch.tensor([[1.0, 2.0, 1.0]])
    room.receiver[:] = torch.tensor([[1.0, 2.02, 1.0]])
    body = straight([4.0, 2.0, 1.0], [-speed, 0.0, 0.0])
    expected = 2 * speed / room.wavelength.item()
    assert spectrum_peak(room, body) == pytest.approx(expected, abs=1.0)


def test_doppler_of_a_walk_across_is_that_of_both_ways():
    room = bare(1)
    room.transmitter[:] = torch.tensor([[1.0, 1.0, 1.0]])
    room.receiver[:] = torch.tensor([[6.0, 1.0, 1.0]])
    velocity = np.array([0.0, -1.0, 0.0])
    body = straight([3.0, 4.0, 1.0], velocity.tolist())
    middle = np.array([3.0, 4.0, 1.0]) + velocity * MOMENTS / RATE / 2
    towards = sum(velocity @ (end - middle) / np.linalg.norm(end - middle) for end in ([1, 1, 1], [6, 1, 1]))
    assert spectrum_peak(room, body) == pytest.approx(towards / room.wavelength.item(), abs=1.0)


def test_grid_of_delays_is_the_exact_sum():
    generator = torch.Generator().manual_seed(3)
    room = draw_rooms(3, GRID.carriers, generator)
    item = torch.tensor([0, 2, 0])
    length = 2 + 25 * torch.rand(3, 1, 1, 2, 5, generator=generator)
    paths = Paths(item, length, torch.ones_like(length))
    channel = torch.zeros(3, 2, 5, len(GRID), dtype=torch.complex64)
    add_moving(channel, paths, room.carrier, GRID.offsets(), GRID.bandwidth)
    assert not channel[1].any(), "nobody is in it"
    exact = response(length, torch.ones_like(length), room.carrier[item], GRID.offsets())[:, 0]
    expected = torch.stack([exact[0] + exact[2], exact[1]])
    error = channel[[0, 2]] - expected
    assert error.abs().max() < 0.04 and error.abs().square().mean().sqrt() < 0.01


def test_strength_of_a_part_is_the_radar_equation():
    room = bare(1)
    room.transmitter[:] = torch.tensor([[1.0, 1.0, 1.0]])
    room.receiver[:] = torch.tensor([[4.0, 1.0, 1.0]])
    body = straight([1.0, 3.0, 1.0], [0.0, 0.0, 0.0])
    paths = moving_paths(room, *room.antennas(1, 1), body, torch.zeros(1, dtype=torch.long), torch.Generator())
    out, back = 2.0, math.hypot(3, 2)
    expected = room.wavelength**2 / ((4 * math.pi) ** 3 * out**2 * back**2)
    strongest = paths.gain[0, : len(PARTS), 0, 0, 0].square().sum()
    section = (strongest / expected).item() / sum(PARTS.values())
    assert BUILDS[0] <= section <= BUILDS[1]
    shares = paths.gain[0, : len(PARTS), 0, 0, 0].square() / strongest * sum(PARTS.values())
    np.testing.assert_allclose(shares, list(PARTS.values()), rtol=1e-4)
    assert paths.length[0, 0, 0, 0, 0].item() == pytest.approx(out + back, rel=1e-5)
    assert (paths.gain[0, len(PARTS) : -2 * len(PARTS)] == 0).all(), "surfaces of air reflect nothing"


def test_bodies_block_the_direct_path_only_where_they_are_in_it():
    room = bare(1)
    room.transmitter[:] = torch.tensor([[1.0, 2.0, 1.0]])
    room.receiver[:] = torch.tensor([[5.0, 2.0, 1.0]])
    stature, item = torch.tensor([1.8]), torch.zeros(1, dtype=torch.long)
    seconds = MOMENTS / RATE
    crossing = straight([3.0, 0.5, 1.0], [0.0, 3.0 / seconds, 0.0])
    crossing[:, 0, :, 2] = 1.65  # the head
    left = unblocked(room, crossing, stature, item, 1)[0, 0]
    assert left.argmin().item() == pytest.approx(MOMENTS / 2, abs=3) and left.min() < 0.6
    assert left[0] == pytest.approx(1.0, abs=0.1)
    behind = straight([6.0, 2.0, 1.0], [0.0, 0.0, 0.0])
    assert (unblocked(room, behind, stature, item, 1)[0, 0] == 1).all()
    two = crossing.expand(2, -1, -1, -1), stature.expand(2), torch.zeros(2, dtype=torch.long)
    np.testing.assert_allclose(unblocked(room, *two, 1)[0, 0], left.square(), rtol=1e-4)


def test_bodies_block_paths_over_surfaces_on_both_sides_of_them():
    """Transmitter and receiver at y = 2 in a room 6 m deep: the path over the wall y = 0 meets it in the middle."""
    room = bare(1)
    room.size[:] = torch.tensor([[8.0, 6.0, 3.0]])
    room.transmitter[:] = torch.tensor([[2.0, 2.0, 1.0]])
    room.receiver[:] = torch.tensor([[6.0, 2.0, 1.0]])
    over = [tuple(image) for image in images(1).tolist()].index((0, -1, 0))
    for place in ([3.0, 1.0, 1.0], [5.0, 1.0, 1.0]):  # halfway there, halfway back
        body = straight(place, [0.0, 0.0, 0.0])
        left = unblocked(room, body, torch.tensor([1.8]), torch.zeros(1, dtype=torch.long), 1)[0, :, 0]
        assert left[over] < 0.6
        others = [path for path in range(len(left)) if path != over]
        assert left[others].min() > 0.7


def test_what_is_left_is_a_number_wherever_bodies_are():
    """Bodies whose edge is on the path itself, where the detour is nothing but rounding, below 0 once in 100 000."""
    room = bare(1)
    room.size[:] = torch.tensor([[10.0, 8.0, 3.0]])
    room.transmitter[:] = torch.tensor([[0.7, 2.0, 1.0]])
    room.receiver[:] = torch.tensor([[9.3, 2.0, 1.0]])
    generator = torch.Generator().manual_seed(0)
    along = 0.8 + 8.4 * torch.rand(400_000, generator=generator)
    across = 2 - WIDTH / 2 + 3e-4 * torch.randn(400_000, generator=generator)
    body = torch.stack([along, across, torch.ones_like(along)], 1)
    body = body.expand(1, len(PARTS), -1, -1)
    left = unblocked(room, body, torch.tensor([1.8]), torch.zeros(1, dtype=torch.long), 1)
    assert left.isfinite().all() and (left > 0).all() and (left <= 1).all()
