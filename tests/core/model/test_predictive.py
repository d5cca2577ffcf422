# SPDX-License-Identifier: GPL-3.0-or-later
"""Prediction of a teacher's outputs: what the student sees, what the teacher is, what is to be predicted."""

import pytest
import torch
from torch.nn import functional

from wfm_core.model import EncoderConfig, ImageTokens, IqTokens, WirelessModel
from wfm_core.model.masking import random_masks
from wfm_core.model.predictive import PredictiveModel, spread

WIDTH, NARROW = 16, 8


@pytest.fixture
def predictive():
    torch.manual_seed(1)
    model = WirelessModel(EncoderConfig(WIDTH, 1, 2, 32), ImageTokens(WIDTH, 1, size=(32, 48)), IqTokens(WIDTH, 3))
    return PredictiveModel(model, EncoderConfig(NARROW, 1, 2, 16)).double()


def batch(modality, count=3):
    """Windows of 6 tokens, and masks of 4."""
    x = torch.randn(count, 1, 32, 48) if modality == "image" else torch.randn(count, 2, 48, dtype=torch.complex64)
    x = x.to(torch.float64 if modality == "image" else torch.complex128)
    return x, random_masks(torch.arange(count), 6, 0.7, 3)


def changed_where(mask, modality, x):
    """The windows with other values in all tokens where the mask is true."""
    other = torch.randn_like(x)
    if modality == "iq":  # time-major, antenna-minor
        place = mask.unflatten(1, (3, 2)).transpose(1, 2).repeat_interleave(16, 2)
    else:
        place = mask.unflatten(1, (1, 2, 3)).repeat_interleave(16, 2).repeat_interleave(16, 3)
    return torch.where(place, other, x)


@pytest.mark.parametrize("modality", ["image", "iq"])
def test_nothing_of_a_hidden_token_reaches_the_student(predictive, modality):
    x, mask = batch(modality)
    hidden, predicted = predictive.predict(modality, x, mask)
    assert torch.equal(hidden, mask.nonzero()[:, 1].view(3, -1)) and predicted.shape == (3, 4, WIDTH)
    assert torch.equal(predictive.predict(modality, changed_where(mask, modality, x), mask)[1], predicted)
    seen = predictive.predict(modality, changed_where(~mask, modality, x), mask)[1]
    assert (seen - predicted).abs().amax(2).min() > 1e-6, "and all that is visible does"
    teacher = predictive.outputs(modality, x)
    assert not torch.allclose(predictive.outputs(modality, changed_where(mask, modality, x)), teacher)


@pytest.mark.parametrize("modality", ["image", "iq"])
def test_a_prediction_is_its_definition(predictive, modality):
    """One window at a time, with all tokens in the order of their places."""
    x, mask = batch(modality)
    _, predicted = predictive.predict(modality, x, mask)
    model, tokens = predictive.model, getattr(predictive.model, modality)
    places = predictive.to_place(tokens.places(x))
    for window, hidden, seen in zip(x, mask, predicted, strict=True):
        encoded = predictive.to_predictor(model.encode(tokens(window[None])[:, ~hidden]))[0]
        sequence = predictive.mask_token[0] + places
        sequence[~hidden] = encoded[1:] + places[~hidden]
        decoded = predictive.predictor(torch.cat([encoded[:1], sequence])[None])[0, 1:]
        torch.testing.assert_close(seen.double(), predictive.from_predictor(decoded[hidden]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("modality", ["image", "iq"])
def test_outputs_are_the_teacher_s_and_normalised(predictive, modality):
    x, _ = batch(modality)
    with torch.no_grad():
        for weight in predictive.teacher.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    encode = predictive.teacher.encode_image if modality == "image" else predictive.teacher.encode_iq
    outputs = predictive.outputs(modality, x)
    assert not outputs.requires_grad and outputs.dtype == torch.float32
    torch.testing.assert_close(outputs, functional.layer_norm(encode(x)[:, 1:], (WIDTH,)).float())
    torch.testing.assert_close(outputs.mean(2), torch.zeros(3, 6), rtol=0, atol=1e-5)
    torch.testing.assert_close(outputs.var(2, correction=0), torch.ones(3, 6), rtol=0, atol=1e-3)


@torch.no_grad()
def test_the_teacher_is_the_average_of_what_the_student_was(predictive):
    expected = {name: weight.clone() for name, weight in predictive.model.named_parameters()}
    for decay in (0.9, 0.5, 0.99):
        for weight in predictive.model.parameters():
            weight.add_(torch.randn_like(weight))
        predictive.follow(decay)
        for name, weight in predictive.model.named_parameters():
            expected[name] = decay * expected[name] + (1 - decay) * weight
    for name, weight in predictive.teacher.named_parameters():
        torch.testing.assert_close(weight, expected[name])
        assert not weight.requires_grad
    predictive.begin()
    for name, weight in predictive.teacher.named_parameters():
        assert torch.equal(weight, dict(predictive.model.named_parameters())[name])


def test_the_spread_is_0_where_all_windows_look_alike_and_1_at_most():
    outputs = functional.layer_norm(torch.randn(64, 5, 32), (32,))
    assert spread(outputs[:1].expand(64, -1, -1)) == 0
    assert 0.9 < spread(outputs) < 1
