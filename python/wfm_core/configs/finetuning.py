# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of a fine-tuning, on a labelled data set or on synthetic scenes: their types and limits."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from wfm_core.base.errors import WfmError
from wfm_core.configs import FOLDER, load_config
from wfm_core.configs.pretraining import Transformer
from wfm_core.configs.tables import Count, Modality, NotNegative, Number, Positive, Run, Share, Table, checked


class Supervised(Run):
    """What both have. What only one of the two can choose is a constant of the other, so that one code serves both."""

    CHECKPOINT_KEY: ClassVar[str] = "wfm_finetuning"
    FIXED: ClassVar[str] = "run"

    pooling: Literal["cls", "mean", "channels", "rows", "columns", "grid"]


class Finetuning(Supervised):
    """On a labelled data set; finetune.yaml says what each key is for, the first seven come from the command line."""

    task: str
    data: str
    init: str
    regime: Literal["lp", "ft2", "lora", "full", "scratch"]
    freeze_inputs: bool
    modality: Modality | None
    split: str | None

    test_share: Share
    validation_share: Annotated[float, Field(ge=0, lt=1)]
    signal: Literal["auto", "foundation", "dataset", "modulation_image"]
    image_size: tuple[Count, Count] | None
    channels: Literal["mixed", "apart"]
    blocks: Count
    lora_rank: Count
    lora_alpha: Positive
    lora_scale: Literal["sqrt", "rank"]
    lora_targets: Literal["qv", "qv+mlp"]
    epochs: Count
    warmup_epochs: NotNegative
    accumulate: Count
    base_learning_rate: Positive
    least_learning_rate: NotNegative
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    class_weights: bool
    roll: Literal["height", "width"] | None
    noise: NotNegative
    known_share: Annotated[float, Field(gt=0, le=1)]
    neighbours: Annotated[int, Field(gt=0)] = 10

    average_decay: ClassVar[float] = 0.0

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


class Window(Table):
    """Size of the windows: as many antennas as the network can take at most, samples of each."""

    antennas: Count
    samples: Count


class Image(Table):
    """What `signal` makes of a window, where the modality is image."""

    channels: Count
    size: tuple[Count, Count]


class Endless(Supervised):
    """On windows that have no end, from fresh weights: an epoch of them is one step."""

    steps: Count
    learning_rate: Positive
    warmup_steps: Number
    average_decay: Annotated[float, Field(ge=0, lt=1)]
    workers: Number

    layer_decay: ClassVar[float] = 1.0

    @property
    def epochs(self) -> int:
        return self.steps

    @property
    def warmup_epochs(self) -> int:
        return self.warmup_steps

    @property
    def least_learning_rate(self) -> float:
        """At the cosine's end."""
        return 0.01 * self.learning_rate


class Scenes(Endless):
    """On synthetic scenes of interference; interference.yaml says what each key is for.

    Configurations of earlier versions have no `init`, `mix_with`, `mix_share`, `others`, `nr_cells`, `average`,
    `other_alarms`, `block_alarms` and `validation_blocks`.
    """

    EARLIER: ClassVar[dict] = {"average": 1}

    name: str
    init: str | None = None
    mix_with: str | None = None
    mix_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    others: Annotated[float, Field(ge=0, lt=1)] = 0.0
    nr_cells: Annotated[float, Field(ge=0, lt=1)] = 0.0
    window: Window
    average: Count = 1
    modality: Modality
    signal: dict
    image: Image
    encoder: Transformer
    replays: Number
    false_alarms: Annotated[float, Field(ge=0, lt=1)]
    other_alarms: Annotated[float, Field(ge=0, lt=1)] = 0.02
    block_alarms: Annotated[float, Field(ge=0, lt=1)] = 0.02
    validation_windows: Count
    validation_blocks: Count = 1024

    task: ClassVar[str] = "interference"
    regime: ClassVar[str] = "scratch"
    freeze_inputs: ClassVar[bool] = False
    channels: ClassVar[str] = "mixed"
    accumulate: ClassVar[int] = 1
    label_smoothing: ClassVar[float] = 0.0
    known_share: ClassVar[float | None] = None

    @model_validator(mode="after")
    def _has_weights_to_mix_in(self):
        if self.mix_share and self.mix_with is None:
            raise ValueError(f"mix_share is {self.mix_share}, but mix_with names no model to take weights from")
        return self

    @model_validator(mode="after")
    def _validates_every_number_of_antennas(self):
        if self.validation_windows < 4 * self.batch:
            raise ValueError(
                f"validation_windows {self.validation_windows} is less than a batch of {self.batch} for each of 1 to 4 "
                "antennas"
            )
        return self

    def fixed_settings(self) -> dict:
        """What decides the network and what it is fed."""
        return self.model_dump(
            include={"window", "modality", "signal", "image", "encoder", "pooling", "average"}, mode="json"
        )


class Grown(Table):
    """Boosted trees (see signals.yaml) of so many rounds; the first `shards` files of crops are theirs alone."""

    shards: Count
    go_on: bool = False
    rounds: Annotated[int, Field(gt=0, le=4096)]
    leaves: Annotated[int, Field(gt=1, le=128)]
    depth: Annotated[int, Field(gt=0, le=64)]
    learning_rate: Positive
    least: Count
    features: Annotated[float, Field(gt=0, le=1)]
    bins: Annotated[int, Field(gt=1, le=255)]


