# SPDX-License-Identifier: GPL-3.0-or-later
"""Every token's pixels lie where its patch was."""

import torch

from wfm_core.model import GridHead, padded


def test_a_token_answers_for_its_own_patch():
    head, tokens = GridHead(8, 2, (30, 40)), torch.zeros(1, 1 + 2 * 3, 8)
    with torch.no_grad():
        head.linear.bias.zero_()
        blank = head(tokens)
        tokens[0, 1 + 4] = 1  # second row, second column
        answer = head(tokens)
    assert padded((30, 40)) == (32, 48) and answer.shape == (1, 2, 30, 40) and blank.abs().max() == 0
    assert answer[:, :, 16:30, 16:32].abs().min() > 0
    answer[:, :, 16:30, 16:32] = 0
    assert answer.abs().max() == 0


def test_pixels_are_in_the_order_of_rows_and_columns():
    head = GridHead(1, 3, (16, 16))
    with torch.no_grad():
        head.linear.weight.copy_(torch.arange(3.0 * 256)[:, None])
        answer = torch.jit.script(head)(torch.ones(1, 2, 1))
    torch.testing.assert_close(answer[0], torch.arange(3.0 * 256).view(3, 16, 16))


def test_tokens_of_one_place_are_seen_together():
    """Channels that have tokens of their own are next to each other."""
    head, tokens = GridHead(4, 1, (16, 32), channels=2), torch.zeros(1, 1 + 2 * 2, 4)
    tokens[0, 1 + 2 : 1 + 4] = 1
    answer = head(tokens)
    assert head.linear.in_features == 8
    assert answer[..., 16:].abs().min() > 0 and answer[..., :16].abs().max() == 0
