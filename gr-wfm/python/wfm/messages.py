# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions as PMTs, and back: the tag's dict, the `detects` PDU, control messages."""

from dataclasses import dataclass

import numpy as np
import pmt
from gnuradio.wfm import keys
from gnuradio.wfm.smoothing import Event

from wfm_core.data.annotations import GENERATOR, Mark

_EVENT_FIELDS = ("event", "task", "label", "score", "sample_start", "sample_count", "duration")


@dataclass(frozen=True)
class WindowFacts:
    """What is known of a window beside its decisions.

    `rx_time` (whole seconds, fraction) or None; `rx_freq` Hz or None; `level` mean power per antenna in dBFS;
    `latency` in seconds: how far a radio's stream had run on past the window's last sample when it was taken, and the
    time to decide; `out_of_range`: the sample rate is outside what the bundle was trained for.
    """

    sample_start: int
    sample_count: int
    rx_time: tuple[int, float] | None
    rx_freq: float | None
    level: float
    latency: float
    out_of_range: bool


def facts_dict(facts: WindowFacts) -> pmt.pmt_base:
    """The fields that all tasks of one window share."""
    fields = place_dict(facts)
    fields = pmt.dict_add(fields, keys.LEVEL, pmt.from_double(facts.level))
    fields = pmt.dict_add(fields, keys.LATENCY, pmt.from_double(facts.latency))
    return pmt.dict_add(fields, keys.OUT_OF_RANGE, pmt.from_bool(facts.out_of_range))


def task_dict(shared: pmt.pmt_base, decision: dict) -> pmt.pmt_base:
    """The tag value of one task: the shared fields and the task's answer."""
    if "position" in decision:
        return pmt.dict_add(shared, keys.POSITION, float_vector(decision["position"]))
    fields = pmt.dict_add(shared, keys.LABEL, pmt.intern(decision["label"]))
    fields = pmt.dict_add(fields, keys.INDEX, pmt.from_long(int(decision["index"])))
    return pmt.dict_add(fields, keys.SCORE, pmt.from_double(float(decision["score"])))


def detects_pdu(task: str, tag_value: pmt.pmt_base, decision: dict, late: bool) -> pmt.pmt_base:
    """cons(dict, f32vector): the tag's fields, the task's name and the names of the vector's entries."""
    fields = pmt.dict_add(tag_value, keys.TASK, pmt.intern(task))
    fields = pmt.dict_add(fields, keys.LATE, pmt.from_bool(late))
    if "position" in decision:
        return pmt.cons(fields, float_vector(decision["position"]))
    probabilities = decision["probabilities"]
    names = pmt.to_pmt(list(probabilities))
    return pmt.cons(pmt.dict_add(fields, keys.LABELS, names), float_vector(probabilities.values()))


def embedding_pdu(name: str, shared: pmt.pmt_base, values: np.ndarray) -> pmt.pmt_base:
    """cons(dict, f32vector): the window's fields and which embedding it is; the vector is the pooled embedding [D]."""
    return pmt.cons(pmt.dict_add(shared, keys.EMBEDDING, pmt.intern(name)), float_vector(values))


def read_embedding(pdu: pmt.pmt_base) -> tuple[pmt.pmt_base, str, np.ndarray]:
    """The inverse of `embedding_pdu`: the window's fields, the embedding's name, its values float32 [D].

    Raises `ValueError` for a message of another form.
    """
    fields = pmt.car(pdu) if pmt.is_pair(pdu) else pmt.PMT_NIL
    name = pmt.dict_ref(fields, keys.EMBEDDING, pmt.PMT_NIL) if pmt.is_dict(fields) else pmt.PMT_NIL
    if not pmt.is_symbol(name) or not pmt.is_f32vector(pmt.cdr(pdu)):
        raise ValueError("message on embeddings: cons(dict with embedding, f32vector) is wanted, as of WFM Inference")
    values = np.array(pmt.f32vector_elements(pmt.cdr(pdu)), np.float32)
    return pmt.dict_delete(fields, keys.EMBEDDING), pmt.symbol_to_string(name), values


def event_dict(task: str, event: Event) -> pmt.pmt_base:
    """What the `events` port of a tracker says: event ("begin" or "end"), task, label, mean score, place, duration."""
    fields = place_dict(event)
    fields = pmt.dict_add(fields, keys.EVENT, pmt.intern(event.kind))
    fields = pmt.dict_add(fields, keys.TASK, pmt.intern(task))
    fields = pmt.dict_add(fields, keys.LABEL, pmt.intern(event.label))
    fields = pmt.dict_add(fields, keys.SCORE, pmt.from_double(event.score))
    return pmt.dict_add(fields, keys.DURATION, pmt.from_double(event.duration))


def read_event(message: pmt.pmt_base) -> tuple[str, Event]:
    """The inverse of `event_dict`: the task and its event. Raises for a message of another form."""
    fields = read_control(message)
    missing = [name for name in _EVENT_FIELDS if name not in fields]
    if missing or fields["event"] not in ("begin", "end"):
        wanted = ", ".join(_EVENT_FIELDS)
        raise ValueError(f"message {pmt.write_string(message)}: an event begin or end with {wanted} is wanted")
    event = Event(
        kind=fields["event"],
        label=str(fields["label"]),
        score=float(fields["score"]),
        sample_start=int(fields["sample_start"]),
        sample_count=int(fields["sample_count"]),
        duration=float(fields["duration"]),
        rx_time=fields.get("rx_time"),
        rx_freq=fields.get("rx_freq"),
    )
    return str(fields["task"]), event


