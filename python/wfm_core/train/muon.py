# SPDX-License-Identifier: GPL-3.0-or-later
"""Muon for the matrices of an encoder's blocks, AdamW for everything else, as one optimizer.

Muon (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon/) steps along the nearest orthogonal matrix to the
gradient's running mean, so that all directions of a matrix learn alike. Its steps are scaled to the size that AdamW's
have (Liu et al., "Muon is Scalable for LLM Training", arXiv 2502.16982, section 2.2), so both go by one learning rate.
"""

from collections.abc import Callable, Collection

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from wfm_core.base.errors import WfmError


class MuonAndAdamW(Optimizer):
    """Steps of `torch.optim.Muon` on those of the parameters `matrices` that have two dimensions, and of AdamW on all
    others of `groups` (each with its `params` and `weight_decay`, and where it has one its `lr`).

    Raises `WfmError` where torch has no Muon (before 2.9).
    """

    def __init__(
        self, groups: list[dict], learning_rate: float, betas: tuple[float, float], matrices: Collection[nn.Parameter]
    ):
        if not hasattr(torch.optim, "Muon"):
            raise WfmError(f"optimizer muon with torch {torch.__version__}: expected torch 2.9 or later, or adam")
        chosen = {id(parameter) for parameter in matrices if parameter.ndim == 2}
        inside, outside = (
            [part | {"params": [p for p in part["params"] if (id(p) in chosen) is wanted]} for part in groups]
            for wanted in (True, False)
        )
        muon = torch.optim.Muon(_filled(inside), learning_rate, adjust_lr_fn="match_rms_adamw")
        self._parts: tuple[Optimizer, ...] = muon, torch.optim.AdamW(_filled(outside), learning_rate, betas=betas)
        super().__init__(self._groups(), {})

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self._parts:
            part.step()
        return loss

    def state_dict(self) -> dict:
        return {"parts": [part.state_dict() for part in self._parts]}

    def load_state_dict(self, state: dict) -> None:
        for part, its in zip(self._parts, state["parts"], strict=True):
            part.load_state_dict(its)
        self.param_groups = self._groups()

    def _groups(self) -> list[dict]:
        """Those of the parts themselves: a schedule sets their rates."""
        return [group for part in self._parts for group in part.param_groups]


def _filled(groups: list[dict]) -> list[dict]:
    return [group for group in groups if group["params"]]
