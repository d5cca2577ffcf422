# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays with one entry per window as labels, positions and groups."""

from collections.abc import Sequence

import numpy as np

from wfm_core.base.errors import WfmError


def encode_classes(values: np.ndarray, names: Sequence[str] | None, where: str) -> tuple[np.ndarray, list[str]]:
    """Entries [N] -> class indices int64 [N] and the classes' names. Raises `WfmError`.

    Texts, and numbers without `names`, are their own names, sorted (numbers by value). With `names` the entries are
    integers from 0 that count them.
    """
    values = _plain(values, where)
    if values.dtype.kind == "f":
        wrong = np.flatnonzero(values != np.round(values))
        if wrong.size:
            raise WfmError(
                f"{where}: window {wrong[0]} has {values[wrong[0]]}: integers or texts are expected; positions go to "
                "--position"
            )
        values = values.astype(np.int64)
    if names is not None:
        wanted = f"integers from 0 to {len(names) - 1} are expected for the {len(names)} names of --labels"
        if values.dtype.kind not in "iu":
            raise WfmError(f"{where} holds {values.dtype}: {wanted}; leave --labels out")
        wrong = np.flatnonzero((values < 0) | (values >= len(names)))
        if wrong.size:
            raise WfmError(f"{where}: window {wrong[0]} has {values[wrong[0]]}: {wanted}; give a name to each")
        return values.astype(np.int64), list(names)
    classes, index = np.unique(values, return_inverse=True)
    return index.astype(np.int64), [str(entry) for entry in classes]


def encode_group(values: np.ndarray, where: str) -> list[str]:
    """Entries [N] -> texts. Raises `WfmError`."""
    return [str(entry) for entry in _plain(values, where)]


def encode_positions(columns: Sequence[np.ndarray], names: Sequence[str]) -> np.ndarray:
    """One array [N, 2 or 3], or two or three arrays [N], in metres -> float32 [N, 3]; a z that is not given is 0."""
    parts = [np.asarray(column, np.float32) for column in columns]
    position = parts[0] if len(parts) == 1 else np.stack([part.reshape(-1) for part in parts], axis=1)
    if position.ndim != 2 or position.shape[1] not in (2, 3):
        raise WfmError(
            f"position {', '.join(names)} is {list(position.shape)}: x, y and perhaps z of each window, in metres, "
            "are expected; name one array [N, 3] or [N, 2], or one array per coordinate"
        )
    return np.pad(position, ((0, 0), (0, 3 - position.shape[1])))


def _plain(values: np.ndarray, where: str) -> np.ndarray:
    """One entry per window: numbers, or texts (bytes decoded)."""
    values = np.asarray(values)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise WfmError(f"{where} is {list(values.shape)}: one entry per window is expected; positions go to --position")
    if values.dtype.kind in "SO":
        values = np.array([entry.decode() if isinstance(entry, bytes) else str(entry) for entry in values])
    return values
