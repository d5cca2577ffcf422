# SPDX-License-Identifier: GPL-3.0-or-later
"""Is there anything? Classical detectors and bundles of the task occupancy, on the same generated windows.

    .venv/bin/python benchmarks/accuracy/occupancy.py --bundles runs/occupancy-lp --json out/occupancy.json

By SNR (of a signal's mean power in the whole band) and by what is in between, as `wfm_core.synth.occupancy` has it: the
area under the ROC curve, and the share of windows with a signal that is found where 1 % of windows of noise are called
occupied. Each detector's threshold for that is set once, on other windows of noise of all receivers; `alarms` says what
share of noise it is here. Signals and channels are drawn from --seed, and none is of a training. Energy that is
`known` is told the noise's level in each window, the other takes it to be what it is thought to be.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from torch import Tensor

from wfm_core.bundle import Bundle, load_bundle
from wfm_core.evaluate.classical.detectors import cfar, eigenvalue, energy, threshold
from wfm_core.evaluate.metrics import auc
from wfm_core.evaluate.weightless.cfar_bundle import SAMPLES
from wfm_core.synth.occupancy import LABELS, Listening, Windows, draw_signals, draw_windows

SNR_DB = (-16.0, -12.0, -8.0, -4.0, 0.0, 4.0)
FALSE_ALARMS = 0.01
_WIDE = ("lte emitter", "wifi emitter", "nr emitter")
CONDITIONS = {
    "all": ({}, {}),
    "no fading, no flaws": ({"fading": ("none",), "flaws": 0.0}, {}),
    "flat Rayleigh fading": ({"fading": ("flat",), "flaws": 0.0}, {}),
    "many paths": ({"fading": ("paths",), "flaws": 0.0}, {}),
    "receivers with flaws": ({"fading": ("none",), "flaws": 1.0}, {}),
    "signals fill the band": ({"flaws": 0.0}, {"kinds": _WIDE, "width": (0.9, 1.0)}),
}
"""What is drawn: of the windows, and of the signals in them."""
_AT_ONCE = 250


def detectors(bundles: list[Bundle]) -> dict:
    """Functions of `Windows` that give a score for each, by the detectors' names."""
    found = {
        "energy, noise known": lambda windows: energy(windows.iq) / 10 ** (windows.noise_db / 10),
        "energy": lambda windows: energy(windows.iq),
        "eigenvalue": lambda windows: eigenvalue(windows.iq),
        "cfar": lambda windows: cfar(windows.iq),
    }
    for bundle in bundles:
        found[str(bundle.path.name)] = lambda windows, bundle=bundle: _score(bundle, windows)
    return found


def _score(bundle: Bundle, windows: Windows) -> Tensor:
    """Log odds: a probability that rounds to 1 could not be put in order."""
    free, occupied = torch.from_numpy(bundle.infer(windows.iq)["occupancy"]).double().clamp(min=1e-30).T
    return (occupied / free).log()


def scored(found: dict, count: int, how: Listening, which: dict, signals: int, seed: int) -> tuple[dict, Tensor]:
    """Scores [count] of each detector, and which windows are occupied."""
    generator = torch.Generator().manual_seed(seed)
    pool = draw_signals(min(signals, count), SAMPLES, generator, **which)
    scores, occupied = {name: [] for name in found}, []
    for rows in torch.arange(count).split(_AT_ONCE):
        windows = draw_windows(pool, len(rows), how, generator)
        occupied.append(windows.occupied)
        for name, score in found.items():
            scores[name].append(score(windows))
    return {name: torch.cat(parts) for name, parts in scores.items()}, torch.cat(occupied)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundles", nargs="*", default=[], help="of the task occupancy: names or paths")
    parser.add_argument("--windows", type=int, default=1000, help="of each cell of the tables, half of them noise")
    parser.add_argument("--signals", type=int, default=660, help="different ones in a table's row")
    parser.add_argument("--snr-db", type=float, nargs="+", default=SNR_DB)
    parser.add_argument("--conditions", nargs="+", choices=list(CONDITIONS), default=list(CONDITIONS))
    parser.add_argument("--seed", type=int, default=7_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bundles = [load_bundle(name, device="cpu", dtype="fp32", engine="torchscript") for name in options.bundles]
    if wrong := [str(one.path) for one in bundles if tuple(_labels(one)) != LABELS]:
        parser.error(f"{wrong[0]} has no task occupancy with the labels {', '.join(LABELS)}")
    found = detectors(bundles)
    noise, _ = scored(found, 4 * options.windows, Listening(occupied=0.0), {}, 22, options.seed - 1)
    levels = {name: threshold(score, FALSE_ALARMS) for name, score in noise.items()}
    rows = []
    for condition in options.conditions:
        how, which = CONDITIONS[condition]
        print(f"{condition}, {options.windows} windows a cell: area under the ROC curve / found, and alarms")
        print(f"{'':24}" + "".join(f"{f'{snr_db:g} dB':>14}" for snr_db in options.snr_db) + f"{'alarms':>10}")
        cells, alarms = {name: [] for name in found}, {name: [] for name in found}
        for place, snr_db in enumerate(options.snr_db):
            seed = options.seed + 1000 * list(CONDITIONS).index(condition) + place
            drawn = Listening((snr_db, snr_db), **how)
            scores, occupied = scored(found, options.windows, drawn, which, options.signals, seed)
            for name, score in scores.items():
                over = (score > levels[name]).float()
                figures = {"auc": auc(score, occupied), "found": float(over[occupied == 1].mean())}
                alarms[name].append(float(over[occupied == 0].mean()))
                cells[name].append(f"{figures['auc']:.3f} / {figures['found']:.2f}")
                rows.append({"condition": condition, "snr_db": snr_db, "detector": name, **figures})
        for name, texts in cells.items():
            mean = sum(alarms[name]) / len(alarms[name])
            print(f"{name:24}" + "".join(f"{text:>14}" for text in texts) + f"{mean:10.3f}", flush=True)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1))


def _labels(bundle: Bundle) -> tuple[str, ...]:
    task = bundle.contract.tasks.get("occupancy")
    return () if task is None else task.labels


if __name__ == "__main__":
    sys.exit(main())
