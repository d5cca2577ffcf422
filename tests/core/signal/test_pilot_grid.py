# SPDX-License-Identifier: GPL-3.0-or-later
"""Pilots to the whole grid: exact where the channel is linear, at the pilots' level, in whole patches."""

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.signal import build_preprocessor

SETTINGS = {"kind": "pilot_grid", "grid": [20, 14], "subcarriers": [0, 4, 8, 12, 16], "symbols": [2, 7, 11]}


def test_what_is_linear_is_met_and_stays_beyond_the_last_pilots():
    rows, columns = torch.arange(20.0)[:, None], torch.arange(14.0)
    whole = torch.stack([3 + 0.5 * rows + 0 * columns, 1 - 0.2 * columns + 0.1 * rows])[None]
    pilots = whole[:, :, SETTINGS["subcarriers"]][..., SETTINGS["symbols"]]
    grid = build_preprocessor(SETTINGS)
    image, level = grid(pilots), grid.level(pilots)
    assert image.shape == (1, 2, 32, 16) and image[:, :, 20:].abs().max() == 0 == image[..., 14:].abs().max()
    complex_pilots = torch.complex(pilots[:, 0], pilots[:, 1])
    assert level.item() == pytest.approx(complex_pilots.abs().square().mean().sqrt().item(), rel=1e-6)
    torch.testing.assert_close((image * level)[..., :17, 2:12], whole[..., :17, 2:12])
    torch.testing.assert_close((image * level)[..., 16:20, 5], whole[..., 16:17, 5].expand(-1, -1, 4))
    torch.testing.assert_close(image[..., :20, 0], image[..., :20, 2])


def test_a_scripted_one_gives_the_same_at_any_level():
    pilots = torch.randn(3, 4, 5, 3, generator=torch.Generator().manual_seed(1))
    grid = build_preprocessor(SETTINGS)
    torch.testing.assert_close(torch.jit.script(grid)(1e-4 * pilots), grid(pilots))
    assert grid(torch.zeros(1, 2, 5, 3)).isfinite().all()


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"grid": [20]}, "subcarriers and symbols"),
        ({"grid": [4096, 4096]}, "65536 cells at most"),
        ({"symbols": [2, 14]}, "numbers from 0 to 13"),
        ({"subcarriers": [4, 4]}, "rising order"),
        ({"subcarriers": []}, "rising order"),
    ],
)
def test_grids_that_cannot_be_are_named(changes, said):
    with pytest.raises(WfmError, match=said):
        build_preprocessor({**SETTINGS, **changes})


def test_pilots_of_another_grid_are_refused():
    with pytest.raises(ValueError, match="5 subcarriers, 3 symbols"):
        build_preprocessor(SETTINGS)(torch.zeros(1, 2, 5, 4))
