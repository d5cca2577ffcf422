# SPDX-License-Identifier: GPL-3.0-or-later
"""Interference on seeded scenes that training never saw, by SIR, beside classical detectors: table and plot.

    python benchmarks/accuracy/synthetic.py --bundle wfm-interference --out out
    python benchmarks/accuracy/synthetic.py --pool 131072 --windows 320 --boost-windows 640 --out OUT

With --pool a window here is a block of so many samples, judged as one.

The table's INTD, detections and false alarms are the bundle's own, at its operating point; INTD is (detections + 1 -
false alarms) / 2. The plot compares all detectors at one false-alarm rate, set on the clean windows of this very set.
"""

import argparse
import json
from functools import partial
from pathlib import Path

import classical
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

import wfm_core
from wfm_core.bundle.pooling import judge_of_blocks
from wfm_core.synth.scenes.interference import InterferenceScenes

SEED = 20_261_122
load = partial(wfm_core.load_bundle, device="cpu", dtype="fp32")
"""In float32, so that figures do not depend on which number format is fastest here."""
SIRS = (-5.0, 0.0, 5.0, 10.0, 15.0)
BATCH = 32
COMPARED_AT = 0.02
"""False-alarm rate at which the plot compares the detectors."""
DETECTORS = {"model": "o-", "gradient boosting": "s--", "chip-rate line": "^:", "energy": "v:"}
"""Names and line styles."""
CLASSICAL = ("energy", "chip-rate line", "gradient boosting")


def draw(scenes: InterferenceScenes, count: int, labels: tuple[int, ...], sir_db: float) -> list:
    """`count` windows, a quarter each of 1 to 4 antennas, the labels in turn, at one SIR."""
    label = torch.tensor([labels[i % len(labels)] for i in range(BATCH)])
    rounds = range(count // BATCH)
    return [scenes.draw(BATCH, 1 + i % 4, sir_db=(sir_db, sir_db), label=label) for i in rounds]


def score(batches: list, bundle, booster) -> dict[str, np.ndarray]:
    """Statistics of every detector, and the bundle's class probabilities, over all windows of `batches`."""
    outputs = [bundle.infer(windows.iq)["interference"] for windows in batches]
    probabilities = np.concatenate(outputs)
    features = np.concatenate([classical.line_statistics(w.iq).numpy() for w in batches])
    return {
        "probabilities": probabilities,
        "label": np.concatenate([w.label.numpy() for w in batches]),
        "model": 1 - probabilities[:, 0],
        "energy": features[:, 0],
        "chip-rate line": features[:, 1],
        "gradient boosting": booster.predict_proba(features)[:, 1],
    }


def boost(scenes: InterferenceScenes, count: int) -> HistGradientBoostingClassifier:
    """Gradient boosting on the classical statistics, trained on its own scenes over the whole range of SIR."""
    batches = [scenes.draw(BATCH, 1 + i % 4) for i in range(count // BATCH)]
    features = np.concatenate([classical.line_statistics(w.iq).numpy() for w in batches])
    label = np.concatenate([w.label.numpy() for w in batches])
    return HistGradientBoostingClassifier(learning_rate=0.08, max_iter=150, random_state=1).fit(features, label > 0)


def rows(clean: dict, interfered: dict[float, dict]) -> list[dict]:
    false_alarms = float((clean["probabilities"].argmax(1) != 0).mean())
    table = []
    for sir, scores in interfered.items():
        detections = float((scores["probabilities"].argmax(1) != 0).mean())
        which = scores["probabilities"][:, 1:].argmax(1) + 1
        intc = np.mean([(which[scores["label"] == k] == k).mean() for k in (1, 2)])
        row = {"sir_db": sir, "false_alarms": false_alarms, "detections": detections, "intc": float(intc)}
        row["intd"] = (detections + 1 - false_alarms) / 2
        row["detectors"] = {name: _compare(clean[name], scores[name]) for name in DETECTORS}
        table.append(row)
    return table


def _compare(clean: np.ndarray, interfered: np.ndarray) -> dict:
    threshold = np.quantile(clean, 1 - COMPARED_AT)
    truth = np.r_[np.zeros(len(clean)), np.ones(len(interfered))]
    auc = roc_auc_score(truth, np.r_[clean, interfered])
    return {"detections": float((interfered > threshold).mean()), "auc": float(auc)}


def markdown(table: list[dict]) -> str:
    lines = [
        "| SIR dB | INTD | detections | false alarms | INTC | AUC | AUC energy | AUC chip-rate line | AUC boosting |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in table:
        auc = " | ".join(f"{row['detectors'][name]['auc']:.3f}" for name in ("model", *CLASSICAL))
        lines.append(
            f"| {row['sir_db']:+.0f} | {row['intd']:.3f} | {row['detections']:.3f} | {row['false_alarms']:.3f} "
            f"| {row['intc']:.3f} | {auc} |"
        )
    return "\n".join(lines)


def plot(table: list[dict], path: Path, title: str) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.4))
    sirs = [row["sir_db"] for row in table]
    for name, style in DETECTORS.items():
        axes[0].plot(sirs, [row["detectors"][name]["detections"] for row in table], style, label=name)
        axes[1].plot(sirs, [row["detectors"][name]["auc"] for row in table], style, label=name)
    axes[0].plot(sirs, [row["intc"] for row in table], "k.-.", label="BPSK / QPSK told apart (INTC)", alpha=0.6)
    axes[0].set_ylabel(f"share detected at {COMPARED_AT:.0%} false alarms")
    axes[1].set_ylabel("area under the ROC curve")
    for axis in axes:
        axis.set_xlabel("SIR: power of LTE over DSSS (dB)")
        axis.grid(alpha=0.3)
        axis.set_ylim(top=1.02)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="lower center", ncol=5)
    figure.subplots_adjust(left=0.07, right=0.98, bottom=0.22, wspace=0.18)
    figure.suptitle(title)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="wfm-interference")
    parser.add_argument("--windows", type=int, default=1280, help="windows per SIR and of the clean set")
    parser.add_argument("--pool", type=int, default=0, help="samples of a block; 0: single windows")
    parser.add_argument("--boost-windows", type=int, default=6400, help="that gradient boosting learns from")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the scenes ({SEED}); training has others")
    parser.add_argument("--out", type=Path, required=True, help="folder for accuracy.json and accuracy.png")
    arguments = parser.parse_args()
    if min(arguments.windows, arguments.boost_windows) < BATCH:
        parser.error(f"--windows and --boost-windows are {BATCH} or more")
    bundle = load(arguments.bundle)
    stretch = {}
    if arguments.pool:
        bundle, stretch = judge_of_blocks(bundle, load).joined(arguments.pool), {"stretch": 3}
    samples = bundle.contract.samples
    scenes = InterferenceScenes(samples, torch.Generator().manual_seed(arguments.seed), reuse=1, **stretch)
    others = InterferenceScenes(samples, torch.Generator().manual_seed(arguments.seed + 1), **stretch)
    booster = boost(others, arguments.boost_windows)
    clean = score(draw(scenes, arguments.windows, (0,), 0.0), bundle, booster)
    interfered = {sir: score(draw(scenes, arguments.windows, (1, 2), sir), bundle, booster) for sir in SIRS}
    table = rows(clean, interfered)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "accuracy.json").write_text(json.dumps(table, indent=1))
    plot(
        table, arguments.out / "accuracy.png", f"{bundle.contract.name}: {arguments.windows} synthetic windows a point"
    )
    print(markdown(table))


if __name__ == "__main__":
    main()
