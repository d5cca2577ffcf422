# SPDX-License-Identifier: GPL-3.0-or-later
"""Situations that users reported, as inputs that lie beside the checkout, by every reader.

`$WFM_CASES` (default `../shared/cases`) holds `make_cases.py`, which writes them into a folder.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from recording_readers import Windows, check_all

from wfm_core.cli import dataset as wfm_dataset
from wfm_core.data.dataset import open_dataset
from wfm_core.data.sources import RecordingSource

ROOT = Path(__file__).resolve().parents[3]
MAKER = Path(os.environ.get("WFM_CASES", ROOT.parent / "shared" / "cases")) / "make_cases.py"
pytestmark = pytest.mark.skipif(not MAKER.is_file(), reason=f"no {MAKER}: set WFM_CASES to the folder that has it")

WINDOW, RATE, SECOND, FREQ = 4096, 1.92e6, 1707414634, 8.06e8
WHOLE, BROKEN = [0, 4096, 8192, 12288], [0, 6000, 10096]


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    subprocess.run([sys.executable, str(MAKER), str(folder)], check=True, timeout=120)
    return folder


def counted(starts, fraction=0.0, begin=0):
    since = [(start - begin) / RATE + fraction for start in starts]
    return [None if start < begin else (SECOND + int(s // 1), s % 1) for start, s in zip(starts, since, strict=True)]


CASES = {
    "time/zulu": (WHOLE, counted(WHOLE), [FREQ] * 4, 0),
    "time/offset": (WHOLE, counted(WHOLE), [FREQ] * 4, 0),
    "time/python": (WHOLE, counted(WHOLE, 0.25), [FREQ] * 4, 0),
    "container/ncd": (WHOLE[:3], counted(WHOLE[:3]), [FREQ] * 3, 0),
    "gap/by_index": (BROKEN, [None] * 3, [FREQ] * 3, 50_000),
    "gap/by_clock": (BROKEN, [*counted([0]), *counted(BROKEN[1:], 50_000 / RATE)], [FREQ] * 3, 50_000),
    "scope/second_says_nothing": (BROKEN, [*counted([0]), None, None], [FREQ, None, None], 0),
    "scope/no_time": (WHOLE, [None] * 4, [FREQ] * 4, 0),
    "scope/time_from_second": (BROKEN, [None, *counted(BROKEN[1:], begin=6000)], [FREQ] * 3, 0),
    "scope/retuned_at_the_end": (WHOLE, [None] * 4, [FREQ] * 4, 0),
}


@pytest.mark.parametrize("case", CASES)
def test_every_reader_makes_the_right_windows(cases, tmp_path, case):
    starts, times, freqs, lost = CASES[case]
    found = cases / f"{case}.sigmf-meta"
    head = json.loads(found.read_text())
    data = found.with_name(head["global"].get("core:dataset", f"{found.stem}.sigmf-data"))
    folder = tmp_path / "alone"  # pretraining reads whole folders
    folder.mkdir()
    for path in (found, data):
        (folder / path.name).write_bytes(path.read_bytes())
    count = 3 * WINDOW if case == "container/ncd" else 4 * WINDOW
    skip = head["captures"][0].get("core:header_bytes", 0)
    values = np.fromfile(data, "<c8", count, offset=skip)
    pieces = [(0, count)] if starts[1] == WINDOW else [(0, 6000), (6000, count)]
    check_all(folder / found.name, WINDOW, values, Windows(starts, times, freqs, samples_lost=lost), pieces)


def test_a_scan_of_many_captures_is_built(cases, tmp_path):
    out = tmp_path / "scan.h5"
    options = ["--label", "core:label", "--window", "128", "--out", str(out)]
    assert wfm_dataset.main(["build", "--from", "sigmf", str(cases / "many"), *options]) == 0
    built = open_dataset(out)
    assert (built.count, built.labels) == (3000, ("burst-0", "burst-1", "burst-2"))
    assert np.bincount(built.label).tolist() == [1002, 999, 999]
    assert len(RecordingSource(cases / "many").stretches) == 1000


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--array", "csi", "--label", "activity"], ("empty", "fall", "walk")),
        (["--array", "amp", "--label", "label"], ("0", "1", "2")),
        (["--array", "csi", "--position", "x", "y"], ()),
    ],
)
def test_what_matlab_saves_is_read(cases, tmp_path, options, names):
    out = tmp_path / "walks.h5"
    axes = ["--kind", "csi", "--axes", "packets,subcarriers,antennas"]
    source = str(cases / "matlab" / "walks.mat")
    assert wfm_dataset.main(["build", "--from", "hdf5", source, *options, *axes, "--out", str(out)]) == 0
    built = open_dataset(out)
    assert (built.count, tuple(built.labels), built.shape) == (24, names, (3, 30, 16))
    if names:
        assert np.bincount(built.label).tolist() == [8, 8, 8]
