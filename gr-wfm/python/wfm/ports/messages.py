# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions as PMTs, and back: the tag's dict, the `detects` PDU, control messages."""

import functools
import math
from dataclasses import dataclass

import numpy as np
import pmt

from wfm_core.base.quantities import QUANTITIES, measured_in
from wfm_core.data.recordings.annotations import GENERATOR, Mark

from ..wfm_python import add_fields
from . import fields as checked
from . import keys
from .event import Event

_PLACE = (keys.SAMPLE_START, keys.SAMPLE_COUNT, keys.RX_TIME, keys.RX_FREQ)
_PLACE_TYPES = "uupd"
_BAND = (keys.FREQ_LOWER_EDGE, keys.FREQ_UPPER_EDGE, keys.SNR_DB)
_BAND_TYPES = "ddd"
_FACTS = (*_PLACE, *_BAND, keys.ORIGIN, keys.LEVEL, keys.LATENCY, keys.OUT_OF_RANGE)
"""What is left out where it is None."""

_EVENT_FIELDS = ("event", "task", "label", "score", "sample_start", "sample_count", "duration")
_DETECTION_FIELDS = (
    "task", "sample_start", "sample_count", "rx_time", "rx_freq", "level", "label", "index", "score", "labels",
    "window_tasks", "freq_lower_edge", "freq_upper_edge", "snr_db", "origin",
)  # fmt: skip


@dataclass(frozen=True)
class WindowFacts:
    """What is known of a window beside its decisions.

    `rx_time` (whole seconds, fraction) or None; `rx_freq` Hz or None; `level` mean power per antenna in dBFS;
    `latency` in seconds: how far a radio's stream had run on past the window's last sample when it was taken, and the
    time to decide; `out_of_range`: the sample rate is outside what the bundle was trained for; `origin`: the engine and
    number format that decided, "" where they are not known. Of one found signal also its edges in Hz (absolute where
    `rx_freq` is known) and its SNR between them; None of what speaks of the whole band.
    """

    sample_start: int
    sample_count: int
    rx_time: tuple[int, float] | None
    rx_freq: float | None
    level: float
    latency: float = 0.0
    out_of_range: bool = False
    freq_lower_edge: float | None = None
    freq_upper_edge: float | None = None
    snr_db: float | None = None
    origin: str = ""


def facts_dict(facts: WindowFacts) -> pmt.pmt_base:
    """The fields that all tasks of one window share."""
    values = (facts.origin or None, facts.level, facts.latency, facts.out_of_range)
    return add_fields(
        pmt.make_dict(), _PLACE_TYPES + _BAND_TYPES + "sddb", _FACTS, (*_place(facts), *_band(facts), *values)
    )


def task_dict(shared: pmt.pmt_base, decision: dict) -> pmt.pmt_base:
    """The tag value of one task: the shared fields and the task's answer."""
    if measured := measured_in(decision):
        return pmt.dict_add(shared, keys.MEASURED[measured], float_vector(decision[measured]))
    values = (decision["label"], int(decision["index"]), decision["score"])
    return add_fields(shared, "sld", (keys.LABEL, keys.INDEX, keys.SCORE), values)


def detects_pdu(
    task: str, tag_value: pmt.pmt_base, decision: dict, late: bool, window_tasks: int | None = None
) -> pmt.pmt_base:
    """cons(dict, f32vector): the tag's fields, the task's name and the names of the vector's entries.

    window_tasks: how many tasks answer for this window, where the sender knows it.
    """
    fields = pmt.dict_add(tag_value, keys.TASK, pmt.intern(task))
    fields = pmt.dict_add(fields, keys.LATE, pmt.from_bool(late))
    if window_tasks is not None:
        fields = pmt.dict_add(fields, keys.WINDOW_TASKS, pmt.from_long(window_tasks))
    if measured := measured_in(decision):
        return pmt.cons(fields, float_vector(decision[measured]))
    probabilities = decision["probabilities"]
    names = _symbols(tuple(probabilities))
    return pmt.cons(pmt.dict_add(fields, keys.LABELS, names), float_vector(probabilities.values()))


@functools.lru_cache(maxsize=64)
def _symbols(names: tuple[str, ...]) -> pmt.pmt_base:
    """A vector, shared by all messages that have these names: nobody changes a message."""
    return pmt.to_pmt(list(names))


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
        raise ValueError("message on embeddings: cons(dict with embedding, f32vector) is expected, as of WFM Inference")
    values = np.array(pmt.f32vector_elements(pmt.cdr(pdu)), np.float32)
    return pmt.dict_delete(fields, keys.EMBEDDING), pmt.symbol_to_string(name), values


