# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's five minutes: the flowgraph that its steps make is valid, runs, and shows decisions."""

import importlib.util
import os
import re
import sys
import time
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
QtWidgets = pytest.importorskip("PyQt5.QtWidgets")
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 120


def module_at(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def steps(monkeypatch):
    monkeypatch.setenv("GRC_BLOCKS_PATH", str(ROOT / "grc"))
    return module_at(ROOT / "scripts" / "pictures" / "first_flowgraph.py")


def test_the_steps_make_a_flowgraph_that_runs(steps, tmp_path):
    platform = steps.make_platform()
    flow_graph = steps.build(platform)
    flow_graph.validate()
    assert flow_graph.is_valid(), list(flow_graph.iter_error_messages())
    flow_graph.get_block(steps.SOURCE).params["duration"].set_value("2")  # less to compute than the README's
    flow_graph.rewrite()
    platform.Generator(flow_graph, str(tmp_path)).write()
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(sys.argv[:1])
    window = module_at(tmp_path / "first_flowgraph.py").first_flowgraph()
    window.show()
    window.start()
    display = window.wfm_detection_display_0.widget()
    patient_until = time.monotonic() + PATIENCE_SECONDS
    while "interference:" not in display.answers.text() or "windows" not in display.status.text():
        assert time.monotonic() < patient_until, f"no decision: {display.status.text()}"
        application.processEvents()
        time.sleep(0.02)
    window.stop()
    window.wait()
    window.close()
    assert display.isAncestorOf(display.waterfall) and window.isAncestorOf(display)


def test_the_readme_says_the_same_steps(steps):
    """Names, values and connections as the README has them; change both together."""
    section = (ROOT / "README.md").read_text().split("## Five minutes", 1)[1].split("\n## ", 1)[0]
    said = " ".join(section.split())
    flow_graph = steps.build(steps.make_platform())
    for name in steps.PLACES:
        assert f"**{flow_graph.get_block(name).label}**" in said
    assert f"`{flow_graph.get_block('samp_rate').params['value'].get_value()}`" in said
    assert f"Duration `{flow_graph.get_block(steps.SOURCE).params['duration'].get_value()}`" in said
    assert f"`{flow_graph.get_block(steps.DETECTOR).params['hop'].get_value()}`" in said
    assert re.search(", ".join(f"`{port}`" for port in steps.MESSAGES[:-1]) + f" and `{steps.MESSAGES[-1]}`", said)
    assert flow_graph.get_block(steps.SOURCE).params["source"].get_value() == "sim" and "`sim`" in said
