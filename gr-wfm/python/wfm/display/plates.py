# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of boxes: where on a waterfall their plates have room, and what the mouse is told."""

import html

from PyQt5 import QtCore

from .boxes import Box

_GAP = 4  # pixels between two plates


def beside(plate: QtCore.QRect, taken: list[QtCore.QRect]) -> QtCore.QRect:
    """The plate, moved to the right until it covers none of those that are there."""
    for other in sorted(taken, key=QtCore.QRect.left):
        if plate.intersects(other):
            plate = plate.translated(other.right() + _GAP - plate.left(), 0)
    return plate


def free_place(
    size: QtCore.QSize, box: QtCore.QRect, plot: QtCore.QRect, taken: list[QtCore.QRect]
) -> QtCore.QRect | None:
    """A place for a plate at a box, within the plot, that covers none of `taken`; None where there is none.

    At the box's begin, which is its lower edge; then above the box, below it, to its right and to its left.
    """
    shown = box.intersected(plot)
    inside, width, height = shown.bottom() - size.height() + 1, size.width(), size.height()
    corners = (
        (shown.left(), inside),
        (shown.left(), shown.top() - height),
        (shown.left(), shown.bottom() + 1),
        (shown.right() + 2, inside),
        (shown.left() - width - 1, inside),
    )
    for left, top in corners:
        plate = QtCore.QRect(QtCore.QPoint(min(left, plot.right() - width + 1), top), size)
        if plot.contains(plate) and not any(plate.intersects(other) for other in taken):
            return plate
    return None


def tooltip(box: Box, sample_rate: float) -> str:
    """What is known of a box, a line each. Senders' texts stay texts, whatever is in them."""
    lines = [f"{box.label}, score {box.score:.2f}", f"task {box.task}"]
    if box.edges is not None:
        lower, upper = box.edges
        lines.append(f"{lower / 1e6:.4f} to {upper / 1e6:.4f} MHz, {(upper - lower) / 1e3:.1f} kHz wide")
    if box.snr_db is not None:
        lines.append(f"SNR {box.snr_db:.1f} dB")
    seconds = (box.end - box.start) / sample_rate
    lines.append(f"from {box.start / sample_rate:.3f} s for {seconds:.3f} s{', goes on' if box.open else ''}")
    return "<p style='white-space:pre'>" + html.escape("\n".join(lines)) + "</p>"
