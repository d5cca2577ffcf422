# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a run report: waterfall.png."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch

from wfm_core.base.files import write_atomically
from wfm_core.data.recordings.recording import open_recording
from wfm_core.scan.signals import NO_SIGNAL
from wfm_core.signal.spectrogram import dbfs, hann, spectrogram
from wfm_core.synth.scenes.interference import LABELS

from .report_digest import Digest
from .report_files import Run

_COLOURS = dict(zip((*LABELS, "unknown"), ("#4d9078", "#d1495b", "#edae49", "#8d99ae"), strict=True))
_MORE_COLOURS = ("#3d5a80", "#d1495b", "#edae49", "#5f0f40", "#0f8b8d", "#a8763e", "#7353ba", "#9c0d38", "#577590")
_FFT = 512
_COLUMNS = 900
_MOST_SPANS = 4000
_MOST_BOXES = 4000


@dataclass(frozen=True)
class _Named:
    """A decision about one signal, as `wfm_core.scan.picture` draws it."""

    sample_start: int
    sample_count: int
    freq_lower_edge: float
    freq_upper_edge: float
    label: str
    score: float


def write_waterfall(run: Run) -> None:
    """waterfall.png: a named box on every signal that was decided; or, of windows of the whole band, a spectrogram of
    channel 0 with lanes of truth and decisions beneath, on one time axis."""
    if run.digest.first is not None and run.digest.first.freq_lower_edge is not None:
        _draw_signals(run)
    else:
        _draw_windows(run)


def _draw_signals(run: Run) -> None:
    from wfm_core.scan.picture import draw_scan

    recording = open_recording(run.folder / "recording.sigmf-meta")
    decided = (found for found in run.decisions if found.freq_lower_edge is not None and found.label is not None)
    heard = (found for found in decided if found.label not in NO_SIGNAL)
    signals = [
        _Named(
            found.sample_start, found.sample_count, found.freq_lower_edge, found.freq_upper_edge, found.label,
            found.decision["score"],
        )
        for found in islice(heard, _MOST_BOXES)
    ]  # fmt: skip
    title = f"{run.digest.task.capitalize()} live: {run.sample_rate / 1e6:g} MS/s"
    draw_scan(run.folder / "waterfall.png", recording, signals, title)


def _draw_windows(run: Run) -> None:
    from matplotlib.figure import Figure

    seconds, centre, digest = len(run.data) / run.sample_rate, run.digest.center_freq, run.digest
    power = _spectrogram(run)
    figure = Figure(figsize=(11, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[5, 1.2])
    half = run.sample_rate / 2e6
    middle = (centre or 0.0) / 1e6
    image = above.imshow(
        power, origin="lower", aspect="auto", extent=(0, seconds, middle - half, middle + half), cmap="viridis",
        vmin=np.percentile(power, 2), vmax=np.percentile(power, 99.8), interpolation="nearest",
    )  # fmt: skip
    figure.colorbar(image, ax=above, label="power per bin (dBFS)", pad=0.01)
    above.set_ylabel("frequency (MHz)" if centre else "offset from centre (MHz)")
    above.set_title(f"{digest.task.capitalize()} live: {run.sample_rate / 1e6:g} MS/s, antenna 0 of {run.channels}")
    above.ticklabel_format(axis="y", useOffset=False)
    _lanes(below, run, seconds)
    _legend(below, run)
    write_atomically(run.folder / "waterfall.png", lambda path: figure.savefig(path, format="png", dpi=110))


def _spectrogram(run: Run) -> np.ndarray:
    """Mean power in dBFS, [fft bins, columns]: each column averages a few transforms at its place in time."""
    data, window = run.data, hann(_FFT)
    columns = max(1, min(_COLUMNS, len(data) // _FFT))
    step = len(data) // columns
    picture = torch.zeros(columns, _FFT)
    if step >= _FFT:
        for column in range(columns):
            length = min(8, step // _FFT) * _FFT
            piece = data[column * step : column * step + length, 0].astype(np.float32) / 32768
            picture[column] = spectrogram(torch.view_as_complex(torch.from_numpy(piece)), window, _FFT).mean(0)
    return dbfs(picture).numpy().T


def _lanes(axes, run: Run, seconds: float) -> None:
    """One lane of decisions and, where it is known, one of truth; each window's colour lasts until the next window."""
    digest, rate = run.digest, run.sample_rate
    hop = float(np.median(np.diff(np.unique(digest.starts)))) if len(np.unique(digest.starts)) > 1 else len(run.data)
    lanes = {"decision": digest.answers, "truth": digest.truths}
    lanes = {name: codes for name, codes in lanes.items() if (codes >= 0).any()}
    colours = _colours(digest)
    thinned = slice(None, None, -(-len(digest.starts) // _MOST_SPANS) or 1)  # the picture shows no more of them
    width = hop * (thinned.step or 1) / rate
    for row, codes in enumerate(lanes.values()):
        for code, label in enumerate(digest.labels):
            own = digest.starts[thinned][codes[thinned] == code] / rate
            axes.broken_barh([(x, width) for x in own], (row - 0.42, 0.84), color=colours[label], linewidth=0)
    axes.set_yticks(range(len(lanes)), list(lanes))
    axes.set_ylim(-0.6, max(len(lanes), 1) - 0.4)
    axes.set_xlim(0, seconds)
    axes.set_xlabel("time (s)")


def _legend(axes, run: Run) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=colour, label=label) for label, colour in _colours(run.digest).items()]
    if handles:
        axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.5), ncols=len(handles), frameon=False)


def _colours(digest: Digest) -> dict[str, str]:
    """A colour for each label that was answered or true: its own, or the next one."""
    own = {label: colour for label, colour in _COLOURS.items() if label in digest.labels}
    others = sorted(set(digest.labels) - set(own))
    return own | {label: _MORE_COLOURS[place % len(_MORE_COLOURS)] for place, label in enumerate(others)}
