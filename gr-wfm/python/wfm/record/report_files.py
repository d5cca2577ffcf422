# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a run report beside the samples: SigMF metadata and summary.json."""

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from wfm_core.base.files import write_atomically
from wfm_core.data.recordings.sigmf_meta import write_metadata
from wfm_core.evaluate.metrics import interference_accuracies
from wfm_core.synth.scenes.interference import LABELS

from ..ports.messages import detection_mark
from ..radio.ground_truth import GroundTruth
from .report_digest import INTERFERENCE, DecisionFile, Digest, digest

_CLOCK_NOT_SET = 365 * 86400
"""Seconds: a radio's time below it counts from when the radio started, and is no date."""

_LAST_SECOND = 253402300799
"""Of the year 9999, and so of SigMF."""

_HIGHEST_FREQ = 1e12
"""Hz, of SigMF."""

_STATUS_KEYS = (
    "coverage", "windows_in", "windows_inferred", "windows_undecided", "windows_dropped", "windows_flushed",
    "windows_gated", "windows_invalid", "samples_in", "samples_lost", "latency_ms_p50", "latency_ms_p95", "bundle",
    "device", "dtype", "engine",
)  # fmt: skip

_SIGNAL_KEYS = ("signals_found", "signals_decided", "signals_dropped", "samples_skipped")
"""Of the status of a WFM Signal Classifier."""


@dataclass(frozen=True)
class Run:
    """What was recorded. sample_rate in Hz; truth None where nobody knows it."""

    folder: Path
    channels: int
    sample_rate: float
    policy: str
    truth: GroundTruth | None = None

    @property
    def decisions_path(self) -> Path:
        return self.folder / "decisions.jsonl"

    @property
    def data_path(self) -> Path:
        return self.folder / "recording.sigmf-data"

    @property
    def data(self) -> np.ndarray:
        """The recording, int16 [samples, channels, 2], memory mapped."""
        if self.data_path.stat().st_size == 0:
            return np.empty((0, self.channels, 2), np.int16)
        values = np.memmap(self.data_path, "<i2", "r")
        frame = 2 * self.channels
        return values[: len(values) // frame * frame].reshape(-1, self.channels, 2)

    @cached_property
    def decisions(self) -> DecisionFile:
        return DecisionFile(self.decisions_path)

    @cached_property
    def digest(self) -> Digest:
        return digest(self.decisions, self.truth)


def begin_meta(run: Run) -> None:
    """recording.sigmf-meta of a recording that begins: valid SigMF, whatever becomes of the run."""
    _write_meta(run, _global(run), {}, ())


def write_meta(run: Run) -> None:
    """recording.sigmf-meta, the decisions as annotations; valid by SigMF's schema."""
    samples = len(run.data)
    with run.data_path.open("rb") as data:
        head = {**_global(run), "core:sha512": hashlib.file_digest(data, "sha512").hexdigest()}
    marks = map(detection_mark, run.decisions)  # as they are read: an hour has millions of them
    _write_meta(run, head, _capture(run), (mark.entry(mark.start, mark.end) for mark in marks if mark.end <= samples))


def _write_meta(run: Run, head: dict, capture: dict, annotations: Iterable[dict]) -> None:
    sections = {"global": head, "captures": [{"core:sample_start": 0, **capture}], "annotations": annotations}
    write_metadata(run.folder / "recording.sigmf-meta", sections)


def _global(run: Run) -> dict:
    return {
        "core:datatype": "ci16_le",
        "core:sample_rate": run.sample_rate,
        "core:num_channels": run.channels,
        "core:version": "1.2.0",
        "core:recorder": "gr-wfm",
        "core:description": "Delayed through path of WFM Inference; annotations are its decisions.",
    }


def _capture(run: Run) -> dict:
    """Frequency and time of the recording's first sample, counted back from the first decision."""
    first, fields = run.digest.first, {}
    if first is None:
        return {}
    if first.rx_freq is not None and abs(first.rx_freq) <= _HIGHEST_FREQ:
        fields["core:frequency"] = first.rx_freq
    if first.rx_time is not None and _CLOCK_NOT_SET < first.rx_time[0] <= _LAST_SECOND:
        secs, frac = divmod(first.rx_time[1] - first.sample_start / run.sample_rate, 1.0)
        begin = datetime.fromtimestamp(first.rx_time[0] + int(secs), UTC)
        fields["core:datetime"] = f"{begin:%Y-%m-%dT%H:%M:%S}.{int(frac * 1e9):09d}Z"
    return fields


def write_summary(run: Run, status: dict) -> None:
    """summary.json; accuracies are null where there is no truth."""
    found = run.digest
    right = found.answers[found.judged] == found.truths[found.judged]
    accuracies = _accuracies(found)
    summary = {
        "intd_accuracy": accuracies["intd"],
        "intc_accuracy": accuracies["intc"],
        "task": found.task,
        "accuracy": float(right.mean()) if len(right) else None,
        "windows_judged": len(right),
        "sample_rate": run.sample_rate,
        "antennas": run.channels,
        "policy": run.policy,
        **{key: status[key] for key in _STATUS_KEYS},
        **{key: status[key] for key in _SIGNAL_KEYS if key in status},
        "samples_lost_estimated": status.get("samples_lost_estimated", 0),
    }
    _write_json(run.folder / "summary.json", summary)


def _write_json(path: Path, value: dict) -> None:
    text = json.dumps(value, indent=2) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _accuracies(found: Digest) -> dict[str, float | None]:
    """INTD and INTC of the judged windows, null where they cannot be told."""
    truths = [found.labels[code] for code in found.truths[found.judged]] if found.task == INTERFERENCE else []
    if not truths or len(truths) != len(found.probabilities):
        return {"intd": None, "intc": None}
    label = torch.tensor([LABELS.index(truth) for truth in truths])
    figures = interference_accuracies(torch.from_numpy(found.probabilities), label)
    return {name: None if math.isnan(value) else value for name, value in figures.items()}
