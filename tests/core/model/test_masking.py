# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks: exact counts, one mask per sample whatever the batch, and the published SplitMix64."""

import math

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.model import random_masks
from wfm_core.model.masking import antenna_masks, block_masks, hashed, hashed_uniform


def splitmix64(state: int) -> int:
    """One output of SplitMix64 from a state, in unbounded integers."""
    state = (state + 0x9E3779B97F4A7C15) % 2**64
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB % 2**64
    return state ^ (state >> 31)


def direct_hash(seed: int, *counters: int) -> int:
    state = splitmix64(seed % 2**64)
    for counter in counters:
        state = splitmix64(state ^ (counter % 2**64))
    return state


def test_the_direct_definition_gives_the_published_numbers():
    assert splitmix64(0) == 0xE220A8397B1DCDAF
    assert splitmix64(1234567) == 6457827717110365317


@pytest.mark.parametrize("seed", [0, 1, -5, 2**63 + 11])
def test_the_hash_is_its_definition(seed):
    index, place = [0, 1, 2**62 + 3, -4], [0, 7, 2**40]
    seen = hashed(seed, torch.tensor(index)[:, None], torch.tensor(place))
    assert [[value % 2**64 for value in row] for row in seen.tolist()] == [
        [direct_hash(seed, i, j) for j in place] for i in index
    ]


def test_uniform_numbers_fill_the_unit_interval():
    values = hashed_uniform(3, torch.arange(100_000)).double()
    assert 0 <= values.min() < 1e-3 and 1 - 1e-3 < values.max() < 1
    counts = torch.histc(values, 16, 0, 1)
    assert ((counts - 6250).abs() < 5 * 6250**0.5).all()


def test_a_mask_hides_the_tokens_of_the_smallest_hashes():
    masks = random_masks(torch.tensor([5, 900]), tokens=10, ratio=0.7, seed=8)
    for row, sample in enumerate((5, 900)):
        keys = [(hashed(8, torch.tensor(sample), torch.tensor(token)).item(), token) for token in range(10)]
        assert masks[row].nonzero().flatten().tolist() == sorted(token for _, token in sorted(keys)[:7])


@pytest.mark.parametrize(
    ("tokens", "ratio", "masked"),
    [(196, 0.7, 137), (256, 0.7, 179), (64, 0.75, 48), (2, 0.01, 1), (2, 0.99, 1), (5, 0.95, 4)],
)
def test_exactly_so_many_tokens_are_masked(tokens, ratio, masked):
    masks = random_masks(torch.arange(50), tokens, ratio, seed=1)
    assert masks.shape == (50, tokens) and masks.dtype == torch.bool
    assert masks.sum(1).tolist() == [masked] * 50


def test_a_sample_has_one_mask_in_every_batch():
    together = random_masks(torch.arange(1000, 1064), 196, 0.7, seed=4)
    shuffled = torch.randperm(64, generator=torch.Generator().manual_seed(1))
    assert torch.equal(random_masks(1000 + shuffled, 196, 0.7, seed=4), together[shuffled])
    assert torch.equal(random_masks(torch.tensor([1017]), 196, 0.7, seed=4)[0], together[17])


def test_masks_differ_between_samples_and_between_seeds():
    index = torch.arange(64)
    first, second = (random_masks(index, 196, 0.7, seed) for seed in (4, 5))
    masks = torch.cat([first, second])
    assert len(masks.unique(dim=0)) == 128  # also: no sample of one seed has the mask of another sample of the other


def test_every_token_is_masked_equally_often():
    masks = random_masks(torch.arange(4000), 100, 0.7, seed=2).double()
    assert (masks.mean(0) - 0.7).abs().max() < 5 * (0.7 * 0.3 / 4000) ** 0.5
    together = (masks[:, 0] * masks[:, 1]).mean()
    assert abs(together - 0.7 * 69 / 99) < 5 * 0.5 / 4000**0.5  # neighbours are drawn without replacement


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_gives_the_same_masks():
    index = torch.arange(64) * 7919
    assert torch.equal(random_masks(index.cuda(), 196, 0.7, 4).cpu(), random_masks(index, 196, 0.7, 4))


@pytest.mark.parametrize(("tokens", "ratio"), [(1, 0.7), (0, 0.7), (16, 0.0), (16, 1.0), (16, 1.5)])
def test_impossible_masks_are_refused(tokens, ratio):
    with pytest.raises(WfmError, match="expected two tokens or more"):
        random_masks(torch.arange(2), tokens, ratio, seed=1)


