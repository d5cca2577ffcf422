# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of configurations and contracts as pydantic models, and what is said of one that does not fit."""

import difflib
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import shortened

_LONGEST_KEY = 80
_EXPECTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("dict_type", "model_type"), "a mapping"),
    **dict.fromkeys(("string_type", "string_too_short"), "a text"),
    "too_short": "at least {min_length} entries",
    "too_long": "at most {max_length} entries",
}
"""In place of pydantic's words, by the type of its errors."""


class Table(BaseModel):
    """A mapping whose fields are checked when it is made, and do not change after that."""

    model_config = ConfigDict(frozen=True)


def no_bool(value: Any) -> Any:
    """For a field that takes numbers: YAML's true is 1 to Python."""
    if isinstance(value, bool):
        raise ValueError("expected a number")
    return value


Number = Annotated[float, BeforeValidator(no_bool), Field(allow_inf_nan=False)]
"""A finite number. Text is taken too: YAML reads 1.92e6, which has no sign in its exponent, as text."""

Text = Annotated[str, Field(strict=True, min_length=1)]

Kind = TypeVar("Kind", bound=Table)


def checked(kind: type[Kind], values: Any, where: str, missing: str) -> Kind:
    """`values` as a `kind`. Raises `WfmError` that begins with `where` and names the key, the value and what fits.

    `missing` is said of a key that is not there, whose dotted name it takes as `{}`.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise WfmError(f"{where}: {_sentence(error.errors(include_url=False)[0], kind, missing)}") from error


def _sentence(error: dict, kind: type[Table], missing: str) -> str:
    """One sentence for the first thing that pydantic found."""
    place = [str(part)[:_LONGEST_KEY] for part in error["loc"] if part != "[key]"]
    key, value = ".".join(place), error["input"]
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(place[-1], _fields_at(kind, place[:-1]), n=1, cutoff=0)
        return f"unknown key {key!r}; the nearest known one is {near[0]!r}"
    if error["type"] == "missing" or value is None:
        return missing.format(key)
    if error["type"] == "value_error" and (isinstance(value, dict) or "[key]" in error["loc"]):
        said = str(error["ctx"]["error"])  # of a whole table or a name in it: says the value itself
        return f"{key}: {said}" if key and isinstance(value, dict) else said
    return f"{key} is {shortened(value)}; {_expected(error)}"


def _expected(error: dict) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return "expected one of " + context["expected"].replace("'", "").replace(" or ", ", ")
    if kind == "greater_than" and context["gt"] == 0:
        return f"expected a positive {'whole ' if isinstance(context['gt'], int) else ''}number"
    if kind in _EXPECTED:
        return "expected " + _EXPECTED[kind].format(**context)
    return error["msg"].replace("Input should be", "expected")


def _fields_at(table: type[Table], place: list[str]) -> list[str]:
    for part in place:
        if part in table.model_fields:
            table = _table_in(table.model_fields[part].annotation)
    return list(table.model_fields)


def _table_in(annotation) -> type[Table]:
    """The table that an annotation is of, or a list of, or a mapping of names to."""
    inner = get_args(annotation)
    return _table_in(inner[-1 if get_origin(annotation) is dict else 0]) if inner else annotation
