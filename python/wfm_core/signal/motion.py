# SPDX-License-Identifier: GPL-3.0-or-later
"""What moves in a window of CSI: an image of it, and numbers that say whether anything does.

A gain control and the room at rest are taken out first: each packet is divided by its RMS over the subcarriers, and of
each subcarrier the mean over the window is subtracted. What a person who moves adds is slow beside packets, noise is
not: so the variance of moving averages is compared with what white noise of the same steps would leave of it (von
Neumann, Distribution of the Ratio of the Mean Square Successive Difference to the Variance, 1941). That needs no quiet
room to begin with. Amplitudes turn as lengths of paths change, with the frequencies of that change, so a spectrogram
of them shows speeds in any room (Wang, Liu, Shahzad, Ling and Lu, Understanding and Modeling of WiFi Signal Based Human
Activity Recognition, MobiCom 2015). Who moves, moves all subcarriers together, as its principal components say (the
same); autocorrelation over packets is the statistic of Zhang, Chen, Wang and Liu, WiSpeed, IEEE Internet of Things
Journal 5, 2018.
"""

import torch
from torch import nn

from wfm_core.signal.resized import resize
from wfm_core.signal.spectrogram import hann

FRAME = 64
"""Packets of a column of the spectrogram."""
LEAST_PACKETS = 2 * FRAME
"""Of a window; as many, the last ones, are what the numbers call now."""
MOTION_SIZE = (FRAME // 2, FRAME)
"""Rows and columns of each image."""
LENGTHS = (4, 8, 16)
LAGS = (1, 2, 4, 8, 16)
BANDS = 8
NAMES = (
    *("total", "white"),
    *(f"{kind}{length}" for length in LENGTHS for kind in ("slow", "excess", "usual")),
    *("excess of medians", "shared"),
    *(f"lag{lag}" for lag in LAGS),
)
"""Of the numbers of a stretch, in their order."""
MOTION_MEASURES = 2 * len(NAMES) + BANDS + 2
"""How many numbers `CsiMotion` gives: those of the last LEAST_PACKETS, of the whole window, and of its spectrogram."""


class CsiMotion(nn.Module):
    """Amplitudes float32 [B, antennas, subcarriers, packets] -> image [B, 2 * antennas, *MOTION_SIZE] and numbers
    [B, MOTION_MEASURES], both float32. LEAST_PACKETS packets or more; any number of subcarriers, unused ones as 0.

    The image: for each antenna what moves (over its RMS: the shape alone), a row some subcarriers and a column some
    packets; then for each antenna the spectrogram of that, summed over subcarriers, in units of 15 dB about its mean,
    rows from one cycle a FRAME up to half the rate of packets. The numbers are means over the antennas, see `stretch`
    and `spread`.
    """

    def __init__(self):
        super().__init__()
        self.size = list(MOTION_SIZE)
        self.frame, self.least = FRAME, LEAST_PACKETS
        self.register_buffer("window", hann(FRAME), persistent=False)

    def forward(self, amplitude: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if amplitude.dim() != 4 or amplitude.size(3) < self.least:
            raise ValueError(
                f"CSI {amplitude.shape}: [batch, antennas, subcarriers, {self.least} packets or more] is expected"
            )
        level = relative_to_packet(amplitude)
        moving = level - level.mean(3, keepdim=True)
        power = self.power(moving)
        unit = moving.square().mean((2, 3), keepdim=True).sqrt().clamp(min=1e-6)
        shape = resize((moving / unit).clamp(-6.0, 6.0), self.size)
        mean = power.mean((2, 3), keepdim=True).clamp(min=1e-20)
        image = torch.cat([shape, torch.log10(power / mean + 1e-4) * (10.0 / 15.0)], 1)
        numbers = torch.cat([stretch(level[:, :, :, -self.least :]), stretch(level), spread(power)], 2)
        return image, numbers.mean(1)

    def power(self, moving: torch.Tensor) -> torch.Tensor:
        """[B, antennas, subcarriers, packets] -> [B, antennas, FRAME / 2 frequencies, FRAME moments]; the last moment
        is of the last packets."""
        packets = moving.size(3)
        hop = (packets - self.frame) // (self.frame - 1)
        first = packets - self.frame - hop * (self.frame - 1)
        frames = moving[:, :, :, first:].unfold(3, self.frame, hop)
        frames = (frames - frames.mean(4, keepdim=True)) * self.window
        power = torch.fft.rfft(frames).abs().square().sum(2)
        return power[:, :, :, 1:].transpose(2, 3)


def relative_to_packet(amplitude: torch.Tensor) -> torch.Tensor:
    """[B, antennas, subcarriers, packets], each packet of each antenna over its RMS: no gain is left."""
    return amplitude / amplitude.square().mean(2, keepdim=True).sqrt().clamp(min=1e-12)


def stretch(level: torch.Tensor) -> torch.Tensor:
    """Levels [B, antennas, subcarriers, packets] -> [B, antennas, len(NAMES)], most in log10.

    total: variance over the packets; white: what it would be by the steps from packet to packet, if these were noise;
    slow: variance of moving averages over so many packets; excess: over what white noise would leave of it, all
    subcarriers together; usual: the same of the middle one of the subcarriers; excess of medians: of 8 packets, each
    the median of three first, which single odd packets do not move; shared: of the variance, 1 over the number of
    components that would have it evenly; lag: autocorrelation.
    """
    moving = level - level.mean(3, keepdim=True)
    total = moving.square().mean((2, 3))
    whites = 0.5 * (level[:, :, :, 1:] - level[:, :, :, :-1]).square().mean(3)
    white = whites.mean(2)
    parts = [torch.log10(total + 1e-8), torch.log10(white + 1e-8)]
    for length in [4, 8, 16]:
        slows = slow(moving, length)
        usual = (length * slows + 1e-8) / (whites + 1e-8)
        all_of_it = torch.log10((length * slows.mean(2) + 1e-8) / (white + 1e-8))
        parts = parts + [torch.log10(slows.mean(2) + 1e-8), all_of_it, torch.log10(usual).median(2)[0]]
    before, here, after = moving[:, :, :, :-2], moving[:, :, :, 1:-1], moving[:, :, :, 2:]
    low, high = torch.minimum(before, here), torch.maximum(before, here)
    middle = torch.maximum(low, torch.minimum(high, after))
    steps = 0.5 * (middle[:, :, :, 3:] - middle[:, :, :, :-3]).square().mean((2, 3))
    parts = parts + [torch.log10((8 * slow(middle, 8).mean(2) + 1e-8) / (steps + 1e-8))]
    covariance = torch.matmul(moving, moving.transpose(2, 3))
    trace = moving.square().sum((2, 3)).square()
    parts = parts + [torch.log10((covariance.square().sum((2, 3)) + 1e-12) / (trace + 1e-9))]
    for lag in [1, 2, 4, 8, 16]:
        parts = parts + [(moving[:, :, :, lag:] * moving[:, :, :, :-lag]).mean((2, 3)) / (total + 1e-8)]
    return torch.stack(parts, 2)


def slow(moving: torch.Tensor, length: int) -> torch.Tensor:
    """Variance over the packets of moving averages of so many of them: [B, antennas, subcarriers]."""
    average = nn.functional.avg_pool1d(moving.flatten(0, 1), length, 1)
    average = average - average.mean(2, keepdim=True)
    return average.square().mean(2).unflatten(0, [moving.size(0), moving.size(1)])


def spread(power: torch.Tensor) -> torch.Tensor:
    """Spectrogram [B, antennas, frequencies, moments] -> [B, antennas, BANDS + 2]: log10 of the share of each band of
    frequencies, and of the strongest and weakest eighth of the moments over the mean."""
    total = power.sum((2, 3)).clamp(min=1e-20)
    bands = power.sum(3).unflatten(2, [8, -1]).sum(3) / total.unsqueeze(2)
    times = 8 * power.sum(2).unflatten(2, [8, -1]).sum(3) / total.unsqueeze(2)
    ends = torch.stack([times.amax(2), times.amin(2)], 2)
    return torch.cat([torch.log10(bands + 1e-4), torch.log10(ends + 1e-4)], 2)
