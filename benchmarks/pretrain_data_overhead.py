# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the data side keep up? Pretraining steps a second with synthetic windows, over those on windows in memory.

A set of windows is used for a few passes while the next one is rendered. The steps with data are those of a whole
set's life, so that all of the next set's rendering is paid for; the set is shortened to a batch for each number of
antennas, and everything else is as in the CPU recipe.
"""

import argparse
import os
import time
from itertools import cycle, islice

import torch
from result import Result, alternate, machine

from wfm_core.base.precision import bf16_is_faster
from wfm_core.configs.pretraining import load_pretraining
from wfm_core.train.objectives.masked import MaskedPretraining
from wfm_core.train.pretrain.mixture import Mixture, open_sources
from wfm_core.train.pretrain.results import describe
from wfm_core.train.pretrain.sets import Batches, WindowSets

RECIPE = "pretrain_cpu.yaml"
WANTED = 0.8


def shortened(recipe: str, overrides: list[str]):
    """`recipe` with sets of one batch for each number of antennas, and an end that is far away."""
    config = load_pretraining(recipe, overrides)
    windows = config.batch * len(config.iq.antennas)
    return load_pretraining(recipe, [*overrides, f"data.windows={windows}", "epochs=100"])


class Bench:
    def __init__(self, recipe: str, overrides: list[str]):
        self.config = config = shortened(recipe, overrides)
        torch.set_num_threads(config.threads or os.cpu_count())
        self.device = device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.bf16 = bf16_is_faster(device.type)  # as the recipe's precision: auto
        shares = open_sources(config)
        self.mixtures = {modality: Mixture(config, modality, shares, device) for modality in config.modalities}
        for mixture in self.mixtures.values():
            mixture.use(mixture.measure(config.seed))
        settings = {modality: mixture.settings for modality, mixture in self.mixtures.items()}
        self.training = MaskedPretraining(config, describe(config, settings)).to(device)
        self.optimizer = self.training.configure_optimizers()["optimizer"]
        self.steps = config.steps_per_epoch * max(map(config.data.passes_of, config.modalities))  # of a set's life
        self.in_memory = list(islice(self.batches(), config.steps_per_epoch))
        for batch in self.in_memory:
            self.step(batch)  # the first ones allocate

    def batches(self):
        """Batches from the first set's first step on, with that set ready and nothing of the next one."""
        sets = {modality: WindowSets(self.config, mixture) for modality, mixture in self.mixtures.items()}
        for one in sets.values():
            one.batch(0)
        return iter(Batches(sets, self.config))

    def step(self, batch) -> None:
        self.optimizer.zero_grad()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            loss = self.training.total(self.training.losses(*batch, self.config.seed))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.training.parameters(), self.config.gradient_clip)
        self.optimizer.step()

    def rate(self, batches) -> float:
        """Steps a second over a set's life."""
        started = time.perf_counter()
        for batch in islice(batches, self.steps):
            self.step(batch)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return self.steps / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default=RECIPE, help=f"as wfm-pretrain's --config ({RECIPE})")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each side (3)")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="as wfm-pretrain takes them")
    options = parser.parse_args()
    bench = Bench(options.recipe, options.overrides)
    with_data, fixed = alternate(
        lambda: bench.rate(bench.batches()), lambda: bench.rate(cycle(bench.in_memory)), options.rounds
    )
    config = bench.config
    Result(
        "pretrain_data_overhead",
        with_data / fixed,
        with_data,
        "steps/s",
        fixed,
        WANTED,
        f"{' '.join([options.recipe, *options.overrides])}: batch {config.batch} of each modality, "
        f"{bench.steps} steps x {options.rounds}, "
        f"{torch.get_num_threads()} threads; {machine()}",
    ).emit()


if __name__ == "__main__":
    main()
