# SPDX-License-Identifier: GPL-3.0-or-later
"""Flowgraphs of receivers that distributions install as modules of GNU Radio, in a process of the system's Python."""

import shutil
import subprocess

PYTHON = "/usr/bin/python3"  # the one that distributions install GNU Radio's modules for


def has(*modules: str) -> bool:
    if shutil.which(PYTHON) is None:
        return False
    command = [PYTHON, "-c", "".join(f"import {module}\n" for module in modules)]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


def run(flowgraph: str, folder, *arguments, timeout: float = 120) -> str:
    """What a flowgraph prints, whose settings lie in `folder`."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    command = [PYTHON, "-c", flowgraph, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, timeout=timeout, check=False, env=environment, cwd=folder)
    return (done.stdout + done.stderr).decode(errors="replace")
