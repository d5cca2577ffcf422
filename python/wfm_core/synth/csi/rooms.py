# SPDX-License-Identifier: GPL-3.0-or-later
"""A rectangular room with a transmitter, a receiver and furniture: everything in it that stands still.

Walls, floor and ceiling are smooth plates whose permittivities are drawn between those of wood and of concrete
(Recommendation ITU-R P.2040-2, table 3); they reflect as its section 2.2.1.5 says: by the transverse electric
coefficient on walls and the transverse magnetic one on floor and ceiling, as antennas stand upright. Paths over them
are found by the image method (Allen and Berkley, J. Acoust. Soc. Am. 65, 1979), up to three reflections. Furniture is
points that scatter once, by the radar equation. What has met more surfaces than that is reverberation: plane waves from
anywhere whose power decays exponentially with their delay, by the room's volume, surface and absorption (Andersen,
Nielsen, Pedersen, Bauch and Herdin, Room Electromagnetics, IEEE Antennas and Propagation Magazine 49(2), 2007).
"""

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from wfm_core.synth.draws import complex_normal, log_uniform, uniform

LIGHT = 299_792_458.0
"""Speed of light, m/s."""
ORDER = 3
"""Reflections of a path at most."""
FURNITURE = 10
"""Points that scatter, in a room."""
REVERBERATION = 24
"""Plane waves that stand for it."""
NEAR = 0.25
"""Share of rooms whose antennas are within two metres or so of each other."""
SMALLEST, LARGEST = (3.0, 3.0, 2.4), (10.0, 8.0, 3.4)
"""Metres: x, y and height of rooms."""
LONGEST = 60.0
"""Metres: no path that is computed over a moving body is longer."""
_MARGIN = 0.4  # metres between antennas and walls


