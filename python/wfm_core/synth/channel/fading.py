# SPDX-License-Identifier: GPL-3.0-or-later
"""Multi-antenna fading: a tapped delay line per window, applied as a batch in the frequency domain."""

import torch
from scipy.fft import next_fast_len
from torch.nn.utils.rnn import pad_sequence

from wfm_core.synth.draws import complex_normal, log_uniform, uniform

# Delay in ns, mean power in dB of each tap: TS 36.101 tables B.2.1-2 to B.2.1-4.
PROFILES = {
    "epa": ((0, 30, 70, 90, 110, 190, 410), (0, -1, -2, -3, -8, -17.2, -20.8)),
    "eva": (
        (0, 30, 150, 310, 370, 710, 1090, 1730, 2510),
        (0, -1.5, -1.4, -3.6, -0.6, -9.1, -7.0, -12.0, -16.9),
    ),
    "etu": ((0, 50, 120, 200, 230, 500, 1600, 2300, 5000), (-1, -1, -1, 0, 0, 0, -3, -5, -7)),
}
TAPS = 9
DOPPLER_GROUPS = 2
BLOCK = 128
MAX_DELAY = 5e-6


def settle_samples(sample_rate):
    """Samples at the front of a fading() window that the delayed paths have not all reached: drop that many."""
    return int(MAX_DELAY * float(sample_rate)) + 1


