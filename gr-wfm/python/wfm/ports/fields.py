# SPDX-License-Identifier: GPL-3.0-or-later
"""Values out of messages and tags, checked: whole numbers in their range, finite numbers, times.

Each raises `ValueError` with the value seen and the one expected: the sender may be anybody.
"""

import math

import pmt

from wfm_core.messages.decisions import time_json

LARGEST = 2**63 - 1
"""Of a whole number: samples are counted in 64 bits with a sign."""

_MOST_SECONDS = 2**53
_LONGEST = 60


def known(fields: pmt.pmt_base, names) -> dict:
    """Those of the PMT dict's entries whose keys are in `names`, as Python values, by name; others stay unread."""
    if not pmt.is_dict(fields):
        raise ValueError(f"{kind_of(fields)} where a dict is expected")
    found = {}
    for name in names:
        value = pmt.dict_ref(fields, pmt.intern(name), pmt.PMT_NIL)
        if not pmt.is_null(value):
            found[name] = pmt.to_python(value)
    return found


def kind_of(message: pmt.pmt_base) -> str:
    """What a PMT is, in words of bounded length: `pmt.write_string` of a sender's may have any length and depth."""
    for test, name in (
        (pmt.is_null, "nil"), (pmt.is_bool, "a bool"), (pmt.is_symbol, "a symbol"), (pmt.is_number, "a number"),
        (pmt.is_dict, "a dict"), (pmt.is_pair, "a pair"), (pmt.is_tuple, "a tuple"), (pmt.is_vector, "a vector"),
        (pmt.is_uniform_vector, "a vector of numbers"), (pmt.is_blob, "a blob"),
    ):  # fmt: skip
        if test(message):
            return name
    return "something else"


def shown(value: object) -> str:
    """A value for a sentence, not longer than a line."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def whole(fields: dict, name: str, default: int | None = None, least: int = 0, most: int = LARGEST) -> int:
    """A whole number in [least, most]; `default` where there is none."""
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name} {shown(value)}: a whole number from {least} to {most} is expected")
    return value


def number(fields: dict, name: str) -> float:
    """A finite number."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} {shown(value)}: a finite number is expected")
    return float(value)


def text(fields: dict, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} {shown(value)}: a text is expected")
    return value


def place(fields: dict) -> dict:
    """`sample_start` and `sample_count`, and `rx_time` and `rx_freq`, None where they are not known."""
    start = whole(fields, "sample_start")
    count = whole(fields, "sample_count", most=LARGEST - start)
    return {"sample_start": start, "sample_count": count, "rx_time": rx_time(fields), "rx_freq": rx_freq(fields)}


def band(fields: dict) -> dict:
    """`freq_lower_edge`, `freq_upper_edge` (Hz) and `snr_db`, all None of what speaks of the whole band."""
    names = ("freq_lower_edge", "freq_upper_edge", "snr_db")
    found = {name: None if fields.get(name) is None else number(fields, name) for name in names}
    lower, upper, _ = found.values()
    if (lower is None) != (upper is None) or (lower is not None and lower >= upper):
        raise ValueError(f"a signal from {lower} to {upper} Hz: two edges, the lower one first, are expected")
    return found


def rx_time(fields: dict) -> tuple[int, float] | None:
    """Whole seconds, negative before 1970, and a fraction in [0, 1); None where it is not known."""
    value = fields.get("rx_time")
    if value is None:
        return None
    if isinstance(value, tuple | list) and len(value) == 2:
        secs, frac = value
        is_whole = isinstance(secs, int) and not isinstance(secs, bool) and abs(secs) <= _MOST_SECONDS
        is_part = isinstance(frac, int | float) and not isinstance(frac, bool) and 0 <= frac <= _MOST_SECONDS
        if is_whole and is_part:  # not of NaN
            return tuple(time_json(value))
    raise ValueError(f"rx_time {shown(value)}: a tuple (whole seconds, fraction from 0) is expected")


def rx_freq(fields: dict) -> float | None:
    """Hz; None where it is not known."""
    return None if fields.get("rx_freq") is None else number(fields, "rx_freq")
