# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as they are written in sentences and files, whichever numpy they come from."""

import reprlib
from typing import Any

import numpy as np

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 120


def plain(value) -> str:
    """`repr` of `value` with numpy's scalars as Python's own, also inside lists, tuples and dicts.

    numpy 2 writes np.float64(2.5) and np.str_('x') where numpy 1 wrote 2.5 and 'x'.
    """
    return repr(_own(value))


def shortened(value: Any) -> str:
    """A value of a file as it is shown in an error: on one line that is not long."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # an integer of more digits than Python writes
        return "a number of thousands of digits"


def unicode_text(value: object) -> str:
    """`value` as a text that every file takes; bytes of a file's name that are not UTF-8 become escapes."""
    return str(value).encode("utf-8", "backslashreplace").decode()


def _own(value):
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {_own(key): _own(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([_own(entry) for entry in value]) if type(value) in (list, tuple) else value
    return value
