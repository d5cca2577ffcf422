# SPDX-License-Identifier: GPL-3.0-or-later
"""The wireless foundation model and its tools, in pure PyTorch; nothing here imports gnuradio.

What loads models is imported on first use: programs that need no model start without PyTorch.
"""

import sys

from wfm_core.base import errors
from wfm_core.base.errors import WfmError

sys.modules[f"{__name__}.errors"] = errors
"""Programs of others that catch a WfmError import it from there, where it lay before there was `wfm_core.base`."""

__all__ = ["WfmError", "load_bundle", "load_wavesfm", "load_wavesfm_pretraining"]


def __getattr__(name: str):
    if name == "load_bundle":
        from wfm_core.bundle import load_bundle

        return load_bundle
    if name == "load_wavesfm":
        from wfm_core.model.wavesfm.network import load_wavesfm

        return load_wavesfm
    if name == "load_wavesfm_pretraining":
        from wfm_core.model.wavesfm.pretraining import load_wavesfm_pretraining

        return load_wavesfm_pretraining
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
