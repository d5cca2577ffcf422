# SPDX-License-Identifier: GPL-3.0-or-later
"""examples/record_and_label.py as a user starts it, without a display."""

import json
import os
import subprocess
import sys
from pathlib import Path

from wfm_core.data.recordings.recording import open_recording

ROOT = Path(__file__).resolve().parents[2]


def test_the_simulated_radio_is_recorded_labelled_and_annotated(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, str(ROOT / "examples" / "record_and_label.py"), "--source", "sim", "--duration", "2"]
    command += ["--label", "evening", "--rotate-mb", "6", "--out", str(tmp_path / "out")]
    command += ["--bundle", str(ROOT / "models" / "wfm-interference")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    recordings = [open_recording(path) for path in sorted((tmp_path / "out").glob("*.sigmf-meta"))]
    assert {(r.channels, r.sample_rate, r.datatype) for r in recordings} == {(2, 1.92e6, "ci16_le")}
    samples = sum(r.samples for r in recordings)
    assert len(recordings) >= 2 and samples > 1.92e6
    assert f"{len(recordings)} recordings, {samples} samples a channel; dropped 0, unwritten 0" in done.stdout
    assert all("evening" in {a.label for a in r.annotations} for r in recordings)
    entries = [entry for r in recordings for entry in json.loads(r.meta_path.read_text())["annotations"]]
    heard = {entry["core:label"] for entry in entries if entry["core:generator"] == "gr-wfm event"}
    assert heard and heard <= {"dsss-bpsk", "dsss-qpsk"}
