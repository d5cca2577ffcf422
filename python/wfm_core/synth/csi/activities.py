# SPDX-License-Identifier: GPL-3.0-or-later
"""What people do: simple kinematics of each activity, from the times of packets to poses.

Speeds, rates of steps and of gestures, and durations are ordinary human ones, drawn again for each body. What happens
once (a fall, sitting down) begins at a moment of the window, and is cut off where the window is shorter than it.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.synth.csi.body import Pose
from wfm_core.synth.draws import uniform

_WALL = 0.5  # metres between people and walls


class Motion:
    """Bodies of one activity: `times` [M, N] in s, `size` [M, 3] of their rooms, `start` [M, 2] in them (moved clear of
    the walls), and a pose that activities change."""

    def __init__(self, times: Tensor, size: Tensor, start: Tensor, generator: torch.Generator):
        self.times, self.size, self.generator = times, size, generator
        count, moments = times.shape
        zero = torch.zeros(count, moments, device=times.device)
        sway = self.draw(0.002, 0.01) * torch.sin(2 * math.pi * (self.draw(0.1, 0.4) * times + self.draw(0, 1)))
        self.start = self.clear(start)
        place = self.start.unsqueeze(1).expand(-1, moments, -1) + torch.stack([sway, zero], -1)
        rest = torch.tensor([0.05, 0.0, -0.6], device=times.device)
        breath = self.draw(0.003, 0.007) * torch.sin(2 * math.pi * (self.draw(0.2, 0.35) * times + self.draw(0, 1)))
        self.pose = Pose(
            place=place,
            heading=self.draw(-math.pi, math.pi).expand(-1, moments),
            crouch=zero,
            lean=zero,
            tilt=zero,
            fall=zero[:, 0],
            stride=zero,
            lift=zero.unsqueeze(-1).expand(-1, -1, 2),
            hands=rest.expand(count, moments, 2, 3).clone(),
            breath=breath,
            stature=self.draw(1.5, 1.9)[:, 0],
        )
        middle = size[:, :2] / 2 - self.start
        # who falls or lies does it where there is room
        towards = torch.atan2(middle[:, 1], middle[:, 0]) + self.draw(-0.5, 0.5)[:, 0]
        self.pose.fall = towards - self.pose.heading[:, 0]

    def draw(self, low: float, high: float, columns: int = 1) -> Tensor:
        """One value a body, float32 [M, columns]."""
        return uniform((len(self.times), columns), low, high, self.generator)

    def clear(self, place: Tensor) -> Tensor:
        """Places [M, 2] on the floor, or the nearest ones that are clear of the walls."""
        return torch.minimum(place.clamp_min(_WALL), self.size[:, :2] - _WALL)

    def cycle(self, low: float, high: float) -> Tensor:
        """Radians of something that repeats `low` to `high` times a second, [M, N]."""
        return 2 * math.pi * (self.draw(low, high) * self.times + self.draw(0, 1))

    def once(self, low: float, high: float) -> Tensor:
        """From 0 to 1 while something takes `low` to `high` s, [M, N]; it begins in the window's first half."""
        begin = self.draw(0.05, 0.5) * self.times[:, -1:]
        return ((self.times - begin) / self.draw(low, high)).clamp(0, 1)


def _smooth(share: Tensor) -> Tensor:
    """0 to 1 without a jerk at either end: 10 s^3 - 15 s^4 + 6 s^5, of least jerk (Flash and Hogan, 1985)."""
    return share**3 * (10 - 15 * share + 6 * share.square())


