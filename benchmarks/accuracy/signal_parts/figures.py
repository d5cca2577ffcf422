# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of a model of single signals from its answers on held-out crops: tables and pictures."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from wfm_core.evaluate.calibration import expected_calibration_error, threshold_for
from wfm_core.evaluate.figures.canvas import new_figure, save
from wfm_core.evaluate.figures.confusion import confusion_figure
from wfm_core.evaluate.metrics import class_accuracies, confusion_matrix, mean_class_accuracy
from wfm_core.synth.signals.catalogue import UNHEARD

SNR_EDGES = (-5, 0, 5, 10, 15, 20, 25, 30, 40)
KEPT = 0.95
"""Of known signals, that a threshold still names where models are compared."""
_CONFUSIONS = 12
_SCORE_EDGES = np.linspace(0, 1, 11)


@dataclass
class Answers:
    """Of n crops, in order. truth: place in the bundle's labels, -1 unknown; kind, snr_db, seconds, met, beside and
    source: as HeldOut has them; probabilities float32 [n, K]; shorter: for each time, answers [n] (those of the whole
    where it is not longer, or not asked); views: answers [n] from a part of the input alone."""

    labels: list[str]
    truth: np.ndarray
    kind: np.ndarray
    snr_db: np.ndarray
    seconds: np.ndarray
    met: np.ndarray
    beside: np.ndarray
    source: np.ndarray
    probabilities: np.ndarray
    shorter: dict[float, np.ndarray] = field(default_factory=dict)
    views: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def answer(self) -> np.ndarray:
        return self.probabilities.argmax(1)

    @property
    def noise(self) -> int:
        """The place of noise in the labels; one that no answer has where it is not there."""
        return self.labels.index("noise") if "noise" in self.labels else len(self.labels)

    def groups(self, strong_db: float) -> dict[str, np.ndarray]:
        """Which crops, bool [n], are counted together."""
        signal = (self.truth >= 0) & (self.truth != self.noise)
        strong = signal & (self.snr_db >= strong_db)
        return {
            "alone": strong & ~self.beside,
            "with another": strong & self.beside,
            "another in the box": strong & self.met,
            "another beside the box": strong & self.beside & ~self.met,
            "0 dB": signal & ~self.beside & (np.abs(self.snr_db) < 3),
            "noise": self.kind == "noise",
            "unknown": (self.truth < 0) & (self.kind != "noise") & (self.snr_db >= strong_db) & ~self.beside,
        }


def class_accuracy(answers: Answers, which: np.ndarray, said: np.ndarray | None = None) -> float:
    """Mean per-class accuracy of the crops `which`; nan where there are none."""
    said = answers.answer if said is None else said
    return mean_class_accuracy(confusion_matrix(said[which], answers.truth[which], len(answers.labels)))


def named(answers: Answers, which: np.ndarray, threshold: float) -> dict:
    """How many of the crops of noise are given a signal's name (neither noise nor unknown), and which most often."""
    wrong = which & (answers.probabilities.max(1) >= threshold) & (answers.answer != answers.noise)
    share = float(wrong.sum() / which.sum()) if which.any() else float("nan")
    said = Counter(answers.labels[answer] for answer in answers.answer[wrong])
    return {"crops": int(which.sum()), "share": share, "named": dict(said.most_common(3))}


def figures_of(answers: Answers, threshold: float, strong_db: float) -> dict:
    groups = answers.groups(strong_db)
    alone, said = groups["alone"], answers.answer
    known = (answers.truth >= 0) & (answers.source == "finder")
    confusion = confusion_matrix(said[alone], answers.truth[alone], len(answers.labels))
    probabilities, truth = torch.from_numpy(answers.probabilities[known]), torch.from_numpy(answers.truth[known])
    return {
        "crops": {name: int(which.sum()) for name, which in groups.items()},
        "mean_class_accuracy": {
            name: class_accuracy(answers, which) for name, which in groups.items() if name not in ("noise", "unknown")
        },
        "views": {view: class_accuracy(answers, alone, own) for view, own in answers.views.items()},
        "by_snr": _by_snr(answers, said),
        "by_seconds": _by_seconds(answers, alone),
        "noise_named": _noise(answers, threshold),
        "ece": expected_calibration_error(probabilities, truth) if known.any() else float("nan"),
        "reliability": _reliability(answers, known),
        "open_set": _open_set(answers, groups, threshold),
        "by_class": _by_class(answers, confusion),
        "confusions": _confusions(answers, confusion),
        "confusion": confusion.tolist(),
        "labels": answers.labels,
    }


def _by_snr(answers: Answers, said: np.ndarray) -> list[dict]:
    clean = (answers.truth >= 0) & ~answers.beside & (answers.source == "finder")
    rows = []
    for low, high in zip(SNR_EDGES, SNR_EDGES[1:], strict=False):
        which = clean & (answers.snr_db >= low) & (answers.snr_db < high)
        right = float(np.mean(said[which] == answers.truth[which])) if which.any() else float("nan")
        rows.append({"low": low, "high": high, "crops": int(which.sum()), "accuracy": right})
    return rows


