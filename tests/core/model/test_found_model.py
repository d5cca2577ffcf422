# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of single signals: four views in one sequence."""

import pytest
import torch

from wfm_core.model import ClassHead, EncoderConfig
from wfm_core.model.found import MEASURE_TOKENS, VIEWS, FoundSignalModel, tree_features
from wfm_core.model.measures import MeasureTokens
from wfm_core.model.trees import TreeSizes
from wfm_core.signal.found import IMAGES, IQ_SAMPLES, NUMBERS
from wfm_core.train.signals.starting import listen


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
    near = MeasureTokens(NUMBERS - 3, 32, MEASURE_TOKENS)
    near.load_state_dict({**model.measures.state_dict(), "mean": near.mean, "deviation": near.deviation})
    scaled = (numbers - numbers.mean(0)) / numbers.std(0)
    torch.testing.assert_close(model.measures(numbers), near(scaled), atol=1e-4, rtol=1e-4)


def test_trees_see_where_on_the_axis_the_most_of_each_eighth_is():
    channels, rows, columns = IMAGES[3]
    axis = torch.zeros(1, channels, rows * columns)
    axis[0, 1, 300], axis[0, 1, 1000] = 2.0, 5.0
    # squares of 16x16, line by line: 256 rates one after the other
    rates = axis.unflatten(2, [4, 16, 16]).transpose(2, 3).reshape(1, channels, rows, columns)
    found = tree_features(rates, torch.zeros(1, NUMBERS))[0]
    assert len(found) == NUMBERS + 17 * channels
    most, place = found[NUMBERS : NUMBERS + 40].view(channels, 8), found[NUMBERS + 40 : NUMBERS + 80].view(channels, 8)
    assert most[1].tolist() == [0, 0, 2, 0, 0, 0, 0, 5] and not most[[0, 2, 3, 4]].any()
    assert place[1, 2] * 64 == 300 - 256 and place[1, 7] * 64 == 1000 - 7 * 128
    assert found[NUMBERS + 80 + 1] * 64 == 1000


def test_trees_are_one_more_token_and_speak_for_themselves():
    torch.manual_seed(0)
    config = EncoderConfig(width=32, depth=1, heads=2, mlp_hidden=32)
    heads = {"classification": ClassHead(32, 5)}
    model = FoundSignalModel(config, IMAGES, NUMBERS, heads=heads, trees=TreeSizes(3, 4, 2), classes=5)
    listen(model, "classification")
    given = inputs()
    silent = model.encode(*given)
    assert silent.shape[1] == 1 + 80 + 64 + 3 + 4 + MEASURE_TOKENS + 1
    # one leaf for all: class 2 gains 3 * 0.5
    model.opinion.trees.value.data.view(3, 5, 7)[:, 2, 0] = 2048
    model.opinion.token.weight.data.zero_()
    said = model.heads["classification"](model.encode(*given)[:, 0]) - model.heads["classification"](silent[:, 0])
    changed = model.heads["classification"](model.encode(*given)[:, 0])
    model.opinion.aside.weight.data.zero_()
    before = model.heads["classification"](model.encode(*given)[:, 0])
    torch.testing.assert_close(changed - before, torch.tensor([[0, 0, 1.5, 0, 0]] * 2), atol=1e-3, rtol=0)
    assert said[:, 2].min() > 1
    model.set_views(("iq", "facts"))
    assert model.encode(*given).shape[1] == 1 + 64 + 3
