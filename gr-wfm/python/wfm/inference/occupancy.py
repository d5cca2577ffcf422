# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Occupancy: whether there is anything on the air."""

from wfm_core.base.errors import WfmError
from wfm_core.evaluate.weightless.cfar_bundle import CFAR, CfarBundle

from ..events.duty_cycle import duty_cycle
from .presets import load_for, window_preset


class occupancy(window_preset):
    """Is there anything in the band? Yes or no for each window, when it was occupied, and for how much of the time.

    By default a window is occupied where its spectrum stands out of the receiver's noise, whatever the noise's level
    is, with a false-alarm rate that is stated (see `wfm_core.evaluate.classical.detectors.cfar`). What fills more than
    about half of the band evenly looks like noise: let the band be wider than what is looked for.

    Message ports out: `detects` (a PDU a window: label "free" or "occupied"), `events` (begin and end of "occupied",
    see `wfm.event_tracker`), `duty` (a dict every `duty_windows` windows: share, windows, sample_start, sample_count,
    rx_time, rx_freq), `status`, `notices`. In: `control`. Streams and tags as of `wfm.inference`.

    Args:
        bundle: "cfar", which needs no model; or a bundle with the task occupancy: name, path, or a loaded one.
        channels, sample_rate, hop, policy, threshold, gate_dbfs: see `wfm.inference`.
        false_alarms: of "cfar", the share of windows of noise alone that are called occupied, 0.0005 to 0.1.
        windows: answers that events are smoothed over, by vote; 1 for every window's own.
        begin, end: see `wfm.event_tracker`.
        duty_windows: that each share is of.
        device, dtype, engine, on_error: see `wfm.inference`.

    Raises:
        WfmError: the bundle has no such task, or a parameter is out of its range.
    """

    def __init__(
        self,
        bundle="cfar",
        channels: int = 1,
        sample_rate: float = 1e6,
        hop: int = 0,
        policy: str = "live",
        threshold: float = -1.0,
        gate_dbfs: float = -200.0,
        false_alarms: float = 0.01,
        windows: int = 4,
        begin: float = 0.5,
        end: float = 0.25,
        duty_windows: int = 256,
        device: str = "auto",
        dtype: str = "auto",
        engine: str = "auto",
        on_error: str = "stop",
    ):
        if bundle == CFAR:
            if channels < 1:
                raise WfmError(f"{channels} channels: 1 or more is expected")
            bundle = CfarBundle(channels, false_alarms)
        else:
            bundle = load_for(bundle, "occupancy", policy, device, dtype, engine, on_error)
        smoothing = {"windows": windows, "begin": begin, "end": end, "method": "vote", "background": "free"}
        super().__init__(
            "occupancy", bundle, channels, sample_rate, hop, policy, threshold, gate_dbfs, smoothing, on_error
        )
        stride = max(hop, bundle.contract.samples)
        self.duty = duty_cycle("occupancy", "occupied", duty_windows, max_gap=2 * stride)
        self.message_port_register_hier_out("duty")
        self.msg_connect(self.inference, "detects", self.duty, "detects")
        self.msg_connect(self.duty, "duty", self, "duty")
