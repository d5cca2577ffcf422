# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an installation keeps bundles and models."""

import os
import sys
from pathlib import Path

import platformdirs


def installed_folders(name: str) -> list[Path]:
    """Folders share/NAME, such as share/wfm/bundles, that may hold what was installed with this package.

    First the environment's own (`sys.prefix`), there or not; then the ones below whose prefix this package lies, such
    as /usr/local of /usr/local/lib/python3.11/dist-packages, which is no interpreter's prefix.
    """
    above = [parent / "share" / name for parent in Path(__file__).resolve().parents]
    return list(dict.fromkeys([Path(sys.prefix) / "share" / name, *(folder for folder in above if folder.is_dir())]))


def model_folders() -> list[Path]:
    """Folders in which a bare name is looked up as a model folder or a foundation, in order.

    The checkout that this package lies in, the working directory's models, what was installed.
    """
    checkout = Path(__file__).resolve().parents[3] / "models"
    return list(dict.fromkeys([checkout, Path.cwd() / "models", *installed_folders("wfm/models")]))


def bundle_folders() -> list[Path]:
    """Folders in which a bare name is looked up as a bundle file, in order.

    Those of $WFM_BUNDLES, what was installed, what was made on this machine.
    """
    named = [Path(entry) for entry in os.environ.get("WFM_BUNDLES", "").split(os.pathsep) if entry]
    return [*named, *installed_folders("wfm/bundles"), cache_folder()]


def cache_folder() -> Path:
    """Where bundles made on this machine are kept (`wfm_core.starter`)."""
    return platformdirs.user_cache_path("wfm") / "bundles"
