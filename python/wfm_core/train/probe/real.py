# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks on real recordings, as images; they are there when the folder $WFM_REALDATA is.

Layout: `ism/*.sigmf-meta`, one annotation over each recording with the device type as its label; `csi_har/har11.npz`
with `csi` [N, packets, subcarriers, antennas, (I, Q)], `activity` and `person`.
"""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import Foundation
from wfm_core.data.recordings.folder import without_system_files
from wfm_core.data.recordings.recording import Recording, open_recording
from wfm_core.data.splits import Split
from wfm_core.train.probe.tasks import SUBSETS, Task

FOLDER = "WFM_REALDATA"
FEWEST_ITEMS = 5
"""A device type with fewer recordings is left out."""
TEST_SHARE = 1 / 3
HELD_OUT_PERSONS = 2


class AbsentData(WfmError):
    """A row of the table cannot be had on this machine; the others can."""


def data_file(name: str) -> Path:
    """`name` in $WFM_REALDATA; raises AbsentData when there is no such thing."""
    folder = os.environ.get(FOLDER)
    if not folder:
        raise AbsentData(f"{FOLDER} is not set: set it to the folder of real recordings to have this row")
    path = Path(folder) / name
    if not path.exists():
        raise AbsentData(f"{path} does not exist: set {FOLDER} to a folder that holds {name} to have this row")
    return path


def ism_recordings(folder: Path) -> tuple[list[Recording], tuple[str, ...], np.ndarray]:
    """The recordings of device types that have FEWEST_ITEMS or more, the types, and each recording's, int64 [N]."""
    recordings = [open_recording(path) for path in without_system_files(folder.glob("*.sigmf-meta"), folder)]
    names = [recording.annotations[0].label for recording in recordings]
    classes = tuple(sorted(name for name, count in Counter(names).items() if count >= FEWEST_ITEMS))
    kept = [index for index, name in enumerate(names) if name in classes]
    labels = np.array([classes.index(names[index]) for index in kept], np.int64)
    return [recordings[index] for index in kept], classes, labels


def ism(seed: int) -> Task:
    """Device types of 433 MHz transmitters from the picture of a whole recording; a third of the recordings held out.

    Most types come from one receiving session, which the receiver's own traces give away too.
    """
    recordings, classes, labels = ism_recordings(data_file("ism"))

    def inputs(foundation: Foundation) -> Tensor:
        image = foundation.preprocess["image"]
        whole = (recording.read(0, recording.samples) for recording in recordings)
        return torch.cat([image(torch.from_numpy(iq)[None]) for iq in whole])

    generator = np.random.default_rng([seed, 433])
    splits = tuple(_split_items(labels, generator) for _ in range(SUBSETS))
    return Task("ism", "image", classes, labels, splits, inputs)


def _split_items(labels: np.ndarray, generator: np.random.Generator) -> Split:
    train, test = [], []
    for label in np.unique(labels):
        items = generator.permutation(np.flatnonzero(labels == label))
        held_out = round(TEST_SHARE * len(items))
        test.append(items[:held_out])
        train.append(items[held_out:])
    return Split(np.concatenate(train), np.concatenate(test))


def csi_har(seed: int) -> Task:
    """Human activities from the amplitudes of WiFi channel estimates; the persons of the test are never in training.

    An image is packets by subcarriers, the antennas side by side. Each seed holds out two other persons.
    """
    with np.load(data_file("csi_har/har11.npz")) as archive:
        csi, activity, person = archive["csi"].astype(np.float32), archive["activity"], archive["person"]
    amplitude = np.hypot(csi[..., 0], csi[..., 1]).transpose(0, 1, 3, 2)
    amplitude = torch.from_numpy(amplitude.reshape(*amplitude.shape[:2], -1))[:, None]
    classes, labels = np.unique(activity, return_inverse=True)
    persons = np.unique(person)
    held_out = persons[(HELD_OUT_PERSONS * seed + np.arange(HELD_OUT_PERSONS)) % len(persons)]
    is_test = np.isin(person, held_out)
    split = Split(np.flatnonzero(~is_test), np.flatnonzero(is_test))

    def inputs(foundation: Foundation) -> Tensor:
        tokens = foundation.model.image
        size = (tokens.height, tokens.width)
        images = functional.interpolate(amplitude, size, mode="bilinear", antialias=True, align_corners=False)
        train = images[torch.from_numpy(split.train)]
        return ((images - train.mean()) / train.std()).expand(-1, tokens.channels, -1, -1)

    return Task("csi_har", "image", tuple(classes.tolist()), labels.astype(np.int64), (split,), inputs)
