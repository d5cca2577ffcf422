# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tables of a configuration are made of."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from wfm_core.base import tables

Count = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
Modality = Literal["image", "iq"]


class Table(tables.Table):
    """A table that knows all of its keys."""

    model_config = ConfigDict(extra="forbid")


def checked(kind: type[tables.Kind], values: dict, name: str, base: str) -> tables.Kind:
    """`values` of the configuration `name` as a `kind`. Raises `WfmError`, naming the key; `base` is a whole recipe."""
    missing = f"the key {{!r}} is missing; add it, or start from a recipe with base: {base}"
    return tables.checked(kind, values, f"config {name}", missing)
