# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes learned from a few embeddings each, without training: a prototype is the mean of its windows.

A window belongs to the nearest prototype by Mahalanobis distance. The covariance is that within classes, pooled over
all of them, its correlations shrunk towards none, as a few windows cannot tell them (oracle approximating shrinkage;
Chen, Wiesel, Eldar and Hero 2010, "Shrinkage algorithms for MMSE covariance estimation"). A window that is further
from its nearest prototype than that class's own windows are, each measured with itself left out, is unknown.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from wfm_core.base.errors import WfmError
from wfm_core.base.files import write_atomically
from wfm_core.base.plain import plain
from wfm_core.base.weights_file import read_weights_and_notes

LEAST_WINDOWS = 3
"""Fewer of a class say nothing about its spread."""

MARGIN = 2.0
"""Standard deviations of the log distance between a class's own windows and what is unknown: refuses 2 % of them if
they are normal."""

UNKNOWN = "unknown"
_FORMAT = "1"
_LEAST_VARIANCE = 1e-6  # of the mean over the embedding's entries
_MOST_FITS = 200  # with more windows than that, several are left out at once
_TEMPERATURES = np.logspace(-1, 4, 51)


class Prototypes:
    """Classes by name, in the order of their enrolment. Not safe for several threads at once.

    Args:
        margin: standard deviations from a class's own windows to unknown; larger answers unknown less often.
    """

    def __init__(self, margin: float = MARGIN):
        if not margin > 0:
            raise WfmError(f"margin is {margin:g}, standard deviations above 0 are expected, such as {MARGIN:g}")
        self.margin = margin
        self._windows: dict[str, np.ndarray] = {}
        self._fit: _Fit | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._windows)

    @property
    def width(self) -> int:
        """Length of an embedding; 0 while there is no class."""
        return next(iter(self._windows.values())).shape[1] if self._windows else 0

    def enrol(self, name: str, embeddings: np.ndarray) -> None:
        """Make `embeddings` [n, D] the class `name`, in place of one of that name. Raises `WfmError`."""
        check_name(name)
        name = str(name)  # numpy has texts of its own, which print otherwise
        embeddings = np.array(embeddings, np.float32)
        if embeddings.ndim != 2 or len(embeddings) < LEAST_WINDOWS:
            raise WfmError(
                f"class {name!r} has embeddings of shape {list(embeddings.shape)}, [windows, width] with at least "
                f"{LEAST_WINDOWS} windows is expected: enrol more"
            )
        others = {other: windows for other, windows in self._windows.items() if other != name}
        if others:
            _check_width(embeddings, next(iter(others.values())).shape[1])
        if not np.isfinite(embeddings).all():
            raise WfmError(f"class {name!r} has embeddings that are not finite: enrol windows with a signal in them")
        if not np.ptp(embeddings, axis=0).any():
            raise WfmError(f"the {len(embeddings)} windows of class {name!r} are all alike: enrol windows that differ")
        self._windows[name] = embeddings
        self._fit = None

    def forget(self, name: str) -> None:
        """Drop the class `name`. Raises `WfmError` where there is none."""
        if name not in self._windows:
            raise WfmError(f"no class {plain(name)} to forget; enrolled: {', '.join(self.names) or 'none'}")
        del self._windows[name]
        self._fit = None

    def leave_one_out_accuracy(self) -> float:
        """Share of the enrolled windows that the others alone name rightly and do not call unknown; NaN without any."""
        return self._fitted().accuracy if self._windows else float("nan")

    def decide(self, embeddings: np.ndarray) -> list[dict]:
        """Embeddings [B, D] -> a decision each: label, index, score and probabilities as of a bundle, and `distance`.

        `distance` is that to the nearest prototype over the threshold of its class: above 1 the label is "unknown" and
        the index -1. Without any class it is infinite and the score 0.
        """
        if not self._windows:
            nothing = {"label": UNKNOWN, "index": -1, "score": 0.0, "probabilities": {}, "distance": float("inf")}
            return [dict(nothing) for _ in embeddings]
        embeddings = np.asarray(embeddings, np.float32)
        _check_width(embeddings, self.width)
        fit = self._fitted()
        squared = fit.squared_distances(embeddings)
        rows = zip(squared, softmax(-squared / fit.temperature, axis=1), strict=True)
        return [self._decision(fit, distances, probabilities) for distances, probabilities in rows]

    def save(self, path: str | Path) -> None:
        """Write the enrolled embeddings as safetensors."""
        tensors = {str(number): windows for number, windows in enumerate(self._windows.values())}
        about = {"wfm_prototypes": _FORMAT, "names": json.dumps(self.names), "margin": plain(self.margin)}
        try:
            write_atomically(Path(path), lambda part: safetensors.numpy.save_file(tensors, part, metadata=about))
        except OSError as error:
            raise WfmError(f"cannot write {path}: {error.strerror}; choose another path") from error

    @classmethod
    def load(cls, path: str | Path) -> "Prototypes":
        """What `save` wrote. Raises `WfmError`."""
        try:
            tensors, about = read_weights_and_notes(Path(path))
        except WfmError as error:
            raise WfmError(f"no prototypes: {error}") from error
        try:
            if about.get("wfm_prototypes") != _FORMAT:
                raise WfmError(f"{path} holds no prototypes of format {_FORMAT}; give a task head's file")
            loaded = cls(float(about["margin"]))
            for number, name in enumerate(json.loads(about["names"])):
                loaded.enrol(name, tensors[str(number)].float().numpy())
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise WfmError(f"{path} cannot be read as prototypes ({error}); give a task head's file") from error
        if loaded.names:
            loaded._fitted()  # here, and not when the first window of a stream is to be judged
        return loaded

    def _fitted(self) -> "_Fit":
        if self._fit is None:
            self._fit = _fit(list(self._windows.values()), self.margin)
        return self._fit

    def _decision(self, fit: "_Fit", squared: np.ndarray, probabilities: np.ndarray) -> dict:
        index = int(squared.argmin())
        distance = float(np.sqrt(squared[index]) / fit.thresholds[index])
        known = distance <= 1
        return {
            "label": self.names[index] if known else UNKNOWN,
            "index": index if known else -1,
            "score": float(probabilities[index]),
            "probabilities": dict(zip(self.names, map(float, probabilities), strict=True)),
            "distance": distance,
        }


