# SPDX-License-Identifier: GPL-3.0-or-later
"""Random tensors from one explicit generator, delivered on any device.

The generator may live on another device than the samples: the same CPU seed then gives the same scene
on every machine.
"""

import torch

from wfm_core.base.errors import WfmError


def uniform(shape, low, high, generator, device=None):
    """float32 `shape`, uniform in [low, high)."""
    values = torch.rand(shape, generator=generator, device=generator.device)
    return (low + (high - low) * values).to(device or generator.device)


def log_uniform(shape, low, high, generator, device=None):
    """float32 `shape`, uniform in the logarithm between low and high (both > 0)."""
    return low * (high / low) ** uniform(shape, 0.0, 1.0, generator, device)


def complex_normal(shape, generator, device=None):
    """complex64 `shape`, circular Gaussian of mean power 1."""
    values = torch.randn(shape, generator=generator, device=generator.device, dtype=torch.complex64)
    return values.to(device or generator.device)


def random_bytes(shape, generator, device=None):
    """uint8 `shape`, uniform. Eight come from each 64-bit draw, which is what makes QAM filling cheap."""
    count = torch.Size(shape).numel()
    words = torch.randint(-(2**63), 2**63 - 1, ((count + 7) // 8,), generator=generator, device=generator.device)
    return words.view(torch.uint8)[:count].view(shape).to(device or generator.device)


def choice(options, generator, weights=None):
    """One of `options` (a sequence), with the given relative weights."""
    chances = torch.ones(len(options)) if weights is None else torch.tensor(weights, dtype=torch.float32)
    if len(chances) != len(options):
        raise WfmError(f"{len(chances)} weights for {len(options)} options, want one each: give equal lengths.")
    drawn = torch.multinomial(chances.to(generator.device), 1, generator=generator)
    return options[int(drawn)]
