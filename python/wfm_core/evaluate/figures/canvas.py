# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure without a display, and its PNG."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure  # without pyplot: no windows, no state, any thread

from wfm_core.base.files import write_atomically

DPI = 110


def new_figure(width: float, height: float) -> Figure:
    """A figure of `width` by `height` inches that keeps its labels inside."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(path: Path, figure: Figure) -> None:
    """Write the PNG `path`; raises `WfmError` where that is not possible."""
    write_atomically(path, lambda temporary: figure.savefig(temporary, format="png", dpi=DPI))


def plain(text: object) -> str:
    """A user's label as it is: Matplotlib would read what stands between two $ as a formula."""
    return str(text).replace("$", r"\$")