@dataclass
class Room:
    """`count` rooms, float32 on one device; all lengths in metres, the corner at 0.

    `size`, `transmitter` and `receiver` [B, 3] (the middle of each array); `bearing` [B]: azimuth of the receiver's
    line of antennas, rad; `heading`: of the transmitter's; `spacing` [B]: between antennas; `carrier` [B], Hz;
    `permittivity` [B, 3, 2]: of the two surfaces across x, y and z; `furniture` [B, FURNITURE, 3] with `section`
    [B, FURNITURE], its radar cross-section in m^2; `line_of_sight` bool [B]; `obstruction` [B]: of the direct path's
    amplitude, what a thing in its way leaves of it, 1 with line of sight; `absorbed` [B], the share of the power that
    surfaces and what is in the room take of a diffuse wave. Of the reverberation's waves `late` [B, W]: behind the
    direct path, in units of `reverberation`; `leaving` and `arriving` [B, W, 3]: their directions; `strength` [B, W]:
    amplitudes, of mean square 1.
    """

    size: Tensor
    transmitter: Tensor
    receiver: Tensor
    bearing: Tensor
    heading: Tensor
    spacing: Tensor
    carrier: Tensor
    permittivity: Tensor
    furniture: Tensor
    section: Tensor
    line_of_sight: Tensor
    obstruction: Tensor
    absorbed: Tensor
    late: Tensor
    leaving: Tensor
    arriving: Tensor
    strength: Tensor

    def __getitem__(self, rows: Tensor) -> "Room":
        """The rooms of these rows."""
        return Room(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def antennas(self, transmit: int, receive: int) -> tuple[Tensor, Tensor]:
        """Where they are: [B, transmit, 3] and [B, receive, 3]."""
        return (
            _line(self.transmitter, self.heading, self.spacing, transmit),
            _line(self.receiver, self.bearing, self.spacing, receive),
        )

    @property
    def wavelength(self) -> Tensor:
        """Metres, [B]."""
        return LIGHT / self.carrier

    @property
    def absorption(self) -> Tensor:
        """The room's absorbing area, m^2, [B]."""
        x, y, z = self.size.unbind(1)
        return 2 * (x * y + y * z + z * x) * self.absorbed

    @property
    def reverberation(self) -> Tensor:
        """The time in which the reverberation's power falls by e, s, [B]: 4 volume / (c absorption)."""
        return 4 * self.size.prod(1) / (LIGHT * self.absorption)

    @property
    def diffuse(self) -> Tensor:
        """Mean power gain of the reverberation between two antennas, [B]: as much as free space has at the
        reverberation distance, sqrt(absorption / (16 pi))."""
        return (self.wavelength / (4 * math.pi)).square() * 16 * math.pi / self.absorption

    @property
    def arrival(self) -> Tensor:
        """Of the direct path at the receiver: angle from the line of antennas' broadside, rad, -pi/2 to pi/2, [B]."""
        way = self.transmitter - self.receiver
        along = torch.stack([self.bearing.cos(), self.bearing.sin()], 1)
        return torch.asin(((way[:, :2] * along).sum(1) / way.norm(dim=1)).clamp(-1, 1))


def draw_rooms(count: int, carriers: tuple[tuple[float, float], ...], generator: torch.Generator) -> Room:
    """Rooms with a carrier in one of the bands `carriers`, Hz; a quarter of them have no line of sight."""
    device = generator.device

    def draw(shape, low, high):
        return uniform((count, *shape), low, high, generator)

    low, high = (torch.tensor(corner, device=device) for corner in (SMALLEST, LARGEST))
    size = draw((3,), low, high)
    # one of them in the lower part of the room, the other in the upper
    lower, upper = draw((3,), 0.0, 0.42) * size, size - draw((3,), 0.0, 0.42) * size
    swapped = (draw((1,), 0.0, 1.0) < 0.5).expand(-1, 3).clone()
    swapped[:, 1] = draw((), 0.0, 1.0) < 0.5
    ends = [torch.where(swapped, upper, lower), torch.where(swapped, lower, upper)]
    for end in ends:
        end[:, 2] = draw((), 0.5, 2.0)
        end[:, :2] = torch.minimum(end[:, :2].clamp_min(_MARGIN), size[:, :2] - _MARGIN)
    # or, as on a desk, not far from each other, towards the middle of the room
    inwards = size / 2 - ends[0]
    azimuth = torch.atan2(inwards[:, 1], inwards[:, 0]) + draw((), -0.8, 0.8)
    step = torch.stack([azimuth.cos(), azimuth.sin(), 0 * azimuth], 1) * log_uniform((count, 1), 0.3, 1.5, generator)
    ends[1] = torch.where(draw((1,), 0.0, 1.0) < NEAR, ends[0] + step, ends[1])
    band = torch.tensor(carriers, device=device)[(draw((), 0, len(carriers))).long().clamp_max(len(carriers) - 1)]
    carrier = draw((), band[:, 0], band[:, 1])
    seen = draw((), 0.0, 1.0) < 0.75
    return Room(
        size=size,
        transmitter=ends[0],
        receiver=ends[1],
        bearing=draw((), -math.pi, math.pi),
        heading=draw((), -math.pi, math.pi),
        spacing=LIGHT / carrier * draw((), 0.4, 1.2),
        carrier=carrier,
        permittivity=log_uniform((count, 3, 2), 2.0, 7.0, generator),
        furniture=draw((FURNITURE, 3), 0.05, 0.95) * size.unsqueeze(1) * torch.tensor([1.0, 1.0, 0.6], device=device),
        section=log_uniform((count, FURNITURE), 0.03, 2.0, generator),
        line_of_sight=seen,
        obstruction=torch.where(seen, 1.0, log_uniform((count,), 0.08, 0.5, generator)),
        absorbed=draw((), 0.3, 0.8),
        late=-draw((REVERBERATION,), 1e-3, 1.0).log(),
        leaving=directions((count, REVERBERATION), generator),
        arriving=directions((count, REVERBERATION), generator),
        strength=complex_normal((count, REVERBERATION), generator).abs(),
    )


def images(order: int, device: torch.device | str = "cpu") -> Tensor:
    """int64 [images, 3]: how often each is mirrored across x, y and z (the sign says which surface is first), up to
    `order` times in all; the transmitter itself is the first."""
    steps = torch.arange(-order, order + 1, device=device)
    every = torch.cartesian_prod(steps, steps, steps)
    total = every.abs().sum(1)
    return every[total <= order][total[total <= order].argsort(stable=True)]


def mirrored(points: Tensor, size: Tensor, images: Tensor) -> Tensor:
    """Points [B, n, 3] in rooms of `size` [B, 3] -> their images [B, I, n, 3]."""
    shift = 2 * torch.div(images + 1, 2, rounding_mode="floor")  # of the room's length: 2 ceil(i / 2)
    sign = 1 - 2 * (images % 2)
    return shift[:, None] * size[:, None, None] + sign[:, None] * points[:, None]


def reflection(cosine: Tensor, permittivity: Tensor, magnetic: bool) -> Tensor:
    """The field's reflection coefficient (real) of a lossless half-space, for the cosine of the angle of incidence.

    P.2040-2, 2.2.1.5: `magnetic` for a field in the plane of incidence, else across it.
    """
    root = (permittivity - 1 + cosine.square()).sqrt()
    inner = permittivity * cosine if magnetic else cosine
    return (inner - root) / (inner + root)


def reflections(way: Tensor, images: Tensor, permittivity: Tensor) -> Tensor:
    """What all surfaces on the ways [B, I, ..., 3] of `images` leave of the field, [B, I, ...]."""
    shape = (-1, len(images)) + (1,) * (way.dim() - 3)
    cosines = way.abs() / way.norm(dim=-1, keepdim=True).clamp_min(1e-6)
    left = 1.0
    for axis in range(3):
        often = images[:, axis].abs()
        # of a way that begins towards the upper surface that one has the odd reflection more
        upper = torch.where(images[:, axis] > 0, (often + 1) // 2, often // 2)
        for side, times in ((1, upper), (0, often - upper)):
            value = permittivity[:, axis, side].view(-1, *(1,) * (way.dim() - 2))
            left = left * reflection(cosines[..., axis], value, magnetic=axis == 2) ** times.view(shape)
    return left


def still_paths(room: Room, transmit: Tensor, receive: Tensor) -> tuple[Tensor, Tensor]:
    """Lengths in metres and amplitudes (real, of the field), each [B, paths, T, R], of all that does not move between
    the antennas [B, T, 3] and [B, R, 3]. The direct path is the first. Free space: wavelength / (4 pi length)."""
    known = images(ORDER, room.size.device)
    way = mirrored(transmit, room.size, known).unsqueeze(3) - receive[:, None, None]
    length = way.norm(dim=-1)
    wave = room.wavelength.view(-1, 1, 1, 1)
    gain = wave / (4 * math.pi * length) * reflections(way, known, room.permittivity)
    gain[:, 0] *= room.obstruction.view(-1, 1, 1)
    out = (room.furniture[:, :, None] - transmit[:, None]).norm(dim=-1).clamp_min(0.3).unsqueeze(3)
    back = (room.furniture[:, :, None] - receive[:, None]).norm(dim=-1).clamp_min(0.3).unsqueeze(2)
    scattered = scatter_gain(room.section[..., None, None], wave) / (out * back)
    late, weak = _reverberation(room, transmit, receive)
    return torch.cat([length, out + back, late], 1), torch.cat([gain, scattered, weak], 1)


def _reverberation(room: Room, transmit: Tensor, receive: Tensor) -> tuple[Tensor, Tensor]:
    """Its plane waves: lengths and gains [B, REVERBERATION, T, R]."""
    late = LIGHT * room.reverberation.view(-1, 1) * room.late
    length = ((room.transmitter - room.receiver).norm(dim=1, keepdim=True) + late)[..., None, None]
    for axis, antennas, direction in ((3, transmit, room.leaving), (2, receive, room.arriving)):
        offset = antennas - antennas.mean(1, keepdim=True)
        length = length + torch.einsum("bpd,bad->bpa", direction, offset).unsqueeze(axis)
    gain = (room.diffuse.view(-1, 1) / REVERBERATION).sqrt() * room.strength
    return length, gain[..., None, None].expand_as(length)


def scatter_gain(section: Tensor, wavelength: Tensor) -> Tensor:
    """The field over a point of that radar cross-section (m^2), times both distances: the radar equation's root,
    wavelength sqrt(section) / (4 pi)^1.5."""
    return wavelength * section.sqrt() / (4 * math.pi) ** 1.5


def response(length: Tensor, gain: Tensor, carrier: Tensor, offsets: Tensor) -> Tensor:
    """Paths [B, P, ...] to the channel complex64 [B, ..., K] at `offsets` [K] Hz from the carriers [B]: the sum of
    gain exp(-j 2 pi f length / c)."""
    trailing = (1,) * (length.dim() - 1)
    turns = length.double() / LIGHT * carrier.double().view(-1, *trailing)
    at_carrier = torch.polar(gain, (-2 * math.pi * (turns - turns.round())).float())
    cycles = length.unsqueeze(-1) / LIGHT * offsets
    return (at_carrier.unsqueeze(-1) * torch.polar(torch.ones_like(cycles), -2 * math.pi * cycles)).sum(1)


def directions(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Unit vectors to anywhere, [*shape, 3]."""
    vector = torch.randn((*shape, 3), generator=generator, device=generator.device)
    return vector / vector.norm(dim=-1, keepdim=True).clamp_min(1e-6)


def _line(middle: Tensor, azimuth: Tensor, spacing: Tensor, antennas: int) -> Tensor:
    """Antennas [B, antennas, 3] on a horizontal line around `middle` [B, 3]."""
    place = torch.arange(antennas, device=middle.device) - (antennas - 1) / 2
    along = torch.stack([azimuth.cos(), azimuth.sin(), torch.zeros_like(azimuth)], 1) * spacing.unsqueeze(1)
    return middle.unsqueeze(1) + place.view(1, -1, 1) * along.unsqueeze(1)
