# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of single signals: four views in one sequence."""

import pytest
import torch

from wfm_core.model import ClassHead, EncoderConfig
from wfm_core.model.found import MEASURE_TOKENS, VIEWS, FoundSignalModel, MeasureTokens
from wfm_core.signal.found import IMAGES, IQ_SAMPLES, NUMBERS


@pytest.fixture
def model():
    torch.manual_seed(0)
    config = EncoderConfig(width=32, depth=2, heads=2, mlp_hidden=64)
    return FoundSignalModel(config, IMAGES, NUMBERS, heads={"classification": ClassHead(32, 5)})


def inputs(batch=2):
    return (
        torch.randn(batch, 1, IQ_SAMPLES, dtype=torch.complex64),
        *(torch.randn(batch, *shape) for shape in IMAGES),
        torch.randn(batch, NUMBERS),
    )


@pytest.mark.parametrize(
    ("views", "tokens"),
    [
        (VIEWS, 1 + 80 + 64 + 3 + 4 + MEASURE_TOKENS),
        (("iq", "facts"), 1 + 64 + 3),
        (("image",), 1 + 80),
        (("measures",), 1 + 4 + MEASURE_TOKENS),
        ((), 1),
    ],
)
def test_each_view_is_so_many_tokens(model, views, tokens):
    model.set_views(views)
    assert model.encode(*inputs()).shape == (2, tokens, 32)


def test_every_view_has_a_say(model):
    given = inputs()
    whole = model.encode(*given)[:, 0]
    for place in range(6):
        other = list(given)
        other[place] = other[place] * 0.5 + 1
        assert not torch.allclose(model.encode(*other)[:, 0], whole, atol=1e-4)


def test_measures_are_scaled_by_what_was_seen(model):
    numbers = torch.randn(100, NUMBERS - 3) * 50 + 7
    model.measures.fit(numbers)
    near = MeasureTokens(NUMBERS - 3, 32)
    near.load_state_dict({**model.measures.state_dict(), "mean": near.mean, "deviation": near.deviation})
    scaled = (numbers - numbers.mean(0)) / numbers.std(0)
    torch.testing.assert_close(model.measures(numbers), near(scaled), atol=1e-4, rtol=1e-4)
