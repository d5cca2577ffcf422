# SPDX-License-Identifier: GPL-3.0-or-later
"""A cohort: embeddings of what is nobody's, against which a class's distances are judged.

The distances of the cohort to a class say how far strangers are from it: the logarithm of a distance is measured in
their mean and deviation, class by class, so that one limit serves all classes (Z-norm of speaker verification;
Mariethoz and Bengio 2005, "A unified framework for score normalization techniques applied to text-independent speaker
verification"). The limit is the order statistic of the cohort under which the stated share of it is accepted: a fresh
window that could as well have been one of the cohort is accepted with that probability at most, whatever the
distribution (Vovk, Gammerman and Shafer 2005, "Algorithmic learning in a random world").

Strangers that have little to do with what is enrolled, such as transmitters of another make, are far from it and would
make any limit seem strict. So a cohort may be of groups, of which the one counts that is nearest to the enrolled
windows.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.files import read_file
from wfm_core.base.npz_file import DAMAGED, check_npz
from wfm_core.base.weights_file import read_weights

STRANGERS = 0.05
"""Share of the cohort that is accepted at most."""

MOST_WINDOWS = 65_536
MOST_VALUES = 1 << 24
"""Numbers of a cohort's embeddings: 64 MiB."""
KEY = "cohort"
GROUP = "cohort_group"
DRIFT = "cohort_drift"
_FILE_LIMIT = 4 * MOST_VALUES + (1 << 20)
_TINY = 1e-300


@dataclass(frozen=True)
class Cohort:
    """`embeddings` float32 [N, D] of devices or classes that are nobody's; the `group` int64 [N] of each, None: they
    are all of one; and how far one device strays from day to day, `drift` float32 [D], a variance for each entry, None:
    not at all. Raises `WfmError` for others."""

    embeddings: np.ndarray
    group: np.ndarray | None = None
    drift: np.ndarray | None = None

    def __post_init__(self):
        values = self.embeddings
        if values.ndim != 2 or not 2 <= len(values) <= MOST_WINDOWS or not 0 < values.size <= MOST_VALUES:
            raise WfmError(
                f"cohort of shape {list(values.shape)}, [windows, width] with 2 to {MOST_WINDOWS} windows and at most "
                f"{MOST_VALUES} numbers is expected: make it of fewer"
            )
        if not np.isfinite(values).all():
            raise WfmError("the cohort has embeddings that are not finite: leave those windows out")
        if self.group is not None and (self.group.shape != (len(values),) or self.group.dtype != np.int64):
            raise WfmError(
                f"cohort_group of shape {list(self.group.shape)} and {self.group.dtype}, int64 [{len(values)}] is "
                "expected, a group for each of the cohort's windows"
            )
        if self.drift is not None and not (self.drift.shape == values.shape[1:] and (self.drift >= 0).all()):
            raise WfmError(
                f"cohort_drift of shape {list(self.drift.shape)}, variances [{values.shape[1]}] of 0 or more are "
                "expected"
            )

    def __len__(self) -> int:
        return len(self.embeddings)

    @property
    def width(self) -> int:
        return self.embeddings.shape[1]

    @property
    def labels(self) -> np.ndarray:
        """The number of each one's group, int [N], from 0."""
        return np.zeros(len(self), int) if self.group is None else np.unique(self.group, return_inverse=True)[1]

    @property
    def least(self) -> int:
        """Windows of the smallest group."""
        return int(np.bincount(self.labels).min())

    def nearest(self, middle: np.ndarray, whitening: np.ndarray) -> np.ndarray:
        """Embeddings of the group whose mean is nearest to `middle` [D], by the distance that `whitening` [D, D]
        makes."""
        labels = self.labels
        means = np.stack([self.embeddings[labels == one].mean(0) for one in range(labels.max() + 1)])
        away = np.square((means - middle) @ whitening).sum(1)
        return self.embeddings[labels == int(away.argmin())]


def read_cohort(path: str | Path) -> Cohort:
    """The array `cohort` [N, D] of a safetensors or .npz file, `cohort_group` [N] and `cohort_drift` [D] where it has
    them; a task head's file has them too. Raises `WfmError`."""
    path = Path(path)
    arrays = _npz(path) if path.suffix == ".npz" else read_weights(path)
    if KEY not in arrays:
        raise WfmError(f"{path} has no array {KEY!r}; write the embeddings [windows, width] under that name")
    found = arrays[KEY] if isinstance(arrays[KEY], np.ndarray) else arrays[KEY].float().numpy()
    group, drift = (None if arrays.get(name) is None else np.array(arrays[name]) for name in (GROUP, DRIFT))
    for name, values in {KEY: found, GROUP: group, DRIFT: drift}.items():
        if values is not None and values.dtype.kind not in "fiu":
            raise WfmError(f"{path}: {name!r} is of {values.dtype}, numbers are expected")
    with np.errstate(over="ignore"):  # what float32 does not hold is not finite, and refused
        return Cohort(np.array(found, np.float32), group, None if drift is None else drift.astype(np.float32))


def _npz(path: Path) -> dict[str, np.ndarray]:
    file = io.BytesIO(read_file(path, _FILE_LIMIT))
    try:
        check_npz(file, path)
        with np.load(file, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files if key in (KEY, GROUP, DRIFT)}
    except DAMAGED as error:
        raise WfmError(f"{path} cannot be read as .npz ({error}); write it with numpy.savez") from error


def check_rate(rate: float, cohort: Cohort | None) -> float:
    """`rate`, a share of the cohort above 0 and up to 0.5 that it is large enough to tell. Raises `WfmError`."""
    if isinstance(rate, bool) or not isinstance(rate, int | float | np.floating) or not 0 < rate <= 0.5:
        raise WfmError(f"strangers is {rate!r}, a share above 0 and up to 0.5 is expected, such as {STRANGERS:g}")
    if cohort is not None and np.floor(rate * cohort.least) < 1:
        raise WfmError(
            f"strangers is {rate:g}, which a cohort of {cohort.least} windows cannot tell: give "
            f"{int(np.ceil(1 / rate))} windows or more, or a larger share"
        )
    return float(rate)


def thresholds(squared: np.ndarray, rate: float) -> np.ndarray:
    """Squared distances [N, K] of a cohort to K classes -> the distances [K] up to which each class accepts.

    Of the N windows, each judged by its nearest class, at most the share `rate` is accepted.
    """
    logs = 0.5 * np.log(np.maximum(squared, _TINY))
    middle, spread = logs.mean(0), np.maximum(logs.std(0), 1e-12)
    nearest = logs.argmin(1)
    placed = np.sort(((logs - middle) / spread)[np.arange(len(logs)), nearest])
    allowed = int(np.floor(rate * len(placed)))
    limit = placed[allowed - 1]
    if limit == placed[allowed]:  # as many alike ones as would be too many: none of them
        below = placed[placed < limit]
        limit = below[-1] if len(below) else limit - 1e-6
    return np.exp(middle + limit * spread) * (1 + 1e-9)  # the window at the limit is accepted, whatever exp() rounds


def accepted(squared: np.ndarray, limits: np.ndarray) -> float:
    """Share of a cohort, squared distances [N, K], that the limits [K] of the nearest classes accept."""
    nearest = squared.argmin(1)
    return float((squared[np.arange(len(squared)), nearest] <= np.square(limits[nearest])).mean())
