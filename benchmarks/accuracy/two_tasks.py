# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-two-tasks on turns of the simulated radio that its training has not heard, beside a forest on hand-made features.

    python benchmarks/accuracy/two_tasks.py --bundle wfm-two-tasks --seed 100

The transmitters are those of the training: the model knows no others. The forest learns from as many other windows.
"""

import argparse

import torch

import wfm_core
from wfm_core.train.probe.classifiers import forest
from wfm_core.train.probe.hand import iq_features
from wfm_core.train.turns import TASKS, draw

_TAUGHT = 1_000_000
"""Seeds from here on are of the forest's windows."""
_RECIPE = {"min_samples_leaf": 1, "max_features": "sqrt"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="wfm-two-tasks")
    parser.add_argument("--seed", type=int, default=100, help="of the turns (100); training has 1")
    parser.add_argument("--windows", type=int, default=1000, help="to be named, and that the forest learns from (1000)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    bundle = wfm_core.load_bundle(options.bundle, device="cpu", dtype="fp32")
    iq, labels = draw(options.windows, options.seed)
    taught, known = draw(options.windows, _TAUGHT + options.seed)
    answers = bundle.infer(iq)
    features = [iq_features(windows.numpy()) for windows in (taught, iq)]
    print("| task | classes | windows | named right | forest on hand-made features |")
    print("|---|---|---|---|---|")
    for task, names in TASKS.items():
        truth = labels[task].numpy()
        votes = forest(features[0], known[task].numpy(), features[1], _RECIPE, options.seed)
        shares = [(said.argmax(1) == truth).mean() for said in (answers[task], votes)]
        print(f"| {task} | {len(names)} | {len(truth)} | {shares[0]:.3f} | {shares[1]:.3f} |")


if __name__ == "__main__":
    main()
