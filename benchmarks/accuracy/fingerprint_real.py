# SPDX-License-Identifier: GPL-3.0-or-later
"""Real transmitters, enrolled from k windows and named in other recordings, without training.

    WFM_REALDATA=../shared/realdata .venv/bin/python benchmarks/accuracy/fingerprint_real.py

Reads $WFM_REALDATA. `usrp2`: two USRPs, 48 captures each, one window a capture, enrolled from the first half of each;
each was recorded in a session of its own, which gives the device away too. `lte`: cells of four bands, enrolled from
one recording of each and named in the others, which were tuned up to 100 kHz away, so that the carrier's offset is left
out; two of the bands are also told apart by their level and the converter's steps. The recordings are for evaluation
only.
"""

import argparse
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from scipy.signal import hilbert

import wfm_core
from wfm_core.bundle import export_bundle, load_bundle
from wfm_core.data.recordings.recording import open_recording
from wfm_core.data.recordings.windows import window_starts
from wfm_core.model.transmitter import PIECE

MODEL = Path(wfm_core.__file__).parents[2] / "models" / "wfm-fingerprint"
SHOTS = (1, 5, 20)
DRAWS = 20


def usrp2(folder: Path, bundle) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Embeddings of captures to enrol and to name, of each of the two. The carrier of 10 MHz is moved to 0 Hz."""
    with np.load(folder / "fingerprint" / "usrp2.npz", allow_pickle=False) as file:
        wave, device = file["wave"].astype(np.float32), file["tx"]
    time = np.arange(PIECE)
    moved = hilbert(wave, axis=1)[:, :PIECE] * np.exp(-2j * np.pi * 10e6 / 1e9 * time)
    found = embeddings(bundle, moved.astype(np.complex64)[:, None])
    for one in np.unique(device):
        own = found[device == one]
        yield own[: len(own) // 2], own[len(own) // 2 :]


def lte(folder: Path, bundle) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Embeddings of one recording of a cell's band, and of the others of it."""
    for band in ("1860", "18(89|90)", "256", "258"):
        names = sorted(path for path in (folder / "lte").glob("*.sigmf-meta") if _is_of(path, band))
        parts = []
        for path in names:
            recording = open_recording(path)
            whole = torch.from_numpy(recording.read(0, recording.samples))
            starts = window_starts(recording.samples, PIECE, PIECE)
            parts.append(
                embeddings(bundle, torch.stack([whole[:1, start : start + PIECE] for start in starts]).numpy())
            )
        yield parts[0], np.concatenate(parts[1:])


def _is_of(path: Path, band: str) -> bool:
    return re.match(f"lte_{band}", path.name) is not None


def embeddings(bundle, windows: np.ndarray) -> np.ndarray:
    return bundle.infer(windows)["embedding_transmitter"]


def accuracy(devices: list[tuple[np.ndarray, np.ndarray]], shots: int) -> tuple[float, float]:
    """Mean and spread over draws of the windows that are enrolled, of the mean per-device share that is named rightly:
    by the nearest mean, as the metric of the embedding is known."""
    draws = []
    for draw in range(DRAWS):
        rng = np.random.default_rng(draw)
        means = [own[rng.permutation(len(own))[:shots]].mean(0) for own, _ in devices]
        right = []
        for number, (_, later) in enumerate(devices):
            away = np.stack([np.square(later - mean).sum(1) for mean in means], 1)
            right.append((away.argmin(1) == number).mean())
        draws.append(np.mean(right))
    return float(np.mean(draws)), float(np.std(draws, ddof=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=MODEL, help="model folder (that of wfm-fingerprint)")
    options = parser.parse_args()
    folder = Path(os.environ.get("WFM_REALDATA", "../shared/realdata"))
    with tempfile.TemporaryDirectory() as made:  # other sessions, other tuning: without the carrier's offset
        bundle = load_bundle(
            export_bundle(options.model, Path(made), window=PIECE, carrier_offset=False), device="cpu", dtype="fp32"
        )
    print(f"windows of {PIECE} samples, one at a time; mean per-device share named rightly over {DRAWS} draws\n")
    print("| set | devices | " + " | ".join(f"k={shots}" for shots in SHOTS) + " | windows named |")
    print("|---|---|" + "---|" * len(SHOTS) + "---|")
    for name, read in {"usrp2": usrp2, "lte": lte}.items():
        devices = list(read(folder, bundle))
        cells = ["{:.3f} +- {:.3f}".format(*accuracy(devices, shots)) for shots in SHOTS]
        print(f"| {name} | {len(devices)} | " + " | ".join(cells) + f" | {sum(len(later) for _, later in devices)} |")


if __name__ == "__main__":
    main()
