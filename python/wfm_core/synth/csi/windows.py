# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of CSI in rooms, with what made them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.synth.csi.activities import ACTIVITIES, EMPTY, known, poses
from wfm_core.synth.csi.body import CHEST, parts
from wfm_core.synth.csi.grids import Grid
from wfm_core.synth.csi.moving import Paths, add_moving, moving_paths, unblocked
from wfm_core.synth.csi.packets import packet_times
from wfm_core.synth.csi.receiver import draw_receivers, received
from wfm_core.synth.csi.rooms import LIGHT, Room, draw_rooms, images, response, still_paths
from wfm_core.synth.draws import log_uniform, uniform

RATES = (20.0, 1000.0)
"""Packets a second."""
SHORTEST = 0.6
"""Seconds that a window lasts at least, where the lowest rate allows it: what people do takes that long."""
UNKNOWN = -1
"""Instead of a class, where there is none."""
ALONE = 0.75
"""How often somebody is alone, where more may be in the room."""

BETWEEN = 0.5
"""Share of people who begin near the direct path, as those do whom somebody wants to sense."""

_OTHERS = ("still", "walk")
_BESIDE = 0.5  # metres, standard deviation from the direct path


@dataclass
class CsiWindows:
    """`csi` complex64 [B, A, subcarriers, packets] as a receiver reports it, at `times` float32 [B, packets] s from
    each window's first packet; `grid` says which subcarriers.

    `causes`, one row a window, NaN (or `UNKNOWN`) where it does not apply: `activity` int64 (of `ACTIVITIES`; of the
    first person), `people` int64, `position` float32 [B, 3] m (of the first person's chest, mean over the window; for
    a cell nothing), `speed` m/s (of that chest), `transmitter`, `receiver` and `size` [B, 3] m, `delay_spread` s (RMS),
    `doppler_spread` Hz (RMS), `angle_of_arrival` rad (of the direct path, or of the mean of a cell's paths, from the
    antennas' broadside), `line_of_sight` bool, `snr_db`, `carrier` Hz, `packet_rate` Hz.
    """

    csi: Tensor
    times: Tensor
    grid: Grid
    causes: dict[str, Tensor]


def draw_windows(
    count: int,
    grid: Grid,
    packets: int,
    antennas: tuple[int, int],
    generator: torch.Generator,
    activities: list[str] | None = None,
    most_people: int = 3,
    rooms: Room | None = None,
    rates: tuple[float, float] = RATES,
    one_receiver: bool = False,
) -> CsiWindows:
    """`count` windows, each in another room, of `antennas` (transmitting, receiving; the receiver's change fastest).

    activities: what the first person may do, all alike, `EMPTY` for nobody; None for all. Others, up to `most_people`
    in all, stand or walk. rooms: in which it happens, a random one each time; None for rooms of their own. rates: the
    fewest and most packets a second. `one_receiver` for all windows, else another each time. Raises `WfmError` for
    sizes below 1 (packets: 2), rates that are none and unknown activities.
    """
    transmit, receive = antennas
    if min(count, transmit, receive, most_people) < 1 or packets < 2:
        raise WfmError(
            f"{count} windows of {packets} packets, {transmit} x {receive} antennas, {most_people} people: 1 or more "
            "of each and 2 or more packets are expected"
        )
    if not 0 < rates[0] <= rates[1]:
        raise WfmError(f"packet rates {rates}: the lowest above 0 and the highest from there on are expected")
    labels = torch.tensor([ACTIVITIES.index(name) for name in known(activities)], device=generator.device)
    activity = labels[torch.randint(len(labels), (count,), generator=generator, device=generator.device)]
    if rooms is None:
        room = draw_rooms(count, grid.carriers, generator)
    else:
        room = rooms[torch.randint(len(rooms.size), (count,), generator=generator, device=generator.device)]
    rate, times = draw_times(count, packets, rates, generator)
    channel, causes = room_channel(room, activity, times, grid, antennas, generator, most_people)
    receiver = draw_receivers(1 if one_receiver else count, receive, grid, generator)
    if one_receiver:
        receiver = receiver[torch.zeros(count, dtype=torch.long, device=generator.device)]
    csi = received(channel, times, grid, receiver, transmit, generator).transpose(2, 3)
    return CsiWindows(csi, times, grid, causes | {"snr_db": receiver.snr_db, "packet_rate": rate})


