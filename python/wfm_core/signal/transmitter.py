# SPDX-License-Identifier: GPL-3.0-or-later
"""What a window of samples says of the transmitter's flaws, whatever it sends: numbers for radio frequency
fingerprints.

A transmitter's own carrier leaks into its signal, its image makes the signal improper, its amplifier bends large
amplitudes. Each is a moment of the samples once their carrier is at 0 Hz; phases of the channel and the carrier cancel
between moments of one block (widely linear processing: Picinbono and Chevalier 1995). What PSK and QAM send adds its
own moments of order four. The numbers are means over the antennas.
"""

import torch
from torch import Tensor, nn

BLOCK = 1024
"""Samples over which a carrier's phase stands still."""
OFFSETS = 2
"""Of the numbers, the last ones: where the carrier is, in cycles a sample."""
NUMBERS = 99 + OFFSETS


class Transmitter(nn.Module):
    """IQ windows complex64 [B, A, T], T a multiple of BLOCK -> the same of unit power with the carrier at 0 Hz, and
    float32 [B, NUMBERS] of order one."""

    def forward(self, iq: Tensor) -> tuple[Tensor, Tensor]:
        x = iq.flatten(0, 1)
        x = x / x.abs().square().mean(1, keepdim=True).clamp(min=1e-20).sqrt()
        carrier, middle = find_carrier(x)
        time = torch.arange(x.size(1), device=x.device, dtype=torch.float64)
        turns = carrier.to(torch.float64).unsqueeze(1) * time
        turns = (turns.remainder(1.0) * (2 * torch.pi)).to(torch.float32)
        y = x * torch.complex(turns.cos(), -turns.sin())
        parts = [_moments(y), _lags(y), _amplitudes(y), _turns(y), _profile(y), _edges(y)]
        parts = parts + [torch.stack([carrier, middle], 1)]
        every = torch.cat(parts, 1)
        every = torch.where(torch.isfinite(every), every, torch.zeros_like(every)).clamp(-20.0, 20.0)
        shape = [iq.size(0), iq.size(1)]
        return y.unflatten(0, shape), every.unflatten(0, shape).mean(1)


