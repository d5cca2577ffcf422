# SPDX-License-Identifier: GPL-3.0-or-later
"""Small fine-tuned models that started from one foundation, as runs leave them."""

from pathlib import Path

import torch
from bundle_files import contract_of

from wfm_core.bundle import build_network, parse_contract, save_model_folder
from wfm_core.model.merge import merged
from wfm_core.train.regimes import apply_regime

IMAGE = {
    "modality": "image",
    "image": {"channels": 1, "size": [32, 32]},
    "signal": {
        "kind": "spectrogram",
        "fft_size": 32,
        "hop": 16,
        "size": [32, 32],
        "minimum": -60.0,
        "maximum": 20.0,
        "mean": 0.5,
        "std": 0.2,
    },
}
CSI = {
    "input": "image",
    "modality": "image",
    "image": {"channels": 2, "size": [32, 32]},
    "signal": {},
}
DEPTH = 8


def tuned(folder: Path, task: str, regime: str, freeze_inputs: bool = True, labels=("a", "b", "c"), **changes) -> Path:
    """A run of `task` in `folder`: every weight that the regime may change was changed, by noise of its own.

    The number of labels must be the same for runs of one foundation: its weights are drawn after the head.
    """
    contract = contract_of(
        name=folder.name,
        encoder={"width": 16, "depth": DEPTH, "heads": 2, "mlp_hidden": 32},
        tasks={task: {"kind": "classification", "labels": list(labels), "temperature": 0.5}},
        origin={"data": {"file": f"{task}.h5", "real": False}, "regime": regime},
        **changes,
    )
    torch.manual_seed(11)  # the foundation
    model = build_network(parse_contract(contract, "test"))
    apply_regime(model, regime, freeze_inputs=freeze_inputs)
    torch.manual_seed(sum(map(ord, folder.name)))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.1 * torch.randn_like(parameter)
    save_model_folder(folder, contract, merged(model).state_dict())
    return folder
