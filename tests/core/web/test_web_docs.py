# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/monitor.md: its commands as they stand there; the page's files are in what is installed."""

import fnmatch
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "monitor.md").read_text()
COMMANDS = re.findall(r"^    \.venv/bin/wfm-monitor (.*?)(?: +#.*)?$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("options", COMMANDS)
def test_the_page_is_served_as_it_is_written(options):
    """On a free port, since another test or user may have the one that is written."""
    command = [sys.executable, "-m", "wfm_core.cli.monitor", *options.replace("--web", "--web 127.0.0.1:0").split()]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        if "--web" in options:
            assert run.stdout.readline().startswith("http://127.0.0.1:")
            run.send_signal(signal.SIGTERM)
        else:
            with pytest.raises(subprocess.TimeoutExpired):
                run.wait(3)
            run.terminate()
        run.communicate(timeout=30)
    assert run.returncode == (0 if "--web" in options else -signal.SIGTERM)


def test_the_commands_are_there():
    assert len(COMMANDS) == 3 and any("--recordings" in command for command in COMMANDS)


def test_the_readme_has_a_command_that_listens():
    (options,) = re.findall(r"^\| `wfm-monitor (.*?)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    test_the_page_is_served_as_it_is_written(options.replace("HOST", "127.0.0.1"))


def test_pip_installs_all_files_of_the_page():
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["wfm_core"]
    package = ROOT / "python" / "wfm_core"
    files = [path.relative_to(package).as_posix() for path in (package / "web" / "static").iterdir()]
    assert "web/static/index.html" in files
    assert [file for file in files if not any(fnmatch.fnmatch(file, pattern) for pattern in patterns)] == []


def test_every_key_of_the_page_is_in_the_help_and_in_the_documentation():
    static = ROOT / "python" / "wfm_core" / "web" / "static"
    keys = re.findall(r'^    "?(.)"?: (?:\(\) =>|pause)', (static / "main.js").read_text(), re.MULTILINE)
    assert sorted(keys) == ["/", "?", "e", "p", "t"]
    for key in keys:
        assert f'["{key}", ' in (static / "dialogs.js").read_text() and f"`{key}`" in PAGE
