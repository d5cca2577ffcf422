# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions on the windows of a recording, by the live path's rules, and on blocks of them."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.bundle import Bundle
from wfm_core.bundle.outputs import check_output
from wfm_core.bundle.pooling import Blocks, judge_of_blocks
from wfm_core.data.recordings.recording import Recording
from wfm_core.data.recordings.windows import window_starts
from wfm_core.messages.decisions import decision_json


@dataclass(frozen=True)
class Rules:
    """Which windows there are and what becomes of them; each as the option of wfm-evaluate of its name."""

    hop: int = 0
    settle: int = 0
    gate_dbfs: float = -200.0
    antennas: int | None = None
    threshold: float | None = None
    pool: int = 0
    batch: int = 32

    def __post_init__(self):
        if self.batch < 1:
            raise WfmError(f"--batch {self.batch}: 1 or more is expected")


def judge_by(rules: Rules, bundle: Bundle, load: Callable[[str], Bundle]) -> Bundle | None:
    """What judges blocks of --pool samples, opened by `load` where it is another bundle; None without --pool.

    Raises `WfmError` where no block is so long.
    """
    if not rules.pool:
        return None
    judge = judge_of_blocks(bundle, load)
    judge.contract.joined(rules.pool)
    return judge


def decisions(
    recording: Recording, bundle: Bundle, rules: Rules, warn: Callable[[str], None], judge: Bundle | None = None
) -> Generator[dict, None, dict]:
    """A JSON decision for each window that is finite and not gated, those of the `judge` (see `judge_by`) on
    blocks after the last of their windows; returns the numbers of the others, `invalid` and `gated`.

    Raises `WfmError`.
    """
    antennas = _check(recording, bundle, rules.antennas, warn)
    blocks = None if judge is None else _Pool(recording, bundle.contract.samples, judge, antennas, rules)
    return _decided(recording, bundle, antennas, rules, blocks)


def _decided(
    recording: Recording, bundle: Bundle, antennas: int, rules: Rules, blocks: "_Pool | None"
) -> Generator[dict, None, dict]:
    window, counts = bundle.contract.samples, {"invalid": 0, "gated": 0}
    starts = window_starts(recording.samples, window, rules.hop, recording.breaks, rules.settle)
    for first in range(0, len(starts), rules.batch):
        block = starts[first : first + rules.batch]
        iq = np.stack([_read(recording, start, window, antennas) for start in block.tolist()])
        keep = _passes(iq, rules.gate_dbfs, counts)
        if not keep.any():
            continue
        outputs = bundle.infer(iq[keep])
        for name, task in bundle.contract.tasks.items():
            check_output(outputs, bundle.contract, name, task.shape)
        for index, start in enumerate(block[keep].tolist()):
            tasks = bundle.decide(outputs, index, threshold=rules.threshold)
            decision = decision_json(
                start, window, tasks, recording.rx_time_at(start), recording.center_freq_at(start), origin=bundle.origin
            )
            if blocks is not None:
                yield from blocks.before(decision)
            yield decision
    if blocks is not None:
        yield from blocks.last()
    return counts


class _Pool:
    """Decision lines of blocks of --pool samples, which no break is in: the windows in each are judged as one."""

    def __init__(self, recording: Recording, window: int, judge: Bundle, antennas: int, rules: Rules):
        self._recording, self._judge, self._threshold = recording, judge, rules.threshold
        self._window, self._antennas = window, antennas
        self._blocks = Blocks(rules.pool)
        self._breaks = np.sort(np.array(list(recording.breaks), np.int64))
        self._piece = -1

    def before(self, decision: dict) -> Iterator[dict]:
        """The line of the block that the window of this `decision` is not in any more, if there is one."""
        start, before = decision["sample_start"], self._piece
        self._piece = int(np.searchsorted(self._breaks, start, "right"))
        yield from self._pooled(
            self._blocks.add(start, decision["sample_count"], decision, apart=self._piece != before)
        )

    def last(self) -> Iterator[dict]:
        """That of the block under way."""
        yield from self._pooled(self._blocks.finish())

    def _pooled(self, windows: list[dict]) -> Iterator[dict]:
        if not windows:
            return
        start, last = windows[0]["sample_start"], windows[-1]
        iq = [_read(self._recording, one["sample_start"], self._window, self._antennas) for one in windows]
        outputs = self._judge.infer(np.concatenate(iq, axis=1)[None])
        tasks = self._judge.decide(outputs, 0, threshold=self._threshold)
        count = last["sample_start"] + last["sample_count"] - start
        line = decision_json(
            start, count, tasks, self._recording.rx_time_at(start), self._recording.center_freq_at(start),
            origin=self._judge.origin,
        )  # fmt: skip
        yield {**line, "pooled_windows": len(windows)}


def _read(recording: Recording, start: int, samples: int, antennas: int) -> np.ndarray:
    """A window complex64 [antennas, samples]; a recording with fewer channels repeats its last one."""
    channels = np.minimum(np.arange(antennas), recording.channels - 1)
    return recording.read(start, samples)[channels]


def _check(recording: Recording, bundle: Bundle, antennas: int | None, warn: Callable[[str], None]) -> int:
    """The number of antennas to use; raises WfmError where the bundle cannot take it, warns of an untrained rate."""
    contract = bundle.contract
    antennas = recording.channels if antennas is None else antennas
    if not 1 <= antennas <= contract.antennas:
        raise WfmError(
            f"{antennas} antennas, the bundle {contract.name} takes 1 to {contract.antennas}: choose with --antennas"
        )
    if not contract.knows_rate(recording.sample_rate):
        warn(
            f"warning: sample rate {recording.sample_rate:g} Hz, the bundle {contract.name} was trained "
            f"for {contract.sample_rate_min:g} to {contract.sample_rate_max:g} Hz"
        )
    return antennas


def _passes(iq: np.ndarray, gate_dbfs: float, counts: dict[str, int]) -> np.ndarray:
    """Which windows of [B, A, T] are inferred, bool [B]; the others are counted as invalid (NaN, Inf) or gated."""
    with np.errstate(over="ignore", invalid="ignore"):
        power = (iq.real**2 + iq.imag**2).mean(axis=(1, 2))
    finite = np.isfinite(power)
    loud = power >= 10 ** (gate_dbfs / 10)
    counts["invalid"] += int((~finite).sum())
    counts["gated"] += int((finite & ~loud).sum())
    return finite & loud
