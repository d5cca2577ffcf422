# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON from files of others: within limits, and so that every program reads the same in it."""

import json
from collections import Counter
from typing import Any

from wfm_core.base.errors import WfmError

DEPTH_LIMIT = 64
"""Arrays and objects inside each other."""


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


def _bad(what: str, why: str) -> WfmError:
    return WfmError(f"{what} is not readable as JSON ({why[:200]}): get the file again, or write it again")


def _once(members: list[tuple[str, Any]]) -> dict:
    made = dict(members)
    if len(made) < len(members):
        twice = Counter(name for name, _ in members).most_common(1)[0][0]
        raise ValueError(f"an object has two members {twice[:80]!r}")
    return made


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEPTH_LIMIT + 1:
            raise ValueError(f"more than {DEPTH_LIMIT} arrays or objects inside each other")
        inner = (held.values() if isinstance(held, dict) else held for held in level if isinstance(held, dict | list))
        level = [entry for entries in inner for entry in entries]
