# SPDX-License-Identifier: GPL-3.0-or-later
"""Accuracy over the signal-to-noise ratio, as a picture."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from wfm_core.evaluate.figures.canvas import new_figure, plain


def snr_figure(accuracy: Mapping[str, Mapping[str, float]], title: str) -> Figure:
    """Shares 0 to 1 by SNR in dB (as text, such as "-20"), one line for each name."""
    figure = new_figure(6.4, 4.2)
    axes = figure.add_subplot()
    for name, shares in accuracy.items():
        axes.plot([float(snr) for snr in shares], list(shares.values()), marker="o", markersize=3, label=plain(name))
    axes.set_ylim(0, 1.01)
    axes.set_xlabel("SNR (dB)")
    axes.set_ylabel("accuracy")
    axes.set_title(plain(title), fontsize=10)
    axes.grid(alpha=0.3)
    if len(accuracy) > 1:
        axes.legend(loc="upper left", fontsize=8)
    return figure
