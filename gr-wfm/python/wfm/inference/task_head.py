# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Task Head: embeddings in, labels out; classes are enrolled while the flowgraph runs."""

from threading import Lock

import numpy as np
import pmt

from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import find_cohort
from wfm_core.model.enrolment.cohort import STRANGERS, read_cohort
from wfm_core.model.prototypes import LEAST_WINDOWS, MARGIN, MODES, Prototypes, check_name

from ..ports import keys, messages
from ..ports.block import message_block

_MOST_WINDOWS = 100_000
"""Of an enrolment: its embeddings stay in memory."""

OFFER = 10
"""Windows of an unknown cluster before it is offered to be named."""

_MOST_OFFER = 1_000_000
_ACTIONS = (keys.ENROL, keys.FORGET, keys.NAME, keys.SAVE, keys.LOAD)
_BESIDE = {keys.WINDOWS: keys.ENROL, keys.AS: keys.NAME}


class task_head(message_block):
    """A head on another block's encoder, so that one encoder feeds many: its classes are learned from a few windows.

    Ports in: `embeddings` from WFM Inference; `control`: a dict or pair with one of
    `enrol` (name; with `windows`, else the block's own number): the next windows become that class, and are not judged;
    `forget` (name), also of an enrolment under way; `name` (an unknown cluster, such as "unknown-3") with `as` (the
    class that its windows become, or join); `save` (path); `load` (path, in place of all classes and clusters).
    A message that is refused changes nothing: it is logged, counted and told on `events`.

    Ports out: `detects`, PDUs as of WFM Inference with `distance` beside the score: that to the nearest class over its
    threshold, above 1 for "unknown", and `cluster` of a window that fell into one of the unknown clusters; `events`
    (dict: enrolling, enrolled, forgot, saved, loaded, unknown, refused, warning; of `unknown` also `name` and `heard`,
    a cluster's); `status` (dict, once a second while windows come, and after each control message).

    Args:
        task: the task's name in the PDUs.
        embedding: which of the encoder's embeddings to take, "embedding_iq" or "embedding_image".
        prototypes: file of classes to begin with, "" for none.
        windows: windows of an enrolment that does not say how many.
        margin: standard deviations between a class's own windows and "unknown", when no file says it.
        modes: prototypes of a class at most, when no file says it; more than one where its windows ask for it.
        cohort: file of strangers' embeddings, array `cohort` [N, D] of safetensors or .npz, or the name of a foundation
            that has one; "" for none. It is used unless the file of classes has one of its own.
        strangers: share of the cohort that is accepted at most.
        offer: windows of an unknown cluster after which it is told on `events`, and again each time they have doubled;
            0: no clusters.

    Raises:
        WfmError: a parameter out of range, or a file that cannot be read.
    """

    def __init__(
        self,
        task: str = "fingerprint",
        embedding: str = "embedding_iq",
        prototypes: str = "",
        windows: int = 20,
        margin: float = MARGIN,
        modes: int = MODES,
        cohort: str = "",
        strangers: float = STRANGERS,
        offer: int = OFFER,
    ):
        super().__init__(
            "wfm_task_head",
            takes={keys.EMBEDDINGS: self._on_embedding, keys.CONTROL: self._on_control},
            gives=(keys.DETECTS, keys.EVENTS, keys.STATUS),
            on_refusal=self._count_refusal,
            log="wfm.task_head",
        )
        if not task.isidentifier():
            raise WfmError(f"task is {task!r}, a name such as fingerprint is expected")
        self._task = task
        self._embedding = embedding
        self._windows = _window_count(windows)
        if isinstance(offer, bool) or not isinstance(offer, int) or not 0 <= offer <= _MOST_OFFER:
            raise WfmError(f"offer is {offer!r}, a whole number from 0 to {_MOST_OFFER} is expected")
        self._offer = offer
        self._strangers = (read_cohort(find_cohort(cohort, embedding)) if cohort else None, strangers)
        own = Prototypes(margin, modes, *self._strangers)
        self._prototypes = Prototypes.load(prototypes, *self._strangers) if prototypes else own
        self._lock = Lock()  # status() is asked from other threads than the messages come on
        self._enrolling = ""
        self._wanted = 0
        self._taken: list[np.ndarray] = []
        self._counts = {"windows_in": 0, "decided": 0, "unknown": 0, "enrolled": 0, "skipped": 0, "refused": 0}

    def status(self) -> dict:
        """Windows counted by their fate, messages refused, the classes, the enrolment under way, the windows of the
        cohort, the share of it that is accepted at most (0 without one), and the unknown clusters."""
        with self._lock:
            known = self._prototypes
            return {
                **self._counts,
                "classes": list(known.names),
                "enrolling": self._enrolling,
                "windows_wanted": self._wanted - len(self._taken),
                "cohort": len(known.cohort or ()),
                "strangers": known.strangers if known.cohort else 0.0,
                "clusters": [cluster.name for cluster in known.clusters],
                "clusters_heard": [cluster.heard for cluster in known.clusters],
            }

    # -- embeddings ----------------------------------------------------------------------------------------------

    def _on_embedding(self, pdu: pmt.pmt_base) -> None:
        self.handle_waiting(keys.CONTROL)
        try:
            fields, name, values = messages.read_embedding(pdu)
            with self._lock:
                self._counts["windows_in"] += 1
            if name != self._embedding:
                self._skip(name)
            elif not np.isfinite(values).all():
                raise WfmError("an embedding that is not finite: windows with a signal in them are expected")
            elif self._enrolling:
                self._take(values)
            else:
                self._judge(fields, values)
        finally:
            self.publish_status_when_due()

    def _judge(self, fields: pmt.pmt_base, values: np.ndarray) -> None:
        decision = self._prototypes.decide(values[None])[0]
        unknown = decision["index"] < 0
        with self._lock:
            self._counts["decided"] += 1
            self._counts["unknown"] += unknown
            cluster = self._prototypes.hear(values) if unknown and self._offer else None
        answer = pmt.dict_add(fields, keys.DISTANCE, pmt.from_double(decision["distance"]))
        if cluster:
            answer = pmt.dict_add(answer, keys.CLUSTER, pmt.intern(cluster.name))
        answer = messages.task_dict(answer, decision)
        self.message_port_pub(
            keys.DETECTS, messages.detects_pdu(self._task, answer, decision, late=True, window_tasks=1)
        )
        if cluster and cluster.heard >= max(self._offer, 2 * cluster.told):
            cluster.told = cluster.heard
            text = f"{cluster.name}, heard {cluster.heard} times: send name {cluster.name} as a class, if you know it"
            self.notice("unknown", text, name=cluster.name, heard=cluster.heard)

    def _take(self, values: np.ndarray) -> None:
        with self._lock:
            self._taken.append(values)
            if len(self._taken) < self._wanted:
                return
            name, windows = self._enrolling, self._taken
            self._enrolling, self._wanted, self._taken = "", 0, []
            self._prototypes.enrol(name, np.stack(windows))
            self._counts["enrolled"] += len(windows)
            text = self._enrolled(name, len(windows))
        self.notice("enrolled", text)
        self.publish_status()

    def _enrolled(self, name: str, windows: int) -> str:
        """What is said of it, the lock held."""
        known = self._prototypes
        text = f"{name} from {windows} windows"
        if (modes := known.modes_of()[name]) > 1:
            text += f" in {modes} places"
        text += f"; left out one by one, {known.leave_one_out_accuracy():.0%} of all classes' are named"
        if known.cohort:
            text += f"; of a cohort of {len(known.cohort)} strangers {known.strangers_accepted():.1%} are accepted"
        return text

    def _skip(self, name: str) -> None:
        with self._lock:
            self._counts["skipped"] += 1
            first = self._counts["skipped"] == 1
        if first:
            self.warn(
                f"embeddings named {name} are skipped, {self._embedding} is expected: set embedding if that is wrong"
            )

    # -- control -------------------------------------------------------------------------------------------------

    def _on_control(self, message: pmt.pmt_base) -> None:
        try:
            self._obey(messages.read_control(message))
        finally:
            self.publish_status()

    def _obey(self, message: dict[str, object]) -> None:
        actions = [key for key in message if key in _ACTIONS]
        strange = set(message) - set(_ACTIONS) - set(_BESIDE)
        astray = [key for key in message if _BESIDE.get(key, "") not in ("", *actions)]
        if len(actions) != 1 or strange or astray:
            raise WfmError(
                f"control message with {', '.join(sorted(message)) or 'nothing'}: one of {', '.join(_ACTIONS)} is "
                "expected, with windows beside enrol and as beside name alone"
            )
        value = message[actions[0]]
        if not isinstance(value, str) or not value:
            raise WfmError(f"control message {actions[0]} {value!r}: a class's name or a file's path is expected")
        if actions[0] == keys.ENROL:
            self._begin(value, message.get(keys.WINDOWS, self._windows))
        elif actions[0] == keys.FORGET:
            self._forget(value)
        elif actions[0] == keys.NAME:
            self._name(value, message.get(keys.AS))
        elif actions[0] == keys.SAVE:
            self._prototypes.save(value)
            self.notice("saved", value)
        else:
            self._load(value)

    def _begin(self, name: str, windows: object) -> None:
        check_name(name)
        wanted = _window_count(windows)
        with self._lock:
            if self._enrolling:
                raise WfmError(f"enrolment of {name!r} while {self._enrolling!r} is enrolled: wait, or forget that one")
            self._enrolling, self._wanted, self._taken = name, wanted, []
        self.notice("enrolling", f"{name}: the next {wanted} windows")

    def _forget(self, name: str) -> None:
        with self._lock:
            if name == self._enrolling:
                self._enrolling, self._wanted, self._taken = "", 0, []
            else:
                self._prototypes.forget(name)
        self.notice("forgot", name)

    def _name(self, cluster: str, name: object) -> None:
        check_name(name)
        with self._lock:
            windows = self._prototypes.name(cluster, name)
            self._counts["enrolled"] += windows
            text = self._enrolled(name, windows)
        self.notice("enrolled", f"{cluster} as {text}")

    def _load(self, path: str) -> None:
        loaded = Prototypes.load(path, *self._strangers)
        with self._lock:
            self._prototypes = loaded
        self.notice("loaded", f"{path}: {', '.join(loaded.names)}")

    def _count_refusal(self, error: Exception) -> None:
        with self._lock:
            self._counts["refused"] += 1
        self.notice("refused", str(error))


def _window_count(windows: object) -> int:
    if isinstance(windows, bool) or not isinstance(windows, int) or not LEAST_WINDOWS <= windows <= _MOST_WINDOWS:
        raise WfmError(f"windows is {windows!r}, a whole number from {LEAST_WINDOWS} to {_MOST_WINDOWS} is expected")
    return windows
