# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-evaluate --pool: blocks beside windows, in the lines and in the table."""

from pathlib import Path

import numpy as np
import pytest
import torch
from test_cli import CONTRACT, WINDOW, run_evaluate, write

from wfm_core.bundle import Bundle, parse_contract
from wfm_core.cli import evaluate

AVERAGE = 4


def by_mean(iq: torch.Tensor) -> dict[str, torch.Tensor]:
    """A network whose answer is the rounded mean of the last antenna, less one: of windows as of blocks."""
    return {"interference": 5.0 * torch.nn.functional.one_hot(iq[:, -1].real.mean(-1).round().long() - 1, 3)}


@pytest.fixture
def bundle(monkeypatch):
    window = {"antennas": 2, "samples": WINDOW, "average": AVERAGE}
    contract = parse_contract({**CONTRACT, "window": window, "signal": {"kind": "cyclic_image"}}, "test")
    bundle = Bundle(contract, by_mean, Path("by-mean"), torch.device("cpu"), "fp32")
    monkeypatch.setattr(evaluate, "load_bundle", lambda name, device, dtype, engine: bundle)


def lines_of_blocks(lines: list[dict]) -> list[tuple]:
    return [
        (line["sample_start"] // WINDOW, line["sample_count"] // WINDOW, line["pooled_windows"])
        for line in lines
        if "pooled_windows" in line
    ]


def test_blocks_are_said_after_their_windows(tmp_path, bundle, capsys):
    levels = np.repeat([1, 1, 1, 2, 1, 3, 1, 3, 3], WINDOW)[None, :]
    annotations = [(0, 4 * WINDOW, "dsss-bpsk"), (4 * WINDOW, 4 * WINDOW, "none")]
    path = write(tmp_path, levels, annotations=annotations)
    status, lines = run_evaluate(path, "--pool", str(4 * WINDOW), "--batch", "3")
    assert status == 0 and len(lines) == 9 + 3
    assert lines_of_blocks(lines) == [(0, 4, 4), (4, 4, 4), (8, 1, 1)]
    assert ["pooled_windows" in line for line in lines] == [*[False] * 4, True, *[False] * 4, True, False, True]
    answers = [line["tasks"]["interference"]["index"] for line in lines if "pooled_windows" in line]
    assert answers == [0, 1, 2], "windows of levels 1 and 3 alone are 2 in the mean"
    said = capsys.readouterr().out
    assert "9 windows of 16 samples inferred" in said and "pooled, 1 to 4 windows a block:" in said
    assert said.index("windows   share") < said.index("against 8 annotated windows") < said.index("blocks   share")
    assert "against 2 annotated blocks" in said


def test_a_block_ends_at_a_retune(tmp_path, bundle):
    captures = [{"core:sample_start": 0, "core:frequency": 1e9}, {"core:sample_start": 40, "core:frequency": 2e9}]
    _, lines = run_evaluate(write(tmp_path, np.ones((1, 160)), captures), "--pool", str(4 * WINDOW))
    blocks = [line for line in lines if "pooled_windows" in line]
    assert [(b["sample_start"], b["sample_count"], b["rx_freq"]) for b in blocks] == [
        (0, 32, 1e9), (40, 64, 2e9), (104, 48, 2e9),
    ]  # fmt: skip


def test_windows_that_are_skipped_are_left_out_of_their_block(tmp_path, bundle):
    iq = np.repeat([2, 2, 3, 2], WINDOW)[None, :].astype(np.complex64)
    iq[0, 2 * WINDOW] = np.nan
    _, lines = run_evaluate(write(tmp_path, iq), "--pool", str(4 * WINDOW))
    assert lines_of_blocks(lines) == [(0, 4, 3)] and lines[-1]["tasks"]["interference"]["index"] == 1


@pytest.mark.parametrize("pool", ["15", "-16", "80"])
def test_a_block_that_the_bundle_cannot_judge_is_refused(tmp_path, bundle, capsys, pool):
    status, lines = run_evaluate(write(tmp_path, np.ones((1, 64))), "--pool", pool)
    assert status == 1 and lines == []
    assert f"windows of {pool} samples; bundle 'by-level' takes 16 or a multiple, up to 64" in capsys.readouterr().err


def test_without_a_pool_there_are_windows_alone(tmp_path, bundle, capsys):
    _, lines = run_evaluate(write(tmp_path, np.ones((1, 64))))
    assert len(lines) == 4 and lines_of_blocks(lines) == [] and "pooled" not in capsys.readouterr().out
