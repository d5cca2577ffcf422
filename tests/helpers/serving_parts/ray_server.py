# SPDX-License-Identifier: GPL-3.0-or-later
"""`wfm-serve` as a program, where Ray is installed."""

import importlib.util
import re
import subprocess
import sys

import pytest

PROGRAM = [sys.executable, "-m", "wfm_core.cli.serve"]
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is not installed (pip install 'ray[serve]')"
)


class RayServer:
    """`wfm-serve` with `options`, once it listens."""

    def __init__(self, *options: str):
        command = [*PROGRAM, *options, "--address", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        line = self.process.stdout.readline()
        assert (found := re.search(r"^serving (.*) at 127.0.0.1:(\d+)$", line)), self.process.communicate(timeout=60)
        self.bundles, self.device = found[1].split(", "), f"grpc://127.0.0.1:{found[2]}?timeout=30"
        return self

    def replicas(self, bundle: str) -> list[int]:
        """Processes of the bundle's replicas that this server has started: another test's may run beside them."""
        listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True).stdout
        lines = [line.split(maxsplit=2) for line in listed.splitlines()[1:]]
        ours = {str(self.process.pid)}
        while more := {pid for pid, parent, _ in lines if parent in ours} - ours:
            ours |= more
        return [int(pid) for pid, _, command in lines if pid in ours and f"ray::ServeReplica:{bundle}" in command]

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
