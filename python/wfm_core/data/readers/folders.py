# SPDX-License-Identifier: GPL-3.0-or-later
"""What the readers of the public data sets share: finding their files, and saying where the values came from."""

from collections.abc import Iterable
from pathlib import Path

from wfm_core.errors import WfmError


def existing_folder(folder: str | Path, content: str) -> Path:
    """`folder` as a path; raises `WfmError` unless it is there. `content` says what should be in it."""
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise WfmError(f"no folder {path}: name the folder of the data set, with {content}")
    return path


def found(folder: Path, files: Iterable[Path], content: str) -> list[Path]:
    """`files` in order, hidden ones left out; raises `WfmError` where there are none."""
    kept = sorted(path for path in files if not path.name.startswith("."))
    if not kept:
        raise WfmError(f"{folder} holds no {content}: name the folder that the data set was unpacked into")
    return kept


def provenance(reader: str, folder: Path, files: int, **options) -> dict:
    """The `provenance` of a data set that `reader` made of so many files of `folder`."""
    return {"reader": reader, "version": 1, "source": folder.resolve().name, "files": files, "options": options}


def common_rate(rates: Iterable[float]) -> float | None:
    """The sample rate in Hz if it is one and the same, else None."""
    different = set(rates)
    return different.pop() if len(different) == 1 else None
