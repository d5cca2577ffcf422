# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a bundle name is looked up."""

import os
import sys
from pathlib import Path

from wfm_core.bundle.export import SUFFIX, is_model_folder
from wfm_core.errors import WfmError


def find_bundle(name: str | Path) -> Path:
    """The bundle file or model folder that `name` stands for. Raises `WfmError`.

    A path is taken as it is. A bare name is looked up as NAME.wfm.pt in the folders of $WFM_BUNDLES, then in
    share/wfm/bundles of the environment, then in `cache_folder()`, then as a folder models/NAME of the checkout.
    """
    text = str(name)
    path = Path(text).expanduser()
    if path.is_file() or (path.is_dir() and is_model_folder(path)):
        return path
    if not text or "/" in text or os.sep in text or text.endswith(".pt"):
        raise WfmError(f"bundle {text!r} is neither a bundle file nor a model folder; give the path of one")
    folders = [Path(entry) for entry in os.environ.get("WFM_BUNDLES", "").split(os.pathsep) if entry]
    folders.append(Path(sys.prefix) / "share" / "wfm" / "bundles")
    folders.append(cache_folder())
    for folder in folders:
        if (folder / f"{text}{SUFFIX}").is_file():
            return folder / f"{text}{SUFFIX}"
    models = [Path(__file__).resolve().parents[3] / "models", Path.cwd() / "models"]
    for folder in models:
        if is_model_folder(folder / text):
            return folder / text
    places = ", ".join(str(folder) for folder in [*folders, *dict.fromkeys(models)])
    raise WfmError(f"no bundle {text!r} in {places}; give a path, set WFM_BUNDLES, or run make to install it")


def cache_folder() -> Path:
    """Where bundles made on this machine are kept (`wfm_core.starter`)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wfm" / "bundles"
