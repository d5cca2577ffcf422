# SPDX-License-Identifier: GPL-3.0-or-later
"""scripts/sanitize.sh: which tests it runs. It is run itself by `make sanitize`, which takes minutes."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "sanitize.sh"
BLOCKS = re.compile(r"wfm\.(window_tap|signal_finder|recorder|sample_player|spectrogram|radio_tagger)\(")


def listed() -> set[str]:
    text = re.search(r"^TESTS=\((.*?)^\)", SCRIPT.read_text(), re.DOTALL | re.MULTILINE)[1]
    return {f"{name}.py" for name in text.split()}


def test_it_runs_every_test_that_makes_a_block_of_the_library():
    tests = {path.name: path for path in ROOT.rglob("tests/**/test_*.py")}
    assert listed() <= tests.keys()
    makers = {name for name, path in tests.items() if BLOCKS.search(path.read_text(encoding="utf-8"))}
    assert makers - {"test_strange_messages.py"} <= listed(), "messages are fuzzed without, in thousands"


def test_it_is_a_program_that_bash_reads():
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)
    assert SCRIPT.stat().st_mode & 0o111
