# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a bundle name is looked up."""

import os
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import user_path
from wfm_core.base.places import search_path
from wfm_core.bundle.export import SUFFIX, is_model_folder


def find_bundle(name: str | Path) -> Path:
    """The bundle file or model folder that `name` stands for. Raises `WfmError`.

    A path is taken as it is. A bare name is looked up in `search_path()`, as NAME.wfm.pt or as a folder NAME.
    """
    text = str(name)
    path = user_path(text)
    if path.is_file() or (path.is_dir() and is_model_folder(path)):
        return path
    if not text or "/" in text or os.sep in text or text.endswith(".pt"):
        raise WfmError(f"bundle {text!r} is neither a bundle file nor a model folder; give the path of one")
    for place in search_path():
        found = place.folder / (text if place.models else f"{text}{SUFFIX}")
        if is_model_folder(found) if place.models else found.is_file():
            return found
    places = ", ".join(dict.fromkeys(str(place.folder) for place in search_path()))
    raise WfmError(f"no bundle {text!r} in {places}; give a path, set WFM_BUNDLES, or run make to install it")