def draw_times(
    count: int, packets: int, rates: tuple[float, float], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Packets a second [count], and when they arrive [count, packets] (see `packet_times`)."""
    high = min(rates[1], max(packets / SHORTEST, rates[0]))
    rate = log_uniform((count,), rates[0], high, generator)
    jitter = uniform((count,), 0.0, 0.3, generator)
    lossy = uniform((count,), 0.0, 1.0, generator) < 0.5
    loss = torch.where(lossy, log_uniform((count,), 0.002, 0.1, generator), 0.0)
    stay = uniform((count,), 0.1, 0.7, generator)
    return rate, packet_times(packets, rate, jitter, loss, stay, generator)


def room_channel(
    room: Room,
    activity: Tensor,
    times: Tensor,
    grid: Grid,
    antennas: tuple[int, int],
    generator: torch.Generator,
    most_people: int = 1,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The channel itself, complex64 [B, T * R, packets, subcarriers], before any receiver, and its causes."""
    transmit, receive = room.antennas(*antennas)
    offsets = grid.offsets(times.device)
    length, gain = still_paths(room, transmit, receive)
    straight = len(images(1))
    rest = response(length[:, straight:], gain[:, straight:], room.carrier, offsets).flatten(1, 2).unsqueeze(2)
    each = [
        response(length[:, path, None], gain[:, path, None], room.carrier, offsets).flatten(1, 2)
        for path in range(straight)
    ]
    item, doing, people = _people(activity, most_people, generator)
    if len(item):
        start = _starts(room, item, generator)
        pose = poses(doing, times[item], room.size[item], start, generator)
        body = parts(pose)
        paths = moving_paths(room, transmit, receive, body, item, generator)
        left = unblocked(room, body, pose.stature, item, len(times))
    else:
        body = times.new_zeros(0, CHEST + 1, times.shape[1], 3)
        paths = Paths(item, *times.new_zeros(2, 0, 1, *antennas, times.shape[1]))
        left = torch.ones_like(times).unsqueeze(1).expand(-1, straight, -1)
    channel = torch.einsum("bpak,bpn->bank", torch.stack(each, 1), left.to(rest.dtype)).add_(rest)
    add_moving(channel, paths, room.carrier, offsets, grid.bandwidth)
    causes = {
        "activity": activity,
        "people": people,
        **_whereabouts(body[:, CHEST], times, item),
        "transmitter": room.transmitter,
        "receiver": room.receiver,
        "size": room.size,
        "carrier": room.carrier,
        "angle_of_arrival": room.arrival,
        "line_of_sight": room.line_of_sight,
        **_spreads(length[..., 0, 0], gain[..., 0, 0], left, paths, times, room.wavelength),
    }
    return channel, causes


def _people(activity: Tensor, most: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """For each body the window it is in and its activity, each first person before all others; people a window."""
    count = len(activity)
    somebody = activity != ACTIVITIES.index(EMPTY)
    item, doing = somebody.nonzero()[:, 0], activity[somebody]
    people = somebody.long()
    accompanied = uniform((count,), 0, 1, generator) > ALONE
    number = torch.randint(2, max(most, 2) + 1, (count,), generator=generator, device=activity.device)
    if most > 1:
        people = torch.where(somebody & accompanied, number, people)
    others = torch.tensor([ACTIVITIES.index(name) for name in _OTHERS], device=activity.device)
    for further in range(1, most):
        there = (people > further).nonzero()[:, 0]
        drawn = torch.randint(len(others), (len(there),), generator=generator, device=activity.device)
        item, doing = torch.cat([item, there]), torch.cat([doing, others[drawn]])
    return item, doing, people


def _starts(room: Room, item: Tensor, generator: torch.Generator) -> Tensor:
    """Where bodies in the windows `item` begin, [M, 2] in metres."""
    anywhere = uniform((len(item), 2), 0, 1, generator) * room.size[item, :2]
    share = uniform((len(item), 1), 0.1, 0.9, generator)
    near = room.transmitter[item, :2] * share + room.receiver[item, :2] * (1 - share)
    near = near + _BESIDE * torch.randn(near.shape, generator=generator, device=near.device)
    return torch.where(uniform((len(item), 1), 0, 1, generator) < BETWEEN, near, anywhere)


def _whereabouts(chest: Tensor, times: Tensor, item: Tensor) -> dict[str, Tensor]:
    """Position and mean speed of the first person of each window; NaN for nobody."""
    position = times.new_full((len(times), 3), torch.nan)
    speed = times.new_full((len(times),), torch.nan)
    # others come behind all first persons: written first, they are written over
    order = torch.arange(len(item) - 1, -1, -1, device=item.device)
    for body in order.tolist():
        row = item[body]
        position[row] = chest[body].mean(0)
        way = chest[body].diff(dim=0).norm(dim=1).sum()
        speed[row] = way / (times[row, -1] - times[row, 0])
    return {"position": position, "speed": speed}


def _spreads(
    length: Tensor, gain: Tensor, left: Tensor, paths: Paths, times: Tensor, wavelength: Tensor
) -> dict[str, Tensor]:
    """RMS delay spread and RMS Doppler spread of the first pair of antennas: by power, over all paths and packets."""
    power = gain.square()
    power[:, : left.shape[1]] *= left.square().mean(2)
    delay = length / LIGHT
    sums = [(power * delay**order).sum(1) for order in range(3)]
    shifts = [torch.zeros_like(sums[0]), torch.zeros_like(sums[0])]
    if len(paths.item):
        moving, square = paths.length[:, :, 0, 0], paths.gain[:, :, 0, 0].square()
        for order in range(3):
            each = (square * (moving / LIGHT) ** order).mean(2).sum(1)
            sums[order] = sums[order].index_add(0, paths.item, each)
        rate = moving.diff(dim=2) / times[paths.item].diff(dim=1).unsqueeze(1)
        doppler = -rate / wavelength[paths.item].view(-1, 1, 1)
        for order in (1, 2):
            each = (square[..., 1:] * doppler**order).mean(2).sum(1)
            shifts[order - 1] = shifts[order - 1].index_add(0, paths.item, each)
    total = sums[0].clamp_min(1e-30)
    return {
        "delay_spread": (sums[2] / total - (sums[1] / total).square()).clamp_min(0).sqrt(),
        "doppler_spread": (shifts[1] / total - (shifts[0] / total).square()).clamp_min(0).sqrt(),
    }
