# SPDX-License-Identifier: GPL-3.0-or-later
"""The inference engine: a message-only block that owns the one worker thread beside the sample stream.

The worker takes windows from a source, runs the bundle on small batches, hands the results back to the source, and
publishes them. It ends when the source has ended and nothing waits any more; only then does the block end, so that no
decision is lost at the end of a stream.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pmt

from wfm_core.base.errors import WfmError
from wfm_core.bundle.bundle import WARM_RUNS, Bundle
from wfm_core.bundle.engines.batches import Batches
from wfm_core.serving.remote import UnansweredError

from ..ports import answers, keys, messages
from ..ports.block import message_block
from ..ports.endings import say_done
from .hot_swap import BundleSwap
from .latency_counters import LatencyCounters
from .outage import Outage, call_seconds, limit, replica, server_version, spent
from .window_source import Windows, WindowSource
from .worker import StuckBundles, Worker, named

_TAKE_TIMEOUT_MS = 100
# After the last decision, before the block says that it ends: the sinks' threads look into their queues meanwhile.
_LAST_MESSAGES_SECONDS = 0.05
_LAST_ANSWERS_SECONDS = 1.0
"""For a server's answers when the flowgraph is stopped."""


@dataclass(frozen=True)
class _Asked:
    """A batch that was taken at `taken`, by the monotonic clock; `answer` waits for its outputs. `runs`: it is being
    computed, and another batch may be taken meanwhile."""

    windows: Windows
    bundle: object
    taken: float
    answer: Callable[[], dict[str, np.ndarray]]
    runs: bool


