# SPDX-License-Identifier: GPL-3.0-or-later
"""The inference engine: a message-only block that owns the one worker thread beside the sample stream.

The worker takes windows from a `window_tap`, runs the bundle on small batches, hands the results back to the tap as
tags, and publishes them. It ends when the tap has ended and nothing waits any more; only then does the block end, so
that no decision is lost at the end of a stream.
"""

import math
import time

import numpy as np
import pmt
from gnuradio import gr

from wfm_core.base.errors import WfmError
from wfm_core.bundle.bundle import WARM_RUNS

from ..ports import keys, messages
from ..ports.guard import Guard, guarded, guarded_start, guarded_stop
from .hot_swap import BundleSwap
from .latency_counters import Statistics
from .worker import StuckBundles, Worker, named

ON_ERROR = ("stop", "bypass")
_TAKE_TIMEOUT_MS = 100
_INT_MAX = 2**31 - 1
_STATUS_SECONDS = 1.0
# After the last decision, before the block says that it ends: the sinks' threads look into their queues meanwhile.
_FAREWELL_SECONDS = 0.05


class engine(gr.basic_block):
    """Worker between `tap` and the message ports.

    Ports out: `detects` (PDU per window and task), `embeddings` (PDU per window), `status` (dict, once a second and at
    the end), `events` (dict: what changed or failed). Port in: `control` (dict or pair: model, tasks, threshold,
    gate_dbfs, hop); a message that is refused is logged, an event, counted in the status, and changes nothing else.

    Args:
        tap: the window_tap to serve.
        bundle: a loaded bundle; it is warmed here, before any stream flows.
        channels: antennas of every window.
        sample_rate: Hz, until the stream's rx_rate tags say otherwise.
        batch: most windows to infer at once.
        threshold: open-set threshold in place of the contract's, or negative for the contract's.
        lossless: the stream waits for the worker.
        on_error: "stop": an exception in the worker ends the flowgraph; "bypass": samples go on without decisions.
        tasks: names with commas of the bundle's tasks to publish, "" for all.
    """

    def __init__(
        self,
        tap,
        bundle,
        channels: int,
        sample_rate: float,
        batch: int,
        threshold: float,
        lossless: bool,
        on_error: str,
        tasks: str = "",
    ):
        gr.basic_block.__init__(self, name="wfm_engine", in_sig=None, out_sig=None)
        for port in (keys.DETECTS, keys.EMBEDDINGS, keys.STATUS, keys.EVENTS, keys.ALIVE):
            self.message_port_register_out(port)
        # The hierarchical block ties `alive` to itself: a block without any connection is not started.
        self.message_port_register_in(keys.ALIVE)
        self.log = gr.logger("wfm.inference")
        self._guard = Guard(self.log.error, self._count_refusal)
        self.message_port_register_in(keys.CONTROL)
        self.set_msg_handler(keys.CONTROL, self._on_control)
        self.threshold = threshold
        self._tasks = messages.read_tasks(tasks, bundle.contract.tasks)
        self._control_refused = 0
        self._ended = False
        self._tap = tap
        self._swap = BundleSwap(bundle, batch, channels, self._event)
        self._sample_rate = sample_rate
        self._lossless = lossless
        self._on_error = on_error
        began = time.monotonic()
        bundle.warm(batch, channels)
        self._longest = (time.monotonic() - began) / WARM_RUNS  # seconds that a batch takes
        self._batch, self._channels = batch, channels
        self._buffer = self._blank_windows(bundle.contract, batch, channels)
        self._statistics = Statistics()
        self._error = ""
        self._warned_rate = False
        self._worker: Worker | None = None
        self._stuck = StuckBundles()
        self._next_status = 0.0

    # -- life of the block ---------------------------------------------------------------------------------------

    @guarded_start
    def start(self) -> bool:
        self._error, self._control_refused = "", 0
        self._ended = False
        self._forget_last_run()
        self._tap.open()
        self._swap.open()
        self._worker = Worker(self._run, self._longest)
        self._worker.start()
        return True

    def _forget_last_run(self) -> None:
        """That it was done, and its "done" to itself over `alive`, would end this run at once."""
        block = self.to_basic_block()
        while block.delete_head_nowait(keys.SYSTEM) is not None:
            pass
        block.clear_finished()

    @guarded_stop
    def stop(self) -> bool:
        """Returns within seconds, also when inference does not: then its thread is left behind, which is an error."""
        self._tap.close()
        self._swap.end_trial()
        if self._worker is not None and (sentence := self._worker.end()):
            self._leave_behind(self._worker, sentence)
        if sentence := self._swap.close():
            self.log.error(sentence)
        return True

    def _leave_behind(self, worker: Worker, sentence: str) -> None:
        self._stuck.remember(worker, self._swap.current)
        # Whoever was left behind has the old one.
        self._buffer = self._blank_windows(self._swap.current.contract, self._batch, self._channels)
        self._error = sentence
        self.log.error(sentence)
        self._event("error", sentence)
        self._ended = True
        self._publish_status()

    def error(self) -> str:
        """Why the worker ended early, or ""."""
        return self._error

    def status(self) -> dict:
        """Counters, latencies, coverage, the bundle in use and the error, if any."""
        bundle = self._swap.current
        self._statistics.of_run(self._tap.run())
        return {
            **self._statistics.snapshot(self._tap.counters()),
            "bundle": bundle.contract.name,
            "device": str(bundle.device),
            "dtype": bundle.dtype,
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
        self._publish_status()
        time.sleep(_FAREWELL_SECONDS)
        self.to_basic_block()._post(keys.SYSTEM, keys.DONE)

    def _serve(self, worker: Worker) -> bool:
        """One batch. False when the stream has ended and nothing waits, or the flowgraph was stopped a while ago."""
        if worker.must_end():
            self._warn_undecided()
            return False
        if time.monotonic() >= self._next_status:
            self._publish_status()  # with no batch in hand: what is not queued is decided
        batch = self._tap.take(len(self._buffer), _TAKE_TIMEOUT_MS)
        if batch is None:
            return True
        if batch.count == 0:
            return False
        bundle = self._swap.take_next()
        self._stuck.check(bundle)
        taken = time.monotonic()
        lengths = self._lengths(batch, bundle.contract)
        behind = self._samples_behind(batch, lengths)
        windows = self._buffer[: batch.count]
        batch.copy_to(windows)
        outputs = worker.call(f"inference with {named(bundle)}", self._infer, bundle, windows)
        if worker.abandoned:
            return False
        threshold = self.threshold if self.threshold >= 0 else None
        decisions = [self._chosen(bundle.decide(outputs, i, threshold)) for i in range(batch.count)]
        rates = np.where(batch.rx_rate > 0, batch.rx_rate, self._sample_rate)
        latencies = behind / rates + (time.monotonic() - taken)
        shared = [messages.facts_dict(facts) for facts in self._facts(batch, lengths, rates, latencies, bundle)]
        self._hand_back(batch, shared, decisions)
        self._statistics.of_run(self._tap.run())
        self._statistics.add(batch.start, lengths, latencies.tolist())
        self._publish_embeddings(outputs, shared)
        return True

    def _chosen(self, answer: dict[str, dict]) -> dict[str, dict]:
        return {task: decision for task, decision in answer.items() if task in self._tasks}

    # What differs where the worker is fed with images (image_engine).

    def _blank_windows(self, contract, batch: int, channels: int) -> np.ndarray:
        return np.empty((batch, channels, contract.samples), np.complex64)

    def _infer(self, bundle, windows: np.ndarray) -> dict[str, np.ndarray]:
        return bundle.infer(windows)

    def _lengths(self, batch, contract) -> np.ndarray:
        """Samples of each window."""
        return np.full(batch.count, contract.samples)

    def _foreign(self, rates: np.ndarray, contract) -> np.ndarray:
        """Which rates the bundle was not trained for."""
        return ~contract.knows_rate(rates)

    def _samples(self, name: str) -> int:
        """How far it is, as the windows count: from the last lock() and unlock() on."""
        counters = self._tap.counters()
        return counters[name] - counters["samples_before"]

    def _samples_behind(self, batch, lengths: np.ndarray) -> np.ndarray:
        """How far a radio has run on since each window's last sample; a stream that waits for us does not run on."""
        if self._lossless:
            return np.zeros(batch.count)
        return self._samples("samples_in") - (batch.start.astype(np.int64) + lengths)

    def _facts(self, batch, lengths, rates, latencies, bundle) -> list[messages.WindowFacts]:
        foreign = self._foreign(rates, bundle.contract)
        if foreign.any():
            self._warn_rate(rates[foreign][0], bundle.contract)
        with np.errstate(divide="ignore"):
            levels = 10 * np.log10(batch.power.astype(np.float64))
        return [
            messages.WindowFacts(
                sample_start=int(batch.start[i]),
                sample_count=int(lengths[i]),
                rx_time=(int(batch.rx_time_secs[i]), float(batch.rx_time_frac[i])) if batch.has_rx_time[i] else None,
                rx_freq=None if np.isnan(batch.rx_freq[i]) else float(batch.rx_freq[i]),
                level=float(levels[i]),
                latency=float(latencies[i]),
                out_of_range=bool(foreign[i]),
            )
            for i in range(batch.count)
        ]

    def _hand_back(self, batch, shared: list, decisions: list[dict]) -> None:
        """Tags first, they have to catch their samples; then the PDUs."""
        tags = [
            [(pmt.intern(task), messages.task_dict(fields, decision)) for task, decision in answer.items()]
            for fields, answer in zip(shared, decisions, strict=True)
        ]
        gone = self._samples("samples_out")
        self._tap.complete(batch, tags)
        for start, values, answer in zip(batch.start, tags, decisions, strict=True):
            for (_, value), (task, decision) in zip(values, answer.items(), strict=True):
                pdu = messages.detects_pdu(task, value, decision, int(start) < gone, window_tasks=len(answer))
                self.message_port_pub(keys.DETECTS, pdu)

    def _publish_embeddings(self, outputs: dict, shared: list) -> None:
        for name in (name for name in outputs if name.startswith("embedding")):
            for fields, values in zip(shared, outputs[name], strict=False):
                self.message_port_pub(keys.EMBEDDINGS, messages.embedding_pdu(name, fields, values))

    def _publish_status(self) -> None:
        self._next_status = time.monotonic() + _STATUS_SECONDS
        self.message_port_pub(keys.STATUS, pmt.to_pmt(self.status()))

    # -- what goes wrong or changes --------------------------------------------------------------------------------

    def _fail(self, error: Exception) -> None:
        self._error = str(error) if isinstance(error, WfmError) else f"{type(error).__name__}: {error}"
        self.log.error(f"inference failed ({self._error}), on_error is {self._on_error}")
        self._event("error", self._error)
        if self._on_error == "bypass":
            self._tap.bypass()
        else:
            self._tap.fail()

    def _warn_undecided(self) -> None:
        waiting = int(self._tap.counters()["queue_depth"])
        self._warn(f"the flowgraph was stopped while {waiting} windows waited: they are not decided in this run")

    def _warn(self, text: str) -> None:
        self.log.warn(text)
        self._event("warning", text)

    def _warn_rate(self, rate: float, contract) -> None:
        if not self._warned_rate:
            self._warned_rate = True
            self._warn(
                f"sample rate {rate:g} Hz, the bundle {contract.name} was trained for {contract.sample_rate_min:g} to "
                f"{contract.sample_rate_max:g} Hz: decisions carry out_of_range"
            )

    def _event(self, kind: str, text: str) -> None:
        self.message_port_pub(keys.EVENTS, pmt.to_pmt({"event": kind, "text": text}))

    @guarded("a control message was refused")
    def _on_control(self, message: pmt.pmt_base) -> None:
        """One bad setting does not keep the others of its message from being made."""
        for key, value in messages.read_control(message).items():
            self._guard.run(self.control, key, value, what="a control message was refused")

    def _count_refusal(self, error: Exception) -> None:
        self._control_refused += 1
        self._event("refused", str(error))

    def control(self, key: str, value) -> None:
        """One setting by name, as on the `control` port; raises ValueError or WfmError for one that is refused."""
        if key == keys.MODEL:
            self._swap.request(str(value))
        elif key == keys.TASKS:
            self._tasks = messages.read_tasks(value, self._swap.current.contract.tasks)
        elif key == keys.THRESHOLD:
            self.threshold = messages.read_number(key, value, -math.inf, math.inf)
        elif key == keys.GATE_DBFS:
            self._tap.set_gate_dbfs(messages.read_number(key, value, -math.inf, math.inf))
        elif key == keys.HOP:
            self._tap.set_hop(int(messages.read_number(key, value, 0, _INT_MAX)))
        else:
            raise ValueError(f"control key {key!r}: one of model, tasks, threshold, gate_dbfs, hop is expected")
