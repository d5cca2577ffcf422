# SPDX-License-Identifier: GPL-3.0-or-later
"""What readers share: finding their files, and saying where the values came from."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import user_path
from wfm_core.base.plain import unicode_text
from wfm_core.base.rates import same_rate
from wfm_core.data.recordings.folder import without_system_files


def files_in(folder: str | Path, content: str, *patterns: str, suffixes: Sequence[str] = ()) -> tuple[Path, list[Path]]:
    """`folder` as a path, and the files in and under it that fit one of `patterns` and end in one of `suffixes`, if
    any, in order, without those that only a system left there. Raises `WfmError` where there is no folder or no file;
    `content` says what should be in it."""
    path = user_path(folder)
    if not os.path.isdir(path):
        raise WfmError(f"no folder {path}: name the folder of the data set, with {content}")
    files = (file for pattern in patterns for file in path.glob(pattern))
    kept = without_system_files((f for f in files if not suffixes or f.suffix.lower() in suffixes), path)
    if not kept:
        raise WfmError(f"{path} holds no {content}: name the folder that the data set was unpacked into")
    return path, kept


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
