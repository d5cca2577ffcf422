# SPDX-License-Identifier: GPL-3.0-or-later
"""The real recordings of $WFM_REALDATA as labelled sets: HDF5 files that wfm-finetune reads."""

from pathlib import Path

import numpy as np
import torch

from wfm_core.base.errors import WfmError
from wfm_core.data.dataset import write_dataset
from wfm_core.data.readers.own.measure import csi_signal, image_signal
from wfm_core.train.probe.real import ism_recordings

FFT_SIZE, PICTURE = 256, 224
SIGNAL_SIZE = [224, 224]


def build(name: str, realdata: Path, out: Path) -> Path:
    """Write the set `name` (a key of `SETS`) to `out`, unless it is there; raises WfmError without its recordings."""
    if not out.exists():
        source = realdata / SETS[name][0]
        if not source.exists():
            raise WfmError(f"{source} does not exist: set WFM_REALDATA to the folder that holds {SETS[name][0]}")
        SETS[name][1](source, out)
    return out


def _amplitude(csi: np.ndarray) -> np.ndarray:
    """int [N, packets, subcarriers, antennas, (I, Q)] -> float32 [N, antennas, subcarriers, packets]."""
    parts = csi.astype(np.float32)
    return np.ascontiguousarray(np.hypot(parts[..., 0], parts[..., 1]).transpose(0, 3, 2, 1))


def _write_csi(
    source: Path, out: Path, amplitude: np.ndarray, label: np.ndarray, groups: dict, motion: bool = False, **more
) -> None:
    read, count = (lambda rows: amplitude[rows]), len(amplitude)
    signal = csi_signal(read, count, SIGNAL_SIZE, "linear", "window", "subcarrier", motion)
    texts = {name: [str(value) for value in values] for name, values in groups.items()}
    provenance = {"reader": "benchmarks/results", "path": source.name}
    write_dataset(out, "csi", amplitude, label, groups=texts, signal=signal, provenance=provenance, **more)


def _har(source: Path, out: Path) -> None:
    with np.load(source) as archive:
        labels, label = np.unique(archive["activity"], return_inverse=True)
        groups = {name: archive[name] for name in ("source", "person")}
        amplitude, labels = _amplitude(archive["csi"]), labels.tolist()
        _write_csi(source, out, amplitude, label, groups, motion=True, task="activity", labels=labels)


def _wiar(source: Path, out: Path) -> None:
    with np.load(source) as archive:
        numbers, label = np.unique(archive["activity"], return_inverse=True)
        groups = {"trial": archive["trial"], "height": archive["height_cm"]}
        labels = [f"activity_{number}" for number in numbers]
        _write_csi(source, out, _amplitude(archive["csi"]), label, groups, task="activity", labels=labels)


def _position(source: Path, out: Path) -> None:
    """Positions as labelled: the doubtful 90 degrees at 2 m are left as they are."""
    with np.load(source) as archive:
        metres = np.stack([archive["x_m"], archive["y_m"], np.zeros(len(archive["x_m"]))], axis=1).astype(np.float32)
        groups = {"run": archive["test"], "distance": archive["dist_m"], "laptop": archive["laptop"]}
        scene = {"low": [-3.0, 0.0, 0.0], "high": [3.0, 3.0, 1.0]}
        _write_csi(source, out, _amplitude(archive["csi"]), metres, groups, task="position", scene=scene)


def _ism(source: Path, out: Path) -> None:
    """One picture per whole recording: log power, rows of time by columns of frequency, against its own median."""
    recordings, classes, labels = ism_recordings(source)
    images = np.stack([_picture(recording.read(0, recording.samples)[0]) for recording in recordings])
    write_dataset(
        out,
        "features",
        images,
        labels,
        labels=list(classes),
        groups={"source": [recording.meta_path.name for recording in recordings]},
        task="fingerprint",
        signal=image_signal(lambda rows: images[rows], len(images), SIGNAL_SIZE),
        provenance={"reader": "benchmarks/results", "path": source.name},
    )


def _picture(iq: np.ndarray) -> np.ndarray:
    """complex64 [T] -> float32 [1, PICTURE, PICTURE] in dB; the receiver's own DC offset and level are taken out."""
    frames = (iq - iq.mean())[: len(iq) // FFT_SIZE * FFT_SIZE].reshape(-1, FFT_SIZE)
    spectra = np.fft.fftshift(np.fft.fft(frames * np.hanning(FFT_SIZE), axis=1), axes=1)
    power = torch.from_numpy(np.abs(spectra).astype(np.float32) ** 2)[None, None]
    decibels = 10 * torch.log10(torch.nn.functional.adaptive_avg_pool2d(power, PICTURE)[0] + 1e-9)
    return (decibels - decibels.median()).numpy()


SETS = {
    "csi_har": ("csi_har/har11.npz", _har),
    "csi_position": ("csi_position/lgtm.npz", _position),
    "ism": ("ism", _ism),
    "csi_activity_wiar": ("csi_activity_wiar/wiar.npz", _wiar),
}
