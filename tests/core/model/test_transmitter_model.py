# SPDX-License-Identifier: GPL-3.0-or-later
"""From numbers to an embedding of a transmitter: pieces that count, and the carrier's offset, which can be left out."""

import pytest
import torch

from wfm_core.model.measures import WINDOW_MEASURES
from wfm_core.model.transmitter import (
    ANGLES,
    FLAWS,
    NUMBERS,
    OFFSETS,
    SIZE,
    WAVES,
    TransmitterModel,
    measured,
)

WIDTH = 10


def model(carrier_offset: bool = True) -> TransmitterModel:
    made = TransmitterModel(WIDTH, carrier_offset)
    generator = torch.Generator().manual_seed(1)
    made.projection.data = torch.randn(made.projection.shape, generator=generator)
    return made


def test_numbers_of_the_carrier_come_last():
    flaws = torch.arange(FLAWS + OFFSETS).float()[None]
    numbers = measured(torch.ones(1, 1, 1024, dtype=torch.complex64), flaws)
    assert numbers.shape == (1, NUMBERS) and NUMBERS == FLAWS + WINDOW_MEASURES + OFFSETS
    assert numbers[0, -OFFSETS:].tolist() == [FLAWS, FLAWS + 1]


def test_what_is_far_out_is_drawn_in():
    made = model()
    numbers = torch.zeros(1, NUMBERS)
    far, further = numbers.clone(), numbers.clone()
    far[0, 3], further[0, 3] = 5.0, 500.0
    assert torch.equal(made.project(far), made.project(further))


def test_the_offset_is_an_angle_of_bounded_size_or_left_out():
    numbers = torch.zeros(3, NUMBERS)
    numbers[:, -2] = torch.tensor([0.0, 0.0001, 0.4])
    here, near, far = model().project(numbers)[:, -ANGLES:]
    assert float((near - here).norm()) == pytest.approx(SIZE * 2 * torch.pi * 0.0001 / WAVES[0], rel=0.05)
    assert 1 < (far - here).norm() <= 2 * SIZE * len(WAVES) ** 0.5
    assert not model(carrier_offset=False).project(numbers)[:, -ANGLES:].any()


def test_pieces_are_averaged_by_weight():
    made = model()
    pieces = torch.randn(4, 1, 2048, dtype=torch.complex64)
    flaws = torch.randn(4, FLAWS + OFFSETS)
    every = made.project(measured(pieces, flaws))
    whole = made.encode(pieces, flaws, torch.tensor([[1.0, 1.0, 2.0, 0.0]]))
    assert whole.shape == (1, 1, WIDTH)
    torch.testing.assert_close(whole[0, 0], (every[0] + every[1] + 2 * every[2]) / 4)


def test_torchscript_gives_the_same():
    made = model()
    pieces, flaws = torch.randn(2, 1, 2048, dtype=torch.complex64), torch.randn(2, FLAWS + OFFSETS)
    compiled = torch.jit.script(made)
    torch.testing.assert_close(
        compiled.encode(pieces, flaws, torch.ones(1, 2)), made.encode(pieces, flaws, torch.ones(1, 2))
    )
