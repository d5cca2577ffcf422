# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks on real recordings, as images; they are there when the folder $WFM_REALDATA is.

Layout: `ism/*.sigmf-meta`, one annotation over each recording with the device type as its label; and numpy archives
whose `csi` is [N, packets, subcarriers, antennas (, antennas), (I, Q)], beside labels and groups, [N] each.
"""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import Foundation
from wfm_core.data.readers.own.measure import csi_signal
from wfm_core.data.recordings.folder import without_system_files
from wfm_core.data.recordings.recording import Recording, open_recording
from wfm_core.signal import build_preprocessor
from wfm_core.train.probe.hand import csi_features, image_features
from wfm_core.train.probe.protocols import RECORDING, protocols
from wfm_core.train.probe.tasks import HEIGHT, WIDTH, Task

FOLDER = "WFM_REALDATA"
FEWEST_ITEMS = 5
"""A device type with fewer recordings is left out."""
ISM_SIZE = (112, 112)


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
    """Device types of 433 MHz transmitters from the picture of a whole recording; also open-set.

    Most types come from one receiving session, which the receiver's own traces give away too.
    """
    recordings, classes, labels = ism_recordings(data_file("ism"))

    def pictures(signal: dict) -> Tensor:
        image = build_preprocessor({**signal, "size": list(ISM_SIZE)})
        whole = (recording.read(0, recording.samples) for recording in recordings)
        return torch.cat([image(torch.from_numpy(iq)[None]) for iq in whole])

    def inputs(foundation: Foundation, side: np.ndarray) -> Tensor:
        return pictures(foundation.description["modalities"]["image"]["signal"])

    def simple() -> np.ndarray:
        scale = {"minimum": 0.0, "maximum": 1.0, "mean": 0.0, "std": 1.0}  # none: decibels
        return image_features(pictures({"kind": "spectrogram", "fft_size": 256, "hop": 256, **scale}).numpy(), True)

    return Task("ism", "image", classes, labels, protocols(labels, {}, open_set=True), inputs, simple, HEIGHT)


def csi_har(seed: int) -> Task:
    """Human activities of five persons in one room; a recording is a file, of which some were cut into windows."""

    def read(archive: Mapping) -> tuple[np.ndarray, dict]:
        return archive["activity"], {"person": archive["person"], RECORDING: archive["source"]}

    return _csi("csi_har", "har11.npz", read, (32, 128), motion=True, time_axis=WIDTH)


def csi_activity_wiar(seed: int) -> Task:
    """Sixteen activities; the trial is the recording, an antenna of another height another receiver."""

    def read(archive: Mapping) -> tuple[np.ndarray, dict]:
        return archive["activity"], {"receiver": archive["height_cm"], RECORDING: archive["trial"]}

    return _csi("csi_activity_wiar", "wiar.npz", read, (32, 80), time_axis=WIDTH)


def csi_position(seed: int) -> Task:
    """Fifteen positions of two laptops, the device; a run is a recording. The doubtful label stays as it is."""

    def read(archive: Mapping) -> tuple[np.ndarray, dict]:
        places = [f"{metres} m, {angle}" for metres, angle in zip(archive["dist_m"], archive["angle_deg"], strict=True)]
        return np.array(places), {"device": archive["laptop"], RECORDING: archive["test"]}

    return _csi("csi_position", "lgtm.npz", read, (32, 16), time_axis=WIDTH)


def csi_objects(seed: int) -> Task:
    """Nothing or a full bottle between the antennas; antennas 250 cm apart are another receiver."""

    def read(archive: Mapping) -> tuple[np.ndarray, dict]:
        far = np.char.find(archive["experiment"], "250 cm") >= 0
        wanted = np.char.find(archive["experiment"], "2_objects") >= 0
        return np.where(wanted, archive["label"], ""), {"receiver": np.where(far, "250 cm", "near")}

    return _csi("csi_objects", "smartwifi.npz", read, (64, 32), time_axis=WIDTH)


def _csi(
    name: str,
    file: str,
    read: Callable[[Mapping], tuple[np.ndarray, dict]],
    size: tuple[int, int],
    motion: bool = False,
    time_axis: int | None = None,
) -> Task:
    """Amplitudes as images [antennas, subcarriers, packets], prepared as `csi_image` says.

    Labels (examples with the label "" are left out) and groups come from `read`. Each subcarrier is standardised with
    statistics of the training side alone. With `motion` there are channels of what changes within a window.
    """
    path = data_file(f"{name}/{file}")
    with np.load(path) as archive:
        given, groups = read(archive)
    kept = np.flatnonzero(given.astype(str) != "")
    classes, labels = np.unique(given[kept], return_inverse=True)

    @cache
    def amplitude() -> np.ndarray:
        with np.load(path) as archive:
            csi = archive["csi"][kept].astype(np.float32)
        values = np.hypot(csi[..., 0], csi[..., 1])
        values = values.reshape(*values.shape[:3], -1)  # all pairs of antennas
        return np.ascontiguousarray(values.transpose(0, 3, 2, 1))

    def inputs(foundation: Foundation, side: np.ndarray) -> Tensor:
        values = amplitude()
        signal = csi_signal(
            lambda rows: values[side[rows]], len(side), list(size), "linear", "window", "subcarrier", motion
        )
        return build_preprocessor(signal)(torch.from_numpy(values))

    folds = protocols(labels, {group: values[kept] for group, values in groups.items()})
    texts = tuple(map(str, classes.tolist()))
    return Task(
        name, "image", texts, labels.astype(np.int64), folds, inputs, lambda: csi_features(amplitude()), time_axis
    )
