# SPDX-License-Identifier: GPL-3.0-or-later
"""Fading: delays, powers, antenna correlation and Doppler are what was asked for."""

import pytest
import torch

from wfm_core.synth.channel.fading import fading, frequency_response, random_gains, random_profile, settle_samples


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def noise(*shape):
    return torch.randn(*shape, generator=seeded(), dtype=torch.complex64)


@pytest.mark.parametrize("ports, antennas", [(1, 1), (2, 2), (4, 3)])
def test_shape_and_mean_power(ports, antennas):
    x = noise(300, ports, 1024) / ports**0.5
    rates = torch.linspace(1.92e6, 30.72e6, 300)
    y = fading(x, antennas, rates, seeded())
    assert y.shape == (300, antennas, 1024) and y.dtype == torch.complex64
    assert y.abs().square().mean().item() == pytest.approx(1, rel=0.15)
    assert fading(x[0], antennas, 1.92e6, seeded()).shape == (antennas, 1024)


def test_response_of_whole_sample_delays_is_the_delay_line():
    count, rate = 384, 1e6
    x = noise(2, 1, count)
    gains = torch.tensor([[[[1.0, 0.0, 0.5j]]], [[[0.0, 2.0, 0.0]]]], dtype=torch.complex64)
    delays = torch.tensor([[0, 3, 17], [0, 5, 9]]) / rate
    response = frequency_response(gains, delays, torch.full((2,), rate), count)
    y = torch.fft.ifft(response[:, 0, 0] * torch.fft.fft(x[:, 0]))
    assert torch.allclose(y[0], x[0, 0] + 0.5j * x[0, 0].roll(17), atol=1e-3)
    assert torch.allclose(y[1], 2 * x[1, 0].roll(5), atol=1e-3)


def test_fractional_delay_is_a_linear_phase():
    rate, count = torch.tensor([2e6]), 256
    response = frequency_response(torch.ones(1, 1, 1, 1, dtype=torch.complex64), torch.tensor([[1.25e-7]]), rate, count)
    wanted = torch.exp(-2j * torch.pi * torch.fft.fftfreq(count) * 0.25)
    assert torch.allclose(response[0, 0, 0], wanted, atol=1e-4)


def test_a_length_that_is_no_good_for_the_fft_is_padded():
    x = noise(1, 1, 1000)
    y = fading(x, 1, 1.92e6, seeded(), max_doppler=0.0)
    longer = fading(torch.nn.functional.pad(x, (0, 24)), 1, 1.92e6, seeded(), max_doppler=0.0)
    assert y.shape == (1, 1, 1000)
    assert torch.equal(y, longer[..., :1000])


def test_profiles_have_unit_power_and_bounded_delays():
    delays, powers = random_profile(400, seeded(), "cpu")
    assert torch.allclose(powers.sum(1), torch.ones(400), atol=1e-5)
    assert delays.min() >= 0 and 4e-6 < delays.max() <= 5.0001e-6
    assert settle_samples(1.92e6) >= 5e-6 * 1.92e6


def test_gains_have_unit_power_and_every_degree_of_correlation():
    powers = torch.full((2000, 9), 1 / 9)
    gains = random_gains(powers, 2, 1, seeded(), 0.0)[:, :, 0]
    assert gains.abs().square().sum(-1).mean().item() == pytest.approx(1, rel=0.05)
    inner = (gains[:, 0] * gains[:, 1].conj()).sum(-1).abs()
    norms = gains.abs().square().sum(-1)
    likeness = inner / (norms[:, 0] * norms[:, 1]).sqrt()
    assert (likeness > 0.8).float().mean() > 0.05 and (likeness < 0.3).float().mean() > 0.1


def test_line_of_sight_is_flat():
    powers = torch.full((500, 9), 1 / 9)
    gains = random_gains(powers, 1, 1, seeded(), 1.0)[:, 0, 0]
    share = gains[:, 0].abs().square() / gains.abs().square().sum(-1)
    assert gains.abs().square().sum(-1).mean().item() == pytest.approx(1, rel=0.1)
    assert share.median() > 0.6


def test_doppler_turns_the_phase_linearly():
    """A flat channel (rate far below 1 / delay) shifts a constant by no more than the highest Doppler."""
    x = torch.ones(200, 1, 4096, dtype=torch.complex64)
    still = fading(x, 1, 1e4, seeded(), max_doppler=0.0)
    assert (still - still[..., :1]).abs().max() < 1e-3
    moving = fading(x, 1, 1e4, seeded(), max_doppler=100.0)
    frequency = torch.fft.fftfreq(4096, 1e-4)
    power = torch.fft.fft(moving[:, 0] * torch.hann_window(4096)).abs().square().sum(0)
    assert power[frequency.abs() < 105].sum() / power.sum() > 0.999
    assert power[frequency.abs() > 20].sum() / power.sum() > 0.2


def test_same_seed_same_channel():
    x = noise(4, 2, 512)
    first, again, other = (fading(x, 2, 1.92e6, seeded(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)
