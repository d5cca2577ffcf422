# SPDX-License-Identifier: GPL-3.0-or-later
"""A signal that was found in a band, as a model takes it: glances over its whole time, its beginning, and facts.

An observation is one row of complex samples, so that it travels as every window of IQ does. `wfm_core.signal.observe`
makes it of the signal itself, at zero and at twice its bandwidth: GLANCES stretches of GLANCE samples spread evenly
over its time (they overlap where it is short, and skip where it is long), then its first BEGINNING samples, then HELD
complex numbers that hold its bandwidth, duration and SNR.
"""

import torch
from torch import nn

from wfm_core.signal.measures import MEASURES, measures
from wfm_core.signal.rates import CHANNELS, RATES, Rates
from wfm_core.signal.spectrogram import hann

GLANCES = 64
GLANCE = 512
BEGINNING = 8192
HELD = 2
SAMPLES = GLANCES * GLANCE + BEGINNING + HELD
"""Of an observation."""

IQ_SAMPLES = 1024
"""Of the beginning, that become tokens of IQ."""
WHOLE = (128, 64)
"""Rows (frequency) and columns (time) of the image of the whole time, in three channels."""
CLOSE = (64, 64)
"""Rows (frequency) and columns (time) of the image of the beginning."""
HEARD = (128, 64)
"""Of the image of envelope and frequency as they go on, in two channels: its 16x16 pixels are two glances, line by
line, so that a token of it is one stretch of time."""
IMAGES = ((3, *WHOLE), (1, *CLOSE), (2, *HEARD), (CHANNELS, *RATES))
"""Channels, rows and columns of the images."""
FACTS = 3
"""Bandwidth, duration and SNR, the first of the numbers."""
NUMBERS = FACTS + MEASURES


class FoundSignal(nn.Module):
    """Observations complex64 [B, 1, SAMPLES] -> what becomes tokens.

    iq: complex64 [B, 1, IQ_SAMPLES], the beginning. whole: float32 [B, 3, *WHOLE], over the signal's whole time and
    from -bandwidth to bandwidth: its spectrogram, and over 0 to bandwidth those of its envelope and of its frequency
    (as AM and FM receivers hear it). close: float32 [B, 1, *CLOSE], the spectrogram of the first 2048 samples. heard:
    float32 [B, 2, *HEARD], envelope (less its mean, which is 1) and sine of the phase step, over 4 samples each: pulses
    and symbols as they follow each other. rates: float32 [B, CHANNELS, *RATES], what repeats in BEGINNING samples, see
    `wfm_core.signal.rates`. numbers: float32 [B, NUMBERS]: log10 of bandwidth in kHz and of duration in 10 ms, SNR in
    20 dB, then those of `wfm_core.signal.measures`. Levels are in units of 15 dB about each image's mean.
    """

    def __init__(self):
        super().__init__()
        self.register_buffer("glance_window", hann(GLANCE), persistent=False)
        self.register_buffer("close_window", hann(64), persistent=False)
        self.rates = Rates()

    def forward(
        self, observed: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        x = observed[:, 0]
        glances = x[:, : 64 * 512].reshape(-1, 64, 512)
        beginning = x[:, 64 * 512 : 64 * 512 + 8192]
        facts = torch.view_as_real(x[:, 64 * 512 + 8192 :]).flatten(1)
        rate = 2 * torch.pow(10.0, facts[:, 0])
        facts = torch.stack([facts[:, 0] - 3.0, facts[:, 1] + 2.0, facts[:, 2] / 20.0], 1)
        level = beginning[:, :1024].abs().square().mean(1, keepdim=True).clamp(min=1e-12).sqrt()
        iq = beginning[:, :1024] / level
        envelope, turned = self.demodulated(glances)
        whole, goes_on = self.whole(glances, envelope, turned), self.goes_on(envelope, turned)
        rates = self.rates(beginning, self.demodulated(beginning.unsqueeze(1))[1].squeeze(1), rate)
        numbers = torch.cat([facts, measures(iq, whole, goes_on[:, 0], goes_on[:, 1])], 1)
        return iq.unsqueeze(1), whole, self.close(beginning[:, :2048]), self.heard(goes_on), rates, numbers

    def demodulated(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """complex64 [B, N, n] -> envelope and sine of the phase step, muted where there is no signal to have a phase,
        both [B, N, n]."""
        envelope = x.abs()
        parts = torch.view_as_real(x)
        now, before = parts[:, :, 1:], parts[:, :, :-1]
        turned = now[..., 1] * before[..., 0] - now[..., 0] * before[..., 1]
        size = envelope[:, :, 1:] * envelope[:, :, :-1]
        turned = turned / (size + 0.2 * size.mean([1, 2], keepdim=True) + 1e-12)
        return envelope, nn.functional.pad(turned, [0, 1])

    def whole(self, glances: torch.Tensor, envelope: torch.Tensor, turned: torch.Tensor) -> torch.Tensor:
        """Glances complex64 [B, 64, 512] and what they demodulate to -> [B, 3, 128, 64]."""
        power = torch.fft.fft(glances * self.glance_window).abs().square()
        power = torch.fft.fftshift(power, dim=-1).unflatten(-1, [128, 4]).mean(-1)
        images = [scaled(power), scaled(self.audio(envelope)), scaled(self.audio(turned))]
        return torch.stack(images, 1).transpose(2, 3)

    def goes_on(self, envelope: torch.Tensor, turned: torch.Tensor) -> torch.Tensor:
        """Both float32 [B, 64, 512] -> [B, 2, 64, 128], means of 4 samples, of about 1."""
        level = envelope.mean([1, 2], keepdim=True).clamp(min=1e-12)
        both = torch.stack([(envelope / level - 1).clamp(max=3.0), 2 * turned], 1)
        return both.unflatten(-1, [128, 4]).mean(-1)

    def heard(self, goes_on: torch.Tensor) -> torch.Tensor:
        """[B, 2, 64, 128] -> [B, 2, 128, 64]: two glances are 16 lines of 16 pixels, 8 x 4 such squares the image."""
        return goes_on.reshape(-1, 2, 8, 4, 16, 16).transpose(3, 4).reshape(-1, 2, 128, 64)

    def audio(self, heard: torch.Tensor) -> torch.Tensor:
        """float32 [B, 64, 512] -> power [B, 64, 128] over 0 to half the rate."""
        heard = heard - heard.mean([1, 2], keepdim=True)
        power = torch.fft.rfft(heard * self.glance_window).abs().square()
        return power[:, :, :256].unflatten(-1, [128, 2]).mean(-1)

    def close(self, beginning: torch.Tensor) -> torch.Tensor:
        """complex64 [B, 2048] -> [B, 1, 64, 64]."""
        rows = nn.functional.pad(torch.view_as_real(beginning), [0, 0, 0, 32]).unfold(1, 64, 32)
        rows = torch.view_as_complex(rows.transpose(2, 3).contiguous())
        power = torch.fft.fft(rows * self.close_window).abs().square()
        return scaled(torch.fft.fftshift(power, dim=-1)).transpose(1, 2).unsqueeze(1)


def scaled(power: torch.Tensor) -> torch.Tensor:
    """Power [B, ...] in units of 15 dB about its mean, from -40 dB on."""
    flat = power.flatten(1)
    mean = flat.mean(1).clamp(min=1e-20).view([-1] + [1] * (power.dim() - 1))
    return torch.log10(power / mean + 1e-4) * (10.0 / 15.0)
