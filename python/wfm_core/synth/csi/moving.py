# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths over moving bodies, and bodies in the way of the direct path.

Each part of a body scatters what comes from the transmitter straight to the receiver. Head, chest and pelvis also
scatter what comes over one surface of the room, and over one surface to the receiver (of paths with surfaces on both
sides of the body none is computed); the surface's part is its reflection coefficient at the angle at which the path
from the window's middle meets it. And all parts scatter waves of the room's reverberation into it again, from and to
directions that are drawn: a part of the cross-section s turns s / (absorbing area / 4) of that power into new paths, as
in a diffuse field each m^2 meets one quarter of the density (Kuttruff, Room Acoustics, 5.1, for sound).

The phase at the carrier is exact. What differs between subcarriers is computed on a grid of delays: each path is
shared out linearly between the two delays beside it, and the triangle's spectrum is divided out, which keeps the error
below 1 % of a path at the edge of the band.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from wfm_core.synth.csi.body import PARTS
from wfm_core.synth.csi.rooms import LIGHT, LONGEST, Room, directions, images, mirrored, reflections, scatter_gain
from wfm_core.synth.draws import complex_normal, log_uniform, uniform

OVERSAMPLING = 6
"""Delays of the grid in one over the bandwidth."""
NEAREST = 0.3
"""Metres: no part of a body is computed as nearer to an antenna."""
WIDTH = 0.4
"""Metres: of a body that blocks."""
TRUNK = 3
"""The first so many parts are seen over surfaces, too."""
BUILDS = (0.4, 2.5)
"""Of a body's cross-section: people, their clothes and how they turn to antennas differ so much."""
REVERBERANT = 2
"""Paths of each part from and to the reverberation."""


@dataclass
class Paths:
    """Paths over bodies M at N moments between T and R antennas: `length` in metres and real `gain`, [M, P, T, R, N];
    `item` int64 [M], the window that each body is in."""

    item: Tensor
    length: Tensor
    gain: Tensor


def moving_paths(
    room: Room, transmit: Tensor, receive: Tensor, body: Tensor, item: Tensor, generator: torch.Generator
) -> Paths:
    """The paths over bodies [M, parts, N, 3] that are in the windows `item`; antennas [B, T, 3] and [B, R, 3]."""
    first = images(1, body.device)
    size, permittivity = room.size[item], room.permittivity[item]
    build = log_uniform((len(item), 1), *BUILDS, generator)
    section = build * torch.tensor(list(PARTS.values()), device=body.device)
    scattered = scatter_gain(section, room.wavelength[item].unsqueeze(1))
    out, out_gain = _legs(transmit[item], body, size, first[:1], permittivity)
    back, back_gain = _legs(receive[item], body, size, first[:1], permittivity)
    trunk = body[:, :TRUNK]
    far, far_gain = _legs(transmit[item], trunk, size, first[1:], permittivity)
    near, near_gain = _legs(receive[item], trunk, size, first[1:], permittivity)
    # straight, over one surface before the body, over one behind it
    ways = (
        ((out, out_gain), (back, back_gain)),
        ((far, far_gain), (back, back_gain)),
        ((out, out_gain), (near, near_gain)),
    )
    lengths, gains = [], []
    for (one, one_gain), (other, other_gain) in ways:
        parts = min(one.shape[2], other.shape[2])
        lengths.append((one[:, :, :parts].unsqueeze(4) + other[:, :, :parts].unsqueeze(3)).flatten(1, 2))
        gain = (one_gain[:, :, :parts] * scattered[:, None, :parts, None, None]).unsqueeze(4)
        gains.append((gain * other_gain[:, :, :parts].unsqueeze(3)).flatten(1, 2))
    length, gain = _reverberant(room, transmit, receive, body, item, section, generator)
    return Paths(item, torch.cat([*lengths, length], 1), torch.cat([*gains, gain], 1))


