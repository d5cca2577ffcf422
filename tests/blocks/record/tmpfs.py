# SPDX-License-Identifier: GPL-3.0-or-later
"""A real file system that is soon full, in a mount name space of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def in_small_folder(folder: Path, program: str, *arguments: str, size: str = "1m") -> None:
    """Run `program ARGUMENTS folder` with `folder` on a file system of `size`; skips where none can be mounted."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here")
    mount = f'mount -t tmpfs -o size={size} none "{folder}"'
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True).returncode != 0:
        pytest.skip("no mount name spaces here")
    words = " ".join(f'"{word}"' for word in (sys.executable, program, *arguments, folder))
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"{mount} && exec {words}"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
