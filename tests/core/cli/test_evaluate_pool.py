# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-evaluate --pool: blocks beside windows, in the lines and in the table."""

import numpy as np
import pytest
from test_cli import WINDOW, bundle, run_evaluate, write  # noqa: F401  bundle is a fixture


def lines_of_blocks(lines: list[dict]) -> list[tuple]:
    return [
        (line["sample_start"] // WINDOW, line["sample_count"] // WINDOW, line["pooled_windows"])
        for line in lines
        if "pooled_windows" in line
    ]


def test_blocks_are_said_after_their_windows(tmp_path, bundle, capsys):  # noqa: F811
    levels = np.repeat([2, 1, 2, 1, 1, 3, 1, 1, 3], WINDOW)[None, :]
    annotations = [(0, 4 * WINDOW, "dsss-bpsk"), (4 * WINDOW, 4 * WINDOW, "none")]
    path = write(tmp_path, levels, annotations=annotations)
    status, lines = run_evaluate(path, "--pool", str(4 * WINDOW), "--batch", "3")
    assert status == 0 and len(lines) == 9 + 3
    assert lines_of_blocks(lines) == [(0, 4, 4), (4, 4, 4), (8, 1, 1)]
    assert ["pooled_windows" in line for line in lines] == [*[False] * 4, True, *[False] * 4, True, False, True]
    answers = [line["tasks"]["interference"]["index"] for line in lines if "pooled_windows" in line]
    assert answers[1:] == [0, 2], "three of four windows said none"
    said = capsys.readouterr().out
    assert "9 windows of 16 samples inferred" in said and "pooled, 1 to 4 windows a block:" in said
    assert said.index("windows   share") < said.index("against 8 annotated windows") < said.index("blocks   share")
    assert "against 2 annotated blocks" in said


def test_a_block_ends_at_a_retune(tmp_path, bundle):  # noqa: F811
    captures = [{"core:sample_start": 0, "core:frequency": 1e9}, {"core:sample_start": 40, "core:frequency": 2e9}]
    _, lines = run_evaluate(write(tmp_path, np.ones((1, 160)), captures), "--pool", str(4 * WINDOW))
    blocks = [line for line in lines if "pooled_windows" in line]
    assert [(b["sample_start"], b["sample_count"], b["rx_freq"]) for b in blocks] == [
        (0, 32, 1e9), (40, 64, 2e9), (104, 48, 2e9),
    ]  # fmt: skip


@pytest.mark.parametrize("pool", ["15", "-16"])
def test_a_block_that_cannot_hold_a_window_is_refused(tmp_path, bundle, capsys, pool):  # noqa: F811
    status, lines = run_evaluate(write(tmp_path, np.ones((1, 64))), "--pool", pool)
    assert status == 1 and lines == []
    assert f"pool {pool} samples; windows of 16 are pooled: give 16 or more" in capsys.readouterr().err


def test_without_a_pool_there_are_windows_alone(tmp_path, bundle, capsys):  # noqa: F811
    _, lines = run_evaluate(write(tmp_path, np.ones((1, 64))))
    assert len(lines) == 4 and lines_of_blocks(lines) == [] and "pooled" not in capsys.readouterr().out
