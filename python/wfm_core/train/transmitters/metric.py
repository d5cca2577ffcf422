# SPDX-License-Identifier: GPL-3.0-or-later
"""Fisher's discriminant of transmitters: the directions in which devices differ most for how much each one varies.

It is learnt of devices that nobody asks for later: what tells these apart tells others apart (as probabilistic linear
discriminant analysis does with faces and speakers; Ioffe, ECCV 2006). A device is compared with those of its own make
alone, heard by the same receiver; within a device vary payload, channel, level, place in the window, and the day.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

MOST = 5.0
"""Standard deviations: what is further out is drawn in."""


def fisher(episodes: Iterable[tuple[Tensor, Tensor]], width: int, ridge: float) -> tuple[Tensor, Tensor, Tensor]:
    """Numbers float32 [n, K] and devices int64 [n] of each episode -> mean [K], deviation [K], projection [width, K].

    Of numbers less the mean over the deviation, drawn in to `MOST`, the projection makes directions in which a device
    varies by 1, best first. `ridge`: a share of each number's variance that is taken to be noise.
    """
    episodes = list(episodes)
    every = torch.cat([numbers for numbers, _ in episodes]).double()
    mean, deviation = every.mean(0), every.std(0).clamp(min=1e-4)
    count = every.size(1)
    within, between = (torch.zeros(count, count, dtype=torch.float64) for _ in range(2))
    seen = devices = 0
    for numbers, device in episodes:
        scaled = ((numbers.double() - mean) / deviation).clamp(-MOST, MOST)
        own = torch.stack([scaled[device == one].mean(0) for one in device.unique()])
        place = torch.searchsorted(device.unique(), device)
        inner, outer = scaled - own[place], own - own.mean(0)
        within += inner.T @ inner
        between += outer.T @ outer
        seen += len(scaled) - len(own)
        devices += len(own) - 1
    root = torch.linalg.cholesky(within / seen + ridge * torch.eye(count, dtype=torch.float64))
    half = torch.linalg.solve_triangular(root, between / devices, upper=False)
    values, axes = torch.linalg.eigh(torch.linalg.solve_triangular(root, half.T, upper=False))
    best = axes[:, values.argsort(descending=True)[:width]]
    projection = torch.linalg.solve_triangular(root.T, best, upper=True).T
    return mean.float(), deviation.float(), projection.float()