@dataclass(frozen=True)
class _Fit:
    """`means` [K, D], `precision` [D, D], `thresholds` [K] of the distance, softmax `temperature`, `accuracy`."""

    means: np.ndarray
    precision: np.ndarray
    thresholds: np.ndarray
    temperature: float
    accuracy: float

    def squared_distances(self, embeddings: np.ndarray) -> np.ndarray:
        """Embeddings [B, D] -> squared Mahalanobis distances to each prototype [B, K]."""
        away = embeddings[:, None] - self.means
        return np.einsum("bkd,bkd->bk", away @ self.precision, away)


def _fit(classes: list[np.ndarray], margin: float) -> _Fit:
    windows = np.concatenate(classes).astype(np.float64)
    label = np.repeat(np.arange(len(classes)), [len(rows) for rows in classes])
    # BLAS threads spin while they wait for each other: beside a flowgraph two took 2.5 s for what one does in 0.2 s
    with threadpool_limits(1, user_api="blas"):
        means, covariance = _model(windows, label)
        squared = _left_out(windows, label)
    own = 0.5 * np.log(squared[np.arange(len(label)), label])
    middle = np.array([own[label == k].mean() for k in range(len(classes))])
    spread = np.sqrt(np.square(own - middle[label]).sum() / (len(windows) - len(classes)))
    thresholds = np.exp(middle + margin * spread)
    right = (squared.argmin(1) == label) & (own <= np.log(thresholds)[label])
    return _Fit(means, np.linalg.inv(covariance), thresholds, _temperature(squared, label), float(right.mean()))


def _model(windows: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Windows [N, D] and their classes [N] -> means [K, D], shrunk covariance within classes [D, D]."""
    means = np.stack([windows[label == k].mean(0) for k in range(label.max() + 1)])
    away = windows - means[label]
    freedom = len(windows) - len(means)
    variance = np.square(away).sum(0) / freedom
    deviation = np.sqrt(np.maximum(variance, _LEAST_VARIANCE * variance.mean()))
    scaled = away / deviation
    sample = scaled.T @ scaled / freedom
    width = len(sample)
    trace, square = np.trace(sample), np.square(sample).sum()
    above = (1 - 2 / width) * square + trace**2
    below = (freedom + 1 - 2 / width) * (square - trace**2 / width)
    shrinkage = min(1.0, above / below) if below > 0 else 1.0
    shrunk = (1 - shrinkage) * sample + shrinkage * trace / width * np.eye(width)
    return means, shrunk * np.outer(deviation, deviation)


def _left_out(windows: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Squared distances [N, K] of each window when neither its class's mean nor the covariance has seen it."""
    number = np.arange(len(label))
    folds = min(len(label), _MOST_FITS)
    squared = np.empty((len(label), label.max() + 1))
    for fold in range(folds):
        out = number % folds == fold
        means, covariance = _model(windows[~out], label[~out])
        away = windows[out][:, None] - means
        solved = np.linalg.solve(covariance, away.reshape(-1, windows.shape[1]).T).T.reshape(away.shape)
        squared[out] = (solved * away).sum(2)
    return squared


def _temperature(squared: np.ndarray, label: np.ndarray) -> float:
    """The divisor of squared distances under which the left-out windows' own classes are likeliest."""
    rows = np.arange(len(label))
    losses = [-np.log(softmax(-squared / t, axis=1)[rows, label] + 1e-30).mean() for t in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def check_name(name: object) -> None:
    """Raises `WfmError` for what cannot name a class."""
    if not isinstance(name, str) or not name.strip() or name == UNKNOWN:
        raise WfmError(f"class name {plain(name)}, a text other than '' and {UNKNOWN!r} is expected")


def _check_width(embeddings: np.ndarray, width: int) -> None:
    if embeddings.ndim != 2 or embeddings.shape[1] != width:
        raise WfmError(
            f"embeddings of shape {list(embeddings.shape)}, the enrolled classes have width {width}: use the encoder "
            "they were enrolled with, or enrol again"
        )
