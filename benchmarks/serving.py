# SPDX-License-Identifier: GPL-3.0-or-later
"""`wfm-serve` on this computer, for benchmarks that ask it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def server(bundle: str) -> Iterator[tuple[str, int]]:
    """The device of a `wfm-serve` that runs meanwhile, and its process id."""
    command = [sys.executable, "-m", "wfm_core.cli.serve", "--bundle", bundle, "--address", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        found = re.search(r" at (\S+)$", line)
        if not found:
            raise RuntimeError(f"wfm-serve said {line!r}")
        yield f"grpc://{found[1]}?timeout=20", process.pid
    finally:
        process.terminate()
        process.wait()
