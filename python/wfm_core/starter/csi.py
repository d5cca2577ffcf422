# SPDX-License-Identifier: GPL-3.0-or-later
"""What the starter models of CSI share."""

import numpy as np
import torch

from wfm_core.signal.csi import CsiLevels
from wfm_core.train.statistics import image_statistics


def csi_signal(amplitudes: np.ndarray, size: list[int], gain: str) -> dict:
    """The `csi_image` settings for amplitudes float32 [n, antennas, subcarriers, packets], with their statistics."""
    levels = CsiLevels(gain=gain)(torch.from_numpy(amplitudes))
    return {"kind": "csi_image", "size": size, "gain": gain, **image_statistics(levels, size)}
