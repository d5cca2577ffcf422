# SPDX-License-Identifier: GPL-3.0-or-later
"""A task head's file: safetensors with the embeddings of every class, of the cohort and of the unknown clusters.

Tensors: "0", "1", ... [n, D] of the classes in their order, "cohort" [N, D] with its "cohort_group" [N] and
"cohort_drift" [D], "cluster-0", ... [n, D]. The metadata say the rest as texts. Files of format 1, of earlier versions,
have classes and a margin alone.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy

from wfm_core.base.errors import WfmError
from wfm_core.base.files import write_atomically
from wfm_core.base.json_text import read_json
from wfm_core.base.plain import plain
from wfm_core.base.weights_file import read_weights_and_notes
from wfm_core.model.enrolment.clusters import Clusters
from wfm_core.model.enrolment.cohort import DRIFT, GROUP, KEY, Cohort

FORMAT = "2"
_OLD_FORMAT = "1"


@dataclass(frozen=True)
class Saved:
    """What a file holds: `classes` by name, `margin`, prototypes a class at most (`modes`), `strangers` as a share,
    `cohort` and `clusters`."""

    classes: dict[str, np.ndarray]
    margin: float
    modes: int
    strangers: float
    cohort: Cohort | None
    clusters: Clusters


def write(path: Path, saved: Saved) -> None:
    """Raises `WfmError` where it cannot be written."""
    clusters = list(saved.clusters)
    tensors = {str(number): windows for number, windows in enumerate(saved.classes.values())}
    tensors |= {f"cluster-{number}": cluster.windows for number, cluster in enumerate(clusters)}
    if saved.cohort is not None:
        tensors[KEY] = np.ascontiguousarray(saved.cohort.embeddings)
        beside = {GROUP: saved.cohort.group, DRIFT: saved.cohort.drift}
        tensors |= {name: values for name, values in beside.items() if values is not None}
    notes = {
        "wfm_prototypes": FORMAT,
        "names": json.dumps(list(saved.classes)),
        "margin": plain(saved.margin),
        "modes": str(saved.modes),
        "strangers": plain(saved.strangers),
        "clusters": json.dumps([[cluster.name, cluster.heard] for cluster in clusters]),
        "clusters_made": str(saved.clusters.made),
    }
    try:
        write_atomically(path, lambda part: safetensors.numpy.save_file(tensors, part, metadata=notes))
    except OSError as error:
        raise WfmError(f"cannot write {path}: {error.strerror}; choose another path") from error


def read(path: Path, strangers: float) -> Saved:
    """What `write` wrote; `strangers` is that of a file which says none. Classes are still to be checked.

    Raises `WfmError`, and `KeyError`, `ValueError`, `TypeError`, `AttributeError` or `RecursionError` for what is
    damaged.
    """
    try:
        tensors, notes = read_weights_and_notes(path)
    except WfmError as error:
        raise WfmError(f"no prototypes: {error}") from error
    if notes.get("wfm_prototypes") not in (FORMAT, _OLD_FORMAT):
        raise WfmError(f"{path} holds no prototypes of format {FORMAT} or older; give a task head's file")
    names = read_json(notes["names"].encode(), "the names of its classes")
    classes = {name: tensors[str(number)].float().numpy() for number, name in enumerate(names)}
    old = notes["wfm_prototypes"] == _OLD_FORMAT
    clusters = Clusters()
    clusters.made = 0 if old else _count(notes["clusters_made"])
    heard = [] if old else read_json(notes["clusters"].encode(), "its clusters")
    for number, (name, count) in enumerate(heard):
        clusters.restore(name, count, tensors[f"cluster-{number}"].float().numpy())
    return Saved(
        classes,
        float(notes["margin"]),
        1 if old else _count(notes["modes"]),
        strangers if old else float(notes["strangers"]),
        _cohort(tensors) if KEY in tensors and not old else None,
        clusters,
    )


def _cohort(tensors: dict) -> Cohort:
    group, drift = (tensors[name].numpy() if name in tensors else None for name in (GROUP, DRIFT))
    return Cohort(tensors[KEY].float().numpy(), group, drift)


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 15:
        raise ValueError(f"a number {text[:40]!r}")
    return int(text)
