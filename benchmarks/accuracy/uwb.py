# SPDX-License-Identifier: GPL-3.0-or-later
"""Places by responses of eight UWB anchors, synthetic: a small network, neighbours, and multilateration.

    .venv/bin/python benchmarks/accuracy/uwb.py --out runs/uwb

One room of `wfm_core.synth.uwb`; four fifths of the places are learnt from, the others asked for. Multilateration is
told where the anchors are and learns nothing; the five nearest neighbours are those by arrivals at the anchors less
their mean, or by envelopes. The network has SMALL sizes and is trained by `wfm-finetune` from scratch, unless --no-
network is given; a run that is in --out already is asked again. Printed are errors in metres.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.neighbors import KNeighborsRegressor

from wfm_core.bundle import load_bundle
from wfm_core.bundle.foundation import build_model, load_foundation, save_foundation
from wfm_core.cli.finetune import main as finetune
from wfm_core.data.dataset import open_dataset
from wfm_core.data.generated_uwb import write_uwb
from wfm_core.data.splits import make_split
from wfm_core.evaluate.metrics import error_figures, quantity_errors
from wfm_core.evaluate.table import FIGURES
from wfm_core.synth.uwb import ANCHORS, arrivals, multilaterate

SMALL = {"width": 96, "depth": 3, "heads": 4, "mlp_hidden": 384}
RECIPE = (
    "pooling=mean",
    "validation_share=0.05",
    "batch=64",
    "warmup_epochs=1",
    "threads=1",
    "signal=dataset",
    "precision=32-true",
)
_TEST_SHARE = 0.2


def _network(options: argparse.Namespace, data: Path) -> Path:
    run, init = options.out / "small", options.out / "sizes"
    iq = {"antennas": len(ANCHORS), "tokens": 64, "signal": {"kind": "iq_rms"}}
    description = {
        **load_foundation("wfm-base").description,
        "name": "small",
        "encoder": SMALL,
        "modalities": {"iq": iq},
    }
    save_foundation(init, description, build_model(description).state_dict())
    given = ("--data", str(data), "--init", str(init), "--regime", "scratch", "--split", "random", "--out", str(run))
    recipe = (*RECIPE, f"test_share={_TEST_SHARE}", f"epochs={options.epochs}", "base_learning_rate=8e-3", *options.set)
    if not (run / FIGURES).exists() and finetune([*given, "--seed", str(options.seed), *recipe]):
        sys.exit(1)
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the data set and of the run")
    parser.add_argument("--places", type=int, default=3000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-network", action="store_true")
    parser.add_argument("--set", nargs="*", default=[], metavar="key=value", help="of wfm-finetune, besides its recipe")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    data = open_dataset(write_uwb(options.out / "uwb.h5", options.places, options.seed))
    sides = make_split(data.label, data.groups, "random", options.seed, _TEST_SHARE, None)
    known, asked = data.read_iq(sides.train), data.read_iq(sides.test)

    def neighbours(features) -> np.ndarray:
        nearest = KNeighborsRegressor(5, weights="distance").fit(features(known), data.label[sides.train])
        return nearest.predict(features(asked))

    said = {
        "multilateration": multilaterate(arrivals(asked)),
        "neighbours by arrivals": neighbours(lambda x: arrivals(x) - arrivals(x).mean(1, keepdims=True)),
        "neighbours by envelopes": neighbours(lambda x: np.abs(x).reshape(len(x), -1)),
    }
    if not options.no_network:
        bundle = load_bundle(_network(options, data.path), device="cpu", dtype="fp32")
        parts = [bundle.infer(part)["uwb_position"] for part in np.array_split(asked, -(-len(asked) // 64))]
        said[f"{SMALL['depth']} blocks of {SMALL['width']}, from scratch"] = np.concatenate(parts)
    print(f"\nuwb_position, synthetic: {len(known)} places to learn from, {len(asked)} asked for; errors in m\n")
    print("| | mean | median | 90 % |\n|---|---|---|---|")
    for name, places in said.items():
        figures = error_figures(quantity_errors(places, data.label[sides.test]), "m")
        print(f"| {name} | {' | '.join(f'{figure:.2f}' for figure in figures.values())} |")


if __name__ == "__main__":
    main()
