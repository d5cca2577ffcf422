# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Task Head: embeddings in, labels or positions out; classes and points are enrolled while the flowgraph runs."""

from threading import Lock

import numpy as np
import pmt

from wfm_core.base.errors import WfmError
from wfm_core.model.enrolment.cohort import STRANGERS
from wfm_core.model.prototypes import LEAST_WINDOWS, MARGIN, MODES

from ..ports import keys, messages
from ..ports.block import message_block
from .named_classes import NamedClasses
from .surveyed_places import SurveyedPlaces

OFFER = 10
"""Windows of an unknown cluster before it is offered to be named."""

_BESIDE = {keys.WINDOWS: (keys.ENROL, keys.POINT), keys.AS: (keys.NAME,)}


class task_head(message_block):
    """A head on another block's encoder, so that one encoder feeds many: its classes are learned from a few windows.

    Ports in: `embeddings` from WFM Inference; `encoder_status`, its `status`, which goes out at the port of that name
    after the answers to the windows that it counts: WFM Event Tracker would else hear of the stream's end before it has
    the last of them; `control`: a dict or pair with one of
    `enrol` (name; with `windows`, else the block's own number): the next windows become that class, and are not judged;
    `forget` (name), also of an enrolment under way; `name` (an unknown cluster, such as "unknown-3") with `as` (the
    class that its windows become, or join); `save` (path); `load` (path, in place of all classes and clusters).
    A message that is refused changes nothing: it is logged, counted and told on `events`.

    With the task "position" it tells places in place of classes: `point` (x, y, z in metres, a vector; with `windows`)
    makes the next windows those of a surveyed point, `forget` takes a point. From the fourth point on positions go out.

    Ports out: `detects`, PDUs as of WFM Inference with `distance` beside the score: that to the nearest class over its
    threshold, above 1 for "unknown", and `cluster` of a window that fell into one of the unknown clusters, or with the
    position: that to the nearest point, above 1 for what is from elsewhere, and `uncertainty` in metres; `events`
    (dict: enrolling, enrolled or surveyed, forgot, saved, loaded, unknown, refused, warning; of `unknown` also `name`
    and `heard`, a cluster's); `status` (dict, once a second while windows come, and after each control message).

    Args:
        task: the task's name in the PDUs; "position" for places.
        embedding: which of the encoder's embeddings to take, "embedding_iq" or "embedding_image".
        prototypes: file of classes, or of points, to begin with, "" for none.
        windows: windows of an enrolment that does not say how many.
        margin: standard deviations between a class's own windows and "unknown", when no file says it; of points see
            `wfm_core.model.survey`.
        modes: prototypes of a class at most, when no file says it; more than one where its windows ask for it.
        cohort: file of strangers' embeddings, array `cohort` [N, D] of safetensors or .npz, or the name of a foundation
            that has one; "" for none. It is used unless the file of classes has one of its own.
        strangers: share of the cohort that is accepted at most.
        offer: windows of an unknown cluster after which it is told on `events`, and again each time they have doubled;
            0: no clusters. These last four are of classes alone.

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
            takes={
                keys.EMBEDDINGS: self._on_embedding,
                keys.ENCODER_STATUS: self._on_encoder_status,
                keys.CONTROL: self._on_control,
            },
            gives=(keys.DETECTS, keys.ENCODER_STATUS, keys.EVENTS, keys.STATUS),
            on_refusal=self._count_refusal,
            log="wfm.task_head",
        )
        if not task.isidentifier():
            raise WfmError(f"task is {task!r}, a name such as fingerprint is expected")
        self._task = task
        self._embedding = embedding
        if task == str(keys.POSITION):
            self._knows = SurveyedPlaces(prototypes, margin)
        else:
            self._knows = NamedClasses(prototypes, margin, modes, cohort, strangers, offer, embedding)
        self._windows = self._window_count(windows)
        self._lock = Lock()  # status() is asked from other threads than the messages come on
        self._target = None
        self._enrolling = ""
        self._wanted = 0
        self._taken: list[np.ndarray] = []
        self._counts = {"windows_in": 0, "decided": 0, "unknown": 0, "enrolled": 0, "skipped": 0, "refused": 0}

    def status(self) -> dict:
        """Windows counted by their fate, messages refused, the enrolment under way, and what is known: the classes, the
        windows of the cohort, the share of it that is accepted at most (0 without one) and the unknown clusters; or how
        many points, and how far off each is, located by the others (RMS in m; NaN of too few)."""
        with self._lock:
            return {
                **self._counts,
                "enrolling": self._enrolling,
                "windows_wanted": self._wanted - len(self._taken),
                **self._knows.status(),
            }

    def stop(self) -> None:
        self.publish_status()

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

    def _on_encoder_status(self, message: pmt.pmt_base) -> None:
        self.handle_waiting(keys.EMBEDDINGS)  # the queues of two ports are emptied in any order
        self.message_port_pub(keys.ENCODER_STATUS, message)

    def _judge(self, fields: pmt.pmt_base, values: np.ndarray) -> None:
        with self._lock:
            judged = self._knows.judge(values)
            self._counts["decided"] += judged.decision is not None
            self._counts["unknown"] += judged.unknown
        if judged.decision is None:
            return
        for key, value in judged.beside:
            fields = pmt.dict_add(fields, key, value)
        answer = messages.task_dict(fields, judged.decision)
        pdu = messages.detects_pdu(self._task, answer, judged.decision, late=True, window_tasks=1)
        self.message_port_pub(keys.DETECTS, pdu)
        if judged.offer:
            self.notice("unknown", **judged.offer)

    def _take(self, values: np.ndarray) -> None:
        with self._lock:
            self._taken.append(values)
            if len(self._taken) < self._wanted:
                return
            target, windows = self._target, self._taken
            self._end_enrolment()
            text = self._knows.teach(target, np.stack(windows))
            self._counts["enrolled"] += len(windows)
        self.notice(self._knows.TEACHES, text)
        self.publish_status()

    def _end_enrolment(self) -> None:
        self._target, self._enrolling, self._wanted, self._taken = None, "", 0, []

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
        own = self._knows.ACTIONS
        actions = [key for key in message if key in own]
        strange = set(message) - set(own) - set(_BESIDE)
        astray = [key for key in message if key in _BESIDE and not set(_BESIDE[key]) & set(actions)]
        if len(actions) != 1 or strange or astray:
            raise WfmError(
                f"control message with {', '.join(sorted(message)) or 'nothing'}: one of {', '.join(own)} is "
                f"expected, with windows beside {own[0]} and as beside name alone"
            )
        action, value = actions[0], message[actions[0]]
        if action == own[0]:
            self._begin(value, message.get(keys.WINDOWS, self._windows))
        elif action == keys.FORGET:
            self._forget(value)
        elif action == keys.NAME:
            self._name(value, message.get(keys.AS))
        elif not isinstance(value, str) or not value:
            raise WfmError(f"control message {action} {value!r}: a file's path is expected")
        elif action == keys.SAVE:
            self._knows.save(value)
            self.notice("saved", value)
        else:
            self._load(value)

    def _begin(self, value: object, windows: object) -> None:
        target, told = self._knows.target(value)
        wanted = self._window_count(windows)
        with self._lock:
            if self._enrolling:
                raise WfmError(f"enrolment of {told!r} while {self._enrolling!r} is enrolled: wait, or forget that one")
            self._target, self._enrolling, self._wanted, self._taken = target, told, wanted, []
        self.notice("enrolling", f"{told}: the next {wanted} windows")

    def _forget(self, value: object) -> None:
        with self._lock:
            if self._enrolling and self._is_under_way(value):
                told = self._enrolling
                self._end_enrolment()
            else:
                told = self._knows.forget(value)
        self.notice("forgot", told)

    def _is_under_way(self, value: object) -> bool:
        try:
            return self._knows.target(value)[1] == self._enrolling
        except WfmError:
            return False

    def _name(self, cluster: object, name: object) -> None:
        with self._lock:
            windows, text = self._knows.name(cluster, name)
            self._counts["enrolled"] += windows
        self.notice(self._knows.TEACHES, text)

    def _load(self, path: str) -> None:
        known = self._knows.read(path)
        with self._lock:
            told = self._knows.take(known)
        self.notice("loaded", f"{path}: {told}")

    def _count_refusal(self, error: Exception) -> None:
        with self._lock:
            self._counts["refused"] += 1
        self.notice("refused", str(error))

    def _window_count(self, windows: object) -> int:
        most = self._knows.MOST_WINDOWS
        if isinstance(windows, bool) or not isinstance(windows, int) or not LEAST_WINDOWS <= windows <= most:
            raise WfmError(f"windows is {windows!r}, a whole number from {LEAST_WINDOWS} to {most} is expected")
        return windows
