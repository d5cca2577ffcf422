# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fine-tuning learns from, wherever it comes from: one shape for data sets and scenes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader

from wfm_core.bundle.foundation import Foundation
from wfm_core.model import WirelessModel
from wfm_core.train.finetune.starting import Feed
from wfm_core.train.objectives.labelled import Scene


@dataclass(frozen=True, eq=False)
class Alarms:
    """Held-out (prepared windows, classes) `batches`, their classes int64 [n], and groups as `calibrate` takes them."""

    batches: DataLoader
    label: Tensor
    groups: tuple[tuple[Tensor, float], ...]


@dataclass(frozen=True, eq=False)
class Material:
    """Labelled windows, prepared as `feed` says, and the `model` that is to learn them, a regime applied.

    `kind`, `shape`, `sample_rate` and `labels` are of the raw windows, as in a `Dataset`. All batches are (prepared
    windows, targets): endless ones by `batches`, called with the number of the first one, of which `per_epoch` make an
    epoch; those of `validation` and `test` come in the order of their labels `validation_label` and `label`, int64 [n]
    or numbers float32 [n, values] of the `quantity` that is measured, or grids of a `dense` task (uint8 [n, H, W],
    float32 [n, planes, H, W] at the level of the prepared images). `units` [n] says which test windows are of one
    recording.

    `scene` scales what is measured; `weights` [K] are those of the classes in the loss, `gain_db` [n, K] what each
    class would have gained in the test windows, `snr_db` texts [n] their SNRs. `windows` counts those of each side,
    `split` says how they were split. `name` is the model's; `data` goes into figures.json, `origin` into the
    contract. With `half` the weights are kept in half precision. `alarms`: see `calibrate`, of the validation windows.
    `mixed_in` are weights of which those that are kept have the share `mixed_share`. `average`: as of a contract,
    with held-out `blocks` of as many windows. Of charts targets are rows of `distances`, and `label` are the positions
    that the test is judged by, [n, 0] where none are known.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    sample_rate: float | None
    labels: tuple[str, ...]
    foundation: Foundation
    feed: Feed
    model: WirelessModel
    batches: Callable[[int], DataLoader]
    per_epoch: int
    log_every: int
    validation: DataLoader
    validation_label: np.ndarray
    test: DataLoader
    label: np.ndarray
    units: np.ndarray
    windows: dict[str, int]
    split: str
    data: dict
    origin: dict
    quantity: str = ""
    dense: str = ""
    scene: Scene | None = None
    weights: Tensor | None = None
    gain_db: np.ndarray | None = None
    distances: Tensor | None = None
    snr_db: np.ndarray | None = None
    half: bool = False
    alarms: tuple[tuple[Tensor, float], ...] = ()
    mixed_in: dict[str, Tensor] | None = None
    mixed_share: float = 0.0
    average: int = 1
    blocks: Alarms | None = None
