# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a run report: SigMF metadata, summary.json, waterfall.png."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from gnuradio.wfm.messages import Detection, detection_mark
from gnuradio.wfm.truth import SceneTruth

from wfm_core.metrics import interference_accuracies
from wfm_core.synth.scenes import LABELS

INTERFERENCE = "interference"
_COLOURS = {"none": "#4d9078", "dsss-bpsk": "#d1495b", "dsss-qpsk": "#edae49", "unknown": "#8d99ae"}
_MORE_COLOURS = ("#3d5a80", "#d1495b", "#edae49", "#5f0f40", "#0f8b8d", "#a8763e", "#7353ba", "#9c0d38", "#577590")
_FFT = 512
_COLUMNS = 900
_CLOCK_NOT_SET = 365 * 86400
"""Seconds: a radio's time below it counts from when the radio started, and is no date."""

_STATUS_KEYS = (
    "coverage", "windows_in", "windows_inferred", "windows_dropped", "windows_flushed", "windows_gated",
    "windows_invalid", "samples_in", "samples_lost", "latency_ms_p50", "latency_ms_p95", "bundle", "device", "dtype",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What was recorded. sample_rate in Hz; truth None where nobody knows it."""

    folder: Path
    channels: int
    sample_rate: float
    policy: str
    detections: list[Detection]
    truth: SceneTruth | None

    @property
    def data(self) -> np.ndarray:
        """The recording, int16 [samples, channels, 2], memory mapped."""
        values = np.memmap(self.folder / "recording.sigmf-data", "<i2", "r")
        frame = 2 * self.channels
        return values[: len(values) // frame * frame].reshape(-1, self.channels, 2)

    @property
    def task(self) -> str:
        """The first task that answers with a label; that which is drawn and judged."""
        return next((d.task for d in self.detections if "label" in d.decision), INTERFERENCE)

    def labelled(self) -> Iterator[tuple[Detection, str | None]]:
        """Decisions of the task, each with its true label where that is known."""
        task = self.task
        for detection in self.detections:
            if detection.task == task:
                known = self.truth is not None and detection.rx_time is not None
                yield detection, self.truth.label(detection.rx_time, detection.sample_count, task) if known else None


def write_meta(run: Run) -> None:
    """recording.sigmf-meta, the decisions as annotations; valid by SigMF's schema."""
    from sigmf import SigMFFile

    info = {
        "core:datatype": "ci16_le",
        "core:sample_rate": run.sample_rate,
        "core:num_channels": run.channels,
        "core:recorder": "gr-wfm",
        "core:description": "Delayed through path of WFM Inference; annotations are its decisions.",
    }
    meta = SigMFFile(data_file=str(run.folder / "recording.sigmf-data"), global_info=info)
    meta.add_capture(0, metadata=_capture(run))
    # All at once: add_annotation sorts and checks everything anew for each of them.
    whole = {"global": meta.get_global_info(), "captures": meta.get_captures(), "annotations": _annotations(run)}
    meta.set_metadata(whole)
    meta.tofile(str(run.folder / "recording.sigmf-meta"), overwrite=True)


def _capture(run: Run) -> dict:
    """Frequency and time of the recording's first sample, counted back from the first decision."""
    if not run.detections:
        return {}
    first, fields = run.detections[0], {}
    if first.rx_freq is not None:
        fields["core:frequency"] = first.rx_freq
    if first.rx_time is not None and first.rx_time[0] > _CLOCK_NOT_SET:
        secs, frac = divmod(first.rx_time[1] - first.sample_start / run.sample_rate, 1.0)
        begin = datetime.fromtimestamp(first.rx_time[0] + int(secs), UTC)
        fields["core:datetime"] = f"{begin:%Y-%m-%dT%H:%M:%S}.{int(frac * 1e9):09d}Z"
    return fields


def _annotations(run: Run) -> list[dict]:
    samples = len(run.data)
    marks = [detection_mark(d) for d in run.detections]
    return [mark.entry(mark.start, mark.end) for mark in marks if mark.end <= samples]


def write_summary(run: Run, status: dict) -> None:
    """summary.json; accuracies are null where there is no truth."""
    judged = [(d.decision, truth) for d, truth in run.labelled() if truth is not None]
    accuracies = _accuracies(judged if run.task == INTERFERENCE else [])
    right = [decision["label"] == truth for decision, truth in judged]
    summary = {
        "intd_accuracy": accuracies["intd"],
        "intc_accuracy": accuracies["intc"],
        "task": run.task,
        "accuracy": sum(right) / len(right) if right else None,
        "windows_judged": len(judged),
        "sample_rate": run.sample_rate,
        "antennas": run.channels,
        "policy": run.policy,
        **{key: status[key] for key in _STATUS_KEYS},
    }
    (run.folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def _accuracies(judged: list[tuple[dict, str]]) -> dict[str, float | None]:
    """INTD and INTC of (decision, true label) pairs, null where they cannot be told."""
    if not judged:
        return {"intd": None, "intc": None}
    probabilities = torch.tensor([[decision["probabilities"][label] for label in LABELS] for decision, _ in judged])
    label = torch.tensor([LABELS.index(truth) for _, truth in judged])
    figures = interference_accuracies(probabilities, label)
    return {name: None if math.isnan(value) else value for name, value in figures.items()}


def write_waterfall(run: Run) -> None:
    """waterfall.png: spectrogram of channel 0 with lanes of truth and decisions beneath, on one time axis."""
    from matplotlib.figure import Figure

    seconds = len(run.data) / run.sample_rate
    centre = next((d.rx_freq for d in run.detections if d.rx_freq is not None), None)
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
    above.set_title(f"{run.task.capitalize()} live: {run.sample_rate / 1e6:g} MS/s, antenna 0 of {run.channels}")
    above.ticklabel_format(axis="y", useOffset=False)
    _lanes(below, run, seconds)
    _legend(below, run)
    figure.savefig(run.folder / "waterfall.png", dpi=110)


def _spectrogram(run: Run) -> np.ndarray:
    """Mean power in dBFS per bin, [fft bins, columns]: each column averages a few transforms at its place in time."""
    data = run.data
    columns = max(1, min(_COLUMNS, len(data) // _FFT))
    taper = np.hanning(_FFT).astype(np.float32)
    step = len(data) // columns
    picture = np.zeros((_FFT, columns), np.float32)
    for column in range(columns):
        count = max(1, min(8, step // _FFT))
        piece = data[column * step : column * step + count * _FFT, 0].astype(np.float32) / 32768
        frames = (piece[:, 0] + 1j * piece[:, 1])[: len(piece) // _FFT * _FFT].reshape(-1, _FFT)
        bins = np.fft.fftshift(np.abs(np.fft.fft(frames * taper, axis=1)) ** 2, axes=1)
        picture[:, column] = bins.mean(0) / taper.sum() ** 2 if len(frames) else 0
    return 10 * np.log10(picture + 1e-14)


def _lanes(axes, run: Run, seconds: float) -> None:
    """One lane of decisions and, where it is known, one of truth; each window's colour lasts until the next window."""
    pairs = list(run.labelled())
    lanes = {
        "decision": [(d, d.decision["label"]) for d, _ in pairs],
        "truth": [(d, truth) for d, truth in pairs if truth is not None],
    }
    lanes = {name: marks for name, marks in lanes.items() if marks}
    starts = sorted({d.sample_start for d, _ in pairs})
    hop = float(np.median(np.diff(starts))) if len(starts) > 1 else len(run.data)
    colours = _colours(run)
    for row, marks in enumerate(lanes.values()):
        for label, colour in colours.items():
            spans = [(d.sample_start / run.sample_rate, hop / run.sample_rate) for d, own in marks if own == label]
            axes.broken_barh(spans, (row - 0.42, 0.84), color=colour, linewidth=0)
    axes.set_yticks(range(len(lanes)), list(lanes))
    axes.set_ylim(-0.6, max(len(lanes), 1) - 0.4)
    axes.set_xlim(0, seconds)
    axes.set_xlabel("time (s)")


def _legend(axes, run: Run) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=colour, label=label) for label, colour in _colours(run).items()]
    if handles:
        axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.5), ncols=len(handles), frameon=False)


def _colours(run: Run) -> dict[str, str]:
    """A colour for each label that was answered or true: its own, or the next one."""
    used = {d.decision["label"] for d, _ in run.labelled()} | {truth for _, truth in run.labelled() if truth}
    own = {label: colour for label, colour in _COLOURS.items() if label in used}
    others = sorted(used - set(own))
    return own | {label: _MORE_COLOURS[place % len(_MORE_COLOURS)] for place, label in enumerate(others)}