def grid_pdu(task: str, shared: pmt.pmt_base, values: np.ndarray, labels: tuple[str, ...] = ()) -> pmt.pmt_base:
    """cons(dict, vector): the window's fields, task and shape of a dense task's answer, which is in C order: an
    f32vector of estimates [planes, H, W], or, where there are `labels`, a u8vector of the pixels' classes [H, W]."""
    fields = pmt.dict_add(shared, keys.TASK, pmt.intern(task))
    fields = pmt.dict_add(fields, keys.SHAPE, pmt.to_pmt([int(n) for n in values.shape]))
    if not labels:
        return pmt.cons(fields, pmt.init_f32vector(values.size, values.ravel().tolist()))
    fields = pmt.dict_add(fields, keys.LABELS, _symbols(labels))
    return pmt.cons(fields, pmt.init_u8vector(values.size, values.ravel().tolist()))


def event_dict(task: str, event: Event) -> pmt.pmt_base:
    """What the `events` port of a tracker says: event ("begin" or "end"), task, label, mean score, place, duration."""
    fields = add_fields(place_dict(event), _BAND_TYPES, _BAND, _band(event))
    fields = pmt.dict_add(fields, keys.EVENT, pmt.intern(event.kind))
    fields = pmt.dict_add(fields, keys.TASK, pmt.intern(task))
    fields = pmt.dict_add(fields, keys.LABEL, pmt.intern(event.label))
    fields = pmt.dict_add(fields, keys.SCORE, pmt.from_double(event.score))
    return pmt.dict_add(fields, keys.DURATION, pmt.from_double(event.duration))


def read_event(message: pmt.pmt_base) -> tuple[str, Event]:
    """The inverse of `event_dict`: the task and its event. Raises `ValueError` for a message of another form."""
    fields = read_control(message)
    missing = [name for name in _EVENT_FIELDS if name not in fields]
    if missing or fields["event"] not in ("begin", "end"):
        raise ValueError(
            f"{checked.kind_of(message)} without {', '.join(missing) or 'begin or end'}: an event begin or end with "
            f"{', '.join(_EVENT_FIELDS)} is expected"
        )
    event = Event(
        kind=fields["event"],
        label=checked.text(fields, "label"),
        score=checked.number(fields, "score"),
        duration=checked.number(fields, "duration"),
        **checked.place(fields),
        **checked.band(fields),
    )
    return checked.text(fields, "task"), event


def place_dict(of) -> pmt.pmt_base:
    """Where on the stream, when and at which frequency a window, an event or an image is."""
    return add_fields(pmt.make_dict(), _PLACE_TYPES, _PLACE, _place(of))


def _place(of) -> tuple:
    return of.sample_start, of.sample_count, of.rx_time and time_tuple(of.rx_time), of.rx_freq


def _band(of) -> tuple:
    """The edges and the SNR of one signal, where they are known."""
    return of.freq_lower_edge, of.freq_upper_edge, of.snr_db


def time_tuple(rx_time: tuple[int, float]) -> pmt.pmt_base:
    """Whole seconds and fraction as in an rx_time tag of UHD."""
    secs, frac = rx_time
    whole = pmt.from_uint64(secs) if secs >= 0 else pmt.from_long(secs)  # before 1970
    return pmt.make_tuple(whole, pmt.from_double(frac))


def float_vector(values) -> pmt.pmt_base:
    numbers = values.tolist() if isinstance(values, np.ndarray) else [float(v) for v in values]
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
    """{"label", "index", "score", "probabilities"} or {"position"} or {"angle"}, as in the JSON line."""
    window_tasks: int | None = None
    """How many tasks answer for this window; None where the sender does not say."""
    freq_lower_edge: float | None = None
    freq_upper_edge: float | None = None
    snr_db: float | None = None
    origin: str = ""
    """These four as of `WindowFacts`."""

    @property
    def label(self) -> str | None:
        """None of what is measured."""
        return self.decision.get("label")


