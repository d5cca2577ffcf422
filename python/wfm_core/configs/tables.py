# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tables of a configuration are made of, and what is said of one that does not fit."""

import difflib
from typing import Annotated, ClassVar, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wfm_core.base.errors import WfmError

Count = Annotated[int, Field(gt=0)]
Number = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
Modality = Literal["image", "iq"]


class Table(BaseModel):
    """A table that knows all of its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Run(Table):
    """What every training in a folder has, of whose checkpoints a run that goes on must share the fixed settings."""

    CHECKPOINT_KEY: ClassVar[str]
    FIXED: ClassVar[str]
    """What the fixed settings are together, in a word."""

    seed: int
    batch: Count
    weight_decay: NotNegative
    gradient_clip: Positive | None
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    threads: Number
    validate_every: Count
    checkpoint_minutes: Positive

    def fixed_settings(self) -> dict:
        """The part of the configuration that a checkpoint must share with the run that goes on from it."""
        raise NotImplementedError


Kind = TypeVar("Kind", bound=Table)


def checked(kind: type[Kind], values: dict, name: str, base: str) -> Kind:
    """`values` of the configuration `name` as a `kind`. Raises `WfmError`, naming the key; `base` is a whole recipe."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise WfmError(f"config {name}: {_sentence(error.errors()[0], kind, base)}") from error


def _sentence(error: dict, kind: type[Table], base: str) -> str:
    """One sentence for the first thing that pydantic found."""
    place = [str(part) for part in error["loc"]]
    key = ".".join(place)
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(place[-1], _fields_at(kind, place[:-1]), n=1, cutoff=0)
        return f"unknown key {key!r}; the nearest known one is {near[0]!r}"
    if error["type"] == "missing":
        return f"the key {key!r} is missing; add it, or start from a recipe with base: {base}"
    message = error["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    return f"{key or 'the configuration'} is {error['input']!r}: {message}" if key else message


def _fields_at(table: type[Table], place: list[str]) -> list[str]:
    for part in place:
        if part in table.model_fields:
            table = _table_in(table.model_fields[part].annotation)
    return list(table.model_fields)


def _table_in(annotation) -> type[Table]:
    """The table that an annotation is of, or a list of."""
    inner = get_args(annotation)
    return _table_in(inner[0]) if inner else annotation
