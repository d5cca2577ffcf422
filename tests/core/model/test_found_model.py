# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of single signals: three views in one sequence."""

import pytest
import torch

from wfm_core.model import ClassHead, EncoderConfig
from wfm_core.model.found import VIEWS, FoundSignalModel
from wfm_core.signal.found import IMAGES, IQ_SAMPLES


@pytest.fixture
def model():
    torch.manual_seed(0)
    config = EncoderConfig(width=32, depth=2, heads=2, mlp_hidden=64)
    return FoundSignalModel(config, IMAGES, heads={"classification": ClassHead(32, 5)})


def inputs(batch=2):
    return (
        torch.randn(batch, 1, IQ_SAMPLES, dtype=torch.complex64),
        *(torch.randn(batch, *shape) for shape in IMAGES),
        torch.randn(batch, 3),
    )


@pytest.mark.parametrize(
    ("views", "tokens"), [(VIEWS, 1 + 80 + 64 + 3), (("iq", "facts"), 1 + 64 + 3), (("image",), 1 + 80), ((), 1)]
)
def test_each_view_is_so_many_tokens(model, views, tokens):
    model.set_views(views)
    assert model.encode(*inputs()).shape == (2, tokens, 32)


def test_every_view_has_a_say(model):
    given = inputs()
    whole = model.encode(*given)[:, 0]
    for place in range(5):
        other = list(given)
        other[place] = other[place] * 0.5 + 1
        assert not torch.allclose(model.encode(*other)[:, 0], whole, atol=1e-4)
