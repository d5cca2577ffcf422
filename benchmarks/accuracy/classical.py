# SPDX-License-Identifier: GPL-3.0-or-later
"""Two classical detectors of interference under an LTE cell, for comparison. Higher statistic: more suspicious."""

import torch


def energy(iq: torch.Tensor) -> torch.Tensor:
    """Energy detection for a receiver that knows neither its gain nor the cell's power: float [B].

    complex64 [B, A, T]. The 10th percentile of the power of 64 sub-bands x T/64 instants (all antennas), in dB over the
    mean: energy where and when the cell leaves the band quiet.
    """
    cells = torch.fft.fft(iq.unflatten(-1, (-1, 64))).abs().square().mean(1).flatten(1)
    return 10 * torch.log10(cells.quantile(0.1, dim=1) / cells.mean(1) + 1e-9)


def chip_rate_line(iq: torch.Tensor) -> torch.Tensor:
    """Strongest line in the spectrum of the squared envelope, in dB over the median: float [B].

    complex64 [B, A, T]; the square of a pulse-shaped signal has a line at its chip rate (Gardner 1991). The first
    16 bins, where the cell's own traffic fluctuates, are left out.
    """
    envelope = iq.abs().square()
    spectrum = torch.fft.rfft(envelope - envelope.mean(-1, keepdim=True)).abs().square().mean(1)[:, 16:]
    return 10 * torch.log10(spectrum.max(1).values / spectrum.median(1).values)


def line_statistics(iq: torch.Tensor) -> torch.Tensor:
    """What gradient boosting gets: both statistics above and the strongest lines of x^2 and x^4, float [B, 4]."""
    squared = iq * iq
    lines = []
    for power in (squared, squared * squared):
        spectrum = torch.fft.fft(power).abs().square().mean(1)
        lines.append(10 * torch.log10(spectrum.max(1).values / spectrum.median(1).values))
    return torch.stack([energy(iq), chip_rate_line(iq), *lines], dim=1)
