# SPDX-License-Identifier: GPL-3.0-or-later
"""The learning rate: up, down a cosine to its floor, and where a run that goes on is made longer."""

import pytest
import torch

from wfm_core.train.fitting import fit
from wfm_core.train.optimizers import warm_up_and_cosine


def scheduled(steps, rates=(1.0,), warmup=4, floor=0.0):
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates]
    optimizer = torch.optim.AdamW(groups)
    return optimizer, warm_up_and_cosine(optimizer, warmup, steps, floor)


def rates(optimizer, schedule, steps):
    seen = []
    for _ in range(steps):
        seen.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    return torch.tensor(seen)


def test_the_rate_rises_evenly_and_falls_to_each_group_s_own_floor():
    seen = rates(*scheduled(24, rates=(1.0, 0.01), floor=0.1), 40)
    assert torch.allclose(seen[:, 1], 0.01 * seen[:, 0])
    one = seen[:, 0]
    assert one[:4].tolist() == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert float(one[14]) == pytest.approx(0.55), "half of the way down"
    assert torch.all(one[4:24].diff() < 0) and torch.all(one[24:] == one[24]) and float(one[24]) == pytest.approx(0.1)


def test_a_longer_run_that_goes_on_has_the_rate_of_its_new_length():
    optimizer, schedule = scheduled(10)
    rates(optimizer, schedule, 10)
    longer, its_schedule = scheduled(20)
    longer.load_state_dict(optimizer.state_dict())
    its_schedule.load_state_dict(schedule.state_dict())
    expected = rates(*scheduled(20), 20)[11:]
    assert torch.allclose(rates(longer, its_schedule, 10)[1:], expected)


def test_the_plain_loop_follows_the_schedule_and_clips():
    weight, seen = torch.nn.Parameter(torch.zeros(2)), []

    def loss(rows):
        seen.append(rows.tolist())
        return 1e6 * (weight - rows.float().mean()).square().sum()

    batches = [torch.tensor([3]), torch.tensor([2, 4])] * 100
    fit([{"params": [weight], "weight_decay": 0.0}], loss, batches, 0.1, warmup=10, gradient_clip=1.0)
    assert seen[:3] == [[3], [2, 4], [3]] and len(seen) == 200
    assert weight.tolist() == pytest.approx([3, 3], abs=0.1)
    assert float(weight.grad.norm()) <= 1.001
