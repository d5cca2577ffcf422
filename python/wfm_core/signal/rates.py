# SPDX-License-Identifier: GPL-3.0-or-later
"""At which rates a signal repeats itself, on one axis of Hz for signals of any bandwidth.

Standards fix rates: symbols, pilots, subcarriers, tones, the useful length of an OFDM symbol. On an axis that is
relative to the bandwidth of a box they move with the box; here each has its place, wherever the finder put the edges.
"""

import torch
from torch import nn

RATES = (16, 64)
"""Rows and columns of the image; line by line in squares of 16x16, so that a token is 256 rates one after the other."""
CHANNELS = 5
_BINS = RATES[0] * RATES[1]
_LOWEST, _DECADES = 20.0, 6.0
"""Hz of the first rate, and how far the axis goes."""


class Rates(nn.Module):
    """complex64 [B, n], its sine of the phase step [B, n], sample rate [B] in Hz -> float32 [B, CHANNELS, *RATES].

    Lines of the envelope, of the frequency, of the steps of both (where symbols change), each as log10 of what a line
    has over the bins about it; and log10 of the autocorrelation at lags of 1 / rate, in hundredths. Zeros where n is
    too short for a rate, or the samples too slow.
    """

    def __init__(self):
        super().__init__()
        edges = _LOWEST * 10 ** torch.linspace(0, _DECADES, _BINS + 1, dtype=torch.float64)
        self.register_buffer("edges", edges.to(torch.float32), persistent=False)
        self.background = 32  # bins on each side of a line, that it stands out of
        self.least_lag = 8.0  # samples
        self.levels = 6  # ranges of the axis hold at most 2^levels bins

    def forward(self, x: torch.Tensor, turned: torch.Tensor, rate: torch.Tensor) -> torch.Tensor:
        envelope = x.abs()
        every = torch.stack([envelope, turned, moved(envelope).square(), moved(turned).abs()], 1)
        lines = self.lines(every.flatten(0, 1)).unflatten(0, [-1, 4])
        places = self.edges * (2.0 * lines.size(2)) / rate.unsqueeze(1)
        known = (places[:, 1:] >= 2.0) & (places[:, :-1] < lines.size(2) - 1.0)
        found = torch.log10(self.most(lines, places[:, :-1], places[:, 1:])) * known.unsqueeze(1)
        same = autocorrelation(x).unsqueeze(1)
        lags = rate.unsqueeze(1) / self.edges
        known = (lags[:, 1:] >= self.least_lag) & (lags[:, :-1] < same.size(2) - 1.0)
        alike = torch.log10(1e2 * self.most(same, lags[:, 1:], lags[:, :-1]).clamp(min=1e-3)) * known.unsqueeze(1)
        every = torch.cat([found, alike], 1)
        return every.unflatten(-1, [4, 16, 16]).transpose(2, 3).reshape(-1, every.size(1), 16, 64)

    def lines(self, x: torch.Tensor) -> torch.Tensor:
        """Real [B, n] -> [B, n / 2]: power of each bin over the mean of those about it, 0.1 or more."""
        power = torch.fft.rfft(x - x.mean(1, keepdim=True)).abs().square()[:, : x.size(1) // 2]
        power = power + 1e-6 * power.mean(1, keepdim=True) + 1e-20
        near = nn.functional.avg_pool1d(
            power.unsqueeze(1), 2 * self.background + 1, 1, self.background, False, False
        ).squeeze(1)
        return (power / near).clamp(min=0.1)

    def most(self, values: torch.Tensor, first: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        """The most of values [B, C, n] from places first to last [B, K] -> [B, C, K].

        Two stretches of a power of two cover a range; the maxima of all of those are made once.
        """
        count = values.size(2)
        known, step = [values], 1
        for level in range(self.levels):
            before = known[level]
            known = known + [torch.maximum(before, nn.functional.pad(before[:, :, step:], [0, step]))]
            step = step * 2
        start = torch.floor(first + 0.5).clamp(0, count - 1)
        length = (torch.floor(last + 0.5).clamp(0, count) - start).clamp(min=1, max=step)
        level = torch.floor(torch.log2(length + 0.5))
        end = start + length - torch.pow(2.0, level)
        every = torch.cat(known, 2)
        return torch.maximum(at(every, level * count + start), at(every, level * count + end))


def at(values: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """values [B, C, n] at whole places float32 [B, K] -> [B, C, K]."""
    return values.gather(2, places.to(torch.int64).unsqueeze(1).expand(-1, values.size(1), -1))


def moved(x: torch.Tensor) -> torch.Tensor:
    """Real [B, n] less itself two samples before."""
    return nn.functional.pad(x[:, 2:] - x[:, :-2], [1, 1])


def autocorrelation(x: torch.Tensor) -> torch.Tensor:
    """Complex [B, n] -> [B, n / 2]: magnitude at lags of 0 on, over that at 0, each pair of samples weighing the
    same."""
    count = x.size(1)
    power = torch.fft.fft(x - x.mean(1, keepdim=True), 2 * count).abs().square()
    same = torch.fft.ifft(power)[:, : count // 2].abs()
    pairs = (count - torch.arange(count // 2, device=x.device)) / count
    return same / (same[:, :1] * pairs + 1e-20)
