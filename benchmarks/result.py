# SPDX-License-Identifier: GPL-3.0-or-later
"""What a benchmark hands back, and how two sides are compared."""

import json
import os
import platform
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """One line of bench.jsonl: `value` (in `unit`) over `baseline` (in the same unit) is `ratio`; `wanted` is the
    least ratio that the project promises (None: no promise)."""

    name: str
    ratio: float
    value: float
    unit: str
    baseline: float
    wanted: float | None
    conditions: str

    def emit(self) -> None:
        print(json.dumps(asdict(self)), flush=True)


def alternate(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> tuple[float, float]:
    """Medians of both sides, measured in turn so that a slow spell of the machine hits both."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def machine() -> str:
    """The processor, in words."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} CPUs"
