# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of a contract: what one of its heads answers."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from wfm_core.base.plain import shortened
from wfm_core.base.quantities import DENSE, ESTIMATE, QUANTITIES, SEGMENTATION
from wfm_core.base.tables import Number, Table
from wfm_core.bundle.contracts.fields import MOST, Size, row
from wfm_core.model import ALL_POOLINGS, TOKENS

MEASURES = "measures"
"""In place of a pooling: the head sees no tokens but the numbers that were measured of the window, scaled."""


class TaskContract(Table):
    """One output. Classification: `labels`, and logits are divided by `temperature`, then `bias` is added; a best
    probability under `open_set_threshold` means "unknown"; `average_bias` is the bias of as many windows in one as the
    contract's `average` says, and those between have one in proportion to the logarithm of their number. Of a quantity
    (see `wfm_core.base.quantities`), such as position: `low` and `high` of the scene, in its unit. Of a dense task
    (`wfm_core.base.quantities`) the answer is for every pixel of a `grid` of so many rows and columns: classes of a
    segmentation, `planes` numbers of an estimate. `source` is the segment that it comes after, in a contract that has
    segments.
    """

    name: str
    kind: Literal[("classification", *QUANTITIES, *DENSE)]
    pooling: Literal[(*ALL_POOLINGS, MEASURES, TOKENS)] = "cls"
    labels: row(Annotated[str, BeforeValidator(str)], 2, MOST["labels"]) = ()
    temperature: Annotated[Number, Field(gt=0.0)] = 1.0
    bias: row(Number, 0, MOST["labels"]) = Field(default_factory=lambda others: (0.0,) * len(others.get("labels", ())))
    average_bias: row(Number, 0, MOST["labels"]) = Field(default_factory=lambda others: others.get("bias", ()))
    open_set_threshold: Number = 0.0
    low: row(Number, 1, 3) = ()
    high: row(Number, 1, 3) = ()
    grid: Size = (0, 0)
    planes: Annotated[int, Field(strict=True, ge=0, le=MOST["channels"])] = 0
    source: str = Field("", alias="from")

    @model_validator(mode="after")
    def _is_whole(self):
        if self.measures and (self.labels or {len(self.low), len(self.high)} != {self.outputs}):
            raise ValueError(
                f"expected low and high, lists of length {self.outputs}, and no labels; export the model again"
            )
        biased = {len(self.bias), len(self.average_bias)}
        named = self.labels and biased == {len(set(self.labels)), len(self.labels)}
        if self.kind in ("classification", SEGMENTATION) and not named:
            raise ValueError(
                f"labels {shortened(self.labels)}, bias {shortened(self.bias)}; expected names that are all different, "
                "and a number for each"
            )
        dense = (self.pooling == TOKENS, self.grid != (0, 0), self.planes > 0)
        if dense != (self.dense, self.dense, self.kind == ESTIMATE) or (self.kind == ESTIMATE and self.labels):
            raise ValueError(
                f"kind '{self.kind}' with pooling '{self.pooling}', grid {list(self.grid)}, planes {self.planes}; "
                f"expected pooling '{TOKENS}' and a grid of {' and '.join(DENSE)} alone, planes and no labels of the "
                "former"
            )
        return self

    @property
    def dense(self) -> bool:
        """Is there an answer for every pixel?"""
        return self.kind in DENSE

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the answer for a window: (outputs,), or (outputs, rows, columns)."""
        return (self.outputs, *self.grid) if self.dense else (self.outputs,)

    @property
    def measures(self) -> bool:
        """Is the answer of a quantity, and no class?"""
        return self.kind in QUANTITIES

    @property
    def several(self) -> bool:
        """Is the answer of several things of one kind, of which some may not be there?"""
        return self.measures and QUANTITIES[self.kind].several

    @property
    def outputs(self) -> int:
        """How many numbers the task's head gives for a window, or for each pixel."""
        return QUANTITIES[self.kind].values if self.measures else self.planes or len(self.labels)


def between(task: TaskContract, share: float) -> tuple[float, ...]:
    """The task's bias, moved by that share towards `average_bias`."""
    return tuple(low + share * (high - low) for low, high in zip(task.bias, task.average_bias, strict=True))
