# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes learned from a few embeddings each, without training: a prototype is the mean of its windows.

A window belongs to the class of the nearest prototype by Mahalanobis distance. One that is further away than that
class's own windows are, each measured with itself left out, or than a cohort of strangers allows, is unknown. The parts
are in `wfm_core.model.enrolment`: `fit` (distance and thresholds), `modes` (several prototypes a class), `cohort`,
`clusters` (of what is unknown), `file`.
"""

from pathlib import Path

import numpy as np
from scipy.special import softmax

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import plain
from wfm_core.model.enrolment import file
from wfm_core.model.enrolment.clusters import Cluster, Clusters, is_cluster_name
from wfm_core.model.enrolment.cohort import STRANGERS, Cohort, check_rate
from wfm_core.model.enrolment.fit import Fit, Metric, cohort_metric, fit

LEAST_WINDOWS = 3
"""Fewer of a class say nothing about its spread."""

MARGIN = 2.0
"""Standard deviations of the log distance between a class's own windows and what is unknown: refuses 2 % of them if
they are normal."""

MODES = 4
"""Prototypes of a class, at most: so many where its windows lie in so many places, else one."""

MOST_MODES = 32
UNKNOWN = "unknown"


class Prototypes:
    """Classes by name, in the order of their enrolment. Not safe for several threads at once.

    Args:
        margin: standard deviations from a class's own windows to unknown; larger answers unknown less often.
        modes: prototypes of a class at most, 1 to `MOST_MODES`; 1 is the mean alone.
        cohort: embeddings of strangers, to which the thresholds are fitted as well; None leaves them to `margin`.
        strangers: share of the cohort that is accepted as one class or another at most, above 0 and up to 0.5.

    Raises:
        WfmError: a value out of range, or a cohort too small to tell that share.
    """

    def __init__(
        self,
        margin: float = MARGIN,
        modes: int = MODES,
        cohort: Cohort | None = None,
        strangers: float = STRANGERS,
    ):
        if not margin > 0:
            raise WfmError(f"margin is {margin:g}, standard deviations above 0 are expected, such as {MARGIN:g}")
        if isinstance(modes, bool) or not isinstance(modes, int) or not 1 <= modes <= MOST_MODES:
            raise WfmError(f"modes is {modes!r}, a whole number from 1 to {MOST_MODES} is expected")
        self.margin = margin
        self.modes = modes
        self.cohort = cohort
        self.strangers = check_rate(strangers, cohort)
        self.clusters = Clusters()
        """Of windows that were heard (`hear`) and are unknown."""
        self._windows: dict[str, np.ndarray] = {}
        self._fit: Fit | None = None
        self._cohort_metric: Metric | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._windows)

    @property
    def width(self) -> int:
        """Length of an embedding; 0 while there is no class and no cohort."""
        if self._windows:
            return next(iter(self._windows.values())).shape[1]
        return self.cohort.width if self.cohort is not None else 0

    def enrol(self, name: str, embeddings: np.ndarray) -> None:
        """Make `embeddings` [n, D] the class `name`, in place of one of that name. Raises `WfmError`."""
        _check_text(name)
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
        elif self.cohort is not None:
            _check_width(embeddings, self.cohort.width)
        if not np.isfinite(embeddings).all():
            raise WfmError(f"class {name!r} has embeddings that are not finite: enrol windows with a signal in them")
        if not np.ptp(embeddings, axis=0).any():
            raise WfmError(f"the {len(embeddings)} windows of class {name!r} are all alike: enrol windows that differ")
        if any(cluster.windows.shape[1] != embeddings.shape[1] for cluster in self.clusters):
            self.clusters.clear()  # of another encoder
        self._windows[name] = embeddings
        self._fit = None
        self._drop_known_clusters()

    def forget(self, name: str) -> None:
        """Drop the class `name`. Raises `WfmError` where there is none."""
        if name not in self._windows:
            raise WfmError(f"no class {plain(name)} to forget; enrolled: {', '.join(self.names) or 'none'}")
        del self._windows[name]
        self._fit = None

    def modes_of(self) -> dict[str, int]:
        """How many prototypes each class has."""
        counts = np.bincount(self._fitted().owner) if self._windows else ()
        return dict(zip(self.names, map(int, counts), strict=True))

    def leave_one_out_accuracy(self) -> float:
        """Share of the enrolled windows that the others alone name rightly and do not call unknown; NaN without any."""
        return self._fitted().accuracy if self._windows else float("nan")

    def strangers_accepted(self) -> float:
        """Share of the cohort that is taken for one of the classes; NaN without a cohort or a class."""
        return self._fitted().accepted if self._windows else float("nan")

    def decide(self, embeddings: np.ndarray) -> list[dict]:
        """Embeddings [B, D] -> a decision each: label, index, score and probabilities as of a bundle, and `distance`.

        `distance` is that to the nearest class over its threshold: above 1 the label is "unknown" and the index -1.
        Without any class it is infinite and the score 0. Raises `WfmError` for embeddings of another width, or that are
        not finite.
        """
        embeddings = np.asarray(embeddings, np.float32)
        if not np.isfinite(embeddings).all():
            raise WfmError("embeddings that are not finite: give windows with a signal in them")
        if self.width:
            _check_width(embeddings, self.width)
        if not self._windows:
            nothing = {"label": UNKNOWN, "index": -1, "score": 0.0, "probabilities": {}, "distance": float("inf")}
            return [dict(nothing) for _ in embeddings]
        fitted = self._fitted()
        squared = fitted.squared_distances(embeddings)
        rows = zip(squared, softmax(-squared / fitted.temperature, axis=1), strict=True)
        return [self._decision(fitted, distances, probabilities) for distances, probabilities in rows]

    def hear(self, embedding: np.ndarray) -> Cluster | None:
        """Put an embedding [D] that was judged unknown into the clusters; None where no distance is known, as there is
        neither a class nor a cohort."""
        metric = self._metric()
        return None if metric is None else self.clusters.hear(np.asarray(embedding, np.float32), metric)

    def name(self, cluster: str, name: str) -> int:
        """Make the kept windows of `cluster` the class `name`, behind those of a class of that name; the number of
        windows. Raises `WfmError`, and then changes nothing."""
        check_name(name)
        windows = self.clusters[cluster].windows
        known = self._windows.get(name)
        self.enrol(name, windows if known is None else np.concatenate([known, windows]))
        if cluster in {left.name for left in self.clusters}:
            self.clusters.drop(cluster)
        return len(windows)

    def save(self, path: str | Path) -> None:
        """Write classes, cohort and clusters as safetensors (`wfm_core.model.enrolment.file`). Raises `WfmError`."""
        kept = (self._windows, self.margin, self.modes, self.strangers, self.cohort, self.clusters)
        file.write(Path(path), file.Saved(*kept))

    @classmethod
    def load(cls, path: str | Path, cohort: Cohort | None = None, strangers: float = STRANGERS) -> "Prototypes":
        """What `save` wrote; where it has no cohort, with that `cohort` and `strangers`. Raises `WfmError`."""
        try:
            saved = file.read(Path(path), strangers)
            if saved.cohort is None:
                loaded = cls(saved.margin, saved.modes, cohort, strangers)
            else:
                loaded = cls(saved.margin, saved.modes, saved.cohort, saved.strangers)
            for name, windows in saved.classes.items():
                loaded.enrol(name, windows)
            for cluster in saved.clusters if loaded.width else ():
                _check_width(cluster.windows, loaded.width)
            loaded.clusters = saved.clusters
            if loaded.names:
                loaded._fitted()  # here, and not when the first window of a stream is to be judged
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise WfmError(f"{path} cannot be read as prototypes ({error}); give a task head's file") from error
        return loaded

    def _fitted(self) -> Fit:
        if self._fit is None:
            classes = list(self._windows.values())
            self._fit = fit(classes, self.margin, self.modes, self.cohort, self.strangers)
        return self._fit

    def _metric(self) -> Metric | None:
        if self._windows:
            return self._fitted().metric
        if self.cohort is not None and self._cohort_metric is None:
            self._cohort_metric = cohort_metric(self.cohort, self.strangers)
        return self._cohort_metric

    def _drop_known_clusters(self) -> None:
        if len(self.clusters):
            self.clusters.drop_known(lambda rows: np.array([made["index"] < 0 for made in self.decide(rows)]))

    def _decision(self, fitted: Fit, squared: np.ndarray, probabilities: np.ndarray) -> dict:
        index = int(squared.argmin())
        distance = float(np.sqrt(squared[index]) / fitted.thresholds[index])
        known = distance <= 1
        return {
            "label": self.names[index] if known else UNKNOWN,
            "index": index if known else -1,
            "score": float(probabilities[index]),
            "probabilities": dict(zip(self.names, map(float, probabilities), strict=True)),
            "distance": distance,
        }


def check_name(name: object) -> None:
    """Raises `WfmError` for what cannot name a new class."""
    _check_text(name)
    if is_cluster_name(name):
        raise WfmError(f"class name {plain(name)}, which is that of an unknown cluster: choose another")


def _check_text(name: object) -> None:
    if not isinstance(name, str) or not name.strip() or name == UNKNOWN:
        raise WfmError(f"class name {plain(name)}, a text other than '' and {UNKNOWN!r} is expected")


def _check_width(embeddings: np.ndarray, width: int) -> None:
    if embeddings.ndim != 2 or embeddings.shape[1] != width:
        raise WfmError(
            f"embeddings of shape {list(embeddings.shape)}, width {width} is expected, as of classes and cohort: use "
            "the encoder they were enrolled with, or enrol again"
        )
