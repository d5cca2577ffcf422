# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/record.md and docs/three-sites.md: their commands as they stand there, but for hosts that are not here."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from record_parts import event, rows_of

from wfm_core.record.store import Record

ROOT = Path(__file__).resolve().parents[3]
PAGES = "".join((ROOT / "docs" / name).read_text() for name in ("record.md", "three-sites.md"))
COMMANDS = sorted(set(re.findall(r"^    (\.venv/bin/wfm-log .*)$", PAGES, re.MULTILINE)))
ASKING = [command for command in COMMANDS if " query " in command or " export " in command]
LISTENING = [command for command in COMMANDS if command not in ASKING]


@pytest.fixture
def folder(tmp_path) -> Path:
    """As the root of a checkout, with a record."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    record = Record(f"sqlite:///{tmp_path / 'events.db'}", write=True)
    now = int(time.time())
    record.add(rows_of(event(0, radio="b200"), event(1, radio="b200", rx_time=[now, 0.5]), site="roof"))
    record.close()
    return tmp_path


@pytest.mark.parametrize("command", ASKING)
def test_a_question_of_the_page_is_answered(folder, command):
    done = subprocess.run(["bash", "-euc", command], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "lora" in done.stdout or "2 events in" in done.stdout


@pytest.mark.parametrize("command", LISTENING)
def test_the_page_listens(folder, command):
    if "postgresql://" in command:
        pytest.skip("its database is an example")
    with subprocess.Popen(
        command.split(), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout.readline().startswith("0 events committed")
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 0 and err == "" and "0 dropped" in out


def test_the_line_of_the_readme_listens(folder):
    (command,) = re.findall(r"^\| `(wfm-log .*?)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    test_the_page_listens(folder, f".venv/bin/{command}".replace("HOST", "127.0.0.1"))
