# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Novelty: whether something is on the air that is not usual there."""

from statistics import NormalDist

import pmt

from wfm_core.base.errors import WfmError
from wfm_core.evaluate.weightless.spectrum_bundle import SPECTRUM, SpectrumBundle
from wfm_core.model.prototypes import MODES

from ..ports import keys
from .inference_base import open_bundle
from .presets import window_preset
from .task_head import task_head

USUAL = "usual"
FALSE_ALARMS = (0.0005, 0.1)


class novelty(window_preset):
    """Is this usual here? The first `learn` windows say what is; afterwards each window is "usual" or "unknown".

    A window is unknown where its embedding is farther from those that were learnt, by Mahalanobis distance, than these
    are from each other but for the share `false_alarms` (see `wfm_core.model.prototypes`). By default the embedding is
    the shape of the spectrum (`wfm_core.evaluate.weightless.spectrum_bundle.shape_of`), whatever the level is.

    Message ports out: `detects` (a PDU a window, with `distance` over the threshold: above 1 it is unknown), `events`
    (begin and end of "unknown", see `wfm.event_tracker`), `enrolled` (what was learnt; of WFM Task Head `events`),
    `status`, `notices`. In: `control`, and `enrolment`, what `control` of `wfm.task_head` takes: {"enrol": "usual",
    "windows": 256} learns again, {"save": path} keeps what was learnt. Streams as of `wfm.inference`.

    Args:
        bundle: "spectrum", which needs no model; or a bundle without tasks: name, path, or a loaded one.
        channels, sample_rate, hop, policy, gate_dbfs: see `wfm.inference`.
        learn: windows of a usual time, the first that come.
        usual: file of what was learnt before, in their place; "" for none.
        false_alarms: share of usual windows that are called unknown, 0.0005 to 0.1, if log distances are normal.
        windows: answers that events are smoothed over, by vote; begin, end: see `wfm.event_tracker`.
        device, dtype, engine, on_error: see `wfm.inference`.

    Raises:
        WfmError: the bundle has tasks, the file cannot be used, or a parameter is out of its range.
    """

    def __init__(
        self,
        bundle="spectrum",
        channels: int = 1,
        sample_rate: float = 1e6,
        hop: int = 0,
        policy: str = "live",
        gate_dbfs: float = -200.0,
        learn: int = 512,
        usual: str = "",
        false_alarms: float = 0.01,
        windows: int = 8,
        begin: float = 0.5,
        end: float = 0.25,
        device: str = "auto",
        dtype: str = "auto",
        engine: str = "auto",
        on_error: str = "stop",
    ):
        if not FALSE_ALARMS[0] <= false_alarms <= FALSE_ALARMS[1]:
            low, high = FALSE_ALARMS
            raise WfmError(f"false_alarms {false_alarms:g}: a share of windows from {low:g} to {high:g} is expected")
        if bundle == SPECTRUM:
            bundle = SpectrumBundle(max(1, channels))
        else:
            bundle = open_bundle(bundle, policy, device, dtype, engine, on_error)
        if bundle.contract.tasks:
            raise WfmError(
                f"bundle {bundle.contract.name} has the tasks {', '.join(bundle.contract.tasks)}, one without any is "
                "expected here: give spectrum, or an encoder alone (wfm-export --foundation)"
            )
        embedding = next(iter(bundle.contract.embedding_widths))
        margin = NormalDist().inv_cdf(1 - false_alarms)
        self.head = task_head("novelty", embedding, usual, learn, margin, MODES, offer=0)
        smoothing = {"windows": windows, "begin": begin, "end": end, "method": "vote", "background": USUAL}
        super().__init__(
            "novelty", bundle, channels, sample_rate, hop, policy, -1.0, gate_dbfs, smoothing, on_error, head=self.head
        )
        self._take_orders(self.head)
        if not usual:
            self.head.handle(keys.CONTROL, pmt.to_pmt({"enrol": USUAL}))
