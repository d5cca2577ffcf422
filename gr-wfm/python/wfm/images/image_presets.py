# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets over images, such as those of WFM CSI Image: image inference for one task, and what smooths its answers."""

from gnuradio import gr

from ..events.event_tracker import event_tracker
from ..inference.presets import load_for, preset_base
from .image_inference import image_inference
from .position_smoother import position_smoother


class _image_preset(preset_base):
    """Image inference of `TASK`, see `preset_base`; in: `images` as well."""

    TASK = ""

    def __init__(self, bundle, packet_rate, policy, threshold, engine):
        gr.hier_block2.__init__(self, type(self).__name__, gr.io_signature(0, 0, 0), gr.io_signature(0, 0, 0))
        bundle = load_for(bundle, self.TASK, policy, engine)
        self.inference = image_inference(
            bundle=bundle, sample_rate=packet_rate, policy=policy, threshold=threshold, tasks=self.TASK
        )
        self.message_port_register_hier_in("images")
        self.msg_connect(self, "images", self.inference, "images")


class activity_sensor(_image_preset):
    """What went on, from when to when, by images of CSI; the background labels make no event.

    Args:
        bundle: name or path of a bundle with the task activity, whose input is an image; or a loaded one.
        packet_rate: packets a second, for durations.
        policy: "live" drops the oldest waiting images when inference is too slow, "lossless" keeps them waiting.
        threshold: open-set threshold, negative for the contract's.
        background: labels, with commas, that make no event.
        max_gap: packets without an answer that end an event.
        windows, begin, end: see `wfm.event_tracker`; mean probabilities are smoothed.
        engine: what computes the encoder, as of `wfm.inference`.

    Raises:
        WfmError: the bundle has no such task or takes no images, or a parameter is out of its range.
    """

    TASK = "activity"

    def __init__(
        self,
        bundle,
        packet_rate: float = 100.0,
        policy: str = "live",
        threshold: float = -1.0,
        background: str = "empty",
        windows: int = 4,
        begin: float = 0.6,
        end: float = 0.4,
        max_gap: int = 256,
        engine: str = "auto",
    ):
        super().__init__(bundle, packet_rate, policy, threshold, engine)
        self.tracker = event_tracker(
            task=self.TASK,
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

    Args:
        bundle: name or path of a bundle with the task position, whose input is an image; or a loaded one.
        packet_rate: packets a second, for latencies.
        policy: "live" drops the oldest waiting images when inference is too slow, "lossless" keeps them waiting.
        windows: positions that are averaged.
        max_gap: packets without a position after which averaging begins again.
        engine: what computes the encoder, as of `wfm.inference`.

    Raises:
        WfmError: the bundle has no such task or takes no images, or a parameter is out of its range.
    """

    TASK = "position"

    def __init__(
        self,
        bundle,
        packet_rate: float = 100.0,
        policy: str = "live",
        windows: int = 5,
        max_gap: int = 64,
        engine: str = "auto",
    ):
        super().__init__(bundle, packet_rate, policy, -1.0, engine)
        self.smoother = position_smoother(windows, max_gap)
        self._follow_with(self.smoother, takes=("detects",), gives="positions")
