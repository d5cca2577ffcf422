# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task head knows of classes: which it was taught, and what it makes of a window and of an order."""

import numpy as np
import pmt

from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import find_cohort
from wfm_core.model.enrolment.cohort import read_cohort
from wfm_core.model.prototypes import Prototypes, check_name

from ..ports import keys
from .head_answers import Judged

_MOST_OFFER = 1_000_000


class NamedClasses:
    """Prototypes of classes, and clusters of what is unknown; arguments as of `task_head`. Raises `WfmError`."""

    ACTIONS = (keys.ENROL, keys.FORGET, keys.NAME, keys.SAVE, keys.LOAD)
    TEACHES = "enrolled"
    MOST_WINDOWS = 100_000
    """Of an enrolment: its embeddings stay in memory."""

    def __init__(self, prototypes: str, margin: float, modes: int, cohort: str, strangers: float, offer: int, of: str):
        if isinstance(offer, bool) or not isinstance(offer, int) or not 0 <= offer <= _MOST_OFFER:
            raise WfmError(f"offer is {offer!r}, a whole number from 0 to {_MOST_OFFER} is expected")
        self._offer = offer
        self._strangers = (read_cohort(find_cohort(cohort, of)) if cohort else None, strangers)
        own = Prototypes(margin, modes, *self._strangers)
        self._known = self.read(prototypes) if prototypes else own

    def status(self) -> dict:
        known = self._known
        return {
            "classes": list(known.names),
            "cohort": len(known.cohort or ()),
            "strangers": known.strangers if known.cohort else 0.0,
            "clusters": [cluster.name for cluster in known.clusters],
            "clusters_heard": [cluster.heard for cluster in known.clusters],
        }

    def judge(self, values: np.ndarray) -> Judged:
        decision = self._known.decide(values[None])[0]
        unknown = decision["index"] < 0
        beside = [(keys.DISTANCE, pmt.from_double(decision["distance"]))]
        cluster = self._known.hear(values) if unknown and self._offer else None
        if cluster is None:
            return Judged(decision, unknown, beside)
        beside.append((keys.CLUSTER, pmt.intern(cluster.name)))
        if cluster.heard < max(self._offer, 2 * cluster.told):
            return Judged(decision, unknown, beside)
        cluster.told = cluster.heard
        text = f"{cluster.name}, heard {cluster.heard} times: send name {cluster.name} as a class, if you know it"
        return Judged(decision, unknown, beside, {"text": text, "name": cluster.name, "heard": cluster.heard})

    def target(self, value: object) -> tuple[str, str]:
        """The class that an enrolment is of, as it is told."""
        check_name(value)
        return value, value

    def teach(self, name: str, windows: np.ndarray) -> str:
        self._known.enrol(name, windows)
        return self._told(name, len(windows))

    def forget(self, value: object) -> str:
        if not isinstance(value, str) or not value:
            raise WfmError(f"control message forget {value!r}: a class's name is expected")
        self._known.forget(value)
        return value

    def name(self, cluster: object, name: object) -> tuple[int, str]:
        """Windows of the cluster, which is the class `name` from now on, and what is told."""
        if not isinstance(cluster, str) or not cluster:
            raise WfmError(f"control message name {cluster!r}: the name of an unknown cluster is expected")
        check_name(name)
        windows = self._known.name(cluster, name)
        return windows, f"{cluster} as {self._told(name, windows)}"

    def save(self, path: str) -> None:
        self._known.save(path)

    def read(self, path: str) -> Prototypes:
        return Prototypes.load(path, *self._strangers)

    def take(self, known: Prototypes) -> str:
        """From now on that is what it knows; what is told of it."""
        self._known = known
        return ", ".join(known.names)

    def _told(self, name: str, windows: int) -> str:
        known = self._known
        text = f"{name} from {windows} windows"
        if (modes := known.modes_of()[name]) > 1:
            text += f" in {modes} places"
        text += f"; left out one by one, {known.leave_one_out_accuracy():.0%} of all classes' are named"
        if known.cohort:
            text += f"; of a cohort of {len(known.cohort)} strangers {known.strangers_accepted():.1%} are accepted"
        return text
