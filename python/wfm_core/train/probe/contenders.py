# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is compared: a pretrained foundation, the same network with random weights, others; training from scratch and a
forest on hand-made features, which know the labels alone."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from wfm_core.bundle.foundation import Foundation
from wfm_core.train.probe.learners import FOREST, FROZEN
from wfm_core.train.probe.networks import SCRATCH
from wfm_core.train.probe.tasks import HEIGHT, WIDTH, Task

RANDOM, FROM_SCRATCH, HAND = "random weights", "from scratch", "forest"
NAMES = (RANDOM, FROM_SCRATCH, HAND)
"""Of contenders that are no foundation of the user's."""
USUAL = "usual"


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


def pooling(asked: str, task: Task) -> str:
    """How tokens become one embedding, the same for all contenders: as is `asked`, or with USUAL the mean over time, of
    images with the deviation, of each row or column that lasts."""
    if asked != USUAL or task.modality == "iq":
        return "mean" if asked == USUAL else asked
    return {WIDTH: "rows", HEIGHT: "columns"}.get(task.time_axis, "mean")


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
        found.append(_contender(RANDOM, f"random {shape}", foundation, foundation.random, frozen))
    found += [_pretrained(name, other, regimes) for name, other in others.items()]
    if scratch_effort:
        weights = f"scratch {scratch_effort:g} {shape}"
        found.append(_contender(FROM_SCRATCH, weights, foundation, lambda seed: foundation, (SCRATCH,), scratch_effort))
    if forest:
        found.append(Contender(HAND, FOREST, foundation.modalities, lambda seed: foundation, (FOREST,)))
    return found


def _pretrained(name: str, foundation: Foundation, regimes: tuple[str, ...]) -> Contender:
    return _contender(name, foundation.weights_sha256, foundation, lambda seed: foundation, regimes)


def _contender(
    name: str,
    weights: str,
    like: Foundation,
    foundation: Callable[[int], Foundation],
    regimes: tuple[str, ...],
    effort: float = 1.0,
) -> Contender:
    """One whose network has the form of the foundation `like`."""
    return Contender(name, weights, like.modalities, foundation, regimes, effort)


def _shape(foundation: Foundation) -> str:
    """Of all that a network with fresh weights depends on: its sizes, its preprocessing and their statistics."""
    return _sha([foundation.description[part] for part in ("encoder", "affine", "modalities")])


def _sha(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
