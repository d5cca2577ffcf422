# SPDX-License-Identifier: GPL-3.0-or-later
"""Links that sense one person or nobody, each in another room: what a model of activities is taught and asked.

In some windows the person begins or ends with what they do at a moment, and stands like a statue before or after it, so
that a model can be asked what goes on now. Receivers are unsteady here: the shape of what their filters do to a packet
changes a little from packet to packet, slowly, or in steps (with the state of their gain control), as it does when
nobody is there.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from wfm_core.synth.csi.activities import ACTIVITIES, EMPTY
from wfm_core.synth.csi.grids import Grid
from wfm_core.synth.csi.receiver import draw_receivers, received
from wfm_core.synth.csi.rooms import draw_rooms
from wfm_core.synth.csi.windows import draw_times, room_channel
from wfm_core.synth.draws import log_uniform, uniform

SIX = ("walk", "run", "fall", "box", "circle", "clean")
"""Those of the public set NTU-Fi HAR."""
NAMED = (EMPTY, "still", *SIX)
"""What a model of activities names."""
AT_REST = (EMPTY, "still", "lie")
"""With nothing that moves but breath."""
ONCE = ("fall", "sit", "stand_up", "pick_up")
"""Over before the window is."""
UNKNOWN = -1
SHARES = {EMPTY: 0.12, "still": 0.1, **dict.fromkeys(SIX, 0.13)}
"""How often each comes up where activities are taught."""
EVERYTHING = dict.fromkeys(ACTIVITIES, 0.05) | {EMPTY: 0.3, "still": 0.1, "walk": 0.1}
"""The same where presence and motion are."""
_CHANGES = 0.4
_SIZES, _SLOW_SHARES = (0.003, 0.15), (0.005, 0.15)  # of the unsteadiness; of its power that is slow


@dataclass
class Sensed:
    """`amplitude` float32 [B, 1, subcarriers, packets]; `activity` int64 [B], of `ACTIVITIES`; `motion` int64 [B],
    whether the person moves during most of the last `recent` packets (1) or nothing does all the time of these (0), or
    UNKNOWN where it is neither, or breath alone moves; `whole` bool [B], whether nothing begins or ends within the
    window; `snr_db` [B]."""

    amplitude: Tensor
    activity: Tensor
    motion: Tensor
    whole: Tensor
    snr_db: Tensor


def draw_sensed(
    count: int,
    grid: Grid,
    packets: int,
    rates: tuple[float, float],
    shares: dict[str, float],
    generator: torch.Generator,
    receivers: int = 1,
    changes: bool = False,
    recent: int = 128,
) -> Sensed:
    """`count` windows of one pair of antennas, each of another person in another room, and heard by so many receivers:
    those of one person are next to each other. `rates`: the fewest and most packets a second."""
    names = list(shares)
    weights = torch.tensor([shares[name] for name in names], device=generator.device)
    labels = torch.tensor([ACTIVITIES.index(name) for name in names], device=generator.device)
    activity = labels[torch.multinomial(weights, count, replacement=True, generator=generator)]
    room = draw_rooms(count, grid.carriers, generator)
    _, times = draw_times(count, packets, rates, generator)
    lived, share = _lived(times, changes, generator)
    channel, _ = room_channel(room, activity, lived, grid, (1, 1), generator)
    receiver = draw_receivers(count * receivers, 1, grid, generator)
    rows = torch.arange(count, device=generator.device).repeat_interleave(receivers)
    channel = channel[rows] * _unsteady(len(rows), packets, len(grid), generator)
    csi = received(channel, times[rows], grid, receiver, 1, generator)
    resting = _among(activity, AT_REST)
    motion = torch.full_like(activity, UNKNOWN)
    moved = share[:, -recent:].mean(1)
    motion[(moved > 0.6) & ~resting & ~_among(activity, ONCE)] = 1
    motion[(moved == 0) & ~resting | _among(activity, (EMPTY,))] = 0
    whole = (share > 0).all(1) | resting
    return Sensed(csi.abs().transpose(2, 3), activity[rows], motion[rows], whole[rows], receiver.snr_db)


def named(activity: Tensor) -> Tensor:
    """Numbers of `ACTIVITIES` -> of `NAMED`, UNKNOWN for one that is not among them."""
    places = [NAMED.index(name) if name in NAMED else UNKNOWN for name in ACTIVITIES]
    return torch.tensor(places, device=activity.device)[activity]


def _among(activity: Tensor, names: tuple[str, ...]) -> Tensor:
    return torch.isin(activity, torch.tensor([ACTIVITIES.index(name) for name in names], device=activity.device))


def _unsteady(count: int, packets: int, subcarriers: int, generator: torch.Generator) -> Tensor:
    """Factors of about 1, [count, 1, packets, subcarriers], one shape over the subcarriers for each receiver."""

    def draw(low: float, high: float, columns: int = 1) -> Tensor:
        return uniform((count, columns), low, high, generator)

    place = torch.arange(1, 4, device=generator.device).view(1, -1, 1) * torch.linspace(
        0, 1, subcarriers, device=generator.device
    )
    waves = draw(-1, 1, 3).unsqueeze(2) * torch.cos(math.pi * (place + draw(0, 2, 3).unsqueeze(2)))
    shape = waves.sum(1)
    size = torch.where(draw(0, 1) < 0.4, 0.0, log_uniform((count, 1), *_SIZES, generator))
    white = torch.randn((count, packets), generator=generator, device=generator.device)
    steps = torch.randn((count, packets), generator=generator, device=generator.device)
    # a walk that forgets: each packet keeps most of the one before
    keep = 1 - 1 / log_uniform((count, 1), 5.0, 100.0, generator)
    lags = torch.arange(packets, device=generator.device)
    kernel = (keep.log() * lags).exp() * (1 - keep.square()).sqrt()
    walk = torch.fft.irfft(torch.fft.rfft(steps, 2 * packets) * torch.fft.rfft(kernel, 2 * packets), 2 * packets)
    slow = torch.where(draw(0, 1) < 0.5, 0.0, log_uniform((count, 1), *_SLOW_SHARES, generator))
    flips = (draw(0, 1, packets) < log_uniform((count, 1), 1e-4, 3e-2, generator)).cumsum(1) % 2
    stepped = torch.where(draw(0, 1) < 0.7, 0.0, 1.0) * (2.0 * flips - 1)
    moves = (1 - slow).sqrt() * white + slow.sqrt() * (walk[:, :packets] + stepped)
    return 1 + (size * moves).clamp(-0.8, 0.8).view(count, 1, packets, 1) * shape.view(count, 1, 1, subcarriers)


def _lived(times: Tensor, changes: bool, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The person's own time at each packet, which stands still before they begin or after they end, and whether it goes
    on (1 or 0); both [B, packets]."""
    if not changes:
        return times, torch.ones_like(times)
    count = len(times)
    chance = uniform((count, 1), 0, 1, generator)
    moment = times[:, -1:] * uniform((count, 1), 0.05, 0.95, generator)
    begins, ends = chance < _CHANGES / 2, (chance >= _CHANGES / 2) & (chance < _CHANGES)
    lived = torch.where(begins, torch.maximum(times, moment), torch.where(ends, torch.minimum(times, moment), times))
    still = (begins & (times < moment)) | (ends & (times > moment))
    return lived, 1.0 - still.float()
