# SPDX-License-Identifier: GPL-3.0-or-later
"""What a benchmark hands back, and how two sides are compared."""

import argparse
import json
import os
import platform
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

FOUND = "bench.jsonl"
"""The file in which run.py leaves all results."""


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


def length_options(description: str, seconds: float, rounds: int) -> argparse.ArgumentParser:
    """A command line with the length of a benchmark, whose defaults are what the README's table is measured with."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=seconds, help=f"of each measurement ({seconds:g})")
    parser.add_argument("--rounds", type=int, default=rounds, help=f"measurements of each side ({rounds})")
    return parser


def alternate(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> tuple[float, float]:
    """Medians of both sides, measured in turn so that a slow spell of the machine hits both."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def has_amx() -> bool:
    """Whether this CPU multiplies matrices of bfloat16 in tiles: what the wanted ratios depend on."""
    return "amx_bf16" in Path("/proc/cpuinfo").read_text()


def machine() -> str:
    """The processor, in words."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} CPUs"
