# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulated radio can hear, by name."""

from collections.abc import Callable, Iterator
from functools import partial

import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.draws import choice, uniform
from wfm_core.synth.scenes.rendering import Scene, Segment, render_scene
from wfm_core.synth.scenes.technologies import air
from wfm_core.synth.scenes.turns import (
    BAND_KINDS,
    MODULATIONS,
    STRANGER,
    TRANSMITTERS,
    Turn,
    band_turn,
    check_transmitters,
    silence,
    transmitter_turn,
)

DEFAULT = "lte_interference"
PAUSE = "none"
"""The label of noise alone, between two turns."""

_UNIT = 8192  # samples: turns and pauses are whole numbers of it
_ISM = 2.44e9


def render(name: str, seconds: float, sample_rate: float, antennas: int, seed: int) -> Scene:
    """The scene `name` of SCENES from a seed. Raises `WfmError`."""
    if name not in SCENES:
        raise WfmError(f"the simulated radio knows no scene {name!r}: choose one of {', '.join(SCENES)}")
    return SCENES[name](seconds, sample_rate, antennas, seed)


def _band(seconds: float, sample_rate: float, antennas: int, seed: int) -> Scene:
    """Every kind once, then any, each for 30 to 80 ms."""
    generator = torch.Generator().manual_seed(seed)

    def turns() -> Iterator[Turn]:
        order = [BAND_KINDS[index] for index in torch.randperm(len(BAND_KINDS), generator=generator)]
        while True:
            length = _units(float(uniform((), 0.03, 0.08, generator)), sample_rate)
            yield band_turn(length, sample_rate, antennas, generator, order.pop() if order else "")

    return _scene(turns(), seconds, sample_rate, antennas, generator, pause=0.005)


def _transmitters(seconds: float, sample_rate: float, antennas: int, seed: int) -> Scene:
    """Each of five transmitters for 1.6 s, to be enrolled; then they and a sixth, each for 0.4 s, in any order."""
    check_transmitters(sample_rate, antennas)
    generator = torch.Generator().manual_seed(seed)

    def turns() -> Iterator[Turn]:
        for device in TRANSMITTERS:
            yield transmitter_turn(_units(1.6, sample_rate), device, "16qam", generator)
        while True:
            device = choice((*TRANSMITTERS, STRANGER), generator)
            yield transmitter_turn(_units(0.4, sample_rate), device, "16qam", generator)

    return _scene(turns(), seconds, sample_rate, antennas, generator, pause=0.05)


def _modulations(seconds: float, sample_rate: float, antennas: int, seed: int) -> Scene:
    """The five transmitters in any order, each for 50 ms with a modulation drawn again."""
    check_transmitters(sample_rate, antennas)
    generator = torch.Generator().manual_seed(seed)

    def turns() -> Iterator[Turn]:
        while True:
            device, modulation = choice(TRANSMITTERS, generator), choice(MODULATIONS, generator)
            yield transmitter_turn(_units(0.05, sample_rate), device, modulation, generator)

    return _scene(turns(), seconds, sample_rate, antennas, generator, pause=0.005)


SCENES: dict[str, Callable[[float, float, int, int], Scene]] = {
    DEFAULT: partial(render_scene, DEFAULT),
    "band": _band,
    "transmitters": _transmitters,
    "modulations": _modulations,
    "air": air,
}

LONGEST = {"air": 4.0}
"""Seconds of a scene that are rendered, where that takes about as long as they last: longer ones repeat."""


def _units(seconds: float, sample_rate: float) -> int:
    return max(1, round(seconds * sample_rate / _UNIT)) * _UNIT


def _scene(
    turns: Iterator[Turn], seconds: float, sample_rate: float, antennas: int, generator: torch.Generator, pause: float
) -> Scene:
    """Turns with `pause` seconds of noise between them, until `seconds` are full; the last one is cut."""
    count = round(seconds * sample_rate)
    samples = silence(count, antennas, generator)
    truth, start = [], 0
    while start < count:
        turn = next(turns)
        length = min(turn.samples.shape[1], count - start)
        samples[:, start : start + length] = turn.samples[:, :length]
        truth.append(Segment(start, length, next(iter(turn.labels.values())), labels=turn.labels))
        start += length
        gap = min(_units(pause, sample_rate), count - start)
        if gap:
            truth.append(Segment(start, gap, PAUSE))
        start += gap
    return Scene(samples, sample_rate, _ISM, truth)
