# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that hangs whoever opens it, as one on a disk or a network file system that does not answer."""

import fcntl
import os
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest

_LEASE_BREAK_SECONDS = Path("/proc/sys/fs/lease-break-time")


@contextmanager
def hanging(path: Path):
    """Within it `path` cannot be opened: the kernel lets others wait until its lease is given back.

    Skips where the file system has no leases. It would break this one after /proc/sys/fs/lease-break-time, 45 s mostly.
    """
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # that somebody waits
    descriptor = os.open(path, os.O_RDWR)
    try:
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError as error:
            pytest.skip(f"no leases on this file system: {error}")
        if int(_LEASE_BREAK_SECONDS.read_text()) < 30:
            pytest.skip("leases are broken too soon here")
        yield
    finally:
        os.close(descriptor)
        signal.signal(signal.SIGIO, before)
