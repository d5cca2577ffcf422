# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated rooms and people: activities, presence and motion, by seeds of their own; a forest is the floor."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wfm_core.bundle import Bundle
from wfm_core.configs.finetuning import load_finetuning
from wfm_core.evaluate.figures.canvas import save
from wfm_core.evaluate.figures.confusion import confusion_figure
from wfm_core.evaluate.metrics import class_accuracies, confusion_matrix
from wfm_core.synth.csi.activities import ACTIVITIES
from wfm_core.synth.csi.grids import find_grid
from wfm_core.synth.csi.sensing import EVERYTHING, NAMED, SHARES, SIX, draw_sensed, named
from wfm_core.train.probe.classifiers import forest
from wfm_core.train.probe.hand import csi_features

GRID = "legacy-20"
_SEED, _FOREST_SEED, _AT_ONCE = 99_000, 98_000, 64
_FOREST_RECIPE = {"min_samples_leaf": 1, "max_features": "sqrt"}
_ALARMS = (0.01, 0.03)


def judge(bundle: Bundle, options) -> dict:
    """Print and return the figures, mean and deviation over the seeds."""
    every = [
        _seed(bundle, options.windows, seed) for seed in range(options.first_seed, options.first_seed + options.seeds)
    ]
    confusion = sum(one.pop("confusion") for one in every)
    if options.out:
        Path(options.out).mkdir(parents=True, exist_ok=True)
        title = "generated rooms and people that training never saw"
        save(Path(options.out) / "confusion.png", confusion_figure(confusion, NAMED, title))
    figures = {name: [float(np.mean(v)), float(np.std(v))] for name in every[0] if (v := [one[name] for one in every])}
    print(f"\n## Generated rooms and people, {options.windows} windows, {options.seeds} seeds\n")
    print("| figure | value |\n|---|---|")
    for name, (mean, spread) in figures.items():
        print(f"| {name} | {mean:.3f} +- {spread:.3f} |")
    print("\n| class | named right | as what else |\n|---|---|---|")
    for place, name in enumerate(NAMED):
        row = confusion[place] / max(confusion[place].sum(), 1)
        others = sorted((-float(row[other]), NAMED[other]) for other in range(len(NAMED)) if other != place)[:2]
        print(f"| {name} | {row[place]:.3f} | {', '.join(f'{who} {-share:.3f}' for share, who in others)} |")
    return {**figures, "confusion": confusion.tolist()}


def windows(bundle: Bundle, count: int, shares: dict, changes: bool, seed: int) -> dict[str, Tensor]:
    """`count` windows of the bundle's shape: amplitude, activity, motion, whole, snr_db."""
    generator = torch.Generator().manual_seed(seed)
    rates = load_finetuning("activity.yaml", {}).rates
    packets = bundle.contract.input_shape[2]
    parts = [
        vars(draw_sensed(min(_AT_ONCE, count - start), find_grid(GRID), packets, rates, shares, generator, 1, changes))
        for start in range(0, count, _AT_ONCE)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _seed(bundle: Bundle, count: int, seed: int) -> dict:
    told = windows(bundle, count, SHARES, False, _SEED + 2 * seed)
    label = named(told["activity"])
    said = torch.from_numpy(bundle.infer_image(told["amplitude"])["activity"].argmax(1))
    confusion = confusion_matrix(said, label, len(NAMED))
    right = class_accuracies(confusion)
    six = [NAMED.index(name) for name in SIX]
    among = bundle.infer_image(told["amplitude"][np.isin(label, six)])["activity"][:, six].argmax(1)
    asked = label[np.isin(label, six)]
    six_right = [float((among[asked == place] == place - six[0]).mean()) for place in six]
    taught = windows(bundle, count, SHARES, False, _FOREST_SEED + seed)
    votes = forest(
        csi_features(taught["amplitude"].numpy()),
        named(taught["activity"]).numpy(),
        csi_features(told["amplitude"].numpy()),
        _FOREST_RECIPE,
        seed,
    ).argmax(1)
    floor = confusion_matrix(torch.from_numpy(votes), label, len(NAMED))
    strong = told["snr_db"] > 25
    figures = {
        "confusion": confusion,
        "activity, mean of eight classes": float(np.nanmean(right)),
        "activity, mean of the six, of eight": float(np.nanmean(right[six])),
        "activity, mean of the six, somebody of the six is known to act": float(np.nanmean(six_right)),
        "activity, mean of eight, SNR above 25 dB": _mean(said[strong], label[strong]),
        "activity, forest on hand-made features": float(np.nanmean(class_accuracies(floor))),
    }
    asked = windows(bundle, count, EVERYTHING, True, _SEED + 2 * seed + 1)
    outputs = bundle.infer_image(asked["amplitude"])
    empty = asked["activity"] == ACTIVITIES.index("empty")
    moving, still = asked["motion"] == 1, asked["activity"] == ACTIVITIES.index("still")
    groups = {"who moves": moving & asked["whole"], "who stands": still, "anybody": ~empty & asked["whole"]}
    figures |= _alarms("presence", outputs["presence"][:, 1], empty, groups)
    groups = {"who moves": moving, "who moves, SNR above 25 dB": moving & (asked["snr_db"] > 25), "who stands": still}
    figures |= _alarms("motion", outputs["motion"][:, 1], asked["motion"] == 0, groups)
    return figures


def _mean(said: Tensor, label: Tensor) -> float:
    return float(np.nanmean(class_accuracies(confusion_matrix(said, label, len(NAMED)))))


def _alarms(task: str, score: np.ndarray, quiet: Tensor, groups: dict[str, Tensor]) -> dict[str, float]:
    """False alarms and recall at the contract's threshold, and recall at fixed shares of false alarms."""
    score = torch.from_numpy(score)
    found = {f"{task}, false alarms at the contract's threshold": float((score[quiet] > 0.5).float().mean())}
    for name, group in groups.items():
        found[f"{task}, recall of {name}"] = float((score[group] > 0.5).float().mean())
        for share in _ALARMS:
            threshold = score[quiet].quantile(1 - share)
            recall = float((score[group] > threshold).float().mean())
            found[f"{task}, recall of {name} at {100 * share:g} % false alarms"] = recall
    return found
