# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels over a resource grid estimated from sparse pilots: fine-tuned, and as receivers do it, on other channels.

    .venv/bin/python benchmarks/accuracy/dense/channel_estimate.py --out runs/estimates

Slots are drawn from TR 38.901, 7.5 (`wfm_core.synth.csi.resource_grids`): 96 subcarriers, 14 symbols, pilots at every
fourth subcarrier of three symbols, SNR 0 to 30 dB, at most 30 m/s. Each is a channel of its own, and those of the test
are other draws than those of the training, which both the fine-tuning and LMMSE learn from. A data set is written,
`wfm-finetune` run once for each regime, and its bundle asked; runs that are in --out already are asked again. Then a
table of NMSE in dB is printed: the mean over slots of the error's power over the channel's.

linear interpolation: of least-squares estimates, in frequency, then in time; what the networks see.
LMMSE: with the sample covariance of all training channels, over frequency and time at once, told SNR and mean power.
LMMSE by scenario: the same with a covariance for each of the six scenarios, told which one it is too.
"""

import argparse
import sys

import numpy as np
import torch
from torch import Tensor
from tuned import add_options, show, tuned

from wfm_core.bundle import Bundle
from wfm_core.data.generated_grids import SIGNAL, drawn_grids, write_channel_estimates
from wfm_core.evaluate.classical.channel_estimation import Lmmse, interpolated
from wfm_core.evaluate.dense import nmse_db, relative_errors
from wfm_core.model import padded
from wfm_core.signal import build_preprocessor
from wfm_core.signal.channels.csi_profile import csi_parts
from wfm_core.synth.csi.clusters import SCENARIOS
from wfm_core.synth.csi.resource_grids import SUBCARRIERS, SYMBOLS, ResourceGrids

SMALL = {"width": 128, "depth": 4, "heads": 4, "mlp_hidden": 512}
_RECIPE = ("test_share=0.05", "validation_share=0.05", "batch=128", "warmup_epochs=0.5", "threads=1")
RECIPES = {
    "foundation": (*_RECIPE, "base_learning_rate=2e-3", "epochs=4"),
    "small": (*_RECIPE, "base_learning_rate=4e-3", "epochs=12"),
}
IMAGE = {"channels": 2, "size": list(padded((SUBCARRIERS, SYMBOLS))), "per_channel": False}
"""Of the small network: its tokens are of both planes of an image at once."""
_LEVELS = ((0, 10), (10, 20), (20, 30))  # dB
_ASKED = 100  # slots at once
_TEST = 500_000  # added to the seed


def _joined(parts: list[ResourceGrids]) -> ResourceGrids:
    causes = {name: torch.cat([part.causes[name] for part in parts]) for name in parts[0].causes}
    together = (torch.cat([getattr(part, name) for part in parts]) for name in ("pilots", "channel", "noise"))
    return ResourceGrids(*together, causes)


def _classical(train: ResourceGrids, test: ResourceGrids) -> dict[str, Tensor]:
    """Estimates complex64 [N, H, W] by method."""
    places = SIGNAL["subcarriers"], SIGNAL["symbols"]
    power = test.channel.abs().square().mean((1, 2))
    told = torch.empty_like(test.channel)
    for number in range(len(SCENARIOS)):
        rows = (test.causes["scenario"] == number).nonzero()[:, 0]
        own = Lmmse(train.channel[train.causes["scenario"] == number], *places)
        told[rows] = own(test.pilots[rows], test.noise[rows], power[rows])
    return {
        "linear interpolation": interpolated(test.pilots, build_preprocessor(SIGNAL)),
        "LMMSE": Lmmse(train.channel, *places)(test.pilots, test.noise, power),
        "LMMSE by scenario": told,
    }


def _asked(bundle: Bundle, pilots: Tensor) -> Tensor:
    parts = csi_parts(pilots.unsqueeze(1)).split(_ASKED)
    answers = torch.cat([torch.from_numpy(bundle.infer_image(part.numpy())["channel_estimate"]) for part in parts])
    return torch.complex(answers[:, 0], answers[:, 1])


def _figures(estimates: Tensor, test: ResourceGrids) -> list[float]:
    relative = relative_errors(_parts(estimates), _parts(test.channel))
    snr, seen = test.causes["snr_db"].numpy(), test.causes["line_of_sight"].numpy()
    rows = [np.ones(len(snr), bool), *((low <= snr) & (snr < high) for low, high in _LEVELS), seen, ~seen]
    return [nmse_db(relative[row]) for row in rows]


def _parts(channel: Tensor) -> np.ndarray:
    return csi_parts(channel.unsqueeze(1)).numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, ["small", "lora", "ft2", "lp"])
    parser.add_argument("--train", type=int, default=20_000, help="slots to learn from (20000)")
    parser.add_argument("--test", type=int, default=4000, help="slots of the test (4000)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    train, test = (
        _joined(list(drawn_grids(count, seed)))
        for count, seed in ((options.train, options.seed), (options.test, _TEST + options.seed))
    )
    rows = {name: _figures(estimates, test) for name, estimates in _classical(train, test).items()}
    options.out.mkdir(parents=True, exist_ok=True)
    data = options.out / "train.h5"
    if not data.exists():
        write_channel_estimates(data, options.train, options.seed)
    for regime in options.regimes:
        name, bundle = tuned(options, regime, data, RECIPES, SMALL, IMAGE)
        rows[name] = _figures(_asked(bundle, test.pilots), test)
        print(name, *(f"{figure:.1f}" for figure in rows[name]), file=sys.stderr)
    levels = (f"{low} to {high} dB" for low, high in _LEVELS)
    columns = ("all", *levels, "line of sight", "none")
    title = f"NMSE in dB, synthetic: {options.train} slots to learn from, {options.test} of the test"
    show(title, columns, rows, 1, options.json)


if __name__ == "__main__":
    main()