class engine(message_block):
    """Worker between `source` and the message ports.

    Ports out: `detects` (PDU per window and task), `embeddings` (PDU per window), `grids` (PDU per window and dense
    task, which makes no decision), `status` (dict, once a second and at the end), `events` (dict: what changed or
    failed). Port in: `control` (dict or pair: model, tasks, threshold, gate_dbfs, hop); a message that is refused is
    logged, an event, counted in the status, and changes nothing else.

    Args:
        source: where the windows come from.
        bundle: a loaded bundle; it is warmed here, before any stream flows.
        channels: antennas of every window.
        batch: most windows to infer at once; fewer where that is as fast (`Batches`).
        threshold: open-set threshold in place of the contract's, or negative for the contract's.
        tasks: names with commas of the bundle's tasks to publish, "" for all.
        ahead: take a batch while the one before is computed, from a source that can `begin` (`AheadSource`): nothing
            waits for it then, but decisions on a stream that does not wait would come later.
    """

    def __init__(
        self,
        source: WindowSource,
        bundle,
        channels: int,
        batch: int,
        threshold: float,
        tasks: str = "",
        ahead: bool = False,
    ):
        super().__init__(
            "wfm_engine",
            takes={keys.CONTROL: self._on_control},
            gives=(keys.DETECTS, keys.EMBEDDINGS, keys.GRIDS, keys.STATUS, keys.EVENTS),
            on_refusal=self._count_refusal,
            log="wfm.inference",
        )
        self.threshold = threshold
        self._tasks = messages.read_tasks(tasks, bundle.contract.tasks)
        self._control_refused = 0
        self._ended = False
        self._source = source
        self.swap = BundleSwap(bundle, batch, channels, self.notice)
        bundle.warm(batch, channels)  # TorchScript compiles on its first calls
        began = time.monotonic()
        bundle.warm(batch, channels)
        self._longest = max((time.monotonic() - began) / WARM_RUNS, call_seconds(bundle))  # that a batch takes
        self._batch, self._batches = batch, Batches(batch)
        self._ahead = ahead
        self._new_buffers()
        self._asked: _Asked | None = None
        self._answered_at = 0.0
        self._latencies = LatencyCounters()
        self._outage = Outage(self.swap, self.notice)
        self._error = ""
        self._warned_rate = False
        self._worker: Worker | None = None
        self._stuck = StuckBundles()

    # -- life of the block ---------------------------------------------------------------------------------------

    def start(self) -> None:
        self._error, self._control_refused = "", 0
        self._asked = None
        self._ended = False
        self.forget_last_run()
        self._source.open()
        self.swap.open()
        limit(self.swap.current, None)
        self._worker = Worker(self._run, self._longest)
        self._worker.start()

    def stop(self) -> None:
        """Returns within seconds, also when inference does not: then its thread is left behind, which is an error."""
        self._source.close()
        self.swap.end_trial()
        limit(self.swap.current, _LAST_ANSWERS_SECONDS)
        if self._worker is not None and (sentence := self._worker.end()):
            self._leave_behind(self._worker, sentence)
        if sentence := self.swap.close():
            self.complain(sentence)

    def _leave_behind(self, worker: Worker, sentence: str) -> None:
        self._stuck.remember(worker, self.swap.current)
        self._new_buffers()  # whoever was left behind has the old ones
        self._error = sentence
        self.complain(sentence)
        self.notice("error", sentence)
        self._ended = True
        self.publish_status()

    def _new_buffers(self) -> None:
        self._buffers = [self._source.buffer(self._batch) for _ in range(2 if self._ahead else 1)]

    def error(self) -> str:
        """Why the worker ended early, or ""."""
        return self._error

    def status(self) -> dict:
        """Counters, latencies, coverage, the bundle in use and the error, if any."""
        bundle = self.swap.current
        self._latencies.of_run(self._source.run())
        return {
            **self._latencies.snapshot(self._source.counters()),
            "bundle": bundle.contract.name,
            "bundle_sha256": bundle.contract.sha256,
            "device": str(bundle.device),
            "dtype": bundle.dtype,
            "engine": bundle.engine,
            "engine_reason": bundle.engine_reason,
            "batch": self._batches.chosen,
            "server_version": server_version(bundle),
            "replica": replica(bundle),
            "undecided_because": self._outage.reason,
            "tasks": sorted(self._tasks),
            "control_refused": self._control_refused,
            "ended": self._ended,
            "error": self._error,
        }

    # -- worker --------------------------------------------------------------------------------------------------

    def _run(self, worker: Worker) -> None:
        try:
            while self._serve(worker):
                pass
        except Exception as error:  # noqa: BLE001 - whatever happens here must surface, never kill the thread silently
            if not worker.abandoned:
                self._fail(error)
        if worker.abandoned:
            return
        self._longest = worker.longest
        self._ended = True
        self.publish_status()
        time.sleep(_LAST_MESSAGES_SECONDS)
        say_done(self)

    def _serve(self, worker: Worker) -> bool:
        """One batch. False when the source has ended and nothing waits, or the flowgraph was stopped a while ago."""
        if worker.must_end():
            self._finish_asked(worker)
            self._warn_undecided()
            return False
        if self.status_is_due():
            if not self._finish_asked(worker):
                return False
            self.publish_status()  # with no batch in hand: what is not queued is decided
        windows = self._source.take(self._batches.size, 0 if self._asked else _TAKE_TIMEOUT_MS)
        if windows is None or windows.count == 0:
            return self._finish_asked(worker) and windows is None
        before, self._asked = self._asked, None
        try:
            self._asked = self._ask(worker, windows)
        finally:
            goes_on = before is None or self._finish(worker, before)
        return goes_on and (self._asked.runs or self._finish_asked(worker))

    def _ask(self, worker: Worker, windows: Windows) -> "_Asked":
        bundle = self.swap.take_next()
        self._stuck.check(bundle)
        taken = time.monotonic()
        self._buffers.reverse()  # a batch that is still under way has the other one
        samples = self._buffers[0][: windows.count]
        windows.copy_to(samples)
        if self._ahead and isinstance(bundle, Bundle) and bundle.runs_on:
            answer = worker.call(_inference_with(bundle), self._source.begin, bundle, windows, samples)
            return _Asked(windows, bundle, taken, answer.result, runs=True)
        return _Asked(windows, bundle, taken, partial(self._source.infer, bundle, windows, samples), runs=False)

    def _finish_asked(self, worker: Worker) -> bool:
        """Whether the worker is to go on."""
        asked, self._asked = self._asked, None
        return asked is None or self._finish(worker, asked)

    def _finish(self, worker: Worker, asked: "_Asked") -> bool:
        windows, bundle = asked.windows, asked.bundle
        try:
            outputs = worker.call(_inference_with(bundle), asked.answer)
        except UnansweredError as error:
            if self._source.on_error != "bypass" and not worker.is_ending():
                raise
            self._leave_undecided(worker, windows, bundle, error)
            return not worker.abandoned
        if worker.abandoned:
            return False
        self._outage.answered()
        threshold = self.threshold if self.threshold >= 0 else None
        refused = [False] * windows.count if windows.refused is None else windows.refused.tolist()
        decisions = [{} if out else self._chosen(bundle.decide(outputs, i, threshold)) for i, out in enumerate(refused)]
        lag, took = windows.lag / windows.rate, time.monotonic() - asked.taken
        shared = self._facts(windows, lag + took, bundle)
        tags = answers.tags_of(shared, decisions)
        late = self._source.complete(windows, tags)  # tags first, they have to catch their samples
        answers.publish_detects(self, tags, decisions, late)
        self._latencies.of_run(self._source.run())
        waited, travelled = spent(bundle)
        parts = [[own + took, own + waited, travelled, took - waited - travelled] for own in lag.tolist()]
        self._latencies.add(windows.start, windows.length, parts)
        answers.publish_embeddings(self, outputs, shared)
        dense = [task for task in bundle.contract.tasks.values() if task.dense and task.name in self._tasks]
        answers.publish_grids(self, dense, outputs, shared)
        now = time.monotonic()
        self._batches.add(windows.count, now - max(asked.taken, self._answered_at))
        self._answered_at = now
        return True

    def _leave_undecided(self, worker: Worker, windows: Windows, bundle, error: UnansweredError) -> None:
        if worker.abandoned:
            return
        self._source.complete(windows, [[] for _ in range(windows.count)])
        self._latencies.of_run(self._source.run())
        self._latencies.add_undecided(windows.count)
        if not worker.is_ending():
            self._outage.unanswered(bundle, error)

    def _chosen(self, answer: dict[str, dict]) -> dict[str, dict]:
        return {task: decision for task, decision in answer.items() if task in self._tasks}

    def _facts(self, windows: Windows, latencies: np.ndarray, bundle) -> list:
        out_of_range = self._source.out_of_range(windows.rate, bundle.contract)
        if out_of_range.any():
            self._warn_rate(windows.rate[out_of_range][0], bundle.contract)
        return answers.shared_fields(windows, latencies, out_of_range, bundle.origin)

    # -- what goes wrong or changes --------------------------------------------------------------------------------

    def _fail(self, error: Exception) -> None:
        self._error = str(error) if isinstance(error, WfmError) else f"{type(error).__name__}: {error}"
        self.complain(f"inference failed ({self._error}), on_error is {self._source.on_error}")
        self.notice("error", self._error)
        self._source.end(drain=False)

    def _warn_undecided(self) -> None:
        waiting = int(self._source.counters()["queue_depth"])
        self.warn(f"the flowgraph was stopped while {waiting} windows waited: they are not decided in this run")

    def _warn_rate(self, rate: float, contract) -> None:
        if not self._warned_rate:
            self._warned_rate = True
            self.warn(
                f"sample rate {rate:g} Hz, the bundle {contract.name} was trained for {contract.sample_rate_min:g} to "
                f"{contract.sample_rate_max:g} Hz: decisions carry out_of_range"
            )

    def _on_control(self, message: pmt.pmt_base) -> None:
        """One bad setting does not keep the others of its message from being made."""
        for key, value in messages.read_control(message).items():
            self._guard.run(self.control, key, value, what="a control message was refused")

    def _count_refusal(self, error: Exception) -> None:
        self._control_refused += 1
        self.notice("refused", str(error))

    def control(self, key: str, value) -> None:
        """One setting by name, as on the `control` port; raises ValueError or WfmError for one that is refused."""
        if key == keys.MODEL:
            self.swap.request(str(value))
        elif key == keys.TASKS:
            self._tasks = messages.read_tasks(value, self.swap.current.contract.tasks)
        elif key == keys.THRESHOLD:
            self.threshold = messages.read_number(key, value, -math.inf, math.inf)
        elif key in (keys.GATE_DBFS, keys.HOP, keys.CALIBRATE):
            self._source.control(key, value)
        else:
            raise ValueError(f"control key {key!r}: one of model, tasks, threshold, gate_dbfs, hop is expected")


def _inference_with(bundle) -> str:
    return f"inference with {named(bundle)}"
