# SPDX-License-Identifier: GPL-3.0-or-later
"""Directions of generated waves over four antennas: a bundle's answers beside MUSIC's, on the same windows.

    .venv/bin/python benchmarks/accuracy/angles.py --json out/angles.json

Mean absolute errors in degrees, by SNR (of one antenna, in the whole band) and by what is wrong with the receiver and
its surroundings, as `wfm_core.synth.arrays` has it: signals, directions and flaws are drawn again from --seed, and none
is of a training. MUSIC knows that there is one source, and neither method knows the flaws. `+-` is half of the 95 %
interval of the difference of both (bundle less MUSIC), window by window.
"""

import argparse
import json
import sys
from pathlib import Path

import torch

from wfm_core.bundle import load_bundle
from wfm_core.evaluate.classical.music import music
from wfm_core.synth.arrays import GAIN_ERROR, PHASE_ERROR, Arrivals, draw_bearings, draw_signals

SNR_DB = (-10.0, 0.0, 10.0, 20.0)
_THIRD = 1 / 3
CONDITIONS = {
    "no flaws": {"errors": (0.0, 0.0), "reflections": 0},
    f"channels off by {GAIN_ERROR * _THIRD:.2f}, {PHASE_ERROR * _THIRD:.0f} deg": {
        "errors": (_THIRD, _THIRD),
        "reflections": 0,
    },
    f"channels off by {GAIN_ERROR:.2f}, {PHASE_ERROR:.0f} deg": {"errors": (1.0, 1.0), "reflections": 0},
    "up to 3 reflections": {"errors": (0.0, 0.0), "reflections": 3},
    "both": {"errors": (1.0, 1.0), "reflections": 3},
}
_SIGNALS = 1024
_AT_ONCE = 256


def measure(bundle, signals: torch.Tensor, count: int, how: Arrivals, seed: int) -> dict:
    """Mean errors of both on `count` windows, and half the interval of what is between them."""
    generator = torch.Generator().manual_seed(seed)
    errors = {"bundle": [], "music": []}
    for rows in torch.arange(count).split(_AT_ONCE):
        drawn = draw_bearings(signals, len(rows), how, generator)
        told = torch.from_numpy(bundle.infer(drawn.iq)["angle"][:, 0])
        errors["bundle"].append((told - drawn.angle).abs())
        errors["music"].append((music(drawn.iq, how.spacing, how.widest) - drawn.angle).abs())
    ours, theirs = (torch.cat(parts) for parts in errors.values())
    between = float(1.96 * (ours - theirs).std() / count**0.5)
    return {"bundle": float(ours.mean()), "music": float(theirs.mean()), "between": between}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="wfm-angle")
    parser.add_argument("--windows", type=int, default=1000, help="of each cell of the table")
    parser.add_argument("--widest", type=float, nargs="+", default=[60.0, 90.0], help="degrees to either side")
    parser.add_argument("--seed", type=int, default=7_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bundle = load_bundle(options.bundle, device="cpu", dtype="fp32", engine="torchscript")
    contract = bundle.contract
    signals = draw_signals(_SIGNALS, contract.samples, torch.Generator().manual_seed(options.seed))
    rows = []
    for widest in options.widest:
        print(f"within +-{widest:g} degrees, {options.windows} windows a cell: {contract.name} / MUSIC (+-)")
        print(f"{'':32}" + "".join(f"{f'{snr_db:g} dB':>22}" for snr_db in SNR_DB))
        for number, (name, flaws) in enumerate(CONDITIONS.items()):
            cells = []
            for snr_db in SNR_DB:
                how = Arrivals(contract.antennas, widest=widest, snr_db=(snr_db, snr_db), **flaws)
                found = measure(bundle, signals, options.windows, how, options.seed + number)
                rows.append({"widest": widest, "flaws": name, "snr_db": snr_db, **found})
                cells.append(f"{found['bundle']:6.2f} /{found['music']:6.2f} ({found['between']:.2f})")
            print(f"{name:32}" + "".join(f"{cell:>22}" for cell in cells), flush=True)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    sys.exit(main())
