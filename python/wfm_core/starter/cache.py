# SPDX-License-Identifier: GPL-3.0-or-later
"""Starter models in the user's cache: made when they are missing or from other code, else left alone.

A starter is made in a folder of its own, `.NAME.making`, under a lock, and its files then get their names; the stamp,
`NAME.wfm.pt.made-from`, comes last. So whoever is killed leaves nothing that looks whole, and the next begins again.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from wfm_core.base.errors import WfmError
from wfm_core.base.places import cache_folder
from wfm_core.bundle.export import SUFFIX
from wfm_core.starter.catalog import STARTERS, Starter

_STAMP = f"{SUFFIX}.made-from"


def ensure(name: str) -> None:
    """See to it that `load_bundle(name)` finds the starter `name`; says on standard output what is made.

    Names: those of STARTERS. Any other is the user's own bundle: nothing is done. While another program makes the same
    one, waits for it. Raises `WfmError` where the cache cannot be written or the foundation is not there.
    """
    if name not in STARTERS:
        return
    starter = STARTERS[name]
    made_from = starter.made_from()
    if _is_made(name, starter, made_from):
        return
    with _locked(name):
        if not _is_made(name, starter, made_from):  # nobody did while we waited
            _make(name, starter, made_from)


def _is_made(name: str, starter: Starter, made_from: str) -> bool:
    try:
        stamp = (cache_folder() / f"{name}{_STAMP}").read_text()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stamp == made_from and all((cache_folder() / f"{name}{suffix}").is_file() for suffix in starter.suffixes)


def _make(name: str, starter: Starter, made_from: str) -> None:
    began = time.monotonic()
    print(f"first start: {starter.says}", flush=True)
    cache = cache_folder()
    making = cache / f".{name}.making"
    shutil.rmtree(making, ignore_errors=True)  # of one that was killed
    making.mkdir()
    try:
        outcome = starter.make(name, making)
        (making / f"{name}{_STAMP}").write_text(made_from)
        (cache / f"{name}{_STAMP}").unlink(missing_ok=True)  # no old stamp on files of which only some are new
        for suffix in (*starter.suffixes, _STAMP):
            os.replace(making / f"{name}{suffix}", cache / f"{name}{suffix}")
    finally:
        shutil.rmtree(making, ignore_errors=True)
    print(f"{outcome}; {time.monotonic() - began:.1f} s, kept in {cache / name}{SUFFIX}", flush=True)


@contextmanager
def _locked(name: str) -> Iterator[None]:
    """No other program makes `name` meanwhile. The lock goes with the process, however that ends."""
    folder = cache_folder()
    lock = FileLock(folder / f".{name}.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"first start: another program makes {name} just now; waiting for it", flush=True)
            lock.acquire()
    except OSError as error:
        raise WfmError(
            f"the folder {folder} for models made at first start cannot be written ({error.strerror}): "
            "set XDG_CACHE_HOME to a folder that can be written"
        ) from error
    try:
        yield
    finally:
        lock.release()
