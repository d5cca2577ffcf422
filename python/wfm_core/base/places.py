# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an installation keeps bundles and models."""

import os
import sys
from pathlib import Path
from typing import NamedTuple


def installed_folders(name: str) -> list[Path]:
    """Folders share/NAME, such as share/wfm/bundles, that may hold what was installed with this package.

    First the environment's own (`sys.prefix`), there or not; then the ones below whose prefix this package lies, such
    as /usr/local of /usr/local/lib/python3.11/dist-packages, which is no interpreter's prefix.
    """
    above = [parent / "share" / name for parent in Path(__file__).resolve().parents]
    return list(dict.fromkeys([Path(sys.prefix) / "share" / name, *(folder for folder in above if folder.is_dir())]))


class Place(NamedTuple):
    """A `folder` in which a bare name is looked up: as a model folder or foundation (`models`), else as a bundle file.
    `name` is what docs/bundles.md calls it."""

    name: str
    folder: Path
    models: bool = False


def search_path() -> list[Place]:
    """Where bare names of bundles and models are looked up, in order; there or not."""
    named = [Path(entry) for entry in os.environ.get("WFM_BUNDLES", "").split(os.pathsep) if entry]
    checkout = Path(__file__).resolve().parents[3] / "models"
    return [
        *(Place("$WFM_BUNDLES", folder) for folder in named),
        *(Place("share/wfm/bundles", folder) for folder in installed_folders("wfm/bundles")),
        Place("models of the checkout", checkout, models=True),
        Place("models of the working directory", Path.cwd() / "models", models=True),
        *(Place("share/wfm/models", folder, models=True) for folder in installed_folders("wfm/models")),
    ]
