# SPDX-License-Identifier: GPL-3.0-or-later
"""Random numbers without a state: a hash of (seed, sample, place), so that a sample draws the same in any batch.

The hash is the output function of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
generators", OOPSLA 2014), chained over the counters. int64 arithmetic wraps alike on every device.
"""

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError

_GOLDEN = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB

ASPECT = 2.25
"""Of a block's two sides, as shares of the rows and of the columns: the most that one is of the other."""
_BLOCKS = 16  # a few are needed; what these leave of a high ratio is hidden at random


def hashed(seed: int, *counters: Tensor) -> Tensor:
    """int64, uniform over all 64 bits, of the counters' common (broadcast) shape: a function of the values alone."""
    # the seed is mixed by itself first: merely combined with an index, two seeds would share their masks
    state = _mix(torch.full((), _signed(seed + _GOLDEN), dtype=torch.int64, device=counters[0].device))
    for counter in counters:
        state = _mix((state ^ counter) + _signed(_GOLDEN))
    return state


def hashed_uniform(seed: int, *counters: Tensor) -> Tensor:
    """float32 in [0, 1), multiples of 2^-24: bit-identical on every device."""
    return unit_interval(hashed(seed, *counters) >> 40)


def unit_interval(bits: Tensor) -> Tensor:
    """The lowest 24 bits of int64 values as float32 in [0, 1)."""
    return (bits & 0xFFFFFF).float() * 2.0**-24


def random_masks(index: Tensor, tokens: int, ratio: float, seed: int) -> Tensor:
    """Masks bool [B, tokens], True = masked, of the samples numbered `index` (int64 [B]).

    Every mask has `round(ratio * tokens)` tokens masked, but at least one masked and one visible. A sample's mask
    depends on its number and the seed only, never on its batch, process or device. Raises `WfmError`.
    """
    if tokens < 2 or not 0 < ratio < 1:
        raise WfmError(
            f"{tokens} tokens masked with ratio {ratio}; expected two tokens or more and a ratio between 0 and 1: "
            "give longer windows or another ratio"
        )
    masked = min(max(round(ratio * tokens), 1), tokens - 1)
    keys = hashed(seed, index.unsqueeze(1), torch.arange(tokens, device=index.device))
    chosen = keys.argsort(dim=1, stable=True)[:, :masked]
    return torch.zeros(keys.shape, dtype=torch.bool, device=index.device).scatter_(1, chosen, True)


def antenna_masks(index: Tensor, tokens: int, antennas: int, seed: int) -> Tensor:
    """Masks bool [B, tokens] that hide one whole antenna of each sample, all of its IQ tokens (antenna-minor).

    Which one depends on the sample's number and the seed only. Raises `WfmError`.
    """
    if antennas < 2 or tokens % antennas:
        raise WfmError(
            f"{tokens} tokens of {antennas} antennas; expected a multiple of two antennas or more, of which one is "
            "hidden: give windows of more antennas, or hide random tokens"
        )
    chosen = (unit_interval(hashed(seed, index) >> 40) * antennas).long()
    return torch.arange(tokens, device=index.device) % antennas == chosen.unsqueeze(1)


def block_masks(
    index: Tensor, grid: tuple[int, int, int], ratio: float, share: tuple[float, float], seed: int
) -> Tensor:
    """Masks bool [B, rows * columns * layers], True = masked, that hide blocks of neighbours, of the samples `index`.

    grid: rows, columns and layers of the tokens, the layers of one place next to each other. An image has rows and
    columns of patches, and its channels as layers where they have tokens of their own; IQ has time steps as rows, one
    column, and its antennas as layers. A block is a rectangle of rows and columns, whose share of them all is uniform
    in `share` and whose sides' shares differ by a factor of `ASPECT` at most; half of the blocks are of all layers, the
    others of some. Blocks are added until `round(ratio * tokens)` tokens are masked, at least one and not all; the last
    one is cut to fit. Which ones depends on a sample's number and the seed only. Raises `WfmError`.
    """
    rows, columns, layers = grid
    tokens = rows * columns * layers
    if tokens < 2 or not 0 < ratio < 1 or not 0 < share[0] <= share[1] <= 1:
        raise WfmError(
            f"{tokens} tokens masked with ratio {ratio} in blocks of {share}; expected two tokens or more, a ratio "
            "between 0 and 1 and shares above 0 up to 1, the lower one first: give longer windows or other shares"
        )
    masked = min(max(round(ratio * tokens), 1), tokens - 1)
    block = torch.arange(_BLOCKS, device=index.device)
    draws = torch.arange(7, device=index.device)
    drawn = hashed_uniform(seed, index.view(-1, 1, 1), block.view(-1, 1), draws)
    area, aspect, top, left, some, kept, cut = drawn.unbind(2)
    area = share[0] + (share[1] - share[0]) * area
    tall = ASPECT ** (aspect - 0.5) if columns > 1 else area.sqrt()
    inside = (
        _stretch(rows, area.sqrt() * tall, top).unsqueeze(3) & _stretch(columns, area.sqrt() / tall, left).unsqueeze(2)
    ).flatten(2)
    layer = torch.arange(layers, device=index.device) + len(draws)
    rank = hashed(seed, index.view(-1, 1, 1), block.view(-1, 1), layer).argsort(dim=2, stable=True).argsort(dim=2)
    count = torch.where(some < 0.5, layers, 1 + (kept * (layers - 1)).long())
    inside = (inside.unsqueeze(3) & (rank < count.unsqueeze(2)).unsqueeze(2)).flatten(2)
    # the number of the first block that a token is in, then its place; tokens in none come last, at random
    first = torch.where(inside.any(1), inside.to(torch.uint8).argmax(1), _BLOCKS)
    place = torch.arange(tokens, device=index.device)
    loose = _shifted(hashed(seed, index.unsqueeze(1), place), 33)
    onwards = cut[:, :1] < 0.5  # from which end the last block is cut
    order = (first << 32) + torch.where(first < _BLOCKS, torch.where(onwards, place, tokens - place), loose)
    chosen = order.argsort(dim=1, stable=True)[:, :masked]
    return torch.zeros(order.shape, dtype=torch.bool, device=index.device).scatter_(1, chosen, True)


def _stretch(length: int, share: Tensor, where: Tensor) -> Tensor:
    """A stretch of about that share of `length` places, at `where` (0 to 1): bool [..., length]. It may begin before
    the first place or end behind the last one, so that each place is hidden as often; one place at least is inside."""
    size = (share * length).round().long().clamp(1, length)
    end = (where * (length + size - 1)).long().unsqueeze(-1)
    place = torch.arange(length, device=share.device)
    return (place <= end) & (place > end - size.unsqueeze(-1))


def _mix(state: Tensor) -> Tensor:
    state = (state ^ _shifted(state, 30)) * _signed(_FIRST)
    state = (state ^ _shifted(state, 27)) * _signed(_SECOND)
    return state ^ _shifted(state, 31)


def _shifted(state: Tensor, bits: int) -> Tensor:
    """Right shift that fills with zeros; int64's own fills with the sign."""
    return (state >> bits) & ((1 << (64 - bits)) - 1)


def _signed(value: int) -> int:
    """The lowest 64 bits of an integer as a signed number."""
    return (value + 2**63) % 2**64 - 2**63
