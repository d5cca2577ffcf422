# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the fields of a contract with checks."""

import math
import reprlib
from typing import Any

from wfm_core.base.errors import WfmError

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 120


def shortened(value: Any) -> str:
    """A value of a file as it is shown in an error: on one line that is not long."""
    return _SHORT.repr(value)


class Fields:
    """A mapping of the contract whose fields are read with checks; errors name the field."""

    def __init__(self, values: dict, where: str, path: str):
        self.values, self.where, self.path = values, where, path

    def get(self, key: str, default: Any = None) -> Any:
        value = self.values.get(key, default)
        if value is None:
            raise WfmError(f"{self.where}: the contract has no {self.path}{key}; add it or export the model again")
        return value

    def _wanted(self, key: str, value: Any, wanted: str) -> WfmError:
        return WfmError(f"{self.where}: {self.path}{key} is {shortened(value)}; expected {wanted}")

    def table(self, key: str, optional: bool = False) -> "Fields":
        value = self.get(key, {} if optional else None)
        if not isinstance(value, dict):
            raise self._wanted(key, value, "a mapping")
        return Fields(value, self.where, f"{self.path}{key}.")

    def text(self, key: str) -> str:
        value = self.get(key)
        if not isinstance(value, str) or not value:
            raise self._wanted(key, value, "a text")
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        value = self.get(key, default)
        if value not in choices:
            raise self._wanted(key, value, f"one of {', '.join(choices)}")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self.get(key, default)
        try:
            # text is taken too: YAML reads 1.92e6, which has no sign in its exponent, as text
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise self._wanted(key, value, "a number")
        return number

    def numbers(self, key: str, count: int, default: list | None = None) -> tuple[float, ...]:
        value = self.get(key, default)
        if not isinstance(value, list) or len(value) != count:
            raise self._wanted(key, value, f"a list of {count} numbers")
        row = Fields(dict(enumerate(value)), self.where, f"{self.path}{key}.")
        return tuple(row.number(index) for index in range(count))

    def count(self, key: str, most: int) -> int:
        value = self.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self._wanted(key, value, "a positive whole number")
        if value > most:
            raise self._wanted(key, value, f"at most {most}")
        return value
