# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Detection Display: a waterfall with what the model heard in labelled boxes, and the status, as a Qt widget."""

import math

from gnuradio import gr

from wfm_core.base.errors import WfmError

from .mean_rows import connect_rows
from .rows import plan_rows
from .sinks import display_messages_sink
from .state import DisplayState


class detection_display(gr.hier_block2):
    """A waterfall of one complex stream with labelled boxes, the last events, and rate, drops and latency.

    Spectra and their averages are computed in C++; Python gets the rows that are drawn, 250 a screen. Connect the
    stream that WFM Inference takes or passes on: boxes stand at the sample numbers that its messages name.

    Message ports in: `detects` (PDUs), `events` (dicts of an event tracker, and what WFM Inference calls events),
    `status` (dict of WFM Inference). A message of another form is logged, counted on the screen, and ignored.

    Args:
        sample_rate: Hz.
        center_freq: Hz, until the stream's rx_freq tags say otherwise.
        fft_size: frequency bins.
        seconds: how long a stretch of the stream the waterfall shows.
        background: labels, with commas, that make no box.

    Raises:
        WfmError: PyQt5 is missing, no Qt application runs, or a parameter is out of its range.
    """

    def __init__(
        self,
        sample_rate: float = 1.92e6,
        center_freq: float = 0.0,
        fft_size: int = 512,
        seconds: float = 10.0,
        background: str = "none, noise",
    ):
        _check(sample_rate, center_freq, fft_size, seconds)
        widget = _widget_class()
        gr.hier_block2.__init__(
            self, "wfm_detection_display", gr.io_signature(1, 1, gr.sizeof_gr_complex), gr.io_signature(0, 0, 0)
        )
        plan = plan_rows(sample_rate, seconds, fft_size)
        labels = [label.strip() for label in background.split(",")]
        self.state = DisplayState(fft_size, plan.samples, center_freq, labels)
        self._rows = connect_rows(self, self.state, plan, fft_size)  # kept: GNU Radio keeps no Python block alive
        self.listener = display_messages_sink(self.state)
        for port in ("detects", "events", "status"):
            self.message_port_register_hier_in(port)
            self.msg_connect(self, port, self.listener, port)
        self._widget = widget(self.state, sample_rate, plan.samples)

    def widget(self):
        """The QWidget, to place in a window."""
        return self._widget

    def set_center_freq(self, center_freq: float) -> None:
        self.state.tune(center_freq)


def _check(sample_rate: float, center_freq: float, fft_size: int, seconds: float) -> None:
    if not 0 < sample_rate < math.inf:
        raise WfmError(f"sample rate {sample_rate:g} Hz: a positive number is expected")
    if not math.isfinite(center_freq):
        raise WfmError(f"centre frequency {center_freq:g} Hz: a finite number is expected")
    if not 16 <= fft_size <= 8192:
        raise WfmError(f"{fft_size} frequency bins: 16 to 8192 are expected")
    if not 0.1 <= seconds <= 600:
        raise WfmError(f"a waterfall of {seconds:g} s: 0.1 to 600 s are expected")


def _widget_class():
    try:
        from .widget import DisplayWidget, application_runs
    except ImportError as error:
        raise WfmError(
            f"WFM Detection Display needs PyQt5, which does not load here ({error}): install python3-pyqt5, or watch "
            "with WFM Event Publisher and wfm-monitor"
        ) from error
    if not application_runs():
        raise WfmError(
            "WFM Detection Display is a Qt widget and no Qt application runs: set the flowgraph's Generate Options to "
            "QT GUI, or make a QApplication first"
        )
    return DisplayWidget
