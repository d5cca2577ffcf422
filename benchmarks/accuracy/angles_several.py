# SPDX-License-Identifier: GPL-3.0-or-later
"""Directions of up to three sources at once over four antennas, by MUSIC as WFM Direction Finder has it.

    .venv/bin/python benchmarks/accuracy/angles_several.py --json out/several.json

Windows of 512 samples of 0 to 3 sources, of equal power, at least --apart degrees from each other and within 60 degrees
(`wfm_core.synth.arrays.draw_signals`), without errors of channels; SNR is that of one source at one antenna. With
`alike` all sources of a window send the same out of step, as a wave and its reflections do. Printed are the figures of
`wfm_core.evaluate.matching`: found, in %, false, in %, windows with as many answers as sources, in %, and the mean
error in degrees of what was found.
"""

import argparse
import json
from pathlib import Path

import torch

from wfm_core.evaluate.classical.music import music_several
from wfm_core.evaluate.matching import matched_figures
from wfm_core.evaluate.weightless.music_bundle import SAMPLES
from wfm_core.synth.arrays import draw_signals, steering
from wfm_core.synth.draws import complex_normal, uniform

ANTENNAS, MOST, WIDEST = 4, 3, 60.0
_SIGNALS = 512


def draw_angles(count: int, sources: int, apart: float, generator: torch.Generator) -> torch.Tensor:
    """Degrees [count, sources] within WIDEST, at least `apart` from each other, rising."""
    free = 2 * WIDEST - apart * max(sources - 1, 0)
    return uniform((count, sources), 0, free, generator).sort(1).values - WIDEST + apart * torch.arange(sources)


def draw(signals, count: int, sources: int, snr_db: float, apart: float, alike: bool, generator: torch.Generator):
    """Windows complex64 [count, ANTENNAS, SAMPLES], and their angles [count, sources]."""
    angle = draw_angles(count, sources, apart, generator)
    own = torch.randint(len(signals), (count, sources), generator=generator)
    sent = signals[own[:, :1].expand_as(own) if alike else own][..., :SAMPLES]
    sent = sent * torch.exp(2j * torch.pi * uniform((count, sources, 1), 0, 1, generator))
    arriving = torch.einsum("bsa,bst->bat", steering(angle, ANTENNAS), sent.to(torch.complex64))
    return arriving + complex_normal(arriving.shape, generator) * 10 ** (-snr_db / 20), angle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=1000, help="of each row (1000)")
    parser.add_argument("--apart", type=float, nargs="+", default=[10.0, 20.0], help="degrees (10 and 20)")
    parser.add_argument("--snr-db", type=float, nargs="+", default=[0.0, 10.0, 20.0])
    parser.add_argument("--seed", type=int, default=7_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(options.seed)
    signals, rows = draw_signals(_SIGNALS, SAMPLES, generator), []
    cases = [(sources, False) for sources in range(MOST + 1)] + [(2, True)]
    print("synthetic; found % / false % / count right % / mean error of what was found, degrees\n")
    print(f"| sources | apart | {' | '.join(f'{snr_db:g} dB' for snr_db in options.snr_db)} |")
    print("|---" * (2 + len(options.snr_db)) + "|")
    for sources, alike in cases:
        for apart in options.apart if sources > 1 else options.apart[:1]:
            cells = []
            for snr_db in options.snr_db:
                iq, angle = draw(signals, options.windows, sources, snr_db, apart, alike, generator)
                figures = matched_figures(music_several(iq, MOST).numpy(), angle.numpy())
                rows.append({"sources": sources, "alike": alike, "apart": apart, "snr_db": snr_db, **figures})
                shares = " / ".join(f"{100 * figures[name]:.1f}" for name in ("found", "false", "count_right"))
                cells.append(f"{shares} / {figures['mean_deg']:.2f}")
            name = f"{sources}, alike" if alike else sources
            print(f"| {name} | {apart if sources > 1 else '-'} | {' | '.join(cells)} |", flush=True)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
