# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions, events, status and rows of spectra as JSON messages between programs: one schema, checked on the way in.

docs/blocks-events.md describes the schema for other programs.
"""

import json
import math
from dataclasses import dataclass

import jsonschema

from wfm_core.base.errors import WfmError
from wfm_core.base.quantities import QUANTITIES, Quantity
from wfm_core.messages.decisions import plain_json, time_json
from wfm_core.messages.spectra import MOST_BINS

VERSION = 2
"""Of what is sent. Version 1, whose rx_time was one number of seconds, is read as well."""

TOLD = ("decision", "event", "status")
"""What is decided and counted: all that flowgraphs, records and terminals take."""
KINDS = (*TOLD, "spectrum")
MAX_BYTES = 1 << 20
"""A longer message is refused unread."""
LONGEST_TEXT = 200
"""Characters of a radio, a label or an origin."""

_COUNT = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
_TIME = {
    "type": "array",
    "prefixItems": [
        {"type": "integer", "minimum": 0, "maximum": 2**53},
        {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
    ],
    "minItems": 2,
    "maxItems": 2,
}


def _numbers(of: Quantity) -> dict:
    return {"type": "array", "items": {"type": "number"}, "minItems": of.fewest, "maxItems": of.values}


_ANSWER = {
    "oneOf": [
        {
            "type": "object",
            "required": ["label", "index", "score", "probabilities"],
            "properties": {
                "label": {"type": "string", "maxLength": LONGEST_TEXT},
                "index": {"type": "integer", "minimum": -1, "maximum": 2**31 - 1},
                "score": {"type": "number"},
                "probabilities": {"type": "object", "additionalProperties": {"type": "number"}},
            },
        },
        *(
            {"type": "object", "required": [name], "properties": {name: _numbers(quantity)}}
            for name, quantity in QUANTITIES.items()
        ),
    ]
}
_DECISION = {
    "type": "object",
    "required": ["sample_start", "sample_count", "tasks"],
    "properties": {
        "sample_start": _COUNT,
        "sample_count": _COUNT,
        "rx_time": _TIME,
        "rx_freq": {"type": "number"},
        "level": {"type": "number"},
        "freq_lower_edge": {"type": "number"},
        "freq_upper_edge": {"type": "number"},
        "snr_db": {"type": "number"},
        "origin": {"type": "string", "maxLength": LONGEST_TEXT},
        "tasks": {"type": "object", "minProperties": 1, "maxProperties": 64, "additionalProperties": _ANSWER},
    },
}
_SPECTRUM = {
    "type": "object",
    "required": ["sample_start", "sample_count", "sample_rate", "lowest", "step", "levels"],
    "properties": {
        "sample_start": _COUNT,
        "sample_count": _COUNT,
        "sample_rate": {"type": "number", "exclusiveMinimum": 0},
        "rx_freq": {"type": "number"},
        "lowest": {"type": "number"},
        "step": {"type": "number", "exclusiveMinimum": 0},
        "levels": {
            "type": "string",
            "pattern": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
            "minLength": 4,
            "maxLength": 4 * math.ceil(MOST_BINS / 3),
        },
    },
}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "gr-wfm message",
    "type": "object",
    "required": ["version", "kind", "radio", "sequence", "body"],
    "properties": {
        "version": {"const": VERSION},
        "kind": {"enum": list(KINDS)},
        "radio": {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT},
        "sequence": _COUNT,
        "run": {"type": "string", "maxLength": 64},
        "body": {"type": "object", "properties": {"rx_time": _TIME}},
    },
    "allOf": [
        {"if": {"properties": {"kind": {"const": kind}}}, "then": {"properties": {"body": body}}}
        for kind, body in (("decision", _DECISION), ("spectrum", _SPECTRUM))
    ],
}
_VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@dataclass(frozen=True)
class Message:
    """One message. `sequence` counts the messages of this kind from this radio, so that a listener sees gaps.

    `run` tells one start of a sender from another, with which `sequence` begins again; "" where the sender says none.
    """

    kind: str
    radio: str
    sequence: int
    body: dict
    run: str = ""


def encode(message: Message) -> bytes:
    """UTF-8 JSON on one line; numbers that JSON cannot hold (infinities, NaN) become null.

    Raises:
        WfmError: the message does not fit the schema.
    """
    fields = {"version": VERSION, **vars(message), "body": plain_json(message.body)}
    if not message.run:
        del fields["run"]
    _check(fields)
    return json.dumps(fields, allow_nan=False).encode()


def decode(data: bytes) -> Message:
    """The message in `data`, which may come from anybody.

    Raises:
        WfmError: too long, not JSON, or against the schema.
    """
    if len(data) > MAX_BYTES:
        raise WfmError(f"a message of {len(data)} bytes: at most {MAX_BYTES} are read; send a shorter one")
    try:
        fields = json.loads(data, parse_constant=_refuse, parse_float=_finite, parse_int=_long)
        json.dumps(fields, ensure_ascii=False).encode()  # refuses half surrogates, which no terminal or PMT can hold
    except (ValueError, RecursionError) as error:
        raise WfmError(f"a message is not JSON ({error}): send one JSON object in UTF-8 a message") from error
    _read_version_1(fields)
    _check(fields)
    return Message(fields["kind"], fields["radio"], fields["sequence"], fields["body"], fields.get("run", ""))


def _read_version_1(fields: object) -> None:
    """Bring a message of version 1 up to date, in place; its times are as exact as one number of seconds was."""
    if not isinstance(fields, dict) or type(fields.get("version")) is not int or fields["version"] != 1:
        return
    fields["version"] = VERSION
    body = fields.get("body")
    if not isinstance(body, dict):
        return
    seconds = body.get("rx_time")
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds <= 2**53:
        body["rx_time"] = time_json((int(seconds), seconds % 1.0))


def _check(fields: object) -> None:
    version = fields.get("version") if isinstance(fields, dict) else None
    if isinstance(version, int) and version != VERSION:
        raise WfmError(f"a message of version {version}: version {VERSION} is expected; use one gr-wfm on both sides")
    error = next(_VALIDATOR.iter_errors(fields), None)
    if error is not None:
        raise WfmError(
            f"a message does not fit the schema at {error.json_path} ({error.message[:200]}): "
            "see docs/blocks-events.md for what is expected"
        )


def _refuse(name: str):
    raise ValueError(f"{name} is not a JSON number")


def _long(text: str) -> int:
    number = int(text)
    return number if -(2**63) <= number < 2**63 else _refuse(text)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)
