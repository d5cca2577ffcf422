# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets: WFM Inference for one task, with the parameters that the task needs and smoothed events."""

from gnuradio import gr

from wfm_core.base.errors import WfmError
from wfm_core.bundle.pooling import judge_of_blocks
from wfm_core.model.prototypes import MARGIN

from ..events.event_tracker import event_tracker
from ..ports import keys
from .inference import inference
from .inference_base import open_bundle
from .order_relay import order_relay
from .task_head import task_head

_BATCH, _HOLD = 16, 65536
"""Blocks take as many windows of samples at once, and need so much more hold than they are long."""


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
            if head and port == "status":
                # by way of the head: the follower ends with the first block before it that does
                self.msg_connect(self.inference, "status", head, "encoder_status")
                self.msg_connect(head, "encoder_status", follower, "status")
            else:
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


class window_preset(preset_base):
    """Inference of `task` and its event tracker; streams as in `wfm.inference`.

    `load`: opens the bundle of blocks where another judges these, see `judge_of_blocks`.
    `head`: a task head that answers for an open bundle without tasks. Message ports as of `preset_base`; `events`
    (begin and end, see `wfm.event_tracker`). With `pool` a window is a block of so many samples, several of the
    bundle's in a row, and events are made of these without more smoothing.

    Raises:
        WfmError: the bundle has no such task, or a parameter is out of its range.
    """

    def __init__(
        self,
        task,
        bundle,
        channels,
        sample_rate,
        hop,
        policy,
        threshold,
        gate_dbfs,
        smoothing,
        on_error,
        pool=0,
        load=None,
        head=None,
    ):
        signature = gr.io_signature(channels, channels, gr.sizeof_gr_complex)
        gr.hier_block2.__init__(self, type(self).__name__, signature, signature)
        stride, waiting = max(hop, bundle.contract.samples), {}
        if pool:
            # An answer a block: it is smoothed already, and comes when the block is over.
            stride, smoothing = max(hop, 2 * pool), {**smoothing, "windows": 1}
            most = _BATCH * bundle.contract.samples
            bundle = judge_of_blocks(bundle, load).joined(pool)
            waiting = {"batch": max(1, most // pool), "hold": _HOLD + 2 * pool}
        self.inference = inference(
            bundle=bundle,
            channels=channels,
            sample_rate=sample_rate,
            hop=hop,
            policy=policy,
            threshold=threshold,
            gate_dbfs=gate_dbfs,
            on_error=on_error,
            tasks="" if head else task,
            **waiting,
        )
        self.tracker = event_tracker(
            task=task, sample_rate=sample_rate, max_gap=smoothing["windows"] * stride, **smoothing
        )
        for channel in range(channels):
            self.connect((self, channel), (self.inference, channel), (self, channel))
        if head:
            self.msg_connect(self.inference, "embeddings", head, "embeddings")
        self._follow_with(self.tracker, takes=("detects", "status"), gives="events", head=head)

    def _take_orders(self, block) -> None:
        """Port in `enrolment`: orders to `block`, whose answers go out at `enrolled`."""
        self.message_port_register_hier_in("enrolment")
        self.message_port_register_hier_out("enrolled")
        self.relay = order_relay(keys.ENROLMENT, block)
        self.msg_connect(self, "enrolment", self.relay, "enrolment")
        self.msg_connect(block, "events", self, "enrolled")

    def set_threshold(self, threshold: float) -> None:
        self.inference.set_threshold(threshold)

    def set_gate_dbfs(self, gate_dbfs: float) -> None:
        self.inference.set_gate_dbfs(gate_dbfs)


class interference_detector(window_preset):
    """When interference of which kind began and ended; `none` makes no event.

    Args: see `wfm.inference` and `wfm.event_tracker`. No gate: the signal of interest is always there.
        pool: blocks of so many samples, such as 131072, are judged in place of windows, as far as the bundle can
            average over these; `windows` has no effect then. 0: windows.
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
        bundle = load_for(bundle, "interference", policy, **running)
        super().__init__(
            "interference",
            bundle,
            channels,
            sample_rate,
            hop,
            policy,
            threshold,
            -200.0,
            smoothing,
            on_error,
            pool,
            lambda name: open_bundle(name, policy, **running),
        )


class rf_fingerprinter(window_preset):
    """Which transmitter was on the air, from when to when: the gate keeps silence from being named.

    A bundle with the task fingerprint knows its transmitters. One without tasks, such as wfm-fingerprint, gives
    embeddings, and transmitters are enrolled while the flowgraph runs: the port `enrolment` takes what `control` of
    `wfm.task_head` takes, and `enrolled` answers as its `events`. `detects` has the `distance`, too.

    Args: see `wfm.inference` and `wfm.event_tracker`; votes, since a fingerprint is sure or wrong.
        on_error: when a server does not answer.
        prototypes, margin, cohort: of a bundle without tasks, see `wfm.task_head`.

    Raises:
        WfmError: the bundle has other tasks, prototypes or a cohort that it cannot use, or a parameter out of its
        range.
    """

    def __init__(
        self,
        bundle="wfm-fingerprint",
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
        prototypes: str = "",
        margin: float = MARGIN,
        cohort: str = "",
    ):
        running = {"device": device, "dtype": dtype, "engine": engine, "on_error": on_error}
        smoothing = {"windows": windows, "begin": begin, "end": end, "method": "vote", "background": ""}
        bundle = open_bundle(bundle, policy, **running)
        contract, self.head = bundle.contract, None
        if not contract.tasks:
            embedding = next(iter(contract.embedding_widths))
            self.head = task_head("fingerprint", embedding, prototypes, margin=margin, cohort=cohort)
        elif prototypes or cohort:
            raise WfmError(
                f"prototypes {prototypes!r} and cohort {cohort!r} with bundle {contract.name}, which knows its "
                "transmitters: give a bundle without tasks, such as wfm-fingerprint, or neither"
            )
        else:
            check_task(bundle, "fingerprint")
        super().__init__(
            "fingerprint",
            bundle,
            channels,
            sample_rate,
            hop,
            policy,
            threshold,
            gate_dbfs,
            smoothing,
            on_error,
            head=self.head,
        )
        # a bundle that knows its transmitters enrols none: its inference refuses, and says so
        self._take_orders(self.head or self.inference.engine)
