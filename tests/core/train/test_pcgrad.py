# SPDX-License-Identifier: GPL-3.0-or-later
"""PCGrad: the modalities' gradients of the shared encoder do not work against each other."""

import pytest
import torch
from pretrain_recipe import fresh_training, tiny_config

from wfm_core.train.pcgrad import without_conflict

SETTINGS = {"image": {"signal": {"kind": "iq_rms"}}, "iq": {"signal": {"kind": "iq_rms"}}}
INDEX = torch.arange(8)

pytestmark = pytest.mark.filterwarnings("ignore:You are trying to `self.log")


def test_gradients_that_conflict_are_projected_before_the_mean():
    generator = torch.Generator().manual_seed(1)
    one = torch.randn(50, generator=generator)
    other = torch.randn(50, generator=generator) - 0.5 * one
    assert torch.dot(one, other) < 0
    mean = without_conflict(one, other)
    left = one - torch.dot(one, other) / torch.dot(other, other) * other
    right = other - torch.dot(one, other) / torch.dot(one, one) * one
    torch.testing.assert_close(mean, (left + right) / 2)
    assert torch.dot(mean, one) > 0 and torch.dot(mean, other) > 0
    torch.testing.assert_close(torch.dot(left, other), torch.tensor(0.0), atol=1e-4, rtol=0)


def test_a_small_gradient_is_not_undone_by_a_large_one():
    small, large = torch.tensor([1.0, 0.2]), torch.tensor([-100.0, 5.0])
    assert torch.dot(small + large, small) < 0 < torch.dot(without_conflict(small, large), small)


def test_gradients_that_agree_have_their_mean():
    one, other = torch.tensor([1.0, 2.0]), torch.tensor([3.0, -1.0])
    torch.testing.assert_close(without_conflict(one, other), torch.tensor([2.0, 0.5]))
    torch.testing.assert_close(without_conflict(one, torch.zeros(2)), one / 2)


def windows():
    generator = torch.Generator().manual_seed(3)
    image = torch.randn(8, 1, 32, 32, generator=generator)
    return {"image": image, "iq": torch.randn(8, 2, 128, dtype=torch.complex64, generator=generator)}


def gradients(training):
    taken = {name: p.grad.clone() for name, p in training.named_parameters() if p.grad is not None}
    training.zero_grad()
    return taken


@pytest.fixture(params=["conflict", "agreement"])
def step(request, tmp_path):
    """A training module with pcgrad, and each modality's own gradients, whose encoder parts conflict or agree."""
    training = fresh_training(tiny_config(tmp_path, "pcgrad=true", "spectrum_weight=0.5"), SETTINGS)
    shared = {name for name, p in training.named_parameters() if any(p is one for one in training.shared)}
    plain = training.by_modality

    def apart(sign):
        parts = []
        for modality in ("image", "iq"):
            losses = plain(training.losses(windows(), INDEX, training.config.seed))
            ((sign if modality == "iq" else 1) * losses[modality]).backward()
            parts.append(gradients(training))
        return parts

    product = sum(torch.sum(apart(1)[0][name] * apart(1)[1][name]) for name in shared)
    sign = -1 if (product > 0) == (request.param == "conflict") else 1
    training.by_modality = lambda losses: {"image": plain(losses)["image"], "iq": sign * plain(losses)["iq"]}
    return training, shared, apart(sign), request.param


def test_the_encoder_has_what_is_left_and_all_else_the_sum(step):
    training, shared, (image, iq), kind = step
    assert {"autoencoder.model.cls_token", "autoencoder.model.encoder.norm.bias"} <= shared
    assert not any("decoder" in name or "projection" in name for name in shared)
    training.backward(training.training_step((windows(), INDEX), 0))
    seen = gradients(training)
    assert set(seen) == set(image) | set(iq)
    names = sorted(shared)
    one, other = (torch.cat([part[name].flatten() for name in names]) for part in (image, iq))
    assert (torch.dot(one, other) < 0) == (kind == "conflict")
    flat = torch.cat([seen[name].flatten() for name in names])
    torch.testing.assert_close(flat, without_conflict(one, other), rtol=1e-4, atol=1e-6)
    assert torch.dot(flat, one) > 0 and torch.dot(flat, other) > 0
    for name in set(seen) - shared:
        expected = sum(part[name] for part in (image, iq) if name in part)
        torch.testing.assert_close(seen[name], expected, rtol=1e-4, atol=1e-6, msg=name)


def test_in_bfloat16_the_gradients_are_float32_and_nearly_the_same(step):
    training, shared, *_ = step
    training.backward(training.training_step((windows(), INDEX), 0))
    exact = gradients(training)
    with torch.autocast("cpu", torch.bfloat16):
        loss = training.training_step((windows(), INDEX), 0)
    training.backward(loss)
    rough = gradients(training)
    assert {gradient.dtype for gradient in rough.values()} == {torch.float32}
    one, other = (torch.cat([part[name].flatten() for name in sorted(shared)]) for part in (exact, rough))
    assert torch.nn.functional.cosine_similarity(one, other, dim=0) > 0.99


def test_a_step_of_one_modality_has_its_gradient(step):
    training, *_ = step
    training.by_modality = lambda losses: losses
    training.backward(training.training_step(({"image": windows()["image"]}, INDEX), 0))
    seen = gradients(training)
    training.losses({"image": windows()["image"]}, INDEX, training.config.seed)["image"].backward()
    for name, expected in gradients(training).items():
        torch.testing.assert_close(seen[name], expected, msg=name)