def find_carrier(x: Tensor, block: int = BLOCK) -> tuple[Tensor, Tensor]:
    """complex64 [N, T] -> the carrier and the middle of the power, float32 [N] in cycles a sample.

    The carrier is where the spectra of the samples, their squares and their fourth powers have lines, at one, two and
    four times its frequency, or where they, and the spectrum as a whole, are the same to both sides, and is not far
    from the middle.
    """
    size = 4 * block
    blocks = x.unflatten(1, [-1, block])
    power = torch.fft.fft(blocks, size).abs().square().mean(1)
    grid = torch.arange(size, device=x.device)
    places = ((grid + size // 2) % size - size // 2) / float(size)
    ordered = torch.sort(power, 1)[0]
    above = (power - 2.0 * ordered[:, size // 2].unsqueeze(1)).clamp(min=0.0)
    total = above.sum(1).clamp(min=1e-12)
    middle = (above * places).sum(1) / total
    width = ((above * (places - middle.unsqueeze(1)).square()).sum(1) / total).sqrt().clamp(min=2.0 / block)
    shape = torch.log((power / ordered[:, size // 8].clamp(min=1e-12).unsqueeze(1)).clamp(min=1.0))
    score = -2.0 * ((places - middle.unsqueeze(1)) / width.unsqueeze(1)).square()
    score = score + 30.0 * _symmetry(shape - shape.mean(1, keepdim=True)).index_select(1, 2 * grid % size)
    z, order = blocks, 1
    for _ in range(3):
        spectrum = torch.fft.fft(z, size).abs().square().mean(1)
        floor = spectrum.unflatten(1, [32, -1]).median(2)[0].repeat_interleave(size // 32, 1)
        lines = torch.log((spectrum / (floor + 1e-3 * spectrum.mean(1, keepdim=True) + 1e-12)).clamp(min=1.0))
        score = score + lines.index_select(1, grid * order % size)
        high = (lines - 1.0).clamp(min=0.0)
        score = score + 10.0 * _symmetry(high).index_select(1, 2 * grid * order % size)
        z, order = z * z, 2 * order
    return places.index_select(0, score.max(1)[1]), middle


def _symmetry(spectrum: Tensor) -> Tensor:
    """float32 [N, F] -> [N, F]: how alike both sides of half of each frequency are, 1 if they are the same."""
    together = torch.fft.ifft(torch.fft.fft(spectrum).square()).real
    return together / spectrum.square().sum(1, keepdim=True).clamp(min=1e-9)


def _log(x: Tensor) -> Tensor:
    return torch.log10(x.clamp(min=1e-7))


def _against(a: Tensor, b: Tensor) -> Tensor:
    """Blocks' moments complex [N, K] -> how a goes with b, as real and imaginary part [N, 2] between -1 and 1."""
    scale = (a.abs().square().mean(1) * b.abs().square().mean(1)).sqrt().clamp(min=1e-12)
    return torch.view_as_real((a * b.conj()).mean(1) / scale)


def _moments(y: Tensor, block: int = BLOCK) -> Tensor:
    """complex64 [N, T] -> [N, 35]."""
    blocks = y.unflatten(1, [-1, block])
    square, power = blocks * blocks, blocks.abs().square()
    fourth = square * square
    first, second, quartic = blocks.mean(2), square.mean(2), fourth.mean(2)
    bent, third, inner = (blocks * power).mean(2), (square * power).mean(2), (fourth * power).mean(2)
    first_fourth = first * first * first * first
    level = power.mean(2)
    total = level.mean(1).clamp(min=1e-12)
    sizes = [_log(first.abs().square().mean(1) / total), _log(second.abs().square().mean(1) / level.square().mean(1))]
    sizes = sizes + [_log(quartic.abs().square().mean(1) / power.square().mean(2).square().mean(1))]
    short = y.unflatten(1, [-1, block // 8])
    sizes = sizes + [_log(short.mean(2).abs().square().mean(1) / total)]
    sizes = sizes + [_log((short * short).mean(2).abs().square().mean(1) / level.square().mean(1))]
    turned = short * short
    sizes = sizes + [_log((turned * turned).mean(2).abs().square().mean(1) / power.square().mean(2).square().mean(1))]
    stays = [_stay(first), _stay(second), _stay(quartic)]
    pairs = [_against(second, first * first), _against(quartic, second * second), _against(quartic, first_fourth)]
    pairs = pairs + [_against(bent, first), _against(third, second), _against(inner, quartic)]
    pairs = pairs + [_against(quartic, second * first * first)]
    scales = [_ratio((second * (first * first).conj()).mean(1), (level * first.abs().square()).mean(1))]
    scales = scales + [_ratio((second * second * quartic.conj()).mean(1), (level.square() * quartic.abs()).mean(1))]
    scales = scales + [_ratio((first_fourth * quartic.conj()).mean(1), (level.square() * quartic.abs()).mean(1))]
    scales = scales + [_ratio((inner * quartic.conj()).mean(1), (level * quartic.abs().square()).mean(1))]
    scales = scales + [_ratio((third * second.conj()).mean(1), (level * second.abs().square()).mean(1))]
    scales = scales + [_ratio((bent * first.conj()).mean(1), (level * first.abs().square()).mean(1))]
    return torch.cat([torch.stack(sizes, 1), torch.cat(stays, 1), torch.cat(pairs, 1), torch.cat(scales, 1)], 1)


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    """complex [N] over float [N] -> [N, 2], small and large ones drawn in alike."""
    value = a / b.clamp(min=1e-12)
    size = value.abs()
    return torch.view_as_real(value * (torch.log1p(10.0 * size) / size.clamp(min=1e-9)))


def _stay(moment: Tensor) -> Tensor:
    """How a block's moment goes with the next one's, complex [N, K] -> [N, 1]."""
    together = (moment[:, 1:] * moment[:, :-1].conj()).mean(1).abs()
    return (together / moment.abs().square().mean(1).clamp(min=1e-12)).unsqueeze(1)


def _lags(y: Tensor, block: int = BLOCK) -> Tensor:
    """complex64 [N, T] -> [N, 14]: of the samples and of their squares, by how they go with those a few further on."""
    blocks = y.unflatten(1, [-1, block])
    second = (blocks * blocks).mean(2)
    level = blocks.abs().square().mean([1, 2]).clamp(min=1e-12)
    out = [torch.view_as_real((y[:, 1:] * y[:, :-1].conj()).mean(1) / level)]
    for lag in [2, 3, 4]:
        out = out + [torch.view_as_real((y[:, lag:] * y[:, :-lag].conj()).mean(1) / level)]
    norm = second.abs().square().mean(1).clamp(min=1e-12)
    for lag in [1, 2, 4]:
        improper = (blocks[:, :, lag:] * blocks[:, :, :-lag]).mean(2)
        out = out + [_ratio((improper * second.conj()).mean(1), norm)]
    return torch.cat(out, 1)


def _amplitudes(y: Tensor) -> Tensor:
    """complex64 [N, T] -> [N, 12]: quantiles of the envelope over its median where there is something, and moments."""
    size = y.abs()
    ordered = torch.sort(size[:, ::2], 1)[0]
    strong = ordered[:, -size.size(1) // 10 :]
    middle = strong[:, strong.size(1) // 2].clamp(min=1e-9)
    out = [strong.mean(1) / middle, strong.square().mean(1) / middle.square(), strong[:, -1] / middle]
    for share in [0.05, 0.25, 0.75, 0.9, 0.99]:
        out = out + [strong[:, int(share * (strong.size(1) - 1))] / middle]
    power = size.square()
    out = out + [_log(power.square().mean(1)), _log(power.pow(3.0).mean(1)), size.mean(1)]
    out = out + [(size > 0.5 * middle.unsqueeze(1)).to(torch.float32).mean(1)]
    return torch.stack(out, 1)


def _turns(y: Tensor) -> Tensor:
    """complex64 [N, T] -> [N, 15]: quantiles of the turn over 1, 4 and 16 samples where the signal is strong,
    of every fourth."""
    size = y.abs()
    out = [size.amax(1)]
    for lag in [1, 4, 16]:
        pairs = y[:, lag::4] * y[:, : y.size(1) - lag : 4].conj()
        weight = pairs.abs()
        least = torch.sort(weight, 1)[0][:, weight.size(1) // 2].unsqueeze(1)
        turn = torch.where(weight >= least, pairs.angle(), torch.full_like(weight, 9.0))
        ordered = torch.sort(turn, 1)[0]
        count = weight.size(1) // 2
        middle = ordered[:, count // 2]
        out = out + [ordered[:, int(0.05 * count)] - middle, ordered[:, int(0.25 * count)] - middle]
        out = out + [ordered[:, int(0.75 * count)] - middle, ordered[:, int(0.95 * count)] - middle]
    every = torch.stack(out, 1)
    return torch.cat([every, every[:, 1:2] + every[:, 4:5], every[:, 5:6] + every[:, 8:9]], 1)


def _profile(y: Tensor, block: int = BLOCK) -> Tensor:
    """complex64 [N, T] -> [N, 16]: the spectrum about the carrier, in decades over its mean."""
    spectrum = torch.fft.fftshift(torch.fft.fft(y.unflatten(1, [-1, block])).abs().square().mean(1), -1)
    bins = spectrum.unflatten(1, [16, -1]).mean(2)
    return _log(bins / bins.mean(1, keepdim=True).clamp(min=1e-12) + 1e-4)


def _edges(y: Tensor) -> Tensor:
    """complex64 [N, T] -> [N, 7]: how the envelope rises where something begins, and how often that is."""
    size = torch.nn.functional.avg_pool1d(y.abs().unsqueeze(1), 4, 1).squeeze(1)
    few = size[:, ::4]
    high = torch.sort(few, 1)[0][:, int(0.9 * few.size(1))].clamp(min=1e-9).unsqueeze(1)
    size = size / high
    on = (size > 0.35).to(torch.float32)
    before = torch.nn.functional.avg_pool1d(on.unsqueeze(1), 32, 1).squeeze(1)
    count = size.size(1) - 32 - 128
    begins = (before[:, :count] < 0.02) & (on[:, 32 : 32 + count] > 0.5)
    begins = begins.to(torch.float32)
    number = begins.sum(1).clamp(min=1.0)
    out = [torch.log1p(begins.sum(1))]
    for place in [2, 4, 8, 16, 32, 64]:
        out = out + [(begins * size[:, 32 + place : 32 + place + count]).sum(1) / number]
    return torch.stack(out, 1)
