# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a bundle name is looked up."""

import os
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import user_path
from wfm_core.base.places import bundle_folders, model_folders
from wfm_core.bundle.export import SUFFIX, is_model_folder


def find_bundle(name: str | Path) -> Path:
    """The bundle file or model folder that `name` stands for. Raises `WfmError`.

    A path is taken as it is. A bare name is looked up as NAME.wfm.pt in `bundle_folders()` ($WFM_BUNDLES,
    share/wfm/bundles, the cache), then as a folder NAME in `model_folders()` (the checkout's, share/wfm/models).
    """
    text = str(name)
    path = user_path(text)
    if path.is_file() or (path.is_dir() and is_model_folder(path)):
        return path
    if not text or "/" in text or os.sep in text or text.endswith(".pt"):
        raise WfmError(f"bundle {text!r} is neither a bundle file nor a model folder; give the path of one")
    bundles, models = bundle_folders(), model_folders()
    for folder in bundles:
        if (folder / f"{text}{SUFFIX}").is_file():
            return folder / f"{text}{SUFFIX}"
    for folder in models:
        if is_model_folder(folder / text):
            return folder / text
    places = ", ".join(map(str, [*bundles, *models]))
    raise WfmError(f"no bundle {text!r} in {places}; give a path, set WFM_BUNDLES, or run make to install it")
