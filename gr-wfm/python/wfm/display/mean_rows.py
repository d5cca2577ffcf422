# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a waterfall out of a stream: spectra and their sums, in C++, so that Python gets only what is drawn."""

from gnuradio import blocks, gr

from ..wfm_python import spectrogram
from .rows import RowPlan
from .sinks import display_rows_sink

_SLACK_ROWS = 64  # that wait for Python before the stream would


def connect_rows(top: gr.hier_block2, state, plan: RowPlan, fft_size: int) -> display_rows_sink:
    """Connect the stream into `top` to a sink that tells `state` its rows; the caller keeps the sink."""
    spectra = spectrogram(fft_size=fft_size, hop=plan.hop)
    mean = blocks.integrate_ff(plan.transforms, fft_size)
    mean.set_log_level("warn")  # it would tell of its buffer on standard output
    mean.set_min_output_buffer(_SLACK_ROWS)
    # GNU Radio notes the size of a buffer as its limit, which in the next run goes before the least size.
    rows = display_rows_sink(state, fft_size, plan.transforms, lambda: mean.set_max_output_buffer(-1))
    top.connect(top, spectra, mean, rows)
    return rows