def _legs(antennas: Tensor, body: Tensor, size: Tensor, known: Tensor, permittivity: Tensor) -> tuple[Tensor, Tensor]:
    """From antennas [M, A, 3] and their images to parts [M, P, N, 3]: lengths and gains (with the spreading), both
    [M, images, P, A, N]."""
    places = mirrored(antennas, size, known)  # [M, I, A, 3]
    square = 0
    for axis in range(3):
        square = square + (places[..., None, :, None, axis] - body[:, None, :, None, :, axis]).square()
    length = square.sqrt().clamp_min(NEAREST)
    middle = body[:, :, body.shape[2] // 2].mean(1)  # [M, 3]
    left = reflections(places.mean(2) - middle.unsqueeze(1), known, permittivity)
    return length, left[:, :, None, None, None] / length


def _reverberant(
    room: Room, transmit: Tensor, receive: Tensor, body: Tensor, item: Tensor, section: Tensor, generator
) -> tuple[Tensor, Tensor]:
    """Lengths and gains [M, parts * REVERBERANT, T, R, N] of plane waves from and to anywhere."""
    bodies, parts, moments, _ = body.shape
    shape = (bodies, parts, REVERBERANT)
    turn = directions(shape, generator) - directions(shape, generator)
    change = torch.einsum("mpjd,mpnd->mpjn", turn, body)
    ends = []
    for antennas in (transmit, receive):
        offset = antennas[item] - antennas[item].mean(1, keepdim=True)
        ends.append(torch.einsum("mpjd,mad->mpja", directions(shape, generator), offset))
    base = (room.transmitter - room.receiver)[item].norm(dim=1).view(-1, 1, 1) + LIGHT * room.reverberation[item].view(
        -1, 1, 1
    ) * -uniform(shape, 1e-3, 1.0, generator).log()
    length = base[..., None, None, None] + ends[0][..., None, None] + ends[1][..., None, :, None]
    length = (length + (change - change.mean(3, keepdim=True))[:, :, :, None, None]).clamp_min(NEAREST)
    share = section / (room.absorption[item].unsqueeze(1) / 4) / REVERBERANT
    strength = room.diffuse[item].view(-1, 1, 1) * share.unsqueeze(2)
    gain = (strength.sqrt() * complex_normal(shape, generator).abs())[..., None, None, None]
    return length.flatten(1, 2), gain.expand_as(length).flatten(1, 2)


def add_moving(channel: Tensor, paths: Paths, carrier: Tensor, offsets: Tensor, bandwidth: float) -> None:
    """Add the paths to the channel complex64 [B, T * R, N, K], in place.

    carrier: Hz, [B]; offsets: Hz, [K]; bandwidth: Hz from the lowest to the highest of them.
    """
    bodies, _, transmit, receive, moments = paths.length.shape
    if not bodies:
        return
    step = 1 / (OVERSAMPLING * bandwidth)
    delays = math.ceil(LONGEST / LIGHT / step) + 2
    pairs = transmit * receive
    turns = paths.length * (carrier[paths.item] / LIGHT).view(-1, 1, 1, 1, 1)
    phasor = torch.polar(paths.gain, turns.sub_(turns.round()).mul_(-2 * math.pi))
    place = (paths.length.clamp(max=LONGEST) / (LIGHT * step)).flatten(2, 3)
    low = place.long()
    share = place.sub_(low)
    rows = (paths.item.view(-1, 1, 1) * pairs + torch.arange(pairs, device=place.device).view(1, -1, 1)) * moments
    rows = (rows + torch.arange(moments, device=place.device)).unsqueeze(1)
    index = (rows * delays + low).flatten()
    phasor = phasor.flatten(2, 3)
    taps = torch.zeros(channel.shape[0] * pairs * moments * delays, dtype=channel.dtype, device=channel.device)
    upper = phasor * share
    taps.index_add_(0, index, phasor.sub_(upper).flatten())
    taps.index_add_(0, index + 1, upper.flatten())
    cycles = torch.arange(delays, device=offsets.device).unsqueeze(1) * (step * offsets)
    turn = torch.polar(1 / torch.sinc(step * offsets).square().expand_as(cycles), -2 * math.pi * cycles)
    channel += (taps.view(-1, delays) @ turn).view_as(channel)


def unblocked(room: Room, body: Tensor, stature: Tensor, item: Tensor, count: int) -> Tensor:
    """What bodies in their ways leave of the amplitudes of the direct path and of those over one surface, in each of
    `count` windows, [count, paths, N]: in the order of `images(1)`.

    A body is an upright screen across the path, as wide as `WIDTH` says, from the floor to its head; the loss is that
    of its four edges (TR 38.901, 7.6.4.2, blockage model B). A path over a surface passes the body on the way there,
    as if it came from the receiver's image, or on the way back.
    """
    known = images(1, body.device)
    transmit, receive, size = room.transmitter[item].unsqueeze(1), room.receiver[item].unsqueeze(1), room.size[item]
    wave = room.wavelength[item].view(-1, 1, 1)
    top = torch.minimum(stature.unsqueeze(1), body[:, 0, :, 2] + 0.15).unsqueeze(1)
    place = body[:, 1:3].mean(1).unsqueeze(1)  # of chest and pelvis, [M, 1, N, 3]
    back = _passed(mirrored(transmit, size, known), receive.unsqueeze(1), place, top, wave)
    there = _passed(transmit.unsqueeze(1), mirrored(receive, size, known[1:]), place, top, wave)
    left = back + torch.cat([torch.zeros_like(back[:, :1]), there], 1)
    return torch.zeros(count, *left.shape[1:], device=body.device).index_add_(0, item, left).exp()


def _passed(begin: Tensor, end: Tensor, place: Tensor, top: Tensor, wave: Tensor) -> Tensor:
    """Logarithm of what a screen at `place` [M, 1, N, 3], up to `top` [M, 1, N], leaves of straight ways from `begin`
    to `end` [M, I, 1, 3]."""
    way = end - begin
    flat = way[..., :2].norm(dim=-1, keepdim=True).clamp_min(0.1)
    along = way[..., :2] / flat
    offset = place[..., :2] - begin[..., :2]
    share = (offset * along).sum(-1) / flat[..., 0]
    beside = offset[..., 0] * -along[..., 1] + offset[..., 1] * along[..., 0]
    distance = [(share * flat[..., 0]).abs(), ((1 - share) * flat[..., 0]).abs()]
    height = begin[..., 2] + share * way[..., 2]
    sides = _edge(WIDTH / 2 - beside, distance, wave) + _edge(WIDTH / 2 + beside, distance, wave)
    ends = _edge(top - height, distance, wave) + _edge(height, distance, wave)
    left = (1 - sides * ends).clamp(1e-3, 1.0)
    return torch.where((share > 0) & (share < 1), left.log(), 0.0)


def _edge(clearance: Tensor, distance: list[Tensor], wave: Tensor) -> Tensor:
    """An edge's term, -0.5 to 0.5, 0 at the edge: it is `clearance` metres beyond the path (negative: short of it)."""
    # rounding makes it negative where the body is far along the path
    detour = sum((d.square() + clearance.square()).sqrt() - d for d in distance).clamp_min(0)
    return torch.atan(math.pi / 2 * (math.pi / wave * detour).sqrt()) / math.pi * clearance.sign()