def test_a_hidden_antenna_is_a_function_of_the_sample_s_number():
    masks = antenna_masks(torch.arange(900), tokens=12, antennas=3, seed=5)
    steps = masks.unflatten(1, (4, 3))
    assert (steps == steps[:, :1]).all() and (steps[:, 0].sum(1) == 1).all()
    assert ((steps[:, 0].sum(0) - 300).abs() < 5 * 200**0.5).all()
    assert torch.equal(antenna_masks(torch.tensor([17, 3]), 12, 3, seed=5), masks[[17, 3]])
    assert not torch.equal(antenna_masks(torch.arange(900), 12, 3, seed=6), masks)


@pytest.mark.parametrize(("tokens", "antennas"), [(12, 1), (12, 5), (12, 0)])
def test_no_antenna_is_hidden_where_there_is_but_one(tokens, antennas):
    with pytest.raises(WfmError, match="expected a multiple of two antennas or more"):
        antenna_masks(torch.arange(2), tokens, antennas, seed=1)


BLOCKS = (0.15, 0.3)
GRIDS = [(14, 14, 1), (2, 16, 3), (32, 1, 4), (128, 1, 1), (1, 2, 1)]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("ratio", [0.3, 0.7, 0.95])
def test_blocks_hide_exactly_so_many_tokens_of_a_sample_in_any_batch(grid, ratio):
    tokens = math.prod(grid)
    masks = block_masks(torch.arange(40), grid, ratio, BLOCKS, seed=3)
    assert masks.shape == (40, tokens) and masks.dtype == torch.bool
    assert masks.sum(1).tolist() == [min(max(round(ratio * tokens), 1), tokens - 1)] * 40
    assert torch.equal(block_masks(torch.tensor([17, 3]), grid, ratio, BLOCKS, seed=3), masks[[17, 3]])
    if tokens > 2:
        assert not torch.equal(block_masks(torch.arange(40), grid, ratio, BLOCKS, seed=4), masks)


@pytest.mark.parametrize("grid", GRIDS[:3])
def test_every_place_is_hidden_about_as_often(grid):
    masks = block_masks(torch.arange(1000), grid, 0.6, BLOCKS, seed=3).double()
    assert (masks.mean(0) - 0.6).abs().max() < 0.17
    layers = masks.unflatten(1, grid).mean((0, 1, 2))
    assert (layers - 0.6).abs().max() < 0.03


def test_what_is_hidden_is_blocks():
    """Neighbours are of one kind far more often than where tokens are hidden at random."""
    index, places = torch.arange(300), (14, 14)
    blocks = block_masks(index, (*places, 1), 0.6, BLOCKS, seed=3).unflatten(1, places)
    single = random_masks(index, 196, 0.6, seed=3).unflatten(1, places)
    for axis, low in ((1, 0.8), (2, 0.85)):
        alike = [1 - masks.diff(dim=axis).double().mean().item() for masks in (blocks, single)]
        assert alike[0] > low and abs(alike[1] - 0.52) < 0.02


def test_one_block_is_a_stretch_of_time_of_all_antennas_or_of_some():
    masks = block_masks(torch.arange(200), (64, 1, 4), 0.02, (0.3, 0.5), seed=1).unflatten(1, (64, 4))
    antennas = masks.any(1).sum(1)
    assert set(antennas.tolist()) == {1, 2, 3, 4} and 60 < (antennas == 4).sum() < 140
    times = [window.any(1).nonzero().flatten() for window in masks]
    gaps = sum(int(place[-1] - place[0]) != len(place) - 1 for place in times)
    assert gaps < 20, "but where the first block is mostly outside of the window"


@pytest.mark.parametrize(
    ("grid", "ratio", "share"),
    [((1, 1, 1), 0.7, BLOCKS), ((4, 4, 1), 1.0, BLOCKS), ((4, 4, 1), 0.7, (0.5, 0.2)), ((4, 4, 1), 0.7, (0.0, 0.2))],
)
def test_impossible_blocks_are_refused(grid, ratio, share):
    with pytest.raises(WfmError, match="expected two tokens or more"):
        block_masks(torch.arange(2), grid, ratio, share, seed=1)
