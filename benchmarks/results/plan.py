# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runs make the page docs/results.md, and what each must reach."""

from dataclasses import dataclass

PERSONS = ("abid", "hhj", "liyun", "qiang", "zyy")
EPOCHS = 30
SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Row:
    """One question to the data: a set, who tests, and the target (accuracy at least, metres at most)."""

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


ROWS = (
    Row("har", "csi_har", "group:source", ">= 0.84"),
    *(Row(f"har_{person}", "csi_har", f"leave:person={person}", "above the floor", True) for person in PERSONS),
    Row("position", "csi_position", "hold:run=6,7", "<= 0.25 m"),
    Row("position_2m", "csi_position", "hold:distance=2", "reported", True),
    Row("ism", "ism", "every:3", ">= 0.95"),
    Row("wiar", "csi_activity_wiar", "hold:trial=6,7", ">= 0.75"),
)
RUNS = tuple(run for row in ROWS for run in row.runs())
