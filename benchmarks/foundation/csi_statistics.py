# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated CSI beside recorded CSI: the same statistics of both, a table for each recorded set in $WFM_REALDATA.

    WFM_REALDATA=/data/real .venv/bin/python benchmarks/foundation/csi_statistics.py --windows 256

Generated windows have the set's subcarriers, antennas and packets, and its rate of packets where that is known. The
last column is the share of recorded windows between the 5 % and 95 % quantiles of the generated ones: 0.9 is what a
set would have that was drawn from the same. Nothing is learnt from these sets here or elsewhere.
"""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wfm_core.synth.csi.grids import find_grid
from wfm_core.synth.csi.windows import RATES, draw_windows

CHUNK = 16


@dataclass(frozen=True)
class Recorded:
    """A set: its file, the grid and antennas to generate, packets a second (None: not known) and activities."""

    file: str
    grid: str
    antennas: tuple[int, int]
    rate: float | None
    activities: tuple[str, ...] | None


SETS = {
    "csi_har": Recorded("har11.npz", "intel5300-20", (1, 3), 20.0, None),
    "csi_activity_wiar": Recorded("wiar.npz", "intel5300-20", (1, 3), 30.0, None),
    "csi_position": Recorded("lgtm.npz", "intel5300-20", (1, 3), None, ("empty", "still")),
    "csi_objects": Recorded("smartwifi.npz", "atheros-20", (2, 2), None, ("empty", "still")),
}


def read(path: Path) -> Tensor:
    """The set's CSI as complex64 [windows, antennas, subcarriers, packets]."""
    with np.load(path, allow_pickle=False) as file:
        parts = file["csi"].astype(np.float32)
    csi = torch.complex(torch.from_numpy(parts[..., 0].copy()), torch.from_numpy(parts[..., 1].copy()))
    return csi.flatten(3).permute(0, 3, 2, 1)


def generate(recorded: Recorded, windows: int, packets: int, seed: int) -> Tensor:
    """As many generated windows of that kind, complex64 [windows, antennas, subcarriers, packets]."""
    generator = torch.Generator().manual_seed(seed)
    rates = RATES if recorded.rate is None else (recorded.rate, recorded.rate)
    settings = {"activities": recorded.activities, "rates": rates}
    drawn = [
        draw_windows(CHUNK, find_grid(recorded.grid), packets, recorded.antennas, generator, **settings).csi
        for _ in range(-(-windows // CHUNK))
    ]
    return torch.cat(drawn)[:windows]


def statistics(csi: Tensor) -> dict[str, Tensor]:
    """Of each window [B, A, K, N] one value a statistic."""
    amplitude = csi.abs()
    level = amplitude.square().mean((1, 2), keepdim=True).sqrt().clamp_min(1e-6)
    decibels = 20 * torch.log10(level[:, 0, 0])
    steps = decibels.diff(dim=1).abs()
    profile = 20 * torch.log10(amplitude.mean(3).clamp_min(1e-3))
    antennas = 10 * torch.log10(amplitude.square().mean((2, 3)).clamp_min(1e-3))
    relative = amplitude / level
    moving = relative - relative.mean(3, keepdim=True)
    power = moving.square().mean((1, 2, 3)).clamp_min(1e-12)
    lagged = [(moving[..., lag:] * moving[..., :-lag]).mean((1, 2, 3)) / power for lag in (1, 4)]
    spectrum = torch.fft.rfft(moving).abs().square().mean((1, 2))
    frequency = torch.fft.rfftfreq(csi.shape[3])
    half = csi.shape[2] // 2
    total = csi.abs().square().mean((1, 2, 3))
    found = {
        "spread over subcarriers, dB": profile.std(2).mean(1),
        "coherence over half the band": _phasor(csi[:, :, half:] * csi[:, :, :-half].conj()).mean(1) / total,
        "antennas apart in level, dB": antennas.amax(1) - antennas.amin(1),
        "step of level between packets, dB, median": steps.median(1).values,
        "the same, 95 %": steps.quantile(0.95, dim=1),
        "deviation over packets, of the mean": (relative.std(3) / relative.mean(3).clamp_min(1e-6)).mean((1, 2)),
        "autocorrelation after 1 packet": lagged[0],
        "autocorrelation after 4 packets": lagged[1],
        "RMS frequency of amplitudes, cycles a packet": (
            (spectrum * frequency.square()).sum(1) / spectrum.sum(1)
        ).sqrt(),
    }
    between = csi[:, :1] * csi[:, 1:].conj()
    steady = _unit(between.sum(2)).mean(2).abs()
    return found | {"steadiness of the phase between antennas": steady.mean(1)}


def _phasor(product: Tensor) -> Tensor:
    """Modulus of the mean over subcarriers, mean over packets: [B, A, K, N] -> [B, A]."""
    return product.mean(2).abs().mean(2)


def _unit(x: Tensor) -> Tensor:
    return x / x.abs().clamp_min(1e-12)


def table(name: str, recorded: Tensor, generated: Tensor) -> list[str]:
    """Markdown lines: median (10 % to 90 %) of both, and how many recorded windows are among the generated ones."""
    lines = [f"| {name}: {len(recorded)} recorded windows | recorded | generated | inside |", "|---|---|---|---|"]
    theirs, ours = statistics(recorded), statistics(generated)
    for statistic, values in theirs.items():
        low, high = ours[statistic].quantile(torch.tensor([0.05, 0.95]))
        inside = ((values >= low) & (values <= high)).float().mean()
        lines.append(f"| {statistic} | {_three(values)} | {_three(ours[statistic])} | {inside:.2f} |")
    return lines


def _three(values: Tensor) -> str:
    low, middle, high = values.quantile(torch.tensor([0.1, 0.5, 0.9])).tolist()
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    """Print the tables; a set that is not there is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=256, help="generated for each set")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = Path(os.environ.get("WFM_REALDATA", "../shared/realdata"))
    for name, recorded in SETS.items():
        path = folder / name / recorded.file
        if not path.exists():
            print(f"{name}: no {path}; set WFM_REALDATA to the folder that holds it\n")
            continue
        csi = read(path)
        print("\n".join([*table(name, csi, generate(recorded, options.windows, csi.shape[3], options.seed)), ""]))


if __name__ == "__main__":
    main()
