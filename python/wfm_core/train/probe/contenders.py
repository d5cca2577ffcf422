# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is compared: a pretrained foundation, the same network with random weights, others, training from scratch."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import astuple, dataclass

from wfm_core.bundle.foundation import Foundation
from wfm_core.train.probe import scratch

RANDOM, SCRATCH = "random weights", "from scratch"


@dataclass(frozen=True)
class Contender:
    """`weights` identifies the network (per seed, where it is random); `trains`: what it may spend on
    training on the labels, by their number per class; None: it is frozen."""

    name: str
    weights: str
    modalities: tuple[str, ...]
    foundation: Callable[[int], Foundation]
    trains: dict[int | str, scratch.Budget] | None = None


def contenders(foundation: Foundation, others: dict[str, Foundation], scratch_effort: float) -> list[Contender]:
    """The foundation first, its random twin second; training from scratch last, when it gets any effort."""
    shape = _shape(foundation)
    found = [
        _pretrained(foundation.name, foundation),
        Contender(RANDOM, f"random {shape}", foundation.modalities, foundation.random),
    ]
    found += [_pretrained(name, other) for name, other in others.items()]
    if scratch_effort:
        budgets = scratch.budgets(scratch_effort)
        recipe = [scratch.LEARNING_RATE, scratch.WEIGHT_DECAY, *map(astuple, budgets.values())]
        weights = f"scratch {_sha(recipe)} {shape}"
        found.append(Contender(SCRATCH, weights, foundation.modalities, lambda seed: foundation, budgets))
    return found


def _pretrained(name: str, foundation: Foundation) -> Contender:
    return Contender(name, foundation.weights_sha256, foundation.modalities, lambda seed: foundation)


def _shape(foundation: Foundation) -> str:
    """Of all that a network with fresh weights depends on: its sizes, its preprocessing and their statistics."""
    return _sha([foundation.description[part] for part in ("encoder", "affine", "modalities")])


def _sha(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
