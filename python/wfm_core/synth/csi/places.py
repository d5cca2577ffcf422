# SPDX-License-Identifier: GPL-3.0-or-later
"""One site and many places in it: what antennas in its corners hear of a transmitter that is carried about.

The site is a `Room` (walls, furniture, reverberation; see `rooms`) with upright screens in it, such as shelves, that
weaken the direct path to some antennas from some places. Reverberation is plane waves whose phases go with the
transmitter's place and the antenna's, so that it fades within half a wavelength, as the rest does. Nobody walks about.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.synth.csi.grids import SRS, WIFI, Grid
from wfm_core.synth.csi.receiver import Receiver, draw_receivers, received
from wfm_core.synth.csi.rooms import FURNITURE, REVERBERATION, Room, draw_rooms, response, still_paths
from wfm_core.synth.draws import log_uniform, uniform

SCREENS = 2
"""Shelves in a site."""
MARGIN = 0.5
"""Metres between walls and the places of a transmitter."""
_HELD = 0.05  # metres, deviation of a hand that holds a transmitter at one place
_PAIRS = 40_000  # of places and antennas whose paths are in memory at once


@dataclass(frozen=True)
class Kind:
    """A kind of site by its `name`: metres `low` to `high` (x, y, height), the receiver's `grid`, and antennas in the
    four corners of the ceiling, whose gains differ by `gain_db` (standard deviation; None: as those of Wi-Fi receivers
    do)."""

    name: str
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    grid: Grid
    gain_db: float | None


def _every(grid: Grid, step: int) -> Grid:
    kept = tuple(index for index in grid.indices if index in grid.used)[::step]
    return Grid(f"{grid.name}/{step}", grid.spacing, kept, frozenset(kept), grid.bits, grid.carriers)


KINDS = {
    kind.name: kind
    for kind in (
        # one receiver with four cabled antennas in a room, 80 MHz
        Kind("wifi", (5.0, 4.0, 2.4), (12.0, 9.0, 3.4), _every(WIFI["nexmon-80"], 5), None),
        # four base stations with one clock in a hall, which sound a terminal, 98 MHz; calibrated but for 1.5 dB
        Kind("srs", (30.0, 15.0, 4.0), (80.0, 40.0, 8.0), _every(SRS["srs-272"], 4), 1.5),
    )
}
"""Kinds of sites by name."""
ANTENNAS = 4


@dataclass
class Site:
    """`room` of one row; `anchors` [A, 3] m; `seen` of the direct path, one factor a screen: `screens` [SCREENS, 2, 2]
    m, from end to end, with `left` [SCREENS] of the amplitude; `receiver` of one row; `height` m of transmitters."""

    kind: Kind
    room: Room
    anchors: Tensor
    screens: Tensor
    left: Tensor
    receiver: Receiver
    height: float

    @property
    def size(self) -> Tensor:
        """Metres, x and y."""
        return self.room.size[0, :2]


def draw_site(name: str, generator: torch.Generator) -> Site:
    """A site of the kind `name` of `KINDS`. Raises `WfmError`."""
    if name not in KINDS:
        raise WfmError(f"site {name!r}: expected one of {', '.join(KINDS)}")
    kind = KINDS[name]
    device = generator.device
    low, high = torch.tensor(kind.low, device=device), torch.tensor(kind.high, device=device)
    room = draw_rooms(1, kind.grid.carriers, generator)
    size = low + (high - low) * uniform((1, 3), 0.0, 1.0, generator)
    grown = (size / room.size).unsqueeze(1)
    # things in a hall are as much larger as its floor is
    section = room.section * grown[..., :2].prod(2)
    room = replace(room, size=size, furniture=room.furniture * grown, section=section)
    room = replace(room, obstruction=torch.ones_like(room.obstruction))
    corner = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], device=device)
    flat = corner * size[:, :2] + (1 - 2 * corner) * uniform((ANTENNAS, 2), 0.3, 1.0, generator)
    anchors = torch.cat([flat, size[:, 2:] - uniform((ANTENNAS, 1), 0.2, 0.8, generator)], 1)
    middle = uniform((SCREENS, 2), 0.2, 0.8, generator) * size[:, :2]
    turn = uniform((SCREENS,), -math.pi, math.pi, generator)
    half = torch.stack([turn.cos(), turn.sin()], 1) * (size[:, :2].amin() * 0.2)
    receiver = draw_receivers(1, ANTENNAS, kind.grid, generator)
    if kind.gain_db is not None:
        spread = torch.randn((1, ANTENNAS), generator=generator, device=device)
        receiver = replace(receiver, gain_db=kind.gain_db * spread)
    return Site(
        kind,
        room,
        anchors,
        torch.stack([middle - half, middle + half], 1),
        log_uniform((SCREENS,), 0.15, 0.7, generator),
        receiver,
        float(uniform((), 0.8, 1.5, generator)),
    )


def moved(site: Site, generator: torch.Generator, things: int = 3) -> Site:
    """The same site another day: so many of the things in it stand elsewhere."""
    furniture = site.room.furniture.clone()
    which = torch.randperm(FURNITURE, generator=generator, device=furniture.device)[:things]
    share = torch.tensor([0.9, 0.9, 0.55], device=furniture.device)
    furniture[0, which] = uniform((things, 3), 0.05, 1.0, generator) * share * site.room.size
    return replace(site, room=replace(site.room, furniture=furniture))


def grid_places(site: Site, spacing: float) -> Tensor:
    """Places [n, 3] m on a square grid of about that spacing, which fills the site but for `MARGIN`; the spacing that
    was taken is the nearest with which it does."""
    axes = []
    for length in site.size.tolist():
        steps = max(round((length - 2 * MARGIN) / spacing), 1)
        axes.append(torch.linspace(MARGIN, length - MARGIN, steps + 1))
    flat = torch.cartesian_prod(*axes).to(site.anchors.device)
    return torch.cat([flat, torch.full_like(flat[:, :1], site.height)], 1)


def any_places(site: Site, count: int, generator: torch.Generator) -> Tensor:
    """Places [count, 3] m anywhere but within `MARGIN` of walls."""
    flat = MARGIN + uniform((count, 2), 0.0, 1.0, generator) * (site.size - 2 * MARGIN)
    return torch.cat([flat, torch.full_like(flat[:, :1], site.height)], 1)


def csi_at(site: Site, places: Tensor, packets: int, generator: torch.Generator, spots: int = 1) -> Tensor:
    """Windows of CSI complex64 [n, A, subcarriers, packets] of a transmitter that is held at each of the `places`
    [n, 3] m: within some centimetres, at `spots` spots, one after another."""
    device = places.device
    held = _HELD * torch.randn((len(places), spots, 3), generator=generator, device=device)
    where = (places.unsqueeze(1) + held).flatten(0, 1)
    step = max(_PAIRS // len(site.anchors), 1)
    channel = torch.cat([_channel(site, where[begin : begin + step]) for begin in range(0, len(where), step)])
    channel = channel.unflatten(0, [-1, spots])  # [n, spots, A, K]
    order = torch.arange(packets, device=device) * spots // packets
    channel = channel[:, order].transpose(1, 2)  # [n, A, packets, K]
    times = torch.arange(packets, device=device).expand(len(places), -1) / 100.0
    receiver = site.receiver[torch.zeros(len(places), dtype=torch.long, device=device)]
    return received(channel, times, site.kind.grid, receiver, 1, generator).transpose(2, 3)


def _channel(site: Site, places: Tensor) -> Tensor:
    """Places [n, 3] -> complex64 [n, A, K]."""
    count, antennas = len(places), len(site.anchors)
    begin = places.repeat_interleave(antennas, 0)
    end = site.anchors.repeat(count, 1)
    rows = site.room[torch.zeros(len(begin), dtype=torch.long, device=places.device)]
    room = replace(rows, transmitter=begin, receiver=end)
    length, gain = still_paths(room, begin.unsqueeze(1), end.unsqueeze(1))
    length, gain = length[..., 0, 0], gain[..., 0, 0]
    gain[:, 0] *= _past_screens(site, begin, end)
    wave = room.wavelength.unsqueeze(1)
    turns = ((rows.leaving * begin.unsqueeze(1)).sum(2) + (rows.arriving * end.unsqueeze(1)).sum(2)) / wave
    length[:, -REVERBERATION:] += (turns - turns.floor()) * wave
    offsets = site.kind.grid.offsets(places.device)
    return response(length, gain, room.carrier, offsets).view(count, antennas, -1)


def _past_screens(site: Site, begin: Tensor, end: Tensor) -> Tensor:
    """What screens leave of the direct path's amplitude, [n]: of those that it crosses, seen from above."""
    way = (end - begin)[:, None, :2]
    along = site.screens[:, 1] - site.screens[:, 0]
    offset = site.screens[:, 0] - begin[:, None, :2]
    area = _cross(way, along.unsqueeze(0))
    area = torch.where(area.abs() < 1e-9, torch.full_like(area, 1e-9), area)
    share, place = _cross(offset, along.unsqueeze(0)) / area, _cross(offset, way) / area
    crossed = (share > 0) & (share < 1) & (place > 0) & (place < 1)
    return torch.where(crossed, site.left, torch.ones_like(site.left)).prod(1)


def _cross(one: Tensor, other: Tensor) -> Tensor:
    return one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
