# SPDX-License-Identifier: GPL-3.0-or-later
"""Is this usual here? Embeddings that novelty is told by, on the same generated windows.

    .venv/bin/wfm-export --foundation wfm-base --modality iq -o wfm-base.wfm.pt
    .venv/bin/python benchmarks/accuracy/novelty.py --bundles wfm-base.wfm.pt --json out/novelty.json

Usual is noise, and three transmitters of any kinds, each at a place of its own in the band and at 0 to 15 dB, one of
the four in each window; `--windows` of it are learnt, and as many later ones tested beside as many with a signal of
another kind at 0 to 10 dB. Each site has other ones. Told are the area under the ROC curve, the share of strange
windows that is found, and of usual ones that is called unknown, which 1 % of are meant to be
(`wfm_core.model.prototypes`).
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from scipy.stats import norm
from torch import Tensor

from wfm_core.bundle import Bundle, load_bundle
from wfm_core.evaluate.metrics import auc
from wfm_core.evaluate.weightless.spectrum_bundle import SAMPLES, SpectrumBundle
from wfm_core.model.prototypes import MODES, Prototypes
from wfm_core.synth.draws import complex_normal, uniform
from wfm_core.synth.occupancy import KINDS, Listening, draw_signals, draw_windows

FALSE_ALARMS = 0.01
_TRANSMITTERS = 3
_AT_ONCE = 64


def site(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, list[str]]:
    """Windows [count, 1, T] to learn, later ones, strange ones; and the kinds that are usual."""
    order = torch.randperm(len(KINDS), generator=generator).tolist()
    kinds = [KINDS[number] for number in order[:_TRANSMITTERS]]
    strangers = tuple(KINDS[number] for number in order[_TRANSMITTERS:])
    sent = draw_signals(_TRANSMITTERS, 2 * count * SAMPLES, generator, tuple(kinds)).sent[:, -2 * count * SAMPLES :]
    level = 10 ** (uniform((_TRANSMITTERS, 1, 1), 0, 15, generator) / 20)
    heard = torch.cat([torch.zeros(1, 2 * count, SAMPLES), level * sent.unflatten(1, [-1, SAMPLES])])
    which = torch.randint(_TRANSMITTERS + 1, (2 * count,), generator=generator)
    usual = heard[which, torch.arange(2 * count)] + complex_normal((2 * count, SAMPLES), generator)
    how = Listening((0.0, 10.0), 0.0, ("none",), flaws=0.0, occupied=1.0)
    strange = draw_windows(draw_signals(count, SAMPLES, generator, strangers), count, how, generator).iq
    return usual[:count, None], usual[count:, None], strange, kinds


def judged(bundle: Bundle, learnt: Tensor, later: Tensor, strange: Tensor) -> dict:
    """Figures of one site."""
    known = Prototypes(float(norm.isf(FALSE_ALARMS)), MODES)
    known.enrol("usual", _embedded(bundle, learnt))
    far = [np.array([one["distance"] for one in known.decide(_embedded(bundle, iq))]) for iq in (later, strange)]
    is_strange = torch.arange(len(later) + len(strange)) >= len(later)
    alarms, found = ((distance > 1).mean() for distance in far)
    return {"auc": auc(np.concatenate(far), is_strange), "found": found, "alarms": alarms}


def _embedded(bundle: Bundle, iq: Tensor) -> np.ndarray:
    name = next(iter(bundle.contract.embedding_widths))
    return np.concatenate([bundle.infer(part)[name] for part in iq.split(_AT_ONCE)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundles", nargs="*", default=[], help=f"without tasks, of windows of {SAMPLES} samples")
    parser.add_argument("--sites", type=int, default=12)
    parser.add_argument("--windows", type=int, default=256)
    parser.add_argument("--seed", type=int, default=7_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bundles = [load_bundle(name, device="cpu", dtype="fp32", engine="torchscript") for name in options.bundles]
    bundles.insert(0, SpectrumBundle())
    rows = []
    for number in range(options.sites):
        *windows, kinds = site(options.windows, torch.Generator().manual_seed(options.seed + number))
        for bundle in bundles:
            figures = judged(bundle, *windows)
            rows.append({"site": number, "usual": kinds, "embedding": bundle.contract.name, **figures})
            said = "  ".join(f"{name} {value:.3f}" for name, value in figures.items())
            print(f"{number:3} {', '.join(kinds):48} {bundle.contract.name:12} {said}", flush=True)
    print(f"\nmeans over {options.sites} sites, {options.windows} windows learnt at each")
    for bundle in bundles:
        own = [row for row in rows if row["embedding"] == bundle.contract.name]
        means = "  ".join(f"{name} {np.mean([row[name] for row in own]):.3f}" for name in ("auc", "found", "alarms"))
        least = min(row["auc"] for row in own)
        print(f"{bundle.contract.name:12} {means}  least auc {least:.3f}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    sys.exit(main())
