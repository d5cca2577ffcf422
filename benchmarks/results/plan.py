# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runs make the page docs/results.md, and what each must reach."""

from dataclasses import dataclass

PERSONS = ("abid", "hhj", "liyun", "qiang", "zyy")
EPOCHS = 30
SEEDS = (1, 2, 3)
COMMON = ("pooling=mean", "layer_decay=1", "gradient_clip=1", "validation_share=0")
WHOLE_BLOCKS = 0.125
"""Of the rate of lp: what ft2 and scratch, which change whole blocks, learn at."""


@dataclass(frozen=True)
class Recipe:
    """What wfm-finetune is given for a set: `others` always, `lora_others` on top in regime lora; `rate` is the base
    learning rate of lp, `lora_rate` a multiple of it."""

    batch: int
    rate: float
    others: tuple[str, ...]
    lora_rate: float = 1.0
    lora_alpha: int = 2
    lora_targets: str = "qv"
    lora_others: tuple[str, ...] = ()

    def overrides(self, regime: str) -> list[str]:
        factor, adapters = 1.0, ()
        if regime == "lora":
            factor = self.lora_rate
            adapters = ("lora_scale=rank", f"lora_alpha={self.lora_alpha}", f"lora_targets={self.lora_targets}")
            adapters += self.lora_others
        elif regime in ("ft2", "scratch"):
            factor = WHOLE_BLOCKS
        return [*COMMON, f"batch={self.batch}", f"base_learning_rate={self.rate * factor:g}", *self.others, *adapters]


RECIPES = {
    "csi_har": Recipe(
        batch=8,
        rate=0.256,
        others=("channels=apart", "image_size=[32,256]", "roll=width", "noise=0.3"),
        lora_rate=0.5,
        lora_alpha=8,
        lora_others=("image_size=[32,128]",),
    ),
    "csi_position": Recipe(
        batch=2,
        rate=0.256,
        others=("channels=apart", "image_size=[32,16]", "noise=0.3"),
        lora_rate=0.5,
        lora_alpha=64,
        lora_targets="qv+mlp",
    ),
    "ism": Recipe(8, 0.1, ("roll=height",)),
    "csi_activity_wiar": Recipe(4, 0.512, ("channels=apart", "image_size=[32,80]", "roll=width")),
}
"""By data set; docs/results-notes.md says on what they were found."""


@dataclass(frozen=True)
class Row:
    """One question to the data: a set, its test set, and what is expected (accuracy at least, metres at most)."""

    name: str
    data: str
    split: str
    target: str
    short: bool = False
    """LP and LoRA on one seed alone."""

    def runs(self) -> list["Run"]:
        if self.short:
            return [Run(self, regime, 1) for regime in ("floor", "lp", "lora")]
        many = [Run(self, regime, seed) for seed in SEEDS for regime in ("floor", "lp", "lora")]
        return many + [Run(self, regime, 1) for regime in ("ft2", "scratch")]


@dataclass(frozen=True)
class Run:
    row: Row
    regime: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.row.name}-{self.regime}-{self.seed}"

    @property
    def overrides(self) -> list[str]:
        """What wfm-finetune is given as key=value."""
        return RECIPES[self.row.data].overrides(self.regime)


ROWS = (
    Row("har", "csi_har", "group:source", ">= 0.84"),
    *(Row(f"har_{person}", "csi_har", f"leave:person={person}", "above the floor", True) for person in PERSONS),
    Row("position", "csi_position", "hold:run=6,7", "<= 0.25 m"),
    Row("position_2m", "csi_position", "hold:distance=2", "reported", True),
    Row("ism", "ism", "every:3", ">= 0.95"),
    Row("wiar", "csi_activity_wiar", "hold:trial=6,7", ">= 0.75"),
)
RUNS = tuple(run for row in ROWS for run in row.runs())
