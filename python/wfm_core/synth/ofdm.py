# SPDX-License-Identifier: GPL-3.0-or-later
"""OFDM with cyclic prefixes, as LTE (TS 36.211 6.12) and 5G NR (TS 38.211 5.3.1) have it."""

from collections.abc import Sequence

import torch

from wfm_core.synth.draws import uniform
from wfm_core.synth.modulation import qam

CHUNK = 1 << 17  # elements


def ofdm_modulate(grid: torch.Tensor, size: int, first: int, other: int, empty_dc: bool) -> torch.Tensor:
    """complex64 [..., n, symbols, K] elements, lowest frequency first, to samples [..., n * period].

    Transforms of `size` samples; of each `symbols` symbols the first has a prefix of `first` samples, the others one
    of `other`. With `empty_dc` the subcarrier at 0 Hz lies between the elements. Elements of unit power make samples
    of unit power.
    """
    *lead, periods, symbols, width = grid.shape
    half, above = width // 2, int(empty_dc)
    begin = size + first
    out = grid.new_empty(*lead, periods, begin + (symbols - 1) * (size + other))
    # Few periods at a time, so that what lies between grid and samples stays in the cache.
    step = max(1, CHUNK // (grid[..., 0, :, 0].numel() * size))
    for place in range(0, periods, step):
        part = grid[..., place : place + step, :, :]
        spectrum = grid.new_zeros(*part.shape[:-1], size)
        # Scaling here keeps the transform unscaled: mean |x|^2 is then the mean power of the K elements.
        torch.mul(part[..., half:], width**-0.5, out=spectrum[..., above : half + above])
        torch.mul(part[..., :half], width**-0.5, out=spectrum[..., size - half :])
        body = torch.fft.ifft(spectrum, norm="forward")
        samples = out[..., place : place + step, :]
        samples[..., :first] = body[..., 0, size - first :]
        samples[..., first:begin] = body[..., 0, :]
        rest = samples[..., begin:].unflatten(-1, (symbols - 1, other + size))
        rest[..., :other] = body[..., 1:, size - other :]
        rest[..., other:] = body[..., 1:, :]
    return out.flatten(-2)


def user_symbols(
    users: int, bits: Sequence[int], shares: Sequence[float], spread_db: float, generator: torch.Generator
) -> torch.Tensor:
    """complex64 [users, 256] on the CPU: what each of them sends for each byte.

    A user has the square constellation of one of `bits`, drawn with the chances `shares`, at a power within `spread_db`
    dB of 1.
    """
    drawn = torch.multinomial(
        torch.tensor(shares, device=generator.device), users, replacement=True, generator=generator
    )
    amplitudes = 10 ** (uniform((users, 1), -spread_db, spread_db, generator) / 20)
    constellations = torch.stack([qam(number).repeat(256 >> number) for number in bits])
    return constellations[drawn.cpu()] * amplitudes.cpu()
