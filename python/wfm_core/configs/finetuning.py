# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of a fine-tuning on a labelled data set, their types and limits."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from wfm_core.configs import FOLDER, load_config
from wfm_core.configs.tables import Count, Modality, Run, Share, checked

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class Finetuning(Run):
    """A whole configuration; finetune.yaml says what each key is for, the first eight come from the command line."""

    CHECKPOINT_KEY: ClassVar[str] = "wfm_finetuning"
    FIXED: ClassVar[str] = "run"

    task: str
    data: str
    init: str
    regime: Literal["lp", "ft2", "lora", "full", "scratch"]
    freeze_inputs: bool
    modality: Modality | None
    split: str | None
    seed: int

    test_share: Share
    validation_share: Annotated[float, Field(ge=0, lt=1)]
    signal: Literal["auto", "foundation", "dataset"]
    image_size: tuple[Count, Count] | None
    channels: Literal["mixed", "apart"]
    pooling: Literal["cls", "mean"]
    blocks: Count
    lora_rank: Count
    lora_alpha: Positive
    lora_scale: Literal["sqrt", "rank"]
    lora_targets: Literal["qv", "qv+mlp"]
    epochs: Count
    warmup_epochs: NotNegative
    batch: Count
    accumulate: Count
    base_learning_rate: Positive
    least_learning_rate: NotNegative
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    weight_decay: NotNegative
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    class_weights: bool
    roll: Literal["height", "width"] | None
    noise: NotNegative
    gradient_clip: Positive | None
    known_share: Annotated[float, Field(gt=0, le=1)]
    precision: Literal["auto", "32-true", "bf16-mixed"]
    threads: Annotated[int, Field(ge=0)]
    validate_every: Count
    checkpoint_minutes: Positive

    @model_validator(mode="after")
    def _names_a_task(self):
        if not self.task.isidentifier() or self.task.startswith("embedding"):
            raise ValueError(
                f"task {self.task!r} cannot be the name of an output: use letters, digits and _, such as 'activity'"
            )
        return self

    @property
    def learning_rate(self) -> float:
        """The peak rate: the base rate is for 256 windows in a step (published: linear scaling)."""
        return self.base_learning_rate * self.batch * self.accumulate / 256

    def fixed_settings(self) -> dict:
        """All but what may change in a run that goes on."""
        may_change = {"threads", "precision", "validate_every", "checkpoint_minutes", "epochs", "known_share"}
        return self.model_dump(exclude=may_change, mode="json")


def load_finetuning(name: str | None, given: dict, overrides: list[str] = ()) -> Finetuning:
    """Read the configuration `name` (None: the task's own), lay `given` keys and `key=value` overrides over it.

    Raises `WfmError`, naming the key.
    """
    if name is None:
        own = f"finetune_{given['task']}.yaml"
        name = own if (FOLDER / own).exists() else "finetune.yaml"
    return checked(Finetuning, {**load_config(name, overrides), **given}, Path(name).name, "finetune.yaml")
