# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step of pretraining costs."""

import pytest
import torch
from pretrain_recipe import tiny_config

from wfm_core.train.pretrain.compute import step_flops

CAUSES = "objective=causes"
WIDTH, HIDDEN, DEPTH = 32, 64, 2


def test_a_step_costs_what_its_matrix_products_do(tmp_path):
    config = tiny_config(
        tmp_path, CAUSES, "modalities=[iq]", "iq.antennas=[1]", "causes.weights={kinds_at: 0, transmitter: 0}"
    )
    tokens = config.iq.tokens + 1
    linear = DEPTH * (4 * WIDTH**2 + 2 * WIDTH * HIDDEN) * tokens
    attention = DEPTH * 2 * tokens**2 * WIDTH
    projection = 2 / 3 * WIDTH * 32 * config.iq.tokens  # whose input needs no gradient
    expected = 3 * 2 * config.batch * (linear + attention + projection)
    assert step_flops(config) == pytest.approx(expected, rel=0.02), "the heads are small"


def test_modalities_and_windows_add_up(tmp_path):
    both, image, iq = (
        step_flops(tiny_config(tmp_path, CAUSES, f"modalities={names}")) for names in ("[image, iq]", "[image]", "[iq]")
    )
    assert both == pytest.approx(image + iq)
    assert step_flops(tiny_config(tmp_path, CAUSES, "batch=16", "data.windows=32")) == pytest.approx(2 * both)


def test_hidden_tokens_and_a_second_objective_are_counted(tmp_path):
    def cost(objective, *more):
        return step_flops(tiny_config(tmp_path, f"objective={objective}", *more))

    causes, masked = cost("causes"), cost("masked")
    assert cost("{masked: 1, causes: 0.5}") == pytest.approx(causes + masked)
    few = ["mask_ratio={image: 0.2, iq: 0.2}"]
    assert masked < cost("masked", *few)
    assert cost("predictive") > 0 and cost("contrastive", "modalities=[iq]") > 0


def test_the_mean_is_over_the_shapes_and_nothing_random_is_used_up(tmp_path):
    one, three = (
        tiny_config(tmp_path, "modalities=[image]", f"image.channels={channels}") for channels in ("[1]", "[3]")
    )
    mixed = tiny_config(tmp_path, "modalities=[image]", "image.channels=[1, 3]")
    state = torch.get_rng_state()
    assert step_flops(mixed) == pytest.approx((step_flops(one) + step_flops(three)) / 2)
    assert torch.equal(torch.get_rng_state(), state)