def _by_seconds(answers: Answers, alone: np.ndarray) -> list[dict]:
    """Of the strong ones that are alone, each seen for so long at most (None: as long as it is)."""
    rows = []
    for seconds, said in [*answers.shorter.items(), (None, answers.answer)]:
        longer = answers.seconds > (np.inf if seconds is None else seconds)
        row = {"seconds": seconds, "crops_cut": int((alone & longer).sum())}
        rows.append({**row, "mean_class_accuracy": class_accuracy(answers, alone, said)})
    return rows


def _noise(answers: Answers, threshold: float) -> dict:
    noise = answers.groups(0.0)["noise"]
    out = {"all": named(answers, noise, threshold)}
    for source in ("finder", "alert", "whole"):
        out[source] = named(answers, noise & (answers.source == source), threshold)
    return out


def _reliability(answers: Answers, known: np.ndarray) -> list[dict]:
    score, right = answers.probabilities.max(1)[known], (answers.answer == answers.truth)[known]
    rows = []
    for low, high in zip(_SCORE_EDGES, _SCORE_EDGES[1:], strict=False):
        which = (score > low) & (score <= high)
        if which.any():
            rows.append(
                {"crops": int(which.sum()), "score": float(score[which].mean()), "right": float(right[which].mean())}
            )
    return rows


def _open_set(answers: Answers, groups: dict[str, np.ndarray], threshold: float) -> dict:
    """What a threshold on the score rejects, of known signals and of technologies that training never had; strong ones
    that are alone."""
    score = answers.probabilities.max(1)
    known, unknown = score[groups["alone"]], groups["unknown"]
    if not len(known) or not unknown.any():
        return {}
    technologies = {kind: name for name, kinds in UNHEARD.items() for kind in kinds}
    technology = np.array([technologies.get(kind, "") for kind in answers.kind])
    at_share = threshold_for(torch.from_numpy(known), KEPT)
    out = {
        "auc": float(roc_auc_score(np.r_[np.ones(len(known)), np.zeros(unknown.sum())], np.r_[known, score[unknown]]))
    }
    for name, limit in (("contract", threshold), ("kept", at_share)):
        own = {}
        for one in UNHEARD:
            which = unknown & (technology == one)
            if which.any():
                said = Counter(answers.labels[answer] for answer in answers.answer[which & (score >= limit)])
                own[one] = {"crops": int(which.sum()), "rejected": float((score[which] < limit).mean())}
                own[one]["named"] = dict(said.most_common(3))
        out[name] = {
            "threshold": float(limit),
            "known_rejected": float((known < limit).mean()),
            "rejected": float((score[unknown] < limit).mean()),
            "mean_technology_rejected": float(np.mean([entry["rejected"] for entry in own.values()])),
            "by_technology": own,
        }
    return out


def _by_class(answers: Answers, confusion: np.ndarray) -> dict[str, dict]:
    accuracies = class_accuracies(confusion)
    return {
        label: {"crops": int(confusion[place].sum()), "accuracy": float(accuracies[place])}
        for place, label in enumerate(answers.labels)
        if confusion[place].any()
    }


def _confusions(answers: Answers, confusion: np.ndarray) -> list[dict]:
    share = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    np.fill_diagonal(share, 0.0)
    out = []
    for row, column in sorted(np.argwhere(share > 0).tolist(), key=lambda at: -share[at[0], at[1]])[:_CONFUSIONS]:
        entry = {"label": answers.labels[row], "named": answers.labels[column], "crops": int(confusion[row, column])}
        out.append({**entry, "share": float(share[row, column])})
    return out


def pictures(folder: Path, title: str, figures: dict) -> None:
    """confusion.png and accuracy.png (against SNR, against observation time, against score)."""
    labels, confusion = figures["labels"], np.array(figures["confusion"])
    save(folder / "confusion.png", confusion_figure(confusion, labels, f"{title}, 10 dB and above, alone"))
    figure = new_figure(12, 3.8)
    axes = figure.subplots(1, 3)
    rows = [row for row in figures["by_snr"] if row["crops"]]
    axes[0].plot([(row["low"] + row["high"]) / 2 for row in rows], [row["accuracy"] for row in rows], "o-")
    axes[0].set_xlabel("SNR in the signal's own bandwidth (dB)")
    rows = figures["by_seconds"]
    names = ["whole" if row["seconds"] is None else f"{1e3 * row['seconds']:g} ms" for row in rows]
    axes[1].plot(names, [row["mean_class_accuracy"] for row in rows], "o-")
    axes[1].set_xlabel("observed for at most")
    rows = figures["reliability"]
    axes[2].plot([0, 1], [0, 1], color="0.6", linestyle=":")
    axes[2].plot([row["score"] for row in rows], [row["right"] for row in rows], "o-")
    axes[2].set_xlabel(f"score (ECE {figures['ece']:.3f})")
    for axis, what in zip(axes, ("share named right", "mean per-class accuracy", "share named right"), strict=True):
        axis.set_ylabel(what)
        axis.set_ylim(0, 1.02)
        axis.grid(alpha=0.3)
    figure.suptitle(title, fontsize=10)
    save(folder / "accuracy.png", figure)
