# SPDX-License-Identifier: GPL-3.0-or-later
"""What the readers of the public data sets share: finding their files, and saying where the values came from."""

import os
from collections.abc import Iterable
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import user_path
from wfm_core.base.plain import unicode_text
from wfm_core.base.rates import same_rate
from wfm_core.data.recordings.folder import without_system_files


def existing_folder(folder: str | Path, content: str) -> Path:
    """`folder` as a path; raises `WfmError` unless it is there. `content` says what should be in it."""
    path = user_path(folder)
    if not os.path.isdir(path):
        raise WfmError(f"no folder {path}: name the folder of the data set, with {content}")
    return path


def found(folder: Path, files: Iterable[Path], content: str) -> list[Path]:
    """`files` in and under `folder` in order, without those that only a system left there; raises `WfmError` where
    there are none."""
    kept = without_system_files(files, folder)
    if not kept:
        raise WfmError(f"{folder} holds no {content}: name the folder that the data set was unpacked into")
    return kept


def provenance(reader: str, folder: Path, files: int, **options) -> dict:
    """The `provenance` of a data set that `reader` made of so many files of `folder`."""
    return {
        "reader": reader,
        "version": 1,
        "source": unicode_text(folder.resolve().name),
        "files": files,
        "options": options,
    }


def common_rate(rates: Iterable[float]) -> float | None:
    """The sample rate in Hz if it is one and the same but for rounding, else None."""
    rates = list(rates)
    return rates[0] if rates and all(same_rate(rates[0], rate) for rate in rates) else None
