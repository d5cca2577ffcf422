# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles whose answer is a formula: what is classical in the place of a model, wherever a bundle is expected."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from wfm_core.bundle.bundle import Bundle
from wfm_core.bundle.parse import parse_contract

_RATES = {"min": 1.0, "max": 1e12}


class WeightlessBundle(Bundle):
    """A bundle without weights, for IQ windows [B, `antennas`, `samples`] at any sample rate, in float32 on the CPU.

    Args:
        name: the bundle's.
        answer: windows, complex64, to what the heads of a network would give.
        tasks: as contracts have them.
        width: of its embedding, in a bundle without tasks.
    """

    def __init__(
        self,
        name: str,
        answer: Callable[[Tensor], dict[str, Tensor]],
        antennas: int,
        samples: int,
        tasks: dict | None = None,
        width: int = 0,
    ):
        contract = {
            "format": 1,
            "name": name,
            "window": {"antennas": antennas, "samples": samples},
            "sample_rate": _RATES,
            "encoder": {"width": width or 4, "depth": 1, "heads": 1, "mlp_hidden": 1},  # of none
            "input": "iq",
            "signal": {"kind": "iq_rms"},
            "modality": "iq",
            **({"embedding": "mean"} if width else {}),
            "tasks": tasks or {},
            "weights_sha256": "0" * 64,
        }
        parsed, reason = parse_contract(contract, name), f"{name} has no network"
        super().__init__(parsed, answer, Path(name), torch.device("cpu"), "fp32", engine_reason=reason)
