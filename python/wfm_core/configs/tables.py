# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tables of a configuration are made of."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from wfm_core.base import tables

Count = Annotated[int, Field(gt=0)]
Number = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Decay = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Modality = Literal["image", "iq"]


class Table(tables.Table):
    """A table that knows all of its keys."""

    model_config = ConfigDict(extra="forbid")


class Run(Table):
    """What every training in a folder has, of whose checkpoints a run that goes on must share the fixed settings."""

    CHECKPOINT_KEY: ClassVar[str]
    FIXED: ClassVar[str]
    """What the fixed settings are together, in a word."""
    EARLIER: ClassVar[dict] = {}
    """Fixed settings that checkpoints of earlier versions do not state, and what they had."""

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


def checked(kind: type[tables.Kind], values: dict, name: str, base: str) -> tables.Kind:
    """`values` of the configuration `name` as a `kind`. Raises `WfmError`, naming the key; `base` is a whole recipe."""
    missing = f"the key {{!r}} is missing; add it, or start from a recipe with base: {base}"
    return tables.checked(kind, values, f"config {name}", missing)
