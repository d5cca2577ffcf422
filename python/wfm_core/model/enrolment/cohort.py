# SPDX-License-Identifier: GPL-3.0-or-later
"""A cohort: embeddings of what is nobody's, against which a class's distances are judged.

The distances of the cohort to a class say how far strangers are from it: the logarithm of a distance is measured in
their mean and deviation, class by class, so that one limit serves all classes (Z-norm of speaker verification;
Mariethoz and Bengio 2005, "A unified framework for score normalization techniques applied to text-independent speaker
verification"). The limit is the order statistic of the cohort under which the stated share of it is accepted: a fresh
window that could as well have been one of the cohort is accepted with that probability at most, whatever the
distribution (Vovk, Gammerman and Shafer 2005, "Algorithmic learning in a random world").
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
_FILE_LIMIT = 4 * MOST_VALUES + (1 << 20)
_TINY = 1e-300


@dataclass(frozen=True)
class Cohort:
    """`embeddings` float32 [N, D] of devices or classes that are nobody's. Raises `WfmError` for others."""

    embeddings: np.ndarray

    def __post_init__(self):
        values = self.embeddings
        if values.ndim != 2 or not 2 <= len(values) <= MOST_WINDOWS or not 0 < values.size <= MOST_VALUES:
            raise WfmError(
                f"cohort of shape {list(values.shape)}, [windows, width] with 2 to {MOST_WINDOWS} windows and at most "
                f"{MOST_VALUES} numbers is expected: make it of fewer"
            )
        if not np.isfinite(values).all():
            raise WfmError("the cohort has embeddings that are not finite: leave those windows out")

    def __len__(self) -> int:
        return len(self.embeddings)

    @property
    def width(self) -> int:
        return self.embeddings.shape[1]


def read_cohort(path: str | Path) -> Cohort:
    """The array `cohort` [N, D] of a safetensors or .npz file; a task head's file has one too. Raises `WfmError`."""
    path = Path(path)
    arrays = _npz(path) if path.suffix == ".npz" else read_weights(path)
    if KEY not in arrays:
        raise WfmError(f"{path} has no array {KEY!r}; write the embeddings [windows, width] under that name")
    found = arrays[KEY] if isinstance(arrays[KEY], np.ndarray) else arrays[KEY].float().numpy()
    if found.dtype.kind not in "fiu":
        raise WfmError(f"{path}: {KEY!r} is of {found.dtype}, numbers are expected")
    with np.errstate(over="ignore"):  # what float32 does not hold is not finite, and refused
        return Cohort(np.array(found, np.float32))


def _npz(path: Path) -> dict[str, np.ndarray]:
    file = io.BytesIO(read_file(path, _FILE_LIMIT))
    try:
        check_npz(file, path)
        with np.load(file, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files if key == KEY}
    except DAMAGED as error:
        raise WfmError(f"{path} cannot be read as .npz ({error}); write it with numpy.savez") from error


def check_rate(rate: float, cohort: Cohort | None) -> float:
    """`rate`, a share of the cohort above 0 and up to 0.5 that it is large enough to tell. Raises `WfmError`."""
    if isinstance(rate, bool) or not isinstance(rate, int | float | np.floating) or not 0 < rate <= 0.5:
        raise WfmError(f"strangers is {rate!r}, a share above 0 and up to 0.5 is expected, such as {STRANGERS:g}")
    if cohort is not None and np.floor(rate * len(cohort)) < 1:
        raise WfmError(
            f"strangers is {rate:g}, which a cohort of {len(cohort)} windows cannot tell: give "
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
