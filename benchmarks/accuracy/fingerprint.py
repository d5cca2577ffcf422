# SPDX-License-Identifier: GPL-3.0-or-later
"""Sixteen generated transmitters that no training has seen: enrolled on one day, to be named on another.

    .venv/bin/python benchmarks/accuracy/fingerprint.py --window 131072 --json out/fingerprint.json

Payload, channel, level and place in the window are drawn again for each piece of 16,384 samples; a window is some of
them. On another day the flaws have drifted; "other receiver": another one hears them on that day. Closed set (k:
windows a device is enrolled with): the nearest class is right. Open set: each device in turn is left out of the
classes; AUROC and equal error rate of the distance to the nearest class, and by the thresholds of WFM Task Head with
the model's cohort the share of own windows that is named rightly and of the left-out device's that is unknown. A row is
the mean over makes and seeds, and the spread over seeds; --by-make prints each make as well.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score, roc_curve
from tqdm import tqdm

import wfm_core
from wfm_core.bundle import export_bundle, load_bundle
from wfm_core.bundle.foundation import find_cohort
from wfm_core.model.enrolment.cohort import read_cohort
from wfm_core.model.prototypes import LEAST_WINDOWS, Prototypes
from wfm_core.model.transmitter import ANGLES, PIECE
from wfm_core.synth.channel.frontend import random_frontend
from wfm_core.synth.fleet import MAKES, on_another_day, random_devices
from wfm_core.synth.fleet.hearing import heard

MODEL = Path(wfm_core.__file__).parents[2] / "models" / "wfm-fingerprint"
DEVICES = 16
ENROLLED = 20
SHOTS = (1, 5, 20)
TITLES = {
    **{f"k={shots}": f"k={shots}" for shots in SHOTS},
    "other receiver": f"other receiver, k={ENROLLED}",
    "auroc": "AUROC",
    "eer": "equal error",
    "named_rightly": "named rightly",
    "strangers_unknown": "strangers unknown",
}
_SEEDS_BEGIN = 900_000


def heard_windows(bundle, devices, make, receiver, count, snr_db, with_offset, generator) -> np.ndarray:
    """Embeddings [devices, count, width] of windows of the bundle's length."""
    every = []
    for _ in range(count):
        pieces = [
            heard(devices, make, receiver, PIECE, (snr_db, snr_db), with_offset, generator)
            for _ in range(bundle.contract.samples // PIECE)
        ]
        every.append(bundle.infer(torch.cat(pieces, 2))["embedding_transmitter"])
    return np.stack(every, 1)


def episode(bundle, make: str, snr_db: float, with_offset: bool, fresh: int, seed: int) -> dict[str, np.ndarray]:
    """Embeddings by where they come from: `enrolled`, `other day`, `other receiver`."""
    generator = torch.Generator().manual_seed(_SEEDS_BEGIN + 1000 * seed + list(MAKES).index(make))
    first, second = (random_frontend(1, generator) for _ in range(2))
    devices = random_devices(DEVICES, generator)
    later = on_another_day(devices, generator)
    told = (snr_db, with_offset, generator)
    return {
        "enrolled": heard_windows(bundle, devices, MAKES[make], first, ENROLLED, *told),
        "other day": heard_windows(bundle, later, MAKES[make], first, fresh, *told),
        "other receiver": heard_windows(bundle, later, MAKES[make], second, max(1, fresh // 2), *told),
    }


def closed(enrolled: np.ndarray, later: np.ndarray, shots: int, cohort=None) -> float:
    """Share of windows whose nearest class is the right one; with fewer than three windows a class is their mean."""
    decisions = _classes(enrolled[:, :shots]).decide(later.reshape(-1, later.shape[2]))
    names = [max(decision["probabilities"], key=decision["probabilities"].get) for decision in decisions]
    truth = np.repeat(np.arange(len(later)), later.shape[1])
    return float(np.mean([int(name) == one for name, one in zip(names, truth, strict=True)]))


def open_set(enrolled: np.ndarray, later: np.ndarray, cohort) -> dict[str, float]:
    own, other, right, refused = [], [], [], []
    for left_out in range(len(enrolled)):
        kept = [device for device in range(len(enrolled)) if device != left_out]
        classes = _classes(enrolled[kept], cohort)
        known = classes.decide(later[kept].reshape(-1, later.shape[2]))
        strange = classes.decide(later[left_out])
        own += [decision["distance"] for decision in known]
        other += [decision["distance"] for decision in strange]
        truth = np.repeat(np.arange(len(kept)), later.shape[1])
        right += [decision["index"] == one for decision, one in zip(known, truth, strict=True)]
        refused += [decision["index"] < 0 for decision in strange]
    truth = np.repeat([0, 1], [len(own), len(other)])
    distances = own + other
    false, true, _ = roc_curve(truth, distances)
    equal = float(false[np.argmin(np.abs(false - (1 - true)))])
    return {
        "auroc": float(roc_auc_score(truth, distances)),
        "eer": equal,
        "named_rightly": float(np.mean(right)),
        "strangers_unknown": float(np.mean(refused)),
    }


def _classes(enrolled: np.ndarray, cohort=None) -> Prototypes:
    classes = Prototypes(cohort=cohort, modes=1)
    for number, windows in enumerate(enrolled):
        if len(windows) < LEAST_WINDOWS:  # a spread cannot be told of them: one as the training has it, 1 in each entry
            noise = np.random.default_rng(0).standard_normal((ENROLLED, windows.shape[1])) / np.sqrt(len(windows))
            windows = windows.mean(0) + noise - noise.mean(0)
        classes.enrol(str(number), windows)
    return classes


def judge(found: dict[str, np.ndarray], cohort) -> dict[str, float]:
    figures = {f"k={shots}": closed(found["enrolled"], found["other day"], shots) for shots in SHOTS}
    figures["other receiver"] = closed(found["enrolled"], found["other receiver"], ENROLLED)
    return figures | open_set(found["enrolled"], found["other day"], cohort)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=MODEL, help="model folder (that of wfm-fingerprint)")
    parser.add_argument("--window", type=int, metavar="SAMPLES", help="of the bundle that is made of it (its own)")
    parser.add_argument("--makes", nargs="+", default=list(MAKES), choices=list(MAKES))
    parser.add_argument("--snr", type=float, nargs="+", default=[20.0, 10.0], metavar="DB")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--fresh", type=int, default=6, help="windows to be named of each device (6)")
    parser.add_argument("--offset", nargs="+", default=["with", "without"], choices=["with", "without"])
    parser.add_argument("--by-make", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cohort = read_cohort(find_cohort(options.model, "embedding_transmitter"))
    with tempfile.TemporaryDirectory() as folder:
        bundle = load_bundle(export_bundle(options.model, Path(folder), options.window), device="cpu", dtype="fp32")
    rows = []
    show_header()
    for snr_db in options.snr:
        for offset in options.offset:
            for make in tqdm(options.makes, desc=f"{snr_db:g} dB, {offset} carrier offset", leave=False):
                for seed in options.seeds:
                    found = episode(bundle, make, snr_db, offset == "with", options.fresh, seed)
                    if offset == "without":
                        found = {
                            name: np.where(np.arange(values.shape[2]) < values.shape[2] - ANGLES, values, 0)
                            for name, values in found.items()
                        }
                    rows.append(
                        {"snr_db": snr_db, "offset": offset, "make": make, "seed": seed, **judge(found, cohort)}
                    )
                if options.by_make:
                    show(
                        [
                            row
                            for row in rows
                            if row["make"] == make and row["snr_db"] == snr_db and row["offset"] == offset
                        ],
                        make,
                    )
            here = [row for row in rows if row["snr_db"] == snr_db and row["offset"] == offset]
            show(here, "all makes")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1))


def show_header() -> None:
    print("| makes | SNR dB | carrier offset | " + " | ".join(TITLES.values()) + " |")
    print("|---" * (3 + len(TITLES)) + "|", flush=True)


def show(rows: list[dict], what: str) -> None:
    seeds = sorted({row["seed"] for row in rows})
    cells = []
    for name in TITLES:
        means = np.array([np.mean([row[name] for row in rows if row["seed"] == seed]) for seed in seeds])
        cells.append(f"{means.mean():.3f}" + (f" +- {means.std(ddof=1):.3f}" if len(means) > 1 else ""))
    print(f"| {what} | {rows[0]['snr_db']:g} | {rows[0]['offset']} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
