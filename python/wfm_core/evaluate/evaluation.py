# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle on a labelled data set: the figures of each task that the labels fit."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from wfm_core.base.errors import WfmError
from wfm_core.base.quantities import ESTIMATE
from wfm_core.bundle import Bundle, TaskContract
from wfm_core.bundle.live import build_preprocess
from wfm_core.bundle.outputs import check_output
from wfm_core.data.dataset import Dataset
from wfm_core.data.splits import SOURCE, SPLIT, Split
from wfm_core.evaluate.calibration import expected_calibration_error
from wfm_core.evaluate.charting import CHART
from wfm_core.evaluate.dense import (
    draw_grids,
    estimate_figures,
    intersections,
    relative_errors,
    segmentation_figures,
    some_pixels,
)
from wfm_core.evaluate.labelled import (
    chart_results,
    class_figures,
    draw_classes,
    draw_errors,
    draw_snr,
    quantity_figures,
)

_READ = 32  # windows inferred at a time


@dataclass(frozen=True, eq=False)
class Part:
    """The windows of a data set to evaluate, int64, and in words which those are."""

    rows: np.ndarray
    description: str


def whole(dataset: Dataset) -> Part:
    """All windows."""
    return Part(np.arange(dataset.count), f"all {dataset.count} windows of the file; some may have been trained on")


