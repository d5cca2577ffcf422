# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a pretrained model fine-tuning may change.

As in WavesFM v1, only weights of the encoder's blocks are ever frozen: the CLS token, the final norm, the affine,
vectors of antennas and channels, channel adapter, input projection and heads train in every regime. Positions are no
parameters, and by what measures are scaled is a statistic.
"""

from wfm_core.base.errors import WfmError
from wfm_core.model import WirelessModel
from wfm_core.model.lora import add_lora

REGIMES = ("lp", "ft2", "lora", "full", "scratch")
"""Linear probe; the last blocks; low-rank adapters; everything; everything, from fresh weights."""


def apply_regime(
    model: WirelessModel,
    regime: str,
    blocks: int = 2,
    rank: int = 32,
    alpha: float = 64.0,
    scale: str = "sqrt",
    targets: str = "qv",
    freeze_inputs: bool = False,
) -> list[str]:
    """Set what trains in `model` (in place) and return the names of its trainable parameters.

    `blocks` is how many of the last blocks train in `ft2`; `rank`, `alpha`, `scale` and `targets` are `add_lora`'s.
    `freeze_inputs` also freezes all that comes before the blocks, the CLS token included: tasks tuned that way can
    share the computation of their frozen blocks. Fresh weights for `scratch` are the caller's. Raises `WfmError`.
    """
    _check(model, regime, blocks, freeze_inputs)
    model.requires_grad_(True)
    if model.iq is not None and model.iq.measures is not None:
        model.iq.measures.freeze_scale()
    if regime in ("lp", "ft2", "lora"):
        model.encoder.blocks.requires_grad_(False)
    if regime == "ft2":
        model.encoder.blocks[-blocks:].requires_grad_(True)
    if regime == "lora":
        add_lora(model, rank, alpha, scale, targets)
    if freeze_inputs:
        for part in (model.cls_token, model.image, model.iq):
            if part is not None:
                part.requires_grad_(False)
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def _check(model: WirelessModel, regime: str, blocks: int, freeze_inputs: bool) -> None:
    if regime not in REGIMES:
        raise WfmError(f"regime {regime!r} is not known; expected one of {', '.join(REGIMES)}")
    depth = len(model.encoder.blocks)
    if regime == "ft2" and not 1 <= blocks <= depth:
        raise WfmError(f"{blocks} blocks to unfreeze; the encoder has {depth}: give a number from 1 to {depth}")
    if regime == "scratch" and freeze_inputs:
        raise WfmError("inputs are to be frozen in regime 'scratch', where they are random; leave out --freeze-inputs")
