# SPDX-License-Identifier: GPL-3.0-or-later
"""A test that fails does not hold up those that follow: tests/conftest.py."""

import shutil
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
LEFT_RUNNING = """
import gc
from gnuradio import blocks, gr
from paced_source import PacedSource

def test_fails_with_its_flowgraph_running():
    top = gr.top_block()
    source = PacedSource()
    top.connect(source, blocks.null_sink(gr.sizeof_gr_complex))
    top.itself = top
    top.start()
    source.give(100)
    assert False, "as meant"

def test_has_nothing_to_do():
    pass

def test_frees_what_is_left():
    gc.collect()
"""


def test_a_flowgraph_that_a_failed_test_left_running_is_ended(tmp_path):
    shutil.copy(TESTS / "conftest.py", tmp_path)
    (tmp_path / "test_left_running.py").write_text(LEFT_RUNNING)
    options = ["-q", "-p", "no:cacheprovider", "-o", f"pythonpath={TESTS / 'helpers'}", "-o", "faulthandler_timeout=30"]
    command = [sys.executable, "-m", "pytest", *options, "-o", "faulthandler_exit_on_timeout=true", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert "1 failed, 2 passed" in done.stdout, done.stdout + done.stderr
