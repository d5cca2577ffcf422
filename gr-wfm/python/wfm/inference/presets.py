# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets: WFM Inference for one task, with the parameters that the task needs and smoothed events."""

from gnuradio import gr

from wfm_core.base.errors import WfmError

from ..events.event_tracker import event_tracker
from .decision_pool import decision_pool
from .inference import inference
from .inference_base import open_bundle


class preset_base(gr.hier_block2):
    """Inference of one task, and what follows it: `inference` and `_follow_with` make it.

    Message ports out: `detects` (a PDU per window), `status`, `notices` (the `events` of the inference: refusals,
    errors, swaps), and that of the follower. In: `control`.
    """

    def _follow_with(self, follower, takes: tuple[str, ...], gives: str, head=None) -> None:
        """Of the ports `takes`, `follower` makes the port `gives`; `detects` is the inference's, or that of a `head`
        behind it."""
        makes = {"detects": head or self.inference, "status": self.inference}
        for port in ("detects", "status", "notices", gives):
            self.message_port_register_hier_out(port)
        self.message_port_register_hier_in("control")
        self.msg_connect(self, "control", self.inference, "control")
        for port, maker in makes.items():
            self.msg_connect(maker, port, self, port)
        for port in takes:
            self.msg_connect(makes[port], port, follower, port)
        self.msg_connect(self.inference, "events", self, "notices")
        self.msg_connect(follower, gives, self, gives)

    def status(self) -> dict:
        return self.inference.status()

    def finish(self) -> None:
        """End as if the stream had ended: what waits is still decided, see `wfm.inference`."""
        self.inference.finish()

    def set_bundle(self, name_or_path: str) -> None:
        self.inference.set_bundle(name_or_path)


def load_for(bundle, task: str, policy: str, device: str, dtype: str, engine: str, on_error: str):
    """The bundle as of `open_bundle`. Raises `WfmError` where it has no such task."""
    bundle = open_bundle(bundle, policy, device, dtype, engine, on_error)
    check_task(bundle, task)
    return bundle


def check_task(bundle, task: str) -> None:
    """Raises `WfmError` where the bundle has no such task."""
    known = bundle.contract.tasks
    if task not in known:
        raise WfmError(
            f"bundle {bundle.contract.name} has the tasks {', '.join(known)}, {task} is expected here: "
            f"choose a bundle with {task}"
        )


class _preset(preset_base):
    """Inference of `task` and its event tracker; streams as in `wfm.inference`.

    Message ports as of `preset_base`; `events` (begin and end, see `wfm.event_tracker`); with `pool`, `pooled` (a PDU
    per block of so many samples, see `decision_pool`), of which the events are made then, without more smoothing.

    Raises:
        WfmError: the bundle has no such task, or a parameter is out of its range.
    """

    def __init__(
        self, task, bundle, channels, sample_rate, hop, policy, threshold, gate_dbfs, smoothing, running, pool=0
    ):
        signature = gr.io_signature(channels, channels, gr.sizeof_gr_complex)
        gr.hier_block2.__init__(self, type(self).__name__, signature, signature)
        bundle = load_for(bundle, task, policy, **running)
        self.inference = inference(
            bundle=bundle,
            channels=channels,
            sample_rate=sample_rate,
            hop=hop,
            policy=policy,
            threshold=threshold,
            gate_dbfs=gate_dbfs,
            on_error=running["on_error"],
            tasks=task,
        )
        stride = max(hop, bundle.contract.samples)
        if pool:
            # An answer a block: it is smoothed already, and comes when the block is over.
            stride, smoothing = 2 * pool, {**smoothing, "windows": 1}
            self.pool = decision_pool(task, pool, bundle.contract.samples, self._rule)
        self.tracker = event_tracker(
            task=task, sample_rate=sample_rate, max_gap=smoothing["windows"] * stride, **smoothing
        )
        for channel in range(channels):
            self.connect((self, channel), (self.inference, channel), (self, channel))
        self._task = task
        self._follow_with(self.tracker, takes=() if pool else ("detects", "status"), gives="events")
        if pool:
            self.message_port_register_hier_out("pooled")
            for port in ("detects", "status"):
                self.msg_connect(self.inference, port, self.pool, port)
            self.msg_connect(self.pool, "pooled", self.tracker, "detects")
            self.msg_connect(self.pool, "status", self.tracker, "status")
            self.msg_connect(self.pool, "pooled", self, "pooled")

    def _rule(self):
        """What pooled decisions are made by: see `decision_pool`."""
        engine = self.inference.engine
        return engine.swap.current.contract.tasks[self._task], engine.threshold if engine.threshold >= 0 else None

    def set_threshold(self, threshold: float) -> None:
        self.inference.set_threshold(threshold)

    def set_gate_dbfs(self, gate_dbfs: float) -> None:
        self.inference.set_gate_dbfs(gate_dbfs)


class interference_detector(_preset):
    """When interference of which kind began and ended; `none` makes no event.

    Args: see `wfm.inference` and `wfm.event_tracker`. No gate: the signal of interest is always there.
        pool: decisions are pooled over blocks of so many samples, such as 131072, and events are made of these;
            `windows` has no effect then. 0: no pooling.
        device: "auto", "cpu" or "cuda", or a server's address: see `wfm.inference`.
        dtype, engine: of the encoder, as of `wfm.inference`.
        on_error: what happens when a server does not answer: see `wfm.inference`.
    """

    def __init__(
        self,
        bundle="wfm-interference",
        channels: int = 1,
        sample_rate: float = 1.92e6,
        hop: int = 0,
        policy: str = "live",
        threshold: float = -1.0,
        windows: int = 8,
        begin: float = 0.6,
        end: float = 0.4,
        pool: int = 0,
        device: str = "auto",
        dtype: str = "auto",
        engine: str = "auto",
        on_error: str = "stop",
    ):
        running = {"device": device, "dtype": dtype, "engine": engine, "on_error": on_error}
        smoothing = {"windows": windows, "begin": begin, "end": end, "method": "probability", "background": "none"}
        super().__init__(
            "interference", bundle, channels, sample_rate, hop, policy, threshold, -200.0, smoothing, running, pool
        )


class rf_fingerprinter(_preset):
    """Which transmitter was on the air, from when to when: the gate keeps silence from being named.

    Args: see `wfm.inference` and `wfm.event_tracker`; votes, since a fingerprint is sure or wrong. on_error: when a
        server does not answer.
    """

    def __init__(
        self,
        bundle,
        channels: int = 1,
        sample_rate: float = 1.92e6,
        hop: int = 0,
        policy: str = "live",
        threshold: float = -1.0,
        gate_dbfs: float = -60.0,
        windows: int = 8,
        begin: float = 0.6,
        end: float = 0.4,
        device: str = "auto",
        dtype: str = "auto",
        engine: str = "auto",
        on_error: str = "stop",
    ):
        running = {"device": device, "dtype": dtype, "engine": engine, "on_error": on_error}
        smoothing = {"windows": windows, "begin": begin, "end": end, "method": "vote", "background": ""}
        super().__init__(
            "fingerprint", bundle, channels, sample_rate, hop, policy, threshold, gate_dbfs, smoothing, running
        )
