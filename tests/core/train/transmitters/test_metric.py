# SPDX-License-Identifier: GPL-3.0-or-later
"""Fisher's discriminant on clouds whose best direction is known."""

import torch

from wfm_core.train.transmitters.metric import MOST, fisher


def clouds(episodes: int = 6, devices: int = 20, windows: int = 30) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Devices differ by 3 in the first of four numbers, by 1 in the second, not in the others; windows vary by 1, but
    by 10 in the third. Episodes are far apart in the last."""
    generator = torch.Generator().manual_seed(1)
    found = []
    for episode in range(episodes):
        device = torch.arange(devices).repeat(windows)
        own = torch.randn(devices, 4, generator=generator) * torch.tensor([3.0, 1.0, 0.0, 0.0])
        spread = torch.randn(len(device), 4, generator=generator) * torch.tensor([1.0, 1.0, 10.0, 1.0])
        found.append((own[device] + spread + torch.tensor([0.0, 0.0, 0.0, 50.0 * episode]), device))
    return found


def test_the_best_directions_come_first():
    _, deviation, projection = fisher(clouds(), 2, 1e-6)
    assert projection.shape == (2, 4)
    assert (projection / deviation).abs().argmax(1).tolist() == [0, 1]


def test_a_device_varies_by_one_in_each_direction():
    mean, deviation, projection = fisher(clouds(), 3, 1e-6)
    numbers, device = clouds()[0]
    seen = ((numbers - mean) / deviation).clamp(-MOST, MOST) @ projection.T
    own = torch.stack([seen[device == one].mean(0) for one in range(20)])
    within = (seen - own[device]).square().sum(0) / (len(seen) - 20)
    torch.testing.assert_close(within, torch.ones(3), rtol=0.15, atol=0.0)


def test_what_tells_episodes_apart_tells_no_devices_apart():
    _, deviation, projection = fisher(clouds(), 2, 1e-6)
    told = (projection / deviation).abs()
    assert told[:, 3].max() < 0.2 * told.max()


def test_one_window_far_out_changes_little():
    far = clouds()
    far[0][0][0, 0] = 20.0
    (_, scale, one), (_, _, other) = fisher(clouds(), 1, 1e-6), fisher(far, 1, 1e-6)
    torch.testing.assert_close((other / scale).abs(), (one / scale).abs(), rtol=0.05, atol=0.02)


def test_devices_may_have_any_numbers():
    told = [(numbers, device * 7 + 3) for numbers, device in clouds()]
    torch.testing.assert_close(fisher(told, 2, 1e-3)[2].abs(), fisher(clouds(), 2, 1e-3)[2].abs())