def fading(x, antennas, sample_rate, generator, max_doppler=100.0, line_of_sight_chance=0.3):
    """complex64 [P, n] or [B, P, n] through drawn channels to [antennas, n] or [B, antennas, n].

    sample_rate: Hz, a number or a tensor [B]. Each window draws its power delay profile (EPA, EVA, ETU or
    exponential), how far its antennas are correlated (independent to plane waves on a half-wavelength line
    array), Doppler up to max_doppler Hz (0.. uniform; linear phase in time) and, with line_of_sight_chance, a
    frequency-flat direct path with a Rice factor of 0 to 15 dB. The mean gain from each port to each antenna is 1.
    What arrived before the window is not known (zeros, or the window's own end): see settle_samples().
    """
    if x.dim() == 2:
        return fading(x.unsqueeze(0), antennas, sample_rate, generator, max_doppler, line_of_sight_chance)[0]
    batch, ports, count = x.shape
    rate = torch.as_tensor(sample_rate, dtype=torch.float32, device=x.device).expand(batch)
    delays, powers = random_profile(batch, generator, x.device)
    gains = random_gains(powers, antennas, ports, generator, line_of_sight_chance)
    size = BLOCK * next_fast_len(-(-count // BLOCK), real=True)
    spectrum = torch.fft.fft(x, size)
    peak = uniform((batch, 1), 0.0, max_doppler, generator, x.device)
    angles = uniform((batch, DOPPLER_GROUPS), 0.0, torch.pi, generator, x.device)
    cycles = (peak * torch.cos(angles) / rate.unsqueeze(1)).unsqueeze(-1) * torch.arange(count, device=x.device)
    rotation = torch.polar(torch.ones_like(cycles), 2 * torch.pi * cycles)
    y = 0
    # Taps with one Doppler shift share a transform; the direct path (tap 0) is in the first group.
    for group in range(DOPPLER_GROUPS):
        taps = slice(group, None, DOPPLER_GROUPS)
        response = frequency_response(gains[..., taps], delays[:, taps], rate, size)
        received = response[:, :, 0] * spectrum[:, :1]
        for port in range(1, ports):
            received.addcmul_(response[:, :, port], spectrum[:, port, None])
        y = y + torch.fft.ifft(received)[..., :count] * rotation[:, group].unsqueeze(1)
    return y


def random_profile(batch, generator, device):
    """Delays in s and mean powers (sum 1), each float32 [batch, TAPS], of a profile drawn per window."""
    delays, powers = zip(*PROFILES.values(), strict=True)
    delays = pad_sequence([torch.tensor(delay) for delay in delays], batch_first=True) * 1e-9
    powers = pad_sequence([torch.tensor(power) for power in powers], batch_first=True, padding_value=-200.0)
    # Exponential: uniform delays up to three delay spreads, power falling with the delay.
    spread = log_uniform((batch, 1), 2e-8, MAX_DELAY / 3, generator, device)
    exponential = 3 * uniform((batch, TAPS), 0.0, 1.0, generator, device)
    exponential[:, 0] = 0
    kind = (uniform((batch,), 0, len(PROFILES) + 1, generator, device)).long().clamp_max(len(PROFILES))
    table = kind.clamp_max(len(PROFILES) - 1)
    random = (kind == len(PROFILES)).unsqueeze(1)
    delay = torch.where(random, exponential * spread, delays.to(device)[table])
    power = torch.where(random, torch.exp(-exponential), (10 ** (powers / 10)).to(device)[table])
    return delay, power / power.sum(dim=1, keepdim=True)


def random_gains(powers, antennas, ports, generator, line_of_sight_chance):
    """Tap gains complex64 [B, antennas, ports, TAPS] whose mean squares over draws sum to 1 over the taps.

    powers: float32 [B, TAPS], as from random_profile().
    """
    batch, taps = powers.shape
    device = powers.device
    element = torch.arange(antennas, device=device).view(1, -1, 1, 1)
    # Plane waves: each tap comes from near one direction; half a wavelength between neighbours.
    heading = uniform((batch, 1, 1, 1), -torch.pi / 2, torch.pi / 2, generator, device)
    spread = uniform((batch, 1, 1, 1), 0.0, 0.5, generator, device)
    bearing = heading + spread * uniform((batch, 1, 1, taps), -1.0, 1.0, generator, device)
    steering = _unit(0.5 * torch.sin(bearing) * element)
    plane = complex_normal((batch, 1, ports, taps), generator, device) * steering
    independent = complex_normal((batch, antennas, ports, taps), generator, device)
    share = uniform((batch, 1, 1, 1), 0.0, 1.0, generator, device)
    gains = (share.sqrt() * plane + (1 - share).sqrt() * independent) * powers.sqrt().view(batch, 1, 1, taps)

    rice = 10 ** (uniform((batch, 1, 1), 0.0, 15.0, generator, device) / 10)
    rice = rice * (uniform((batch, 1, 1), 0.0, 1.0, generator, device) < line_of_sight_chance)
    direct = _unit(uniform((batch, 1, ports), 0.0, 1.0, generator, device)) * steering[..., 0]
    gains = gains * (1 / (1 + rice)).sqrt().unsqueeze(-1)
    gains[..., 0] += direct * (rice / (1 + rice)).sqrt()
    return gains


def frequency_response(gains, delays, sample_rate, count):
    """Taps [B, A, P, L] at delays [B, L] (s) to complex64 [B, A, P, count] at the FFT's bins.

    The exponentials of bin 64 a + b are outer products of those of 64 a and b, so the whole response is one
    small matrix product per window and only count / 64 + 64 sines per tap are computed. count: a multiple of
    BLOCK, so that the negative frequencies (the upper half of the bins) begin at some a.
    """
    batch, antennas, ports, taps = gains.shape
    coarse = torch.arange(0, count, BLOCK // 2, device=gains.device)
    coarse = torch.where(coarse < count // 2, coarse, coarse - count)
    fine = torch.arange(BLOCK // 2, device=gains.device)
    step = (-delays * sample_rate.unsqueeze(1) / count).unsqueeze(-1)
    left = gains.reshape(batch, -1, 1, taps) * _unit(step * coarse).transpose(1, 2).unsqueeze(1)
    response = left.flatten(1, 2) @ _unit(step * fine)
    return response.reshape(batch, antennas, ports, count)


def _unit(cycles):
    """exp(j 2 pi cycles), complex64."""
    return torch.polar(torch.ones_like(cycles), 2 * torch.pi * cycles)
