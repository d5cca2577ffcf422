# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of docs/results.md on tiny generated recordings."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from finetune_sets import tiny_foundation

from wfm_core.base.errors import WfmError
from wfm_core.data.dataset import open_dataset

BENCHMARKS = Path(__file__).parents[3] / "benchmarks" / "results"
sys.path.insert(0, str(BENCHMARKS))
import data  # noqa: E402
import plan  # noqa: E402
import run  # noqa: E402
import table  # noqa: E402


@pytest.fixture
def realdata(tmp_path):
    """Positions at two distances; the amplitudes tell them apart."""
    generator = np.random.default_rng(0)
    distance = np.tile([1, 2], 28)
    csi = generator.integers(-5, 6, (56, 24, 6, 3, 2)).astype(np.int8)
    csi[distance == 2, :, :3] *= 12
    test = np.repeat(np.arange(1, 8), 8)
    folder = tmp_path / "realdata" / "csi_position"
    folder.mkdir(parents=True)
    y = distance.astype(np.float32)
    np.savez(folder / "lgtm.npz", csi=csi, dist_m=distance, laptop=test % 2, test=test, x_m=0 * y, y_m=y)
    return folder.parent


def _program(name, *arguments, **environment):
    command = [sys.executable, str(BENCHMARKS / name), *map(str, arguments)]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True).stdout


def _run(regime):
    row = next(row for row in plan.ROWS if row.name == "position")
    return plan.Run(row, regime, 1)


def test_amplitudes_are_antennas_by_subcarriers_by_packets(realdata, tmp_path):
    dataset = open_dataset(data.build("csi_position", realdata, tmp_path / "p.h5"))
    assert dataset.shape == (3, 6, 24)
    stored = np.load(realdata / "csi_position" / "lgtm.npz")["csi"][7, 20, 5, 2].astype(float)
    assert dataset.read([7])[0, 2, 5, 20] == pytest.approx(np.hypot(*stored))


def test_floor_learns_is_cached_and_shown(realdata, tmp_path):
    out = tmp_path / "out"
    figures = run.measure(_run("floor"), realdata, out)
    assert figures["figure"] < 0.1
    assert "16 test" in figures["split"]
    (out / "csi_position.h5").unlink()
    assert run.measure(_run("floor"), tmp_path / "absent", out) == figures
    shown = table.table(out)
    (line,) = [line for line in shown.splitlines() if line.startswith("| position |")]
    cells = [cell.strip() for cell in line.split("|")]
    assert cells[5] == f"{figures['figure']:.3f} (1 of 3)"
    assert cells[6] == cells[7] == "not measured yet"


@pytest.mark.slow
def test_fine_tuned_run(realdata, tmp_path):
    out, init = tmp_path / "out", tiny_foundation(tmp_path / "tiny")
    options = ("--out", out, "--only", "position-lp-1", "--epochs", 1, "--init", init)
    said = _program("run.py", *options, WFM_REALDATA=str(realdata))
    figures = json.loads((out / "position-lp-1.json").read_text())
    assert float(said.splitlines()[-1].split()[1]) == pytest.approx(figures["figure"], abs=1e-3)
    assert figures["figure"] == json.loads((out / "position-lp-1" / "figures.json").read_text())["mean_m"]
    assert f"| {figures['figure']:.3f} (1 of 3) |" in _program("table.py", out)


def test_absent_recordings_are_named(tmp_path):
    with pytest.raises(WfmError, match="WFM_REALDATA"):
        data.build("ism", tmp_path, tmp_path / "ism.h5")
