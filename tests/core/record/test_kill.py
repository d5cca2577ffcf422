# SPDX-License-Identifier: GPL-3.0-or-later
"""A writer that is killed at random moments: the database opens, and no event that was acknowledged is missing."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
import record_parts
import sqlalchemy as sa

from wfm_core.record.schema import EVENTS
from wfm_core.record.store import Record

PROGRAM = os.path.join(os.path.dirname(record_parts.__file__), "write.py")
LATEST_SECONDS = 0.05
"""From the acknowledgement that a kill waits for to the kill, at most."""


def stored(url: str) -> tuple[int, int, int]:
    """Rows, and the first and the last sequence, in a database that is opened again."""
    record = Record(url, write=False)
    numbers = EVENTS.c.sequence
    (row,) = record.read(sa.select(sa.func.count(), sa.func.min(numbers), sa.func.max(numbers)))
    record.close()
    return tuple(row.values())


def write_until(url: str, first: int, end: int, goal: int | None, wait: float) -> int:
    """Start a writer of the events [first, end). `wait` seconds after it has acknowledged `goal` of them it is killed,
    without a goal it ends. Returns up to which one it has acknowledged in all."""
    command = [sys.executable, PROGRAM, url, str(first), str(end)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        acknowledged = first
        for line in process.stdout:
            acknowledged = int(line)
            if goal is not None and acknowledged >= goal:
                time.sleep(wait)
                process.send_signal(signal.SIGKILL)
                break
        # what is still in the pipe was acknowledged before the kill
        acknowledged = max([acknowledged, *(int(line) for line in process.stdout if line.endswith("\n"))])
        assert process.wait(120) == (0 if goal is None else -signal.SIGKILL)
    return acknowledged


def kill_often(url: str, count: int, kills: int, seed: int) -> None:
    generator = random.Random(seed)
    goals = sorted(generator.randrange(1, count * 3 // 4) for _ in range(kills))  # so none comes after the end
    acknowledged, begin = 0, time.monotonic()
    for goal in goals:
        first = acknowledged
        acknowledged = write_until(url, first, count, max(goal, first + 1), generator.uniform(0.0, LATEST_SECONDS))
        rows, least, last = stored(url)
        assert least == 0 and rows == last + 1, "without gaps, and nothing twice"
        assert acknowledged <= rows, "all that was acknowledged"
        print(f"killed with {acknowledged} acknowledged, {rows} are there")
    assert write_until(url, acknowledged, count, None, 0.0) == count
    assert stored(url) == (count, 0, count - 1)
    print(f"{count} events and {kills} kills in {time.monotonic() - begin:.1f} s")


def test_a_kill_loses_nothing(url):
    kill_often(url, 20_000, 3, seed=1)


@pytest.mark.slow
def test_twenty_kills_of_a_million_events_lose_nothing(url):
    kill_often(url, 1_000_000, 20, seed=2)
