# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured of a channel to tell line of sight without a network: K-factor, delay spread, kurtosis.

Of CSI as a receiver reports it, with a phase and a delay at each packet that are the clocks' own. Delays are from the
mean one, powers of the impulse response those of all antennas and packets.
"""

import math

import torch
from torch import Tensor

NAMES = (
    "K over band and packets, dB", "K over packets, dB", "K of the strongest delay, dB", "its deviation over its mean",
    "delay spread, samples", "kurtosis", "share of the strongest delay", "delays before it", "delays over the noise",
)  # fmt: skip
"""Of the columns of `channel_numbers`."""
_WEAKEST = 0.01  # of the strongest delay's power
_FIRST = 0.05  # of all power: the first delay that counts
_QUIET = 0.3  # quantile of the delays' powers that is noise, twice which is taken off


def ricean_db(power: Tensor, dim: int) -> Tensor:
    """The K-factor in dB, -30 to 30, by the mean and the deviation of `power` along `dim`.

    Greenstein, Michelson and Erceg, Moment-method estimation of the Ricean K-factor, IEEE Communications Letters 3 (6),
    1999: sqrt(mean^2 - variance) is the power of what stays.
    """
    mean = power.mean(dim)
    steady = (mean.square() - power.var(dim, unbiased=False)).clamp(min=0).sqrt()
    return 10 * torch.log10((steady / (mean - steady).clamp(min=1e-30)).clamp(1e-3, 1e3))


def channel_numbers(csi: Tensor) -> Tensor:
    """CSI complex64 [B, A, subcarriers, packets] -> float32 [B, 9], see NAMES."""
    subcarriers = csi.size(2)
    number = torch.arange(subcarriers).view(1, 1, -1, 1)
    power = csi.abs().square()
    step = torch.angle((csi[:, :, 1:] * csi[:, :, :-1].conj()).sum((1, 2), keepdim=True))
    window = 0.54 - 0.46 * torch.cos(number * (2 * math.pi / (subcarriers - 1)))
    level = csi * window * torch.polar(torch.ones_like(step), -step * number)
    response = torch.fft.ifft(level, dim=2).roll(subcarriers // 2, 2).abs()
    taps = response.square()
    profile = taps.mean((1, 3))
    clean = (profile - 2 * profile.quantile(_QUIET, 1, keepdim=True)).clamp(min=0)
    clean = torch.where(clean < _WEAKEST * clean.amax(1, keepdim=True), 0.0, clean)
    clean = clean / clean.sum(1, keepdim=True).clamp(min=1e-30)
    place = torch.arange(subcarriers, dtype=torch.float32)
    spread = ((clean * place.square()).sum(1) - (clean * place).sum(1).square()).clamp(min=0).sqrt()
    around = response - response.mean(2, keepdim=True)
    kurtosis = around.pow(4).mean(2) / around.square().mean(2).square().clamp(min=1e-30)
    strongest = profile.argmax(1)
    peak = taps.gather(2, strongest.view(-1, 1, 1, 1).expand(-1, taps.size(1), 1, taps.size(3)))[:, :, 0]
    first = (clean > _FIRST).float().argmax(1)
    columns = [
        ricean_db(power.flatten(2), 2).mean(1),
        ricean_db(power, 3).mean((1, 2)),
        ricean_db(peak, 2).mean(1),
        peak.std((1, 2)) / peak.mean((1, 2)).clamp(min=1e-30),
        spread,
        kurtosis.mean((1, 2)),
        clean.amax(1),
        (strongest - first).float(),
        (clean > 0).sum(1).float(),
    ]
    return torch.stack(columns, 1)
