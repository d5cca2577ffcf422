# SPDX-License-Identifier: GPL-3.0-or-later
"""IQ windows to images: the one definition used in training, evaluation and live.

Every module is scriptable, runs in float32 on any device, and makes one image from all antennas of a window by
averaging their powers, so the image does not depend on how many antennas there are, nor on their phases or gains.
"""

import torch
from torch import nn

from wfm_core.signal.spectrogram import hann, power_of, relative, spectrogram


class LogSpectrogram(nn.Module):
    """Log-power spectrogram relative to the window's own mean level.

    complex64 [B, A, T] -> float32 [B, 1, rows, fft_size]: rows are time, each the mean power of the
    T / (rows * fft_size) Hann-windowed transforms that fill it; columns are frequency from -sample_rate/2 upwards.
    `floor_db` and less over the window's mean is 0, `range_db` above that and more is 1.
    """

    def __init__(self, fft_size: int, rows: int, floor_db: float, range_db: float):
        super().__init__()
        self.fft_size, self.rows = fft_size, rows
        self.floor_db, self.range_db = floor_db, range_db
        self.register_buffer("window", hann(fft_size), persistent=False)

    def forward(self, iq: torch.Tensor) -> torch.Tensor:
        power = spectrogram(iq, self.window, self.fft_size).unflatten(-2, [self.rows, -1]).mean(-2).mean(1)
        return ((relative(power) - self.floor_db) / self.range_db).clamp(0, 1).unsqueeze(1)


class LineSpectra(nn.Module):
    """Ranked long spectra in which whatever is periodic is a line: of x, x^2, |x|^2 and x^4 (cyclostationarity).

    complex64 [B, A, n * 4096] -> float32 [B, 4, 32, 64]. Each 16x16 patch speaks of one eighth of the
    spectrum (512 bins; patches run from -sample_rate/2 upwards, row by row): the 256 strongest bins in falling
    order, as power over the local noise floor (median of 64 bins, smoothed) in units of 10 dB. Ranking puts the
    strongest line at the same pixel wherever it falls, where averaging would bury a line of one bin.

    Of n windows in a row the spectra of x, x^2 and x^4 are averaged, whose lines fading and phase noise widen. The
    lines of |x|^2 stay as narrow as the stretch is long: its one spectrum has n times the bins, and the strongest of n
    neighbours counts.
    """

    def __init__(self):
        super().__init__()
        self.smooth = nn.AvgPool1d(9, stride=1, padding=4, count_include_pad=False)

    def forward(self, iq: torch.Tensor) -> torch.Tensor:
        envelope = power_of(iq)
        envelope = envelope - envelope.mean(-1, keepdim=True)
        periods = _mean_spectrum(torch.complex(envelope, torch.zeros_like(envelope)))
        windows = iq.unflatten(-1, [-1, 4096]).flatten(1, 2)
        squared = windows * windows
        spectra = [
            _mean_spectrum(windows),
            _mean_spectrum(squared),
            periods.unflatten(-1, [4096, -1]).amax(-1),
            _mean_spectrum(squared * squared),
        ]
        rows = torch.stack(spectra, dim=1).unflatten(-1, [-1, 64])
        floor = self.smooth(rows.median(-1)[0].flatten(0, 1)).view(rows.shape[:3]).clamp(min=1e-30)
        ratio = (rows / floor.unsqueeze(-1)).flatten(-2).unflatten(-1, [8, -1])
        ranked = torch.log10(ratio.topk(256, dim=-1)[0] + 1e-3).clamp(-1.0, 6.0)
        # [B, 4, 8 tiles, 256] -> [B, 4, 2, 4 tiles, 16, 16] -> tiles side by side
        return ranked.unflatten(-1, [16, 16]).unflatten(2, [2, 4]).transpose(3, 4).flatten(4, 5).flatten(2, 3)


class CyclicImage(nn.Module):
    """Spectrogram and line spectra of one window, stacked as the five channels of one image.

    complex64 [B, A, n * 4096] -> float32 [B, 5, 32, 64]. Of n windows in a row the lines are those of the whole
    stretch, which the rows of the spectrogram share: noise evens out, and a line that stays where it is does not.
    """

    def __init__(self):
        super().__init__()
        self.spectrogram = LogSpectrogram(fft_size=64, rows=32, floor_db=-35.0, range_db=50.0)
        self.lines = LineSpectra()

    def forward(self, iq: torch.Tensor) -> torch.Tensor:
        if iq.size(-1) == 0 or iq.size(-1) % 4096 != 0:
            raise ValueError(
                f"window of {iq.size(-1)} samples: a cyclic image is made of 4096, or of several times that"
            )
        return torch.cat([self.spectrogram(iq), self.lines(iq)], dim=1)


def _mean_spectrum(x: torch.Tensor) -> torch.Tensor:
    """complex64 [B, A, T] -> float32 [B, T]: power per bin, mean over antennas, rising from -sample_rate/2."""
    return torch.fft.fftshift(power_of(torch.fft.fft(x)).mean(1), dim=-1)
