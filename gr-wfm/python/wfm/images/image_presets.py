# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets over images, such as those of WFM CSI Image: image inference for one task, and what smooths its answers."""

from gnuradio import gr

from wfm_core.base.errors import WfmError

from ..events.event_tracker import event_tracker
from ..events.quantity_smoother import quantity_smoother
from ..inference.inference_base import open_bundle
from ..inference.order_relay import order_relay
from ..inference.presets import check_task, load_for, preset_base
from ..inference.task_head import task_head
from ..ports import keys
from .image_inference import image_inference

POINT_WINDOWS = 5
"""Windows of a surveyed point that does not say how many."""


class _image_preset(preset_base):
    """Image inference of `task` by a loaded bundle, or of one without any, see `preset_base`; in: `images` as well."""

    def __init__(self, task, bundle, packet_rate, policy, threshold, on_error):
        gr.hier_block2.__init__(self, type(self).__name__, gr.io_signature(0, 0, 0), gr.io_signature(0, 0, 0))
        tasks = task if bundle.contract.tasks else ""
        self.inference = image_inference(
            bundle=bundle,
            sample_rate=packet_rate,
            policy=policy,
            threshold=threshold,
            tasks=tasks,
            on_error=on_error,
        )
        self.message_port_register_hier_in("images")
        self.msg_connect(self, "images", self.inference, "images")


class activity_sensor(_image_preset):
    """What went on, from when to when, by images of CSI; the background labels make no event.

    Args:
        bundle: name or path of a bundle with the task, whose input is an image; or a loaded one.
        packet_rate: packets a second, for durations.
        policy: "live" drops the oldest waiting images when inference is too slow, "lossless" keeps them waiting.
        threshold: open-set threshold, negative for the contract's.
        background: labels, with commas, that make no event.
        max_gap: packets without an answer that end an event.
        windows, begin, end: see `wfm.event_tracker`; mean probabilities are smoothed.
        task: of the bundle; wfm-activity has activity, presence (background empty) and motion (background quiet).
        device: "auto", "cpu" or "cuda", or a server's address: see `wfm.inference`.
        dtype, engine: of the encoder, as of `wfm.inference`.
        on_error: what happens when a server does not answer: see `wfm.inference`.

    Raises:
        WfmError: the bundle has no such task or takes no images, or a parameter is out of its range.
    """

    def __init__(
        self,
        bundle="wfm-activity",
        packet_rate: float = 100.0,
        policy: str = "live",
        threshold: float = -1.0,
        background: str = "empty,still",
        windows: int = 4,
        begin: float = 0.6,
        end: float = 0.4,
        max_gap: int = 256,
        task: str = "activity",
        device: str = "auto",
        dtype: str = "auto",
        engine: str = "auto",
        on_error: str = "stop",
    ):
        bundle = load_for(bundle, task, policy, device, dtype, engine, on_error)
        super().__init__(task, bundle, packet_rate, policy, threshold, on_error)
        self.tracker = event_tracker(
            task=task,
            windows=windows,
            method="probability",
            begin=begin,
            end=end,
            background=background,
            sample_rate=packet_rate,
            max_gap=max_gap,
        )
        self._follow_with(self.tracker, takes=("detects", "status"), gives="events")

    def set_threshold(self, threshold: float) -> None:
        self.inference.set_threshold(threshold)


class positioner(_image_preset):
    """Where a transmitter is, by images of CSI: x, y, z in metres on `positions`, the mean of the last `windows`.

    A bundle with the task position knows one place. One without tasks, such as wfm-position, gives embeddings, and
    points of the place are surveyed while the flowgraph runs: the port `survey` takes what `control` of
    `wfm.task_head` takes with the task position (`point`, `forget`, `save`, `load`), and `surveyed` answers as its
    `events`. From the fourth point on positions go out. `detects` has their `uncertainty` and `distance`, too.

    Args:
        bundle: name or path of a bundle whose input is an image, with the task position or without any; or a loaded
            one.
        packet_rate: packets a second, for latencies.
        policy: "live" drops the oldest waiting images when inference is too slow, "lossless" keeps them waiting.
        windows: positions that are averaged.
        max_gap: packets without a position after which averaging begins again.
        survey: file of surveyed points to begin with, as saved by `save`, for a bundle without tasks; "" for none.
        device: "auto", "cpu" or "cuda", or a server's address: see `wfm.inference`.
        dtype, engine: of the encoder, as of `wfm.inference`.
        on_error: what happens when a server does not answer: see `wfm.inference`.

    Raises:
        WfmError: the bundle has other tasks or takes no images, a survey that it cannot use, or a parameter out of its
            range.
    """

    def __init__(
        self,
        bundle="wfm-position",
        packet_rate: float = 100.0,
        policy: str = "live",
        windows: int = 5,
        max_gap: int = 64,
        survey: str = "",
        device: str = "auto",
        dtype: str = "auto",
        engine: str = "auto",
        on_error: str = "stop",
    ):
        bundle = open_bundle(bundle, policy, device, dtype, engine, on_error)
        surveys = not bundle.contract.tasks
        if survey and not surveys:
            raise WfmError(
                f"survey {survey!r} with bundle {bundle.contract.name}, which knows its place: give a bundle without "
                "tasks, such as wfm-position, or no survey"
            )
        if not surveys:
            check_task(bundle, "position")
        super().__init__("position", bundle, packet_rate, policy, -1.0, on_error)
        self.head = None
        if surveys:
            self.head = task_head("position", "embedding_image", survey, windows=POINT_WINDOWS)
            self.msg_connect(self.inference, "embeddings", self.head, "embeddings")
        self.smoother = quantity_smoother("position", keys.POSITIONS, windows, max_gap)
        self._follow_with(self.smoother, takes=("detects",), gives="positions", head=self.head)
        self.message_port_register_hier_in("survey")
        self.message_port_register_hier_out("surveyed")
        # a bundle that knows its place has no points: its inference refuses them, and says so
        self.relay = order_relay(keys.SURVEY, self.head or self.inference.engine)
        self.msg_connect(self, "survey", self.relay, "survey")
        self.msg_connect(self.head or self.inference, "events", self, "surveyed")
