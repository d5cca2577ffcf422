# SPDX-License-Identifier: GPL-3.0-or-later
"""Libraries that only a part of the package uses: imported there, and missed with a sentence."""

import importlib
import sys
from types import ModuleType

from wfm_core.base.errors import WfmError


def needed(module: str, what: str, pip: str = "") -> ModuleType:
    """Import and return `module`, which `what` takes. Raises `WfmError` where it is not installed.

    `pip`: what pip calls its package, where that is another name; with an extra ("ray[data]"), which then brings what
    `module` takes itself.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if "[" not in pip and (error.name is None or error.name.partition(".")[0] != package):
            raise  # it is there, and misses something itself
        package = pip or package
        raise WfmError(
            f"{what} takes the Python package {package}, which {sys.executable} does not have: install it with pip"
        ) from error
