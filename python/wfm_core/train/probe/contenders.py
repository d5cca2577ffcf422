# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is compared: a pretrained foundation, the same network with random weights, others; training from scratch and a
forest on hand-made features, which know the labels alone."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from wfm_core.bundle.foundation import Foundation
from wfm_core.train.probe.learners import FOREST, FROZEN, SCRATCH

RANDOM, FROM_SCRATCH, HAND = "random weights", "from scratch", "forest"
NAMES = (RANDOM, FROM_SCRATCH, HAND)
"""Of contenders that are no foundation of the user's."""


@dataclass(frozen=True)
class Contender:
    """`weights` identifies the network (per seed, where it is random), `regimes` is what is done with it; for `effort`
    see `Network`."""

    name: str
    weights: str
    modalities: tuple[str, ...]
    foundation: Callable[[int], Foundation]
    regimes: tuple[str, ...]
    effort: float = 1.0


def contenders(
    foundation: Foundation,
    others: dict[str, Foundation],
    regimes: tuple[str, ...],
    scratch_effort: float = 0.0,
    forest: bool = False,
) -> list[Contender]:
    """The foundation first, its random twin second, where `regimes` have one that needs no training of the network;
    training from scratch after the `others`, when it gets any effort; the `forest` last."""
    shape = _shape(foundation)
    frozen = tuple(regime for regime in regimes if regime in FROZEN)
    found = [_pretrained(foundation.name, foundation, regimes)]
    if frozen:
        found.append(Contender(RANDOM, f"random {shape}", foundation.modalities, foundation.random, frozen))
    found += [_pretrained(name, other, regimes) for name, other in others.items()]
    if scratch_effort:
        weights = f"scratch {scratch_effort:g} {shape}"
        same = (foundation.modalities, lambda seed: foundation, (SCRATCH,), scratch_effort)
        found.append(Contender(FROM_SCRATCH, weights, *same))
    if forest:
        found.append(Contender(HAND, FOREST, foundation.modalities, lambda seed: foundation, (FOREST,)))
    return found


def _pretrained(name: str, foundation: Foundation, regimes: tuple[str, ...]) -> Contender:
    return Contender(name, foundation.weights_sha256, foundation.modalities, lambda seed: foundation, regimes)


def _shape(foundation: Foundation) -> str:
    """Of all that a network with fresh weights depends on: its sizes, its preprocessing and their statistics."""
    return _sha([foundation.description[part] for part in ("encoder", "affine", "modalities")])


def _sha(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