class Signals(Endless):
    """On crops of synthetic bands; signals.yaml says what each key is for."""

    name: str
    init: str | None
    encoder: Transformer
    shards: Count
    crops: Count
    validation_crops: Count
    finder_share: Annotated[float, Field(ge=0, le=1)]
    leave_out: tuple[str, ...]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    view_dropout: Annotated[float, Field(ge=0, lt=0.3)]
    token_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    trees: Grown | None = None
    known_share: Annotated[float, Field(gt=0, le=1)]
    noise_named: Annotated[float, Field(gt=0, le=1)]

    EARLIER: ClassVar[dict] = {"trees": None}
    task: ClassVar[str] = "classification"
    regime: ClassVar[str] = "scratch"

    @model_validator(mode="after")
    def _leaves_crops_to_the_network(self):
        if self.trees and self.trees.go_on and self.init is None:
            raise ValueError("trees.go_on without init; expected a model folder whose trees go on")
        if self.trees and self.trees.shards >= self.shards:
            raise ValueError(
                f"trees.shards {self.trees.shards} of {self.shards} shards; expected fewer: the network learns from "
                "the others, which the trees do not know"
            )
        return self

    @property
    def first_shard(self) -> int:
        """Of the network's files of crops."""
        return self.trees.shards if self.trees else 0

    def fixed_settings(self) -> dict:
        """What decides the network, and what it is taught."""
        fixed = {"encoder", "init", "pooling", "seed", "crops", "finder_share", "leave_out", "validation_crops"} | set(
            self.EARLIER
        )
        return self.model_dump(include=fixed, mode="json")


class Transmitters(Table):
    """On transmitters of many makes; fingerprint.yaml says what each key is for."""

    name: str
    seed: int
    episodes: Annotated[int, Field(gt=3, le=99_999)]
    devices: Annotated[int, Field(gt=1, le=1024)]
    windows: Annotated[int, Field(gt=2, le=1024)]
    snr_db: tuple[float, float]
    width: Annotated[int, Field(gt=6, le=512)]
    ridge: Positive
    strangers: Annotated[int, Field(ge=20, le=65_536)]
    window: Count
    carrier_offset: bool
    workers: Count

    task: ClassVar[str] = "fingerprint"
    regime: ClassVar[str] = "scratch"


class Turns(Table):
    """On turns of simulated transmitters; two_tasks.yaml says what each key is for."""

    name: str
    seed: int
    turns: Annotated[int, Field(ge=100)]
    epochs: Count
    encoder: Transformer

    task: ClassVar[str] = "fingerprint"
    regime: ClassVar[str] = "scratch"


class Bearings(Table):
    """On generated waves over a row of antennas; angle.yaml says what each key is for."""

    name: str
    array: str | None = None
    widest: Annotated[float, Field(gt=0, le=90)] = 90.0
    seed: int
    windows: Annotated[int, Field(ge=512)]
    signals: Count
    epochs: Count
    learning_rate: Positive
    batch: Annotated[int, Field(ge=2)]
    antennas: Annotated[int, Field(ge=2, le=16)]
    samples: Annotated[int, Field(ge=64)]
    bands: Annotated[int, Field(ge=16, multiple_of=16)]
    encoder: Transformer

    task: ClassVar[str] = "angle"
    regime: ClassVar[str] = "scratch"


class Activities(Endless):
    """On generated CSI of people in rooms; activity.yaml says what each key is for."""

    name: str
    init: str
    grids: Annotated[dict[str, Positive], Field(min_length=1)]
    packets: Annotated[int, Field(ge=128)]
    rates: tuple[Positive, Positive]
    receivers: Count
    replays: Number
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    head_windows: Count
    validation_windows: Count
    false_alarms: dict[Literal["presence", "motion"], Annotated[float, Field(gt=0, lt=1)]]

    task: ClassVar[str] = "activity"
    regime: ClassVar[str] = "full"
    channels: ClassVar[str] = "mixed"

    def fixed_settings(self) -> dict:
        """What decides the network, and what it is taught."""
        return self.model_dump(include={"init", "pooling", "grids", "packets", "rates", "seed"}, mode="json")


Recipe = Finetuning | Scenes | Signals | Activities | Transmitters | Turns | Bearings
_OF_KEY = {
    "episodes": (Transmitters, "fingerprint.yaml"),
    "crops": (Signals, "signals.yaml"),
    "receivers": (Activities, "activity.yaml"),
    "turns": (Turns, "two_tasks.yaml"),
    "bands": (Bearings, "angle.yaml"),
}
"""By a key that only these have."""


def load_finetuning(name: str | None, given: dict, overrides: list[str] = ()) -> Recipe:
    """Read the configuration `name` (None: the task's own), lay `given` keys and `key=value` overrides over it.

    One that names no data set is of scenes. Raises `WfmError`, naming the key.
    """
    if name is None and "data" not in given:
        name = "interference.yaml"
    if name is None:
        own = f"finetune_{given['task']}.yaml"
        name = own if (FOLDER / own).exists() else "finetune.yaml"
    values = load_config(name, overrides)
    if "data" in given or not values.keys().isdisjoint(("data", "freeze_inputs")):
        return checked(Finetuning, {**values, **given}, Path(name).name, "finetune.yaml")
    own = next((key for key in _OF_KEY if key in values), None)
    kind, recipe = _OF_KEY.get(own, (Scenes, "interference.yaml"))
    free = ("seed", "init")
    for key, seen in given.items():
        of_scenes = {"task": kind.task, "regime": kind.regime}
        if key not in free and seen != of_scenes.get(key):
            raise WfmError(
                f"--{key.replace('_', '-')} {seen} without a data set; endless synthetic scenes there are only of "
                "interference, every weight training: name a data set with --data"
            )
    kept = {key: given[key] for key in free if key in given}
    return checked(kind, {**values, **kept}, Path(name).name, recipe)
