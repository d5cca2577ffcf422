# SPDX-License-Identifier: GPL-3.0-or-later
"""Examples started as a user starts them, without a display."""

import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HIDDEN = ("DISPLAY", "WAYLAND_DISPLAY")


def begin(name: str, *options) -> subprocess.Popen:
    environment = {key: value for key, value in os.environ.items() if key not in HIDDEN}
    environment |= {"PYTHONUNBUFFERED": "1"}
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *map(str, options)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def start(name: str, *options) -> str:
    """Standard output of a run that ends well and says nothing on stderr."""
    with begin(name, *options) as program:
        said, complaints = program.communicate(timeout=500)
    assert (program.returncode, complaints) == (0, "")
    return said
