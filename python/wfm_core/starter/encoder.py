# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped encoder as a bundle of embeddings, for classes enrolled in a running flowgraph."""

from pathlib import Path

from wfm_core.base import compute
from wfm_core.bundle.export import SUFFIX
from wfm_core.bundle.from_foundation import export_foundation

FOUNDATION = "wfm-small"


def make(name: str, folder: Path) -> str:
    """See `wfm_core.starter.catalog.Starter`."""
    compute.run(export_foundation, FOUNDATION, folder / f"{name}{SUFFIX}")
    return "exported"
