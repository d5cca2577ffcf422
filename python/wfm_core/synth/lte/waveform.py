# SPDX-License-Identifier: GPL-3.0-or-later
"""LTE downlink samples (TS 36.211): the resource grid through one batched inverse FFT and cyclic prefixes."""

import torch

from wfm_core.synth.lte.cell import LteCell, random_cell
from wfm_core.synth.lte.grid import resource_grid

__all__ = ["LteCell", "lte_waveform", "ofdm_modulate", "random_cell"]
CHUNK = 1 << 17  # elements


def lte_waveform(cell, subframes, generator, device="cpu", first_subframe=0):
    """complex64 [ports, subframes * 15 * fft_size] at cell.sample_rate, beginning at a subframe boundary.

    The ports are apart so that each can go through its own fading. With every element filled the powers of
    the ports sum to 1; a lighter load means less power. generator: torch.Generator, any device.
    """
    return ofdm_modulate(resource_grid(cell, subframes, generator, device, first_subframe), cell)


def ofdm_modulate(grid, cell):
    """complex64 [P, S, L, K] elements to samples [P, S * 15 * fft_size] (TS 36.211 6.12)."""
    ports, subframes, symbols, width = grid.shape
    size, half = cell.fft_size, width // 2
    first, other = cell.prefixes
    lead = size + first
    slots = grid.new_empty(ports, subframes, 2, 15 * size // 2)
    # Few subframes at a time, so that what lies between grid and samples stays in the cache.
    step = max(1, CHUNK // (ports * symbols * size))
    for begin in range(0, subframes, step):
        part = grid[:, begin : begin + step]
        spectrum = grid.new_zeros(*part.shape[:3], size)
        # Scaling here keeps the transform unscaled: mean |x|^2 is then the mean power of the K elements.
        torch.mul(part[..., half:], width**-0.5, out=spectrum[..., 1 : half + 1])
        torch.mul(part[..., :half], width**-0.5, out=spectrum[..., size - half :])
        body = torch.fft.ifft(spectrum, norm="forward").unflatten(2, (2, cell.slot_symbols))
        out = slots[:, begin : begin + step]
        out[..., :first] = body[..., 0, size - first :]
        out[..., first:lead] = body[..., 0, :]
        rest = out[..., lead:].unflatten(-1, (cell.slot_symbols - 1, other + size))
        rest[..., :other] = body[..., 1:, size - other :]
        rest[..., other:] = body[..., 1:, :]
    return slots.flatten(1)
