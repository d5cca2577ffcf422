# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured of a window as numbers, and how numbers become tokens.

A linear projection of samples keeps what is linear in them. What tells modulations, spreading codes and transmitters
apart mostly is not: moments (Swami and Sadler 2000), steps of phase, and the lines that what is periodic has in the
spectra of the powers of a signal (Gardner 1991). An encoder that has them given need not find them.
"""

import torch
from torch import Tensor, nn

WINDOW_MEASURES = 25 + 4 * (32 + 16 + 25)
"""How many numbers `window_measures` gives."""


class MeasureTokens(nn.Module):
    """Numbers float32 [B, K] of any spread -> [B, tokens, D].

    Each is scaled by what `fit` saw, and seen through learned sines, as numbers of tables are best taken by networks
    (Gorishniy et al. 2022, periodic embeddings), then all are mixed.
    """

    def __init__(self, count: int, width: int, tokens: int, waves: int = 8, each: int = 6):
        super().__init__()
        # no buffers: a bundle's hash is of its parameters
        self.mean = nn.Parameter(torch.zeros(count), requires_grad=False)
        self.deviation = nn.Parameter(torch.ones(count), requires_grad=False)
        self.frequencies = nn.Parameter(torch.randn(count, waves) * 1.5)
        self.values = nn.Parameter(torch.randn(count, 1 + 2 * waves, each) * (1 + 2 * waves) ** -0.5)
        self.bias = nn.Parameter(torch.zeros(count, 1, each))
        self.mix = nn.Linear(count * each, width)
        self.tokens = nn.Linear(width, tokens * width)
        self.width = width

    def fit(self, numbers: Tensor) -> None:
        """Scale by the mean and deviation of each of numbers [n, K]."""
        self.mean.data.copy_(numbers.mean(0))
        self.deviation.data.copy_(numbers.std(0).clamp(min=1e-3))

    def scale_as(self, other: "MeasureTokens") -> None:
        """Take what the other's `fit` has measured."""
        self.mean.data.copy_(other.mean)
        self.deviation.data.copy_(other.deviation)

    def freeze_scale(self) -> None:
        """Do not train what `fit` has measured."""
        self.mean.requires_grad_(False)
        self.deviation.requires_grad_(False)

    def scaled(self, numbers: Tensor) -> Tensor:
        """[B, K] by what `fit` saw: of mean 0 and deviation 1, within 4 deviations; float32."""
        return ((numbers.float() - self.mean) / self.deviation).clamp(-4.0, 4.0)

    def forward(self, numbers: Tensor) -> Tensor:
        scaled = self.scaled(numbers).to(self.values.dtype)
        angles = scaled.unsqueeze(-1) * self.frequencies
        seen = torch.cat([scaled.unsqueeze(-1), angles.sin(), angles.cos()], -1).transpose(0, 1)
        each = nn.functional.gelu(torch.bmm(seen, self.values) + self.bias)
        mixed = nn.functional.gelu(self.mix(each.transpose(0, 1).flatten(1)))
        return self.tokens(mixed).unflatten(1, [-1, self.width])


def silent_measures(count: int, width: int) -> MeasureTokens:
    """`MeasureTokens` of one token, which is 0 before training."""
    measures = MeasureTokens(count, width, tokens=1)
    nn.init.zeros_(measures.tokens.weight)
    nn.init.zeros_(measures.tokens.bias)
    return measures


class WindowMeasures(MeasureTokens):
    """What `window_measures` finds of IQ windows, as one vector each; 0 before training."""

    def __init__(self, width: int):
        super().__init__(WINDOW_MEASURES, width, tokens=1)
        nn.init.zeros_(self.tokens.weight)
        nn.init.zeros_(self.tokens.bias)

    def is_fitted(self) -> bool:
        """Whether `fit` has seen numbers."""
        return bool((self.deviation != 1).any())

    def measured(self, iq: Tensor) -> Tensor:
        """IQ windows complex64 [B, A, T] -> [B, 1, D]."""
        return self.forward(window_measures(iq))


def window_measures(iq: Tensor) -> Tensor:
    """IQ windows complex64 [B, A, T] of any level -> float32 [B, WINDOW_MEASURES], means over the antennas.

    Of the window of unit power: moments of orders 1 to 6, autocorrelation, steps of phase and of amplitude. Of its
    spectrum and those of its square, its envelope and its fourth power, in log10: means in 32 bins; the 16 strongest
    lines over the noise about them; and the 12 on either side of the strongest, which tell a line from a hump.
    """
    x = iq / iq.abs().square().mean(2, keepdim=True).clamp(min=1e-12).sqrt()
    return torch.cat([_moments(x).mean(1), _lines(x)], 1)


def _moments(x: Tensor) -> Tensor:
    """complex64 [B, A, T] of unit power -> [B, A, 25]."""
    size, square = x.abs(), x * x
    power = size.square()
    both = square * power
    orders = [square.mean(2).abs(), (square * square).mean(2).abs(), (square * square * square).mean(2).abs()]
    orders = orders + [both.mean(2).abs(), (both * power).mean(2).abs()]
    orders = orders + [size.mean(2), (size * power).mean(2), power.square().mean(2), (power * power * power).mean(2)]
    lags = torch.jit.annotate(list[Tensor], [])
    for lag in [1, 2, 4, 8, 16]:
        same = torch.zeros([x.size(0), x.size(1), 2], device=x.device)
        if lag < x.size(2):
            same = torch.view_as_real((x[:, :, lag:] * x[:, :, :-lag].conj()).mean(2))
        lags = lags + [same]
    turn = (x[:, :, 1:] * x[:, :, :-1].conj()).angle()
    steps = size[:, :, 1:] - size[:, :, :-1]
    of_steps = [turn.mean(2), turn.std(2), turn.abs().mean(2), steps.std(2), size.std(2), size.amax(2)]
    # of few strong samples the high orders are large
    return torch.cat([torch.log1p(torch.stack(orders, 2)), torch.cat(lags, 2), torch.stack(of_steps, 2)], 2)


def _lines(x: Tensor) -> Tensor:
    """complex64 [B, A, T] of unit power -> [B, 4 * 73]."""
    square, envelope = x * x, x.abs().square()
    envelope = envelope - envelope.mean(2, keepdim=True)
    powers = torch.stack([x, square, torch.complex(envelope, torch.zeros_like(envelope)), square * square], 1)
    count = max(256, (x.size(2) + 63) // 64 * 64)
    spectra = torch.fft.fftshift(torch.fft.fft(powers, count).abs().square().mean(2), -1)
    level = spectra.mean(2, keepdim=True).clamp(min=1e-12)
    bins = torch.log10(spectra.unflatten(2, [32, -1]).mean(3) / level + 1e-4)
    near = spectra.unflatten(2, [-1, 64])
    floor = nn.functional.avg_pool1d(near.median(3)[0], 3, 1, 1, count_include_pad=False)
    over = (near / (floor + 1e-4 * level).unsqueeze(3)).flatten(2)
    over = torch.log10(over + 1e-3)
    most, places = over.topk(16, 2)
    about = (places[:, :, :1] + torch.arange(-12, 13, device=x.device)) % count
    return torch.cat([bins, most, over.gather(2, about)], 2).flatten(1)
