# SPDX-License-Identifier: GPL-3.0-or-later
"""What a starter model is taught: which windows are generated, with which true labels."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from wfm_core.synth.draws import choice
from wfm_core.synth.scenes.turns import GATE_DBFS, MODULATIONS, TRANSMITTERS, Turn, transmitter_turn

WINDOW = 4096
_TURN = 8 * WINDOW
_WINDOWS_OF_A_TURN = 4


@dataclass(frozen=True)
class Recipe:
    """A small network on `windows` generated windows of WINDOW samples, `epochs` times.

    `turn` hears some sender for _TURN samples at `sample_rate` (Hz). `tasks`: the labels of each. `says`: of what the
    data are, for the user.
    """

    tasks: dict[str, tuple[str, ...]]
    turn: Callable[[torch.Generator], Turn]
    sample_rate: float
    says: str
    windows: int = 2000
    epochs: int = 12


def _transmitter_turn(generator: torch.Generator) -> Turn:
    return transmitter_turn(_TURN, choice(TRANSMITTERS, generator), choice(MODULATIONS, generator), generator)


RECIPES = {
    "starter-two-tasks": Recipe(
        {"fingerprint": TRANSMITTERS, "classification": MODULATIONS},
        _transmitter_turn,
        1e6,
        f"{len(TRANSMITTERS)} transmitters with {len(MODULATIONS)} modulations",
    ),
}


def draw(recipe: Recipe, count: int, seed: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """`count` windows complex64 [count, 1, WINDOW] above the gate, and the labels int64 [count] of each task."""
    generator = torch.Generator().manual_seed(seed)
    windows: list[torch.Tensor] = []
    labels: dict[str, list[int]] = {task: [] for task in recipe.tasks}
    while len(windows) < count:
        turn = recipe.turn(generator)
        cut = turn.samples.unflatten(1, (-1, WINDOW)).transpose(0, 1)
        heard = cut[10 * torch.log10(cut.abs().square().mean((1, 2))) > GATE_DBFS]
        chosen = heard[torch.randperm(len(heard), generator=generator)[:_WINDOWS_OF_A_TURN]]
        windows.extend(chosen)
        for task, names in recipe.tasks.items():
            labels[task] += [names.index(turn.labels[task])] * len(chosen)
    return torch.stack(windows[:count]), {task: torch.tensor(own[:count]) for task, own in labels.items()}
