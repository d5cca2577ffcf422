# SPDX-License-Identifier: GPL-3.0-or-later
"""LTE downlink samples (TS 36.211): the resource grid through one batched inverse FFT and cyclic prefixes."""

from wfm_core.synth import ofdm
from wfm_core.synth.lte.grid import resource_grid


def lte_waveform(cell, subframes, generator, device="cpu", first_subframe=0):
    """complex64 [ports, subframes * 15 * fft_size] at cell.sample_rate, beginning at a subframe boundary.

    The ports are apart so that each can go through its own fading. With every element filled the powers of
    the ports sum to 1; a lighter load means less power. generator: torch.Generator, any device.
    """
    return ofdm_modulate(resource_grid(cell, subframes, generator, device, first_subframe), cell)


def ofdm_modulate(grid, cell):
    """complex64 [P, S, L, K] elements to samples [P, S * 15 * fft_size]."""
    slots = grid.unflatten(2, (2, cell.slot_symbols)).flatten(1, 2)
    return ofdm.ofdm_modulate(slots, cell.fft_size, *cell.prefixes, empty_dc=True)