def part_of_run(dataset: Dataset, run: Path, side: str) -> Part:
    """The windows of one `side` (train, validation or test) of the split that a run kept. Raises `WfmError`."""
    path = run / SPLIT
    try:
        split = Split.from_json(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WfmError(
            f"{path} cannot be read ({error}): the run is incomplete, or was not made on a data set; give --split all"
        ) from error
    rows = getattr(split, side)
    count = len(split.train) + len(split.validation) + len(split.test)
    if count != dataset.count:
        raise WfmError(
            f"the split in {path} is of {count} windows, {dataset.path} has {dataset.count}; give the data set that "
            "the run was made on, or --split all"
        )
    if not len(rows):
        raise WfmError(f"the split in {path} has no windows under {side!r}; choose another --split")
    return Part(rows, f"{side} windows of the split {split.description}")


def choose_task(bundle: Bundle, dataset: Dataset, name: str | None) -> TaskContract:
    """The task of the bundle to evaluate: the one named, the only one, or the data set's. Raises `WfmError`."""
    tasks = bundle.contract.tasks
    name = name or (next(iter(tasks)) if len(tasks) == 1 else dataset.task)
    if name not in tasks:
        raise WfmError(
            f"no task {name!r} in {bundle.contract.name}, which has {', '.join(tasks)}; choose one with --task"
        )
    task = tasks[name]
    # a chart is judged by places that it never saw
    wanted = {CHART: "position"}.get(task.kind, task.kind) if task.measures or task.dense else ""
    if wanted != (dataset.quantity or dataset.dense):
        seen = dataset.quantity or dataset.dense or "classes"
        raise WfmError(
            f"{dataset.path} is labelled with {seen}, the task {name!r} is of kind {task.kind}: choose another"
        )
    missing = [label for label in dataset.labels if label not in task.labels]
    if missing:
        raise WfmError(
            f"{dataset.path} has the labels {', '.join(missing)}, which the task {name!r} does not know; expected some "
            f"of {', '.join(task.labels)}: give another data set"
        )
    return task


def evaluate(bundle: Bundle, dataset: Dataset, part: Part, task: TaskContract, out: Path | None) -> dict:
    """The figures as JSON; with a folder `out`, its pictures too. Raises `WfmError` where data and bundle do not fit.

    A window whose best score is under the open-set threshold still counts with its best class; `unknown_share` says how
    many there are.
    """
    if task.dense:
        return _dense(bundle, dataset, part, task, out)
    outputs = list(_infer(bundle, dataset, part.rows))
    answers = _given(bundle, outputs, task.name, task.shape)
    truth = dataset.label[part.rows]
    units = units_of(dataset, part.rows)
    head, title = _head(bundle, dataset, part, task)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    if task.kind == CHART:
        return head | chart_results(out, answers, truth, title)
    if task.measures:
        if out is not None:
            draw_errors(out, task.kind, answers, truth, bundle.contract.name, title)
        return head | quantity_figures(task.kind, answers, truth, units)
    truth = np.array([task.labels.index(label) for label in dataset.labels], np.int64)[truth]
    if out is not None:
        draw_classes(out, answers, truth, task.labels, _embedding(bundle, outputs, task), title)
    unknown = float((answers.max(1) < task.open_set_threshold).mean())
    gain_db = dataset.gain_db
    if gain_db is not None:
        gain_db = gain_db[part.rows] if dataset.labels == tuple(task.labels) else None
    figures = class_figures(answers, truth, task.labels, units, gain_db, snr_of(dataset, part.rows))
    if out is not None:
        draw_snr(out, figures, title)
    return head | figures | {"unknown_share": unknown}


def _head(bundle: Bundle, dataset: Dataset, part: Part, task: TaskContract) -> tuple[dict, str]:
    """What figures begin with, and the title of pictures."""
    head = {
        "task": task.name,
        "kind": task.kind,
        "bundle": bundle.contract.name,
        "data": about(dataset),
        "split": part.description,
        "windows": {"test": len(part.rows)},
    }
    return head, f"{task.name}, {bundle.contract.name}\n{part.description.partition(';')[0]}"


def _dense(bundle: Bundle, dataset: Dataset, part: Part, task: TaskContract, out: Path | None) -> dict:
    """As `evaluate`, a batch at a time: grids of all windows at once may be too many."""
    if dataset.label.shape[1:] != (task.shape if task.kind == ESTIMATE else task.grid):
        raise WfmError(
            f"{dataset.path} has labels of {list(dataset.label.shape[1:])} a window, the task {task.name!r} answers "
            f"{list(task.shape)}: give another data set"
        )
    units, (head, title) = units_of(dataset, part.rows), _head(bundle, dataset, part, task)
    known = np.array([task.labels.index(label) for label in dataset.labels], np.int64)
    parts, gaps, done = [], [], 0
    for outputs in _infer(bundle, dataset, part.rows):
        check_output(outputs, bundle.contract, task.name, task.shape)
        answers = outputs[task.name]
        rows = part.rows[done : done + len(answers)]
        truth = dataset.label[rows] if task.kind == ESTIMATE else known[dataset.label[rows]]
        said = answers if task.kind == ESTIMATE else answers.argmax(1)
        if task.kind == ESTIMATE:
            parts.append(relative_errors(said, truth))
        else:
            parts.append(intersections(said, truth, len(task.labels)))
            gaps.append(some_pixels(torch.from_numpy(answers), torch.from_numpy(truth)))
        if out is not None and not done:
            out.mkdir(parents=True, exist_ok=True)
            draw_grids(out, _seen(bundle, dataset, task, rows), said, truth, task.labels, title)
        done += len(answers)
    if task.kind == ESTIMATE:
        return head | estimate_figures(np.concatenate(parts), units)
    scores, label = (torch.cat(part) for part in zip(*gaps, strict=True))
    figures = segmentation_figures(np.concatenate(parts), task.labels, units)
    return head | figures | {"ece": expected_calibration_error(scores, label)}


def _seen(bundle: Bundle, dataset: Dataset, task: TaskContract, rows: np.ndarray) -> np.ndarray:
    """The images that a dense task's network sees, [n, C, H, W]; of estimates at the level of the windows."""
    preprocess, windows = build_preprocess(bundle.contract), torch.from_numpy(dataset.read(rows))
    images = preprocess(windows)
    return (images * preprocess.level(windows) if task.kind == ESTIMATE else images).numpy()


def units_of(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """What intervals draw as one piece, of the windows `rows`: their recordings, else every window for itself."""
    return dataset.groups[SOURCE][rows] if SOURCE in dataset.groups else np.arange(len(rows))


def snr_of(dataset: Dataset, rows: np.ndarray) -> np.ndarray | None:
    """SNRs in dB of the windows `rows` as texts, where the set states them of all as numbers (group snr_db)."""
    stated = dataset.groups.get("snr_db")
    return None if stated is None or not all(map(_is_number, set(stated.tolist()))) else stated[rows]


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def about(dataset: Dataset) -> dict:
    """What figures say of the data that they were measured on."""
    real = not dataset.provenance.get("synthetic", False)
    return {"file": dataset.path.name, "count": dataset.count, "provenance": dataset.provenance, "real": real}


def _infer(bundle: Bundle, dataset: Dataset, rows: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
    iq = bundle.contract.input == "iq"
    if iq != (dataset.kind == "sample"):
        wanted = "IQ windows (sample)" if iq else "images, CSI or features"
        raise WfmError(f"{dataset.path} holds {dataset.kind}; {bundle.contract.name} takes {wanted}: give another set")
    for start in range(0, len(rows), _READ):
        some = rows[start : start + _READ]
        yield bundle.infer(dataset.read_iq(some)) if iq else bundle.infer_image(dataset.read(some))


def _embedding(bundle: Bundle, outputs: list[dict[str, np.ndarray]], task: TaskContract) -> np.ndarray:
    """What the bundle gives out as embedding of the task's modality (of the first task of that modality)."""
    stems = bundle.contract.stems.values()
    modality = next((stem.modality for stem in stems if task.name in stem.tasks), bundle.contract.modality)
    return _given(bundle, outputs, f"embedding_{modality}", (None,))


def _given(
    bundle: Bundle, outputs: list[dict[str, np.ndarray]], name: str, shape: tuple[int | None, ...]
) -> np.ndarray:
    """The output `name` [windows, *shape] of all batches. Raises `WfmError` where a bundle does not give it."""
    for output in outputs:
        check_output(output, bundle.contract, name, shape)
    return np.concatenate([output[name] for output in outputs])