def _to_and_fro(metres: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    """A way [M, N] along a line of `length` [M, 1] and back, slower at its ends: where on the line, and the share of
    the usual speed, negative on the way back."""
    phase = math.pi * metres / length
    sharp = 0.85  # 1: turns without slowing down
    place = length / 2 * (1 + torch.asin(sharp * torch.sin(phase)) / math.asin(sharp))
    return place, torch.cos(phase) / (1 - (sharp * torch.sin(phase)).square()).sqrt()


def _go(motion: Motion, speed: tuple[float, float], step: tuple[float, float], lift: float, swing: float) -> None:
    pose = motion.pose
    way = motion.draw(0.0, 1.0, 2) * motion.size[:, :2] - motion.start
    # no shorter than two metres, or as far as the room goes
    way = way * (2.0 / way.norm(dim=1, keepdim=True).clamp_min(0.1)).clamp_min(1.0)
    way = motion.clear(motion.start + way) - motion.start
    length = way.norm(dim=1, keepdim=True).clamp_min(0.3)
    pace = motion.draw(*speed)
    walked = pace * motion.times + motion.draw(0, 1) * length
    along, direction = _to_and_fro(walked, length)
    pose.place = motion.start.unsqueeze(1) + along.unsqueeze(-1) * (way / length).unsqueeze(1)
    azimuth = torch.atan2(way[:, 1:], way[:, :1])
    pose.heading = azimuth + math.pi / 2 * (1 - direction)
    reach = motion.draw(*step)  # two steps are one cycle
    phase = math.pi * walked / reach + 2 * math.pi * motion.draw(0, 1)
    pose.stride = reach / 2 * torch.sin(phase)
    # the foot that moves forward is off the ground
    raised = torch.stack([torch.cos(phase), -torch.cos(phase)], -1).clamp_min(0)
    pose.lift = lift * raised
    pose.lean = motion.draw(0.0, 0.1) + 0.1 * pace / 3
    pose.lean = pose.lean.expand_as(phase)
    arms = torch.stack([-torch.sin(phase), torch.sin(phase)], -1)
    pose.hands[..., 0] += swing * arms
    pose.crouch = 0.03 + 0.02 * torch.cos(2 * phase)


def _still(motion: Motion) -> None:
    """Standing: only breath and sway."""


def _lie(motion: Motion) -> None:
    motion.pose.tilt = motion.draw(1.4, 1.55).expand_as(motion.times)
    motion.pose.place = motion.pose.place * 0 + motion.start.unsqueeze(1)


def _walk(motion: Motion) -> None:
    _go(motion, (0.4, 1.5), (0.45, 0.8), 0.08, 0.25)


def _run(motion: Motion) -> None:
    _go(motion, (2.0, 3.5), (0.9, 1.3), 0.2, 0.3)
    motion.pose.hands[..., 2] += 0.25  # bent arms


def _fall(motion: Motion) -> None:
    # as an upright pole does, slow first, for its feet stay where they are
    share = motion.once(0.7, 1.2)
    motion.pose.tilt = 1.5 * share**2.5
    motion.pose.hands[..., 0] += 0.35 * _smooth((2 * share).clamp(max=1)).unsqueeze(-1)
    motion.pose.hands[..., 2] += 0.3 * _smooth((2 * share).clamp(max=1)).unsqueeze(-1)


def _seat(motion: Motion, share: Tensor) -> None:
    """0 upright, 1 seated; on the way the trunk leans forward."""
    motion.pose.crouch = motion.draw(0.75, 0.95) * _smooth(share)
    motion.pose.lean = motion.draw(0.4, 0.8) * torch.sin(math.pi * _smooth(share)) + 0.05
    motion.pose.hands[..., 0] += 0.25 * _smooth(share).unsqueeze(-1)
    motion.pose.hands[..., 2] += 0.15 * _smooth(share).unsqueeze(-1)


def _sit(motion: Motion) -> None:
    _seat(motion, motion.once(1.0, 2.2))


def _stand_up(motion: Motion) -> None:
    _seat(motion, 1 - motion.once(0.9, 2.0))


def _pick_up(motion: Motion) -> None:
    down = torch.sin(math.pi * _smooth(motion.once(1.6, 3.0))).square()
    motion.pose.lean = motion.draw(0.7, 1.2) * down
    motion.pose.crouch = motion.draw(0.2, 0.8) * down
    motion.pose.hands[:, :, 1, 0] += 0.25 * down
    motion.pose.hands[:, :, 1, 2] -= 0.05 * down


def _box(motion: Motion) -> None:
    phase = motion.cycle(0.9, 1.8)
    guard = torch.tensor([0.2, 0.0, -0.1], device=phase.device)
    motion.pose.hands = motion.pose.hands * 0 + guard
    punches = torch.stack([torch.sin(phase), -torch.sin(phase)], -1).clamp_min(0)
    motion.pose.hands[..., 0] += motion.draw(0.3, 0.45).unsqueeze(-1) * punches.square()
    motion.pose.lean = 0.05 + 0.05 * torch.cos(2 * phase)


def _wave(motion: Motion) -> None:
    phase = motion.cycle(0.8, 2.2)
    high = motion.draw(0.1, 0.45)
    motion.pose.hands[:, :, 1, 0] = motion.draw(0.1, 0.3)
    motion.pose.hands[:, :, 1, 1] = motion.draw(0.15, 0.35) * torch.sin(phase)
    motion.pose.hands[:, :, 1, 2] = high


def _circle(motion: Motion) -> None:
    phase = motion.cycle(0.4, 1.3)
    radius = motion.draw(0.2, 0.45)
    both = motion.draw(0, 1) < 0.5
    for side in range(2):
        moves = both if side == 0 else torch.ones_like(both)
        turn = torch.stack([0.3 + 0 * phase, radius * torch.cos(phase), radius * torch.sin(phase) - 0.1], -1)
        motion.pose.hands[:, :, side] = torch.where(moves.unsqueeze(-1), turn, motion.pose.hands[:, :, side])


def _clean(motion: Motion) -> None:
    """Wiping a table: one hand to and fro across the front, with small steps aside."""
    phase = motion.cycle(0.6, 1.4)
    motion.pose.lean = motion.draw(0.25, 0.5) + 0.05 * torch.sin(phase / 3)
    motion.pose.hands[:, :, 1, 0] = 0.35 + 0.05 * torch.sin(2 * phase)
    motion.pose.hands[:, :, 1, 1] = motion.draw(0.2, 0.4) * torch.sin(phase)
    motion.pose.hands[:, :, 1, 2] = -0.45
    aside = motion.draw(0.05, 0.25) * torch.sin(phase / 5)
    side = torch.stack([-motion.pose.heading.sin(), motion.pose.heading.cos()], -1)
    motion.pose.place = motion.pose.place + aside.unsqueeze(-1) * side


_KINEMATICS: dict[str, Callable[[Motion], None]] = {
    "still": _still,
    "lie": _lie,
    "walk": _walk,
    "run": _run,
    "fall": _fall,
    "sit": _sit,
    "stand_up": _stand_up,
    "pick_up": _pick_up,
    "box": _box,
    "wave": _wave,
    "circle": _circle,
    "clean": _clean,
}
EMPTY = "empty"
ACTIVITIES = (EMPTY, *_KINEMATICS)
"""In the order of their labels; `EMPTY` is nobody."""


def known(activities) -> list[str]:
    """The activities of these names, all if None; raises `WfmError` for a name that is none."""
    unknown = set(activities or ()) - set(ACTIVITIES)
    if unknown:
        raise WfmError(f"activity {min(unknown)!r}: expected some of {', '.join(ACTIVITIES)}")
    return list(activities or ACTIVITIES)


def poses(activity: Tensor, times: Tensor, size: Tensor, start: Tensor, generator: torch.Generator) -> Pose:
    """The poses of bodies with the labels `activity` int64 [M] (none of them `EMPTY`) at `times` [M, N] s, in rooms of
    `size` [M, 3], where they begin at `start` [M, 2]."""
    whole: dict[str, Tensor] = {}
    for label in activity.unique().tolist():
        rows = (activity == label).nonzero()[:, 0]
        motion = Motion(times[rows], size[rows], start[rows], generator)
        _KINEMATICS[ACTIVITIES[label]](motion)
        for name, value in vars(motion.pose).items():
            if name not in whole:
                whole[name] = torch.empty(len(activity), *value.shape[1:], device=value.device)
            whole[name][rows] = value
    return Pose(**whole)
