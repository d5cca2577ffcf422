# SPDX-License-Identifier: GPL-3.0-or-later
"""Twice as many captures, annotations or marks take about twice the steps, whoever reads them. No clock decides."""

import json
import sys
from itertools import pairwise

import numpy as np
import pytest

from wfm_core.data.readers.own import sigmf_folder
from wfm_core.data.recordings.annotations import Mark, annotate
from wfm_core.data.recordings.recording import open_recording
from wfm_core.data.recordings.windows import window_labels, window_starts
from wfm_core.data.sources import RecordingSource
from wfm_core.data.splits import make_split

FEW = 60
ROOM = 2.6  # of quadratic work, doubling makes 4


def steps(work) -> int:
    """Bytecode instructions that wfm_core's own code runs in `work()`."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        if "wfm_core" not in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def recording(folder, number, labels=3, whole=False):
    """As a scan makes it: `number` captures of other frequencies and gaps, each with an annotation."""
    folder.mkdir(parents=True)
    path = folder / "x.sigmf-meta"
    np.zeros(2 * 64 * number, "<i2").tofile(path.with_suffix(".sigmf-data"))
    captures = [
        {"core:sample_start": 64 * i, "core:frequency": 1e8 + i % 7, "core:global_index": 100 * i}
        for i in range(number)
    ]
    annotations = [
        {"core:sample_start": 64 * i, "core:label": f"burst-{i % labels}"}
        | ({} if i % 2 else {"core:sample_count": 50})
        for i in range(number)
    ]
    if whole:
        annotations.insert(0, {"core:sample_start": 0, "core:sample_count": 64 * number, "core:label": "band"})
    head = {"core:datatype": "ci16_le", "core:sample_rate": 1e6, "core:version": "1.2.0"}
    path.write_text(json.dumps({"global": head, "captures": captures, "annotations": annotations}))
    return path


def opened(path, number):
    return lambda: open_recording(path)


def asked(path, number):
    found = open_recording(path)
    return lambda: [(found.rx_time_at(64 * i), found.center_freq_at(64 * i), found.breaks) for i in range(number)]


def evaluated(path, number):
    found = open_recording(path)
    starts = window_starts(found.samples, 16, 0, found.breaks)
    return lambda: window_labels(starts, 16, found.annotations, [f"burst-{i}" for i in range(number)])


def built(path, number):
    return lambda: sigmf_folder.read(path.parent, path.with_name("d.h5"), label="core:label", window=16)


def pretrained(path, number):
    return lambda: RecordingSource(path.parent).check(1, 16)


def annotated(path, number):
    marks = [Mark(100 * i, 100 * i + 50, "lte", "classification", "") for i in range(number)]
    return lambda: annotate(path, marks, in_stream=True)


@pytest.mark.parametrize("make", [opened, asked, evaluated, built, pretrained, annotated])
@pytest.mark.parametrize("labels", [3, FEW // 2])
def test_reading_recordings(tmp_path, make, labels):
    def work(number):
        many = labels if labels == 3 else number // 2
        return make(recording(tmp_path / f"r{number}", number, many), number)

    few, many = (steps(work(number)) for number in (FEW, 2 * FEW))
    assert FEW < few < many < ROOM * few


def test_an_annotation_over_all_the_others(tmp_path):
    paths = [recording(tmp_path / f"r{number}", number, whole=True) for number in (FEW, 2 * FEW)]
    few, many = (steps(lambda p=path: list(_cuts(p))) for path in paths)
    assert few < many < ROOM * few


def _cuts(path):
    from wfm_core.data.readers.own.cuts import cut_annotations

    found = open_recording(path)
    return cut_annotations(found, ["band", "burst-0", "burst-1", "burst-2"], 16, 0, 1e6)


@pytest.mark.parametrize("method", ["stratified", "group:source", "every:3"])
def test_splits_of_many_groups_and_classes(method):
    def work(number):
        label = np.arange(12 * number) % number
        groups = {"source": np.array([f"s{i % (4 * number)}" for i in range(12 * number)])}
        return lambda: make_split(label, groups, method, seed=0, test=0.3)

    counts = [steps(work(number)) for number in (FEW, 2 * FEW, 4 * FEW)]
    assert all(few <= many < ROOM * few for few, many in pairwise(counts))


def test_the_counter_sees_what_is_quadratic():
    """That a test of this file can fail."""

    def work(number):
        starts = np.arange(number)
        source = "def f(n):\n    return [i for i in range(n) if [j for j in range(n) if j < i]]\n"
        space: dict = {}
        exec(compile(source, "wfm_core/quadratic.py", "exec"), space)
        return lambda: space["f"](len(starts))

    assert steps(work(2 * FEW)) > ROOM * steps(work(FEW))