def read_detection(pdu: pmt.pmt_base) -> Detection:
    """The inverse of `detects_pdu`. Raises `ValueError` for a message of another form, or of values out of range."""
    if not pmt.is_pair(pdu) or not pmt.is_f32vector(pmt.cdr(pdu)):
        raise ValueError(f"{checked.kind_of(pdu)} where a detection, cons(dict, f32vector), is expected")
    fields, values = checked.known(pmt.car(pdu), _DETECTION_FIELDS), pmt.f32vector_elements(pmt.cdr(pdu))
    if not all(map(math.isfinite, values)):
        raise ValueError("a detection with values that are not finite")
    level = fields.get("level")
    asked = fields.get("window_tasks")
    return Detection(
        task=checked.text(fields, "task"),
        **checked.place(fields),
        level=-math.inf if isinstance(level, float) and level == -math.inf else checked.number(fields, "level"),
        decision=_measured(pmt.car(pdu), values) or _answer(fields, values),
        window_tasks=None if asked is None else checked.whole(fields, "window_tasks", least=1),
        **checked.band(fields),
        origin=checked.text({"origin": "", **fields}, "origin"),
    )


def _measured(fields: pmt.pmt_base, values) -> dict:
    """The decision that measures; empty of one that names something."""
    name = next((name for name, key in keys.MEASURED.items() if pmt.dict_has_key(fields, key)), None)
    if name is None:
        return {}
    of = QUANTITIES[name]
    if not of.fewest <= len(values) <= of.values:
        raise ValueError(f"{name} of {len(values)} numbers: {of.fewest} to {of.values}, {of.label}, are expected")
    return {name: list(values)}


def _answer(fields: dict, values) -> dict:
    labels = fields.get("labels")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ValueError(f"labels {checked.shown(labels)}: a vector of symbols is expected")
    if len(labels) != len(values) or len(set(labels)) != len(labels):
        raise ValueError(f"{len(values)} probabilities of {len(set(labels))} labels: one each is expected")
    return {
        "label": checked.text(fields, "label"),
        "index": checked.whole(fields, "index", least=-1, most=2**31 - 1),
        "score": checked.number(fields, "score"),
        "probabilities": dict(zip(labels, values, strict=True)),
    }


def band_of(found) -> dict[str, float | None]:
    """Edges and SNR of a detection or an event, as they stand in JSON; all None of what speaks of the whole band."""
    return {name: getattr(found, name) for name in ("freq_lower_edge", "freq_upper_edge", "snr_db")}


def detection_mark(found: Detection) -> Mark:
    """As it is annotated in a recording of the same stream."""
    measured = measured_in(found.decision)
    value = found.decision[measured or "score"]
    label = measured or found.label
    end, band = found.sample_start + found.sample_count, (found.freq_lower_edge, found.freq_upper_edge)
    return Mark(found.sample_start, end, label, found.task, str(value), GENERATOR, *band)


def event_mark(task: str, event: Event) -> Mark:
    """As it is annotated in a recording of the same stream."""
    end = event.sample_start + event.sample_count
    band = event.freq_lower_edge, event.freq_upper_edge
    return Mark(event.sample_start, end, event.label, task, str(event.score), f"{GENERATOR} event", *band)


def read_control(message: pmt.pmt_base) -> dict[str, object]:
    """A control message as a Python dict: a PMT dict, or one (key . value) pair as Qt's message widgets send."""
    if pmt.is_pair(message) and pmt.is_symbol(pmt.car(message)):
        return {pmt.symbol_to_string(pmt.car(message)): pmt.to_python(pmt.cdr(message))}
    values = pmt.to_python(message) if pmt.is_dict(message) else None
    if not isinstance(values, dict):
        raise ValueError(f"control message, {checked.kind_of(message)}: a dict or a (key . value) pair is expected")
    return {str(key): value for key, value in values.items()}


def read_tasks(value, known) -> frozenset[str]:
    """Which of the tasks `known` are meant: a list of names, or one string of them with commas; empty means all."""
    names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"tasks {value!r}: a list of names or one string with commas is expected")
    chosen = frozenset(name for name in names if name)
    if unknown := sorted(chosen - set(known)):
        raise ValueError(f"tasks {', '.join(unknown)} are not in the bundle: choose from {', '.join(known)}")
    return chosen or frozenset(known)


def read_number(key: str, value, low: float, high: float) -> float:
    """A finite number in [low, high]; a word, a truth value or anything else raises ValueError."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:  # also NaN
        raise ValueError(f"{key} {value!r}: a number from {low:g} to {high:g} is expected")
    return value
