# SPDX-License-Identifier: GPL-3.0-or-later
"""What every emitter returns: one transmitter's samples, before channel, noise and receiver."""

from dataclasses import dataclass

import torch


@dataclass
class Emission:
    """samples: complex64 [n] centred at 0 Hz, of unit mean power while on, zero while off. bandwidth: Hz."""

    samples: torch.Tensor
    bandwidth: float
