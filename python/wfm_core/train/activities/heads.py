# SPDX-License-Identifier: GPL-3.0-or-later
"""Two heads that are fitted when the network is trained: whether anybody is there, and whether anybody moves now.

The first sees the network's embedding. The second sees four of the measures of the last packets and no network: how far
slow changes stand out of noise, which knows neither the room nor the level, and which is what was left, of all that is
measured, when the quiet rooms of real receivers were looked at.
"""

import torch
from torch import Tensor
from torch.nn import functional

from wfm_core.model import ClassHead, WirelessModel
from wfm_core.signal.motion import NAMES
from wfm_core.synth.csi.activities import ACTIVITIES, EMPTY
from wfm_core.synth.csi.sensing import UNKNOWN

PRESENCE, MOTION = "presence", "motion"
LABELS = {PRESENCE: (EMPTY, "somebody"), MOTION: ("quiet", "motion")}
SEEN = tuple(NAMES.index(name) for name in ("usual4", "usual8", "usual16", "excess of medians"))
"""Of the measures, by the head of motion: those of the last packets come first."""
_PENALTY = 1e-3
_ITERATIONS = 200
_BATCH = 128


def targets(windows: dict[str, Tensor]) -> dict[str, Tensor]:
    """The classes int64 [n] of each task, UNKNOWN where there is none: a statue is neither here nor there."""
    somebody = (windows["activity"] != ACTIVITIES.index(EMPTY)).long()
    return {PRESENCE: torch.where(windows["whole"], somebody, UNKNOWN), MOTION: windows["motion"]}


def fit_head(numbers: Tensor, target: Tensor, seen: tuple[int, ...] | None = None) -> ClassHead:
    """Logistic regression on numbers float32 [n, K] of order one, or those of them that are `seen`; both classes have
    the same weight, and what has no class has no say."""
    known = target != UNKNOWN
    columns = torch.zeros(numbers.size(1))
    columns[list(range(numbers.size(1)) if seen is None else seen)] = 1.0
    values, classes = numbers[known] * columns, target[known]
    head = ClassHead(values.size(1), 2)
    torch.nn.init.zeros_(head.linear.weight)
    weight = len(classes) / (2 * torch.bincount(classes, minlength=2).clamp(min=1).float())
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=_ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(head(values), classes, weight) + _PENALTY * head.linear.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return head.requires_grad_(False)


@torch.no_grad()
def embeddings(model: WirelessModel, pooling: str, windows: dict[str, Tensor]) -> Tensor:
    """float32 [n, D] of windows as `fixed` gives them."""
    model.eval()
    parts = zip(windows["image"].split(_BATCH), windows["numbers"].split(_BATCH), strict=True)
    return torch.cat([model.embed_image(image, pooling, numbers).float() for image, numbers in parts])
