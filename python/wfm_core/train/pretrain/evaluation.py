# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-evaluate --reconstruction: how well a pretraining run fills in what it does not see, by kind of scene."""

import argparse
import json
from pathlib import Path

import torch

from wfm_core.base.errors import WfmError
from wfm_core.configs.pretraining import load_pretraining
from wfm_core.evaluate.pictures import draw_errors
from wfm_core.evaluate.reconstruction import SETTINGS, evaluate_reconstruction, format_table
from wfm_core.model import SEGMENT
from wfm_core.signal import build_preprocessor
from wfm_core.train.pretrain.results import load_autoencoder

SEED = 20_261_122
"""Of the scenes: far from any training seed."""


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("wfm-evaluate --reconstruction", description=__doc__)
    parser.add_argument("--reconstruction", action="store_true", help="this evaluation rather than that of a recording")
    parser.add_argument("--run", type=Path, required=True, metavar="FOLDER", help="a run folder of wfm-pretrain")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: FOLDER/reconstruction)")
    parser.add_argument("--train-windows", type=int, default=SETTINGS["train_windows"], help="of the linear predictor")
    return parser.parse_args(argv)


def evaluate(argv: list[str]) -> int:
    """Print the errors, and write them as JSON, text and picture."""
    options = parse(argv)
    kept = options.run / "config.yaml"
    if not kept.exists():
        raise WfmError(f"{options.run} has no config.yaml; name a run folder of wfm-pretrain, with its checkpoints")
    config = load_pretraining(str(kept))
    autoencoder, statistics = load_autoencoder(options.run, config)
    modalities = config.objectives["masked"]
    preprocess = {modality: build_preprocessor(statistics[modality]["signal"]) for modality in modalities}
    antennas = max(config.iq.antennas)
    shapes = {
        "image": {"antennas": 1, "samples": config.image.samples},
        "iq": {"antennas": antennas, "samples": config.iq.tokens // antennas * SEGMENT},
    }
    settings = {m: {**shapes[m], "ratio": config.mask_ratio[m]} for m in modalities}
    settings["train_windows"] = options.train_windows
    torch.set_num_threads(config.threads or torch.get_num_threads())
    report = evaluate_reconstruction(autoencoder, preprocess, settings, SEED)
    out = options.out or options.run / "reconstruction"
    out.mkdir(parents=True, exist_ok=True)
    text = format_table(report)
    (out / "reconstruction.json").write_text(json.dumps(report, indent=1))
    (out / "reconstruction.txt").write_text(text + "\n")
    draw_errors(out / "reconstruction.png", report)
    print(text)
    return 0
