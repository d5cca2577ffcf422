# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures of a found signal that recognition of modulations has long used, as numbers of order one.

Moments and quantiles of envelope and frequency (Azzouz and Nandi 1996), how long the signal stays on and off, the
shape of its spectrum, cumulants (Swami and Sadler 2000) and lines of its powers (Gardner 1991).
"""

import torch

MEASURES = 160


def measures(iq: torch.Tensor, whole: torch.Tensor, envelope: torch.Tensor, frequency: torch.Tensor) -> torch.Tensor:
    """float32 [B, MEASURES] of the beginning complex64 [B, n], the image of the whole time [B, 3, 128, 64], and
    envelope (about 0) and frequency as they go on [B, 64, 128]; see `wfm_core.signal.found`."""
    parts = [on_and_off(envelope), of_frequency(envelope, frequency), of_spectrum(whole), of_beginning(iq)]
    every = torch.cat(parts, 1)
    every = torch.where(torch.isfinite(every), every, torch.zeros_like(every))
    return every.clamp(-20.0, 20.0)


def moments(x: torch.Tensor) -> torch.Tensor:
    """float32 [B, n] -> [B, 11]: mean, deviation, skewness and kurtosis in logarithmic units, seven quantiles."""
    mean = x.mean(1, keepdim=True)
    centred = x - mean
    deviation = centred.square().mean(1, keepdim=True).sqrt()
    scaled = centred / (deviation + 1e-6)
    third, fourth = scaled.pow(3.0).mean(1, keepdim=True), scaled.pow(4.0).mean(1, keepdim=True)
    skewness, kurtosis = signed_log(third), torch.log1p(fourth)
    ordered = torch.sort(x, 1)[0]
    count = x.size(1) - 1
    every = [mean, deviation, skewness, kurtosis]
    for share in [0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98]:
        place = int(share * count)
        every = every + [ordered[:, place : place + 1]]
    return torch.cat(every, 1)


def signed_log(x: torch.Tensor) -> torch.Tensor:
    return x.sign() * torch.log1p(x.abs())


def stays(on: torch.Tensor) -> torch.Tensor:
    """Ones and zeros [B, 64, 128] -> [B, 8]: the share of stretches of 1, 2, 4 .. 128 steps that are all ones."""
    shares, step = [on.mean([1, 2])], 1
    for _ in range(7):
        on = on[:, :, :-step] * on[:, :, step:]
        shares, step = shares + [on.mean([1, 2])], step * 2
    return torch.stack(shares, 1)


def on_and_off(envelope: torch.Tensor) -> torch.Tensor:
    """[B, 64, 128] -> [B, 31]."""
    flat = envelope.flatten(1)[:, ::2]
    found = moments(flat)
    low, high = found[:, 4:5], found[:, 10:11]
    on = (envelope > (0.5 * (low + high)).unsqueeze(2)).to(torch.float32)
    changes = (on[:, :, 1:] - on[:, :, :-1]).abs().mean([1, 2])
    depth = (high - low) / (high + low + 2.0).clamp(min=1e-3)
    powers = envelope.mean(2)
    glances = torch.stack([torch.log10(changes + 1e-3), powers.std(1), powers.amax(1) - powers.amin(1)], 1)
    return torch.cat([found, depth, stays(on), stays(1.0 - on), glances], 1)


def of_frequency(envelope: torch.Tensor, frequency: torch.Tensor) -> torch.Tensor:
    """Both [B, 64, 128] -> [B, 31]: of the frequency where the envelope is not low, and of its steps."""
    strong = (envelope > -0.3).to(torch.float32)
    count = strong.sum([1, 2], keepdim=True).clamp(min=1.0)
    middle = (frequency * strong).sum([1, 2], keepdim=True) / count
    there = ((frequency - middle) * strong).flatten(1)
    strong = strong.flatten(1)
    shares = []
    for place in range(8):
        edge = -2.0 + 0.5 * place
        inside = (there >= edge) & (there < edge + 0.5)
        shares = shares + [(inside.to(torch.float32) * strong).mean(1)]
    steps = (frequency[:, :, 1:] - frequency[:, :, :-1]).abs().flatten(1)
    return torch.cat([middle.flatten(1), moments(there[:, ::2]), torch.stack(shares, 1), moments(steps[:, ::2])], 1)


def of_spectrum(whole: torch.Tensor) -> torch.Tensor:
    """[B, 3, 128, 64] in units of 15 dB -> [B, 82]: shape of the mean spectra of the signal, its envelope and its
    frequency."""
    power = torch.pow(10.0, 1.5 * whole).mean(3)
    level = torch.log10(power + 1e-6)
    total = torch.log10(power.mean(2) + 1e-6)
    most, place = level.max(2)
    ordered = torch.sort(level, 2)[0]
    parts = [most - total, level.mean(2) - total, place / 64.0, ordered[:, :, 124] - most, ordered[:, :, 64]]
    for down in [0.3, 1.0, 2.0]:
        parts = parts + [(level > (most - down).unsqueeze(2)).to(torch.float32).mean(2)]
    profile = level[:, 0]
    centred = profile - profile.mean(1, keepdim=True)
    symmetry = (centred * centred.flip([1])).mean(1) / (centred.square().mean(1) + 1e-6)
    peaks = (profile[:, 1:-1] > profile[:, :-2]) & (profile[:, 1:-1] > profile[:, 2:])
    high = profile[:, 1:-1] > (most[:, :1] - 1.2)
    filled = torch.cumsum(power[:, 0], 1) / power[:, 0].sum(1, keepdim=True)
    single = [symmetry, (peaks & high).to(torch.float32).mean(1) * 10.0]
    for share in [0.01, 0.1, 0.5, 0.9, 0.99]:
        single = single + [(filled < share).to(torch.float32).mean(1)]
    flicker = whole.std(3).mean(2)
    profiles = level.unflatten(2, [16, 8]).mean(3)
    return torch.cat(parts + [torch.stack(single, 1), flicker, profiles.flatten(1)], 1)


def of_beginning(x: torch.Tensor) -> torch.Tensor:
    """complex64 [B, n] -> [B, 16]: cumulants, lines of powers, autocorrelation."""
    x = x - x.mean(1, keepdim=True)
    size = x.abs().square()
    level = size.mean(1, keepdim=True).clamp(min=1e-12)
    x, size = x / level.sqrt(), size / level
    square = x * x
    c20, m40, m42 = square.mean(1), (square * square).mean(1), size.square().mean(1)
    c40, c42 = (m40 - 3 * c20 * c20).abs(), m42 - c20.abs().square() - 2
    c63 = size.pow(3.0).mean(1) - 9 * c42 - 6
    out = [c20.abs(), torch.log1p(c40), signed_log(c42), signed_log(c63)]
    for power in [torch.complex(size - size.mean(1, keepdim=True), torch.zeros_like(size)), square, square * square]:
        lines = torch.fft.fft(power).abs()
        most, place = lines.max(1)
        out = out + [torch.log10(most / (lines.mean(1) + 1e-9) + 1e-9), place / (0.5 * x.size(1)) - 1.0]
    same = torch.fft.ifft(torch.fft.fft(x, 2 * x.size(1)).abs().square()).abs()
    for low, high in [(8, 64), (64, 256), (256, 768)]:
        most, place = (same[:, low:high] / (same[:, :1] + 1e-12)).max(1)
        out = out + [torch.log10(most + 1e-3), place / 100.0]
    return torch.stack(out, 1)