def place_dict(of) -> pmt.pmt_base:
    """Where on the stream, when and at which frequency a window, an event or an image is."""
    fields = pmt.make_dict()
    fields = pmt.dict_add(fields, keys.SAMPLE_START, pmt.from_uint64(of.sample_start))
    fields = pmt.dict_add(fields, keys.SAMPLE_COUNT, pmt.from_uint64(of.sample_count))
    if of.rx_time is not None:
        secs, frac = of.rx_time
        whole = pmt.from_uint64(secs) if secs >= 0 else pmt.from_long(secs)  # before 1970
        fields = pmt.dict_add(fields, keys.RX_TIME, pmt.make_tuple(whole, pmt.from_double(frac)))
    if of.rx_freq is not None:
        fields = pmt.dict_add(fields, keys.RX_FREQ, pmt.from_double(of.rx_freq))
    return fields


def float_vector(values) -> pmt.pmt_base:
    numbers = [float(v) for v in values]
    return pmt.init_f32vector(len(numbers), numbers)


@dataclass(frozen=True)
class Detection:
    """A `detects` PDU read back: the fields of one task's answer for one window."""

    task: str
    sample_start: int
    sample_count: int
    rx_time: tuple[int, float] | None
    rx_freq: float | None
    level: float
    decision: dict
    """{"label", "index", "score", "probabilities"} or {"position"}, as in the JSON line."""


def read_detection(pdu: pmt.pmt_base) -> Detection:
    """The inverse of `detects_pdu`."""
    fields, vector = pmt.car(pdu), pmt.f32vector_elements(pmt.cdr(pdu))
    time = pmt.dict_ref(fields, keys.RX_TIME, pmt.PMT_NIL)
    freq = pmt.dict_ref(fields, keys.RX_FREQ, pmt.PMT_NIL)
    if pmt.dict_has_key(fields, keys.POSITION):
        decision = {"position": list(vector)}
    else:
        labels = pmt.to_python(pmt.dict_ref(fields, keys.LABELS, pmt.PMT_NIL))
        decision = {
            "label": pmt.symbol_to_string(pmt.dict_ref(fields, keys.LABEL, pmt.PMT_NIL)),
            "index": pmt.to_long(pmt.dict_ref(fields, keys.INDEX, pmt.PMT_NIL)),
            "score": pmt.to_double(pmt.dict_ref(fields, keys.SCORE, pmt.PMT_NIL)),
            "probabilities": dict(zip(labels, vector, strict=True)),
        }
    return Detection(
        task=pmt.symbol_to_string(pmt.dict_ref(fields, keys.TASK, pmt.PMT_NIL)),
        sample_start=pmt.to_uint64(pmt.dict_ref(fields, keys.SAMPLE_START, pmt.PMT_NIL)),
        sample_count=pmt.to_uint64(pmt.dict_ref(fields, keys.SAMPLE_COUNT, pmt.PMT_NIL)),
        rx_time=None if pmt.is_null(time) else pmt.to_python(time),
        rx_freq=None if pmt.is_null(freq) else pmt.to_double(freq),
        level=pmt.to_double(pmt.dict_ref(fields, keys.LEVEL, pmt.PMT_NIL)),
        decision=decision,
    )


def detection_mark(found: Detection) -> Mark:
    """As it is annotated in a recording of the same stream."""
    value = found.decision.get("score", found.decision.get("position"))
    label = found.decision.get("label", "position")
    return Mark(found.sample_start, found.sample_start + found.sample_count, label, found.task, str(value))


def event_mark(task: str, event: Event) -> Mark:
    """As it is annotated in a recording of the same stream."""
    end = event.sample_start + event.sample_count
    return Mark(event.sample_start, end, event.label, task, str(event.score), f"{GENERATOR} event")


def read_control(message: pmt.pmt_base) -> dict[str, object]:
    """A control message as a Python dict: a PMT dict, or one (key . value) pair as Qt's message widgets send."""
    if pmt.is_pair(message) and pmt.is_symbol(pmt.car(message)):
        return {pmt.symbol_to_string(pmt.car(message)): pmt.to_python(pmt.cdr(message))}
    values = pmt.to_python(message) if pmt.is_dict(message) else None
    if not isinstance(values, dict):
        raise ValueError(f"control message {pmt.write_string(message)}: a dict or a (key . value) pair is wanted")
    return {str(key): value for key, value in values.items()}


def read_tasks(value, known) -> frozenset[str]:
    """Which of the tasks `known` are meant: a list of names, or one string of them with commas; empty means all."""
    names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"tasks {value!r}: a list of names or one string with commas is wanted")
    chosen = frozenset(name for name in names if name)
    if unknown := sorted(chosen - set(known)):
        raise ValueError(f"tasks {', '.join(unknown)} are not in the bundle: choose from {', '.join(known)}")
    return chosen or frozenset(known)


def read_number(key: str, value, low: float, high: float) -> float:
    """A finite number in [low, high]; a word, a truth value or anything else raises ValueError."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:  # also NaN
        raise ValueError(f"{key} {value!r}: a number from {low:g} to {high:g} is wanted")
    return value
