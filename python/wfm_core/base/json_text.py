# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON from files of others: within limits, and so that every program reads the same in it."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from wfm_core.base.errors import WfmError

DEPTH_LIMIT = 64
"""Arrays and objects inside each other."""
_SPACES = re.compile(r"[ \t\r\n]*")


def read_json(content: bytes, what: str) -> Any:
    """The value of a JSON text in UTF-8, UTF-16 or UTF-32, with or without a byte order mark. Raises `WfmError`.

    `what` names it in errors. Refused are more than 64 levels, two members of one name in an object, of which some
    programs take the first and some the last, and texts that are no Unicode (half of a surrogate pair).
    """
    try:
        text = content.decode(json.detect_encoding(content)).removeprefix("\ufeff")
        value = json.loads(text, object_pairs_hook=_once)
        _check_depth(value)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise _bad(what, f"text that is no Unicode, {error.reason}") from error
    except (ValueError, RecursionError) as error:
        raise _bad(what, str(error)) from error
    return value


def read_members(content: bytes, what: str, name: str) -> Iterator[tuple[str, Any]]:
    """The members of the object `name` in the outermost object of a JSON text in UTF-8, one at a time: of a large
    file no more than one of them is in memory as values. Raises `WfmError`."""
    try:
        text = content.decode().removeprefix("\ufeff")
        for key, place, skip in _members(text, 0):
            if key != name:
                skip(_DECODER.raw_decode(text, place)[1])
                continue
            for inner, begin, end in _members(text, place):
                value, after = _DECODER.raw_decode(text, begin)
                end(after)
                yield inner, value
            return
    except UnicodeError as error:
        raise _bad(what, f"text that is no Unicode, {error.reason}") from error
    except (ValueError, RecursionError) as error:
        raise _bad(what, str(error)) from error
    raise _bad(what, f"no {name} in it")


def _members(text: str, place: int) -> Iterator[tuple[str, int, Any]]:
    """Name and place of each member's value; its user says where the value ended."""
    ended = [_after(text, place, "{")]
    if text[ended[-1] : ended[-1] + 1] == "}":
        return
    while True:
        key, place = _DECODER.raw_decode(text, ended[-1])
        if not isinstance(key, str):
            raise ValueError(f"a member at character {place} without a name")
        yield key, _after(text, place, ":"), ended.append
        place = _SPACES.match(text, ended[-1]).end()
        if text[place : place + 1] == "}":
            return
        ended.append(_after(text, place, ","))


def _after(text: str, place: int, expected: str) -> int:
    """Where the next value begins, behind the one character that is expected."""
    place = _SPACES.match(text, place).end()
    if text[place : place + 1] != expected:
        raise ValueError(f"{text[place : place + 1]!r} at character {place}, {expected} is expected")
    return _SPACES.match(text, place + 1).end()


def _bad(what: str, why: str) -> WfmError:
    return WfmError(f"{what} is not readable as JSON ({why[:200]}): get the file again, or write it again")


def _once(members: list[tuple[str, Any]]) -> dict:
    made = dict(members)
    if len(made) < len(members):
        twice = Counter(name for name, _ in members).most_common(1)[0][0]
        raise ValueError(f"an object has two members {twice[:80]!r}")
    return made


_DECODER = json.JSONDecoder(object_pairs_hook=_once)


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEPTH_LIMIT + 1:
            raise ValueError(f"more than {DEPTH_LIMIT} arrays or objects inside each other")
        inner = (held.values() if isinstance(held, dict) else held for held in level if isinstance(held, dict | list))
        level = [entry for entries in inner for entry in entries]
