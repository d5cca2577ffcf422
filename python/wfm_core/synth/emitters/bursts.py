# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames and pauses on a line of symbols, and a window placed on it so that it is not all pause."""

from dataclasses import dataclass

import torch

from wfm_core.synth.draws import uniform
from wfm_core.synth.shaping import Pulse

_LEAST_SHARE = 0.4


@dataclass
class Timeline:
    """For each of [n] symbols: the number of its frame, its place in the frame (0..) and whether it is sent (bool).

    length: symbols that are sent of each frame, int64 [frames]; a frame's places count on through its pause.
    """

    frame: torch.Tensor
    place: torch.Tensor
    on: torch.Tensor
    length: torch.Tensor

    def window(self, begin: int, symbols: int) -> "Timeline":
        """The part of `symbols` symbols from `begin` on."""
        part = slice(begin, begin + symbols)
        return Timeline(self.frame[part], self.place[part], self.on[part], self.length)


def frames_in_line(total: int, length: torch.Tensor, period: torch.Tensor) -> Timeline:
    """Frames one after the other, sent for `length` of their `period` (int64 [frames], enough of them for `total`)."""
    end = torch.cumsum(period, 0)
    time = torch.arange(total, device=length.device)
    frame = torch.searchsorted(end, time, right=True)
    place = time - (end - period)[frame]
    return Timeline(frame, place, place < length[frame], length)


def active_start(active: torch.Tensor, length: int, generator: torch.Generator, pulse: Pulse | None = None) -> int:
    """A random start of a window of `length` in active, bool [n >= length], where it is not (nearly) all False.

    All starts that see at least 0.4 of what the busiest window does are equally likely. With a pulse, the window is a
    stream for it, of which only the symbols that the samples lie on count, not those whose tails they see.
    """
    if pulse is not None:
        active, length = active[pulse.before : len(active) - pulse.after], length - pulse.taps + 1
    seen = torch.zeros(len(active) + 1, dtype=torch.int64, device=active.device)
    torch.cumsum(active, 0, out=seen[1:])
    share = seen[length:] - seen[:-length]
    good = (share >= _LEAST_SHARE * share.max()).nonzero()[:, 0]
    return int(good[torch.randint(len(good), (), generator=generator, device=generator.device)])


def burst_timeline(
    symbols: int,
    frame: tuple[int, int],
    pause: tuple[int, int],
    generator: torch.Generator,
    unit: int = 1,
    pulse: Pulse | None = None,
) -> Timeline:
    """A window on frames and pauses that each last a random time within (least, most) symbols.

    unit: frames last whole multiples of it. pulse: as of active_start(), which places the window.
    """
    total = symbols + frame[1] + pause[1]
    count = total // (frame[0] + pause[0]) + 1
    draws = uniform((2, count), 0, 1, generator)
    length = frame[0] + unit * (draws[0] * (1 + (frame[1] - frame[0]) // unit)).long()
    period = length + pause[0] + (draws[1] * (pause[1] - pause[0] + 1)).long()
    line = frames_in_line(total, length, period)
    return line.window(active_start(line.on, symbols, generator, pulse), symbols)
