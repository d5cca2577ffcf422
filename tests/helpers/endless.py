# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle of allowed operators that passes its trial and never comes back from a loud window."""

from pathlib import Path

import numpy as np
import torch
import yaml
from flowgraph_helpers import WINDOW, noise, random_model

from wfm_core.bundle import export_bundle, weights_sha256
from wfm_core.bundle.export import write_bundle
from wfm_core.bundle.screening.archive import EXTRA_CONTRACT, read_archive

LOUD = 1000.0


class EndlessWhenLoud(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.network = torch.nn.Linear(2, 2)

    def forward(self, iq: torch.Tensor):
        x = iq.abs().amax()
        while bool(x > 100.0):
            x = x * 1.0
        return {"interference": iq.abs()[:, 0, :3], "embedding_iq": iq.abs()[:, 0, :32]}


def endless_bundle(folder: Path) -> Path:
    """Its sibling good.wfm.pt, with the same contract, always comes back."""
    good = export_bundle(random_model(folder / "model"), folder / "good.wfm.pt")
    contract = yaml.safe_load(read_archive(good.read_bytes(), "good")[EXTRA_CONTRACT])
    module = torch.jit.script(EndlessWhenLoud())
    weights = {name.partition(".")[2]: value for name, value in module.named_parameters()}
    path = folder / "endless.wfm.pt"
    write_bundle(module, {**contract, "weights_sha256": weights_sha256(weights)}, path)
    return path


def loud_after(quiet_windows: int, loud_windows: int = 200) -> list[complex]:
    """Quiet windows, then loud ones."""
    quiet, loud = noise(1, quiet_windows * WINDOW)[0], LOUD * noise(1, loud_windows * WINDOW)[0]
    return np.concatenate([quiet, loud]).tolist()
