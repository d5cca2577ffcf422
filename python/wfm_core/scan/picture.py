# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording as a waterfall with a named box on every signal."""

from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.patches import Rectangle
from scipy import fft

from wfm_core.data.recordings.recording import Recording
from wfm_core.evaluate.figures.canvas import new_figure, plain, save
from wfm_core.scan.signals import Signal

_COLUMNS, _ROWS = 1024, 700
_COLOURS = colormaps["tab20"].colors
_MOST_TEXTS = 60


def colour_of(label: str) -> tuple[float, float, float]:
    """The same for the same label, everywhere."""
    return _COLOURS[sum(map(ord, label)) * 7 % len(_COLOURS)]


def draw_scan(path: Path, recording: Recording, signals: list[Signal], title: str) -> None:
    """Write the PNG `path`. Texts do not overlap: one that has no room is moved down, or left to the legend."""
    seconds = recording.samples / recording.sample_rate
    tuned = recording.center_freq_at(0) or 0.0
    unit, named = (1e6, "MHz") if recording.sample_rate >= 1e6 or tuned else (1e3, "kHz")
    low, high = [(tuned + sign * recording.sample_rate / 2) / unit for sign in (-1, 1)]
    figure = new_figure(12, 7)
    axes = figure.add_subplot()
    levels = waterfall(recording)
    weak, strong = np.percentile(levels, [5, 99.7])
    axes.imshow(
        levels, aspect="auto", cmap="Greys", vmin=weak, vmax=max(strong, weak + 10), extent=(low, high, seconds, 0)
    )
    taken: list[tuple[float, float, float, float]] = []
    for signal in sorted(signals, key=lambda one: -one.sample_count * (one.freq_upper_edge - one.freq_lower_edge)):
        _draw_box(axes, signal, recording.sample_rate, unit, taken, (low, high, seconds))
    axes.set_xlim(low, high)
    axes.set_ylim(seconds, 0)
    axes.set_xlabel(f"frequency, {named}")
    axes.set_ylabel("time, s")
    axes.set_title(plain(title))
    save(path, figure)


def waterfall(recording: Recording) -> np.ndarray:
    """Levels in dB [rows (time), columns (frequency)] of the first channel."""
    size = int(min(_COLUMNS, max(64, recording.samples // 64)))
    rows = int(min(_ROWS, max(recording.samples // size, 1)))
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    levels = np.empty((rows, size), np.float32)
    for row in range(rows):
        first, last = (recording.samples * one // rows for one in (row, row + 1))
        starts = np.linspace(first, max(min(last, recording.samples) - size, 0), 4).astype(int)
        power = 0.0
        for start in np.unique(starts):
            x = recording.read(int(start), min(size, recording.samples - int(start)))[0]
            power = power + np.abs(fft.fft(np.nan_to_num(x) * window[: len(x)], size)) ** 2
        levels[row] = 10 * np.log10(fft.fftshift(power) + 1e-12)
    return levels


def _draw_box(axes, signal: Signal, rate: float, unit: float, taken: list, extent: tuple[float, float, float]) -> None:
    low, high, seconds = extent
    left, right = signal.freq_lower_edge / unit, signal.freq_upper_edge / unit
    top, height = signal.sample_start / rate, signal.sample_count / rate
    colour = colour_of(signal.label)
    axes.add_patch(Rectangle((left, top), right - left, height, fill=False, edgecolor=colour, linewidth=1.5))
    text = f"{signal.label} {signal.score:.2f}"
    wide, tall = 0.0085 * (high - low) * len(text), 0.026 * seconds
    x = min(max(left, low), high - wide)
    for y in (top - tall / 2, top + height + tall / 2, top + tall / 2):
        place = (x, y, x + wide, y + tall)
        free = all(place[0] > o[2] or place[2] < o[0] or place[1] > o[3] or place[3] < o[1] for o in taken)
        if free and tall / 2 <= y <= seconds - tall / 2 and len(taken) < _MOST_TEXTS:
            taken.append(place)
            box = {"facecolor": "white", "edgecolor": colour, "pad": 1.2, "alpha": 0.85}
            axes.text(x, y, plain(text), fontsize=8, color="black", va="center", bbox=box)
            return
