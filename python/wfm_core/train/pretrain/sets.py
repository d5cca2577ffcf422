# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of windows that training passes over a few times, each a function of the seed and its number.

Set k serves epochs k * passes to (k + 1) * passes - 1. While it is in use the next one is rendered, a few windows
between any two steps, so no step waits long. Nothing is kept between runs: a run that resumes at some step renders
the same sets again and goes on with the same batches, as many processes as there are.
"""

import math
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from wfm_core.configs.pretraining import Pretraining
from wfm_core.train.pretrain.causes import Known, as_batch, joined
from wfm_core.train.pretrain.mixture import Mixture
from wfm_core.train.pretrain.rendering import Renderer
from wfm_core.train.pretrain.workers import Workers, rendered

_HELD_OUT = -1


class WindowSets:
    """The sets of one modality as one of `world` processes sees them.

    `workers`, where there are any, render the next set while the present one is in use.
    """

    workers: Workers | None = None

    def __init__(self, config: Pretraining, mixture: Mixture, rank: int = 0, world: int = 1):
        self.config, self.mixture = config, mixture
        self.rank, self.renderer = rank, Renderer(config, mixture, world)
        self.local = config.batch // world
        self.passes = config.data.passes_of(mixture.modality)
        self._number = -1
        self._current: list[Tensor | Known] = []  # for each of the mixture's options, all windows of set `_number`
        self._coming: list = []  # slots of the set after it, as they are rendered, or what workers will give

    def batch(self, step: int) -> Tensor | Known:
        """This process's windows for the optimizer step `step`: [batch / world, ...]."""
        epoch, slot = divmod(step, self.config.steps_per_epoch)
        number, use = divmod(epoch, self.passes)
        self._advance(number)
        if (number + 1) * self.passes < self.config.epochs:
            self._render_until((use * self.config.steps_per_epoch + slot + 1) // self.passes, number + 1)
        windows = self._current[slot % len(self.mixture.options)]
        return windows[self._rows(step).to(windows.device)]

    def sources(self, step: int) -> list[str]:
        """The name of the source of each window of `batch(step)`."""
        options = len(self.mixture.options)
        option = step % self.config.steps_per_epoch % options
        names = []
        for row in self._rows(step).tolist():
            turn, place = divmod(row, self.local)
            chunk = self.renderer.chunk(turn * options + option, place, self.local, self.rank)
            names.append(self.mixture.source_of(chunk, self.mixture.options[option]))
        return names

    def _rows(self, step: int) -> Tensor:
        """Which windows of those of their number of antennas are in `batch(step)`."""
        epoch, slot = divmod(step, self.config.steps_per_epoch)
        options = len(self.mixture.options)
        turn, option = divmod(slot, options)
        count = len(range(option, self.config.steps_per_epoch, options)) * self.local
        # Windows that were rendered together are of one source. In the first of several passes they stay together, so
        # that several processes have the batches that one would have; where it is the only pass they are mixed, too.
        fresh = self.passes > 1 and epoch % self.passes == 0
        order = torch.arange(count) if fresh else self._shuffled(count, epoch, option)
        return order[turn * self.local : (turn + 1) * self.local]

    def held_out(self) -> list[Tensor] | list[Known]:
        """Batches of windows that training never sees; the same for every process."""
        slots = max(1, self.config.data.held_out // self.config.batch)
        return [self.renderer.slot(_HELD_OUT, slot, self.config.batch, rank=0) for slot in range(slots)]

    def _advance(self, number: int) -> None:
        """Make set `number` the current one, out of what has been rendered of it."""
        if self._number == number:
            return
        if self._number != number - 1:
            self._coming = []
        self._render_until(self.config.steps_per_epoch, number)
        coming, self._coming = self._coming, []
        if self.workers:
            coming = [rendered(future, self.mixture.device) for future in coming]
        options = len(self.mixture.options)
        self._current = [joined(coming[option::options]) for option in range(options)]
        self._number = number

    def _render_until(self, slots: int, number: int) -> None:
        """Of set `number` so many slots, or by workers all, for which nothing waits here."""
        render = self.renderer.slot
        if self.workers:
            slots, render = self.config.steps_per_epoch, partial(self.workers.submit, self.mixture.modality)
        while len(self._coming) < slots:
            self._coming.append(render(number, len(self._coming), self.local, self.rank))

    def _shuffled(self, count: int, epoch: int, option: int) -> Tensor:
        generator = torch.Generator().manual_seed(self.renderer.seed(epoch, 104_729 + option))
        return torch.randperm(count, generator=generator)


def steps_of_epoch(sets: dict[str, WindowSets], config: Pretraining) -> dict[str, int]:
    """In how many steps of an epoch a modality takes part: in all, or without `equal_exposure` as its sources have.

    The modality that has most takes part in all steps, another one in proportion; endless sources have as much as an
    epoch takes.
    """
    steps = config.steps_per_epoch
    if config.equal_exposure:
        return dict.fromkeys(sets, steps)
    held = {modality: one.mixture.held for modality, one in sets.items()}
    most = max(held.values())
    most = config.data.windows if most == math.inf else most
    return {modality: max(1, math.ceil(steps * min(count / most, 1))) for modality, count in held.items()}


class Batches(IterableDataset):
    """Yields {modality: windows}, the windows' numbers int64 [batch / world] and their causes where an objective asks
    for them (see `as_batch`), from the step `first` on.

    A modality that takes part in fewer steps (`steps_of_epoch`) does so at even distances through the epoch.

    The length is the whole run's, for the progress bar: Lightning counts a resumed run's steps from where it was.
    """

    def __init__(self, sets: dict[str, WindowSets], config: Pretraining, first: int = 0):
        self.sets, self.config, self.first = sets, config, first
        self._shares = steps_of_epoch(sets, config)

    def __len__(self) -> int:
        return self.config.steps

    def __iter__(self) -> Iterator[tuple[dict[str, Tensor], Tensor]]:
        one = next(iter(self.sets.values()))
        for step in range(self.first, self.config.steps):
            first = step * self.config.batch + one.rank * one.local
            index = torch.arange(first, first + one.local)
            yield as_batch(
                {modality: self.sets[modality].batch(own) for modality, own in self._due(step).items()}, index
            )

    def sources(self, step: int) -> dict[str, list[str]]:
        """The name of the source of each window of the batch at `step`."""
        return {modality: self.sets[modality].sources(own) for modality, own in self._due(step).items()}

    def _due(self, step: int) -> dict[str, int]:
        """The modalities that take part in a step, each with the step of its set that it is."""
        epoch, slot = divmod(step, self.config.steps_per_epoch)
        turns = {m: _turn(slot, count, self.config.steps_per_epoch) for m, count in self._shares.items()}
        return {m: epoch * self.config.steps_per_epoch + turn for m, turn in turns.items() if turn is not None}


def _turn(slot: int, count: int, steps: int) -> int | None:
    """Which of `count` turns, evenly spread over `steps`, comes at `slot`; None where none does. The first has one."""
    turn = -(-slot * count // steps)
    return turn if turn * steps // count == slot and turn < count else None
