# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads that did not end in time. No thread can be ended from outside, so they are left behind, and named.

While one of them runs, the interpreter cannot end as usual: the libraries it computes with would be taken down under
it. So a process that leaves one behind ends at once when its main thread has, with one sentence on standard error and
exit status 1.
"""

import atexit
import contextlib
import os
import sys
import threading

_lock = threading.Lock()
_left: list[tuple[threading.Thread, str]] = []
_told: set[str] = set()


def remember(thread: threading.Thread, sentence: str) -> None:
    """`thread` was not waited for any longer; `sentence` says what it was waited for, and for how long."""
    with _lock:
        _left.append((thread, sentence))


def sentences() -> list[str]:
    """Of the threads that still run, the oldest first."""
    with _lock:
        _left[:] = [(thread, sentence) for thread, sentence in _left if thread.is_alive()]
        return [sentence for _, sentence in _left]


def told(sentence: str) -> None:
    """The user has read it: it is not printed again at the end of the process."""
    _told.add(sentence)


@atexit.register
def _end() -> None:
    if not (left := sentences()):
        return
    if news := [sentence for sentence in left if sentence not in _told]:
        print(f"{os.path.basename(sys.argv[0])}: {'; '.join(news)}", file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # its reader has gone, or it was closed
            stream.flush()
    os._exit(1)
