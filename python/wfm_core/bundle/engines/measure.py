# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast engines and number formats are here, and with how many tokens at once: in turn, so that a slow spell of the
machine hits all of them, and by the shortest time of each, which a busy machine blurs least.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

LEAST_ROUNDS = 3
"""Of the smallest inputs, then of all. Two come before them, in which TorchScript compiles."""
MOST_ROUNDS = 32
SECONDS = 3.0
"""No round begins later than that, after the least: loading takes so much longer at most, or the least rounds."""
BEHIND = 1.3
"""What takes so many times as long as the fastest after the least rounds is measured no more, nor on larger inputs."""
LONG = 0.2
"""Seconds for the smaller input from which on the larger ones are left out."""


class Pace(NamedTuple):
    """`gain`: windows a second, as a multiple of what the first call makes of the smallest input; `size` of the input
    with which they are most."""

    gain: float
    size: int


def paces(calls: Sequence[Callable[[Tensor], dict[str, Tensor]]], inputs: dict[int, Tensor]) -> list[Pace]:
    """The pace of each of `calls`, at the best of `inputs`: windows [B, ..] by their size, in whatever unit."""
    small = min(inputs)
    best = {(number, small): _seconds(call, inputs[small]) for number, call in enumerate(calls)}
    for number, call in enumerate(calls):  # the first one compiled, or started threads
        best[number, small] = _seconds(call, inputs[small])

    def race(entries: list[tuple[int, int]]) -> list[tuple[int, int]]:
        for number, size in entries:
            seconds = _seconds(calls[number], inputs[size])
            best[number, size] = min(seconds, best.get((number, size), seconds))
        return [entry for entry in entries if best[entry] <= BEHIND * min(best.values())]

    racing, start = list(best), time.perf_counter()
    for _ in range(LEAST_ROUNDS):
        near = race(racing)
    if min(best.values()) * len(inputs[small]) <= LONG:
        near = [(number, size) for number, _ in near for size in sorted(inputs)]
    racing, rounds = near, 0
    while rounds < LEAST_ROUNDS or (rounds < MOST_ROUNDS and time.perf_counter() - start < SECONDS):
        near, rounds = race(racing), rounds + 1
        if rounds >= LEAST_ROUNDS:
            racing = near
    found = []
    for number in range(len(calls)):
        size = min((size for of, size in best if of == number), key=lambda size: best[number, size])
        found.append(Pace(best[0, small] / best[number, size], size))
    return found


def _seconds(call: Callable[[Tensor], dict[str, Tensor]], windows: Tensor) -> float:
    """For one window of `windows`."""
    start = time.perf_counter()
    outputs = call(windows)
    for value in outputs.values():
        value.cpu()  # waits for the device
    return (time.perf_counter() - start) / len(windows)
