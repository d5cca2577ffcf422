# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording as a waterfall with a named box on every signal."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from wfm_core.data.recordings.recording import Recording
from wfm_core.evaluate.figures.canvas import new_figure, plain, save
from wfm_core.evaluate.figures.label_colours import SHADES, LabelColours
from wfm_core.scan.pooling import LEAST_OVERLAP, overlap
from wfm_core.scan.waterfall import waterfall

_COLUMNS, _ROWS = 1024, 700
_MOST_TEXTS = 60
_LONG = 5
"""Heights of a text, from which on it stands within the box rather than below."""
_SHADES = LinearSegmentedColormap.from_list("waterfall", [tuple(part / 255 for part in shade) for shade in SHADES])
_ONE_BOX = 0.025
"""Of the picture's time: bursts of one answer in one place that are less apart get one box."""


class Named(Protocol):
    """What a box is drawn of, such as `wfm_core.scan.signals.Signal`.

    Edges in Hz; samples from the recording's first.
    """

    sample_start: int
    sample_count: int
    freq_lower_edge: float
    freq_upper_edge: float
    label: str
    score: float


@dataclass
class _Box:
    """start, end: samples; edges: Hz; score: mean of `count` answers."""

    label: str
    start: int
    end: int
    lower: float
    upper: float
    score: float
    count: int = 1


def draw_scan(path: Path, recording: Recording, signals: Sequence[Named], title: str) -> None:
    """Write the PNG `path`. Texts do not overlap: one that has no room is moved, or left out."""
    seconds = recording.samples / recording.sample_rate
    tuned = recording.center_freq_at(0) or 0.0
    unit, named = (1e6, "MHz") if recording.sample_rate >= 1e6 or tuned else (1e3, "kHz")
    low, high = [(tuned + sign * recording.sample_rate / 2) / unit for sign in (-1, 1)]
    figure = new_figure(12, 7)
    axes = figure.add_subplot()
    levels = waterfall(recording, _ROWS, _COLUMNS)
    weak, strong = np.percentile(levels, [5, 99.7])
    axes.imshow(
        levels, aspect="auto", cmap=_SHADES, vmin=weak, vmax=max(strong, weak + 10), extent=(low, high, seconds, 0)
    )
    colours, taken = LabelColours(), []
    boxes = _joined(signals, round(_ONE_BOX * recording.samples))
    for box in sorted(boxes, key=lambda one: (one.lower, one.start)):
        colours.of(box.label)  # neighbours get colours that are far apart
    for box in sorted(boxes, key=lambda one: -(one.end - one.start) * (one.upper - one.lower)):
        _draw_box(axes, box, recording.sample_rate, unit, colours, taken, (low, high, seconds))
    axes.set_xlim(low, high)
    axes.set_ylim(seconds, 0)
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.set_xlabel(f"frequency, {named}")
    axes.set_ylabel("time, s")
    axes.set_title(plain(title))
    save(path, figure)


def _joined(signals: Sequence[Named], gap: int) -> list[_Box]:
    """A box for each signal, and one for its bursts and pieces that are at most `gap` samples apart."""
    boxes: list[_Box] = []
    for signal in sorted(signals, key=lambda one: one.sample_start):
        end, edges = signal.sample_start + signal.sample_count, (signal.freq_lower_edge, signal.freq_upper_edge)
        same = (
            box
            for box in reversed(boxes)
            if box.label == signal.label
            and signal.sample_start <= box.end + gap
            and overlap((box.lower, box.upper), edges) >= LEAST_OVERLAP
        )
        if (box := next(same, None)) is None:
            boxes.append(_Box(signal.label, signal.sample_start, end, *edges, signal.score))
            continue
        box.count += 1
        box.score += (signal.score - box.score) / box.count
        box.end = max(box.end, end)
        box.lower, box.upper = min(box.lower, edges[0]), max(box.upper, edges[1])
    return boxes


def _draw_box(axes, box: _Box, rate: float, unit: float, colours: LabelColours, taken: list, extent) -> None:
    low, high, seconds = extent
    left, right = box.lower / unit, box.upper / unit
    top, bottom = box.start / rate, box.end / rate
    colour = colours.of(box.label)
    axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, linewidth=1.4))
    text = f"{box.label} {box.score:.2f}"
    wide, tall = (0.0068 * len(text) + 0.008) * (high - low), 0.03 * seconds
    above, within, below = top - tall / 2, top + tall / 2, bottom + tall / 2
    # Below a long signal that goes on a text would speak of what follows it.
    order = (above, within, below) if bottom - top > _LONG * tall else (above, below, within)
    places = [(left, y) for y in order]
    places += [(x, y) for y in (top + tall / 2, (top + bottom) / 2) for x in (right, left - wide)]
    for x, y in places:
        x = min(max(x, low), high - wide)
        place = (x, y - tall / 2, x + wide, y + tall / 2)
        free = all(place[0] >= o[2] or place[2] <= o[0] or place[1] >= o[3] or place[3] <= o[1] for o in taken)
        if free and tall / 2 <= y <= seconds - tall / 2 and len(taken) < _MOST_TEXTS:
            taken.append(place)
            plate = {"facecolor": colour, "edgecolor": "none", "pad": 1.2, "alpha": 0.9}
            axes.text(x + 0.003 * (high - low), y, plain(text), fontsize=8, color="black", va="center", bbox=plate)
            return
