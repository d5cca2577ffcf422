# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells a modulation in a short window whose carrier phase, carrier and clock are not known, as an image."""

import torch
from torch import Tensor, nn

from wfm_core.signal.spectrogram import hann

LAGS = (1, 2, 4, 8, 16)
_MOST = 4.0


class ModulationImage(nn.Module):
    """A window complex64 [B, 1, T] -> float32 [B, 3, 16, T]: a column is a sample.

    Channels 0 and 1 are products that no carrier phase changes, of the window and of its mean over two symbols of
    `symbol_samples` (Hann), each over its RMS: envelope and power less 1, then real and imaginary parts of
    x[t + lag] x*[t] of LAGS, and at one symbol's lag those of x^2 and x^4 with the modulus of x. Their sums are what
    cumulants and cyclic spectra are made of (Swami and Sadler, IEEE Transactions on Communications 48, 2000).

    Channel 2 are waveforms, real and imaginary: the filtered one turned back by the strongest line in the spectrum of
    its power 1, 2 and 4, which takes carrier and phase of PSK and QAM out; the window turned so by itself; the filtered
    one by its power 8; both as they are; and their powers. What exceeds 4 is 4.
    """

    def __init__(self, symbol_samples: int = 8):
        super().__init__()
        if not 2 <= symbol_samples <= 64:
            raise ValueError(f"symbol_samples {symbol_samples}; expected 2 to 64")
        self.symbol, self.lags, self.most = int(symbol_samples), list(LAGS), _MOST
        taps = hann(2 * self.symbol)[1:]  # the first one is 0
        self.register_buffer("taps", (taps / taps.sum()).view(1, 1, -1), persistent=False)

    def forward(self, iq: Tensor) -> Tensor:
        if iq.size(1) != 1 or iq.size(2) % 16 != 0:
            raise ValueError(
                f"windows of {iq.size(1)} antennas x {iq.size(2)} samples; expected 1 and a multiple of 16"
            )
        x = _unit(iq[:, 0])
        low = _unit(self._filtered(x))
        turned = [self._turned(low, 0), self._turned(low, 1), self._turned(low, 2), self._turned(x, 0)]
        waves = torch.view_as_real(torch.stack(turned + [self._turned(low, 3), x, low], 1))
        waveforms = torch.cat([waves.transpose(2, 3).flatten(1, 2), torch.stack([_power(low), _power(x)], 1)], 1)
        return torch.stack([self._products(x), self._products(low), waveforms], 1).clamp(-self.most, self.most)

    def _filtered(self, x: Tensor) -> Tensor:
        parts = torch.stack([x.real, x.imag], 1).flatten(0, 1).unsqueeze(1)
        parts = nn.functional.conv1d(parts, self.taps, padding=self.symbol - 1).view(x.size(0), 2, x.size(1))
        return torch.complex(parts[:, 0], parts[:, 1])

    def _products(self, x: Tensor) -> Tensor:
        """float32 [B, 16, T]"""
        power = _power(x)
        envelope = power.sqrt()
        rows = [envelope - 1, power - 1]
        for lag in self.lags:
            rows += _product(x, lag)
        second = x * x / (envelope + 1e-6)
        fourth = second * second / (envelope + 1e-6)
        return torch.stack(rows + _product(second, self.symbol) + _product(fourth, self.symbol), 1)

    def _turned(self, x: Tensor, doublings: int) -> Tensor:
        """x [B, T] without the frequency and phase of the strongest line of its power 2 ** doublings."""
        line = x
        for _ in range(doublings):
            line = line * line / (_power(line).sqrt() + 1e-6)
        bins = 4 * x.size(1)
        spectrum = torch.fft.fft(line, bins)
        strongest = torch.topk(_power(spectrum), 1, dim=1)[1]
        phase = torch.angle(torch.gather(spectrum, 1, strongest))
        signed = torch.where(strongest > bins // 2, strongest - bins, strongest).to(x.real.dtype)
        time = torch.arange(x.size(1), device=x.device).to(x.real.dtype)
        angle = -(2 * torch.pi / bins * signed * time + phase) / float(2**doublings)
        return x * torch.complex(angle.cos(), angle.sin())


def _power(x: Tensor) -> Tensor:
    return x.real.square() + x.imag.square()


def _unit(x: Tensor) -> Tensor:
    """Over its RMS; silence stays zero."""
    return x * torch.rsqrt(_power(x).mean(1, keepdim=True).clamp(min=1e-20))


def _product(x: Tensor, lag: int) -> list[Tensor]:
    """Real and imaginary part [B, T] of x[t + lag] x*[t]; 0 at the end, where there is none."""
    product = x[:, lag:] * x[:, :-lag].conj()
    return [nn.functional.pad(product.real, [0, lag]), nn.functional.pad(product.imag, [0, lag])]
