# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions on windows in, one for each block of windows out."""

from collections.abc import Callable

import pmt

from wfm_core.bundle.contract import TaskContract
from wfm_core.bundle.pooling import Blocks, pool_decisions

from ..events.smoothing import is_gap
from ..ports import keys, messages
from ..ports.block import message_block


class decision_pool(message_block):
    """Pools the answers of one task over blocks of windows (`wfm_core.bundle.pooling`).

    Message ports in: `detects` and `status`, both from a WFM Inference block. A block ends when it is full, before
    windows that do not go on from it (a gap as long as a block, another frequency, a stream that starts again), and at
    the end of the stream. Ports out: `pooled`, a PDU per block, as on `detects` of a window that is as long, with
    `pooled_windows`, their number; `status`, passed on when the blocks before it are out.

    Args:
        task: the task to pool.
        samples: of a block, at most.
        window: samples of a window.
        rule: gives the task's contract, as of the bundle in use, and the open-set threshold (None: the contract's).

    Raises:
        WfmError: a block that is shorter than a window.
    """

    def __init__(self, task: str, samples: int, window: int, rule: Callable[[], tuple[TaskContract, float | None]]):
        super().__init__(
            "wfm_decision_pool",
            takes={keys.DETECTS: self._on_detects, keys.STATUS: self._on_status},
            gives=(keys.POOLED, keys.STATUS),
        )
        self._task, self._samples, self._rule = task, samples, rule
        self._blocks = Blocks(samples, window)
        self._before: messages.Detection | None = None

    def start(self) -> None:
        self._blocks.finish()
        self._before = None

    def _on_detects(self, message: pmt.pmt_base) -> None:
        found = messages.read_detection(message)
        if found.task != self._task or found.label is None:
            return
        apart = self._before is not None and is_gap(self._before, found, self._samples)
        self._publish(self._blocks.add(found.sample_start, found.sample_count, found, apart))
        self._before = found

    def _on_status(self, message: pmt.pmt_base) -> None:
        self.handle_waiting(keys.DETECTS)  # the queues of two ports are emptied in any order
        status = messages.read_control(message)
        if status["ended"]:
            self._publish(self._blocks.finish())
        self.message_port_pub(keys.STATUS, message)

    def _publish(self, windows: list[messages.Detection]) -> None:
        if not windows:
            return
        task, threshold = self._rule()
        decision = pool_decisions(task, [window.decision for window in windows], threshold)
        self.message_port_pub(keys.POOLED, messages.block_pdu(self._task, windows, decision))
