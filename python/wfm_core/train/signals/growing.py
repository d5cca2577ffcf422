# SPDX-License-Identifier: GPL-3.0-or-later
"""Grows the boosted trees of a model of single signals, by LightGBM, and lays them out for `wfm_core.model.trees`."""

from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from wfm_core.base.needs import needed
from wfm_core.configs.finetuning import Signals
from wfm_core.model.found import tree_features
from wfm_core.model.trees import VALUE_STEPS, Trees, whole_steps
from wfm_core.train.signals.batches import as_inputs

_AT_ONCE = 256


def features_of(files: list[Path], labels: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers float32 [n, F] as trees compare them, and classes int64 [n], of the crops that have a name."""
    features, classes = [], []
    for path in files:
        rows = np.load(path, mmap_mode="r")
        for first in range(0, len(rows), _AT_ONCE):
            (*_, rates, numbers), target = as_inputs(rows[first : first + _AT_ONCE], labels)
            found = tree_features(rates, numbers)[target >= 0]
            features.append(whole_steps(found).numpy())
            classes.append(target[target >= 0].numpy())
    return np.concatenate(features), np.concatenate(classes)


def grow(trees: Trees, config: Signals, features: np.ndarray, classes: np.ndarray, begun: int = 0) -> None:
    """Fill `trees`, after the first `begun` rounds, which are there, with what `config.trees` makes of features [n, F]
    and classes [n]. Raises `WfmError` without LightGBM."""
    lightgbm = needed("lightgbm", "growing trees (the key trees of the configuration)")
    sizes = config.trees
    said = _votes(trees, features) if begun else None
    data = lightgbm.Dataset(features, classes, init_score=said, params={"max_bin": sizes.bins, "verbose": -1})
    rounds = sizes.rounds - begun
    with tqdm(total=rounds, desc="growing trees", unit="round") as bar:
        grown = lightgbm.train(
            {
                "objective": "multiclass",
                "num_class": trees.classes,
                "learning_rate": sizes.learning_rate,
                "num_leaves": sizes.leaves,
                "max_depth": sizes.depth,
                "min_data_in_leaf": sizes.least,
                "lambda_l2": 1.0,
                "feature_fraction": sizes.features,
                "max_bin": sizes.bins,
                "num_threads": config.threads,  # 0: all, for both
                "seed": config.seed,
                "deterministic": True,
                "force_col_wise": True,
                "use_missing": False,
                "verbose": -1,
            },
            data,
            rounds,
            callbacks=[lambda _: bar.update()],
        )
    lay_out(trees, [one["tree_structure"] for one in grown.dump_model()["tree_info"]])


@torch.inference_mode()
def _votes(trees: Trees, features: np.ndarray) -> np.ndarray:
    parts = [
        trees.votes(torch.from_numpy(features[first : first + _AT_ONCE])) for first in range(0, len(features), _AT_ONCE)
    ]
    return torch.cat(parts).double().numpy()


def lay_out(trees: Trees, roots: list[dict]) -> None:
    """Put trees, each as LightGBM's `dump_model` has its root, in the order of rounds and classes, in the last places
    of `trees`."""
    feature, threshold = np.zeros((len(roots), trees.nodes), np.uint8), np.zeros((len(roots), trees.nodes), np.int16)
    value, branches = np.zeros((len(roots), trees.nodes), np.int16), np.zeros((len(roots), trees.nodes, 2), np.uint8)
    for tree, root in enumerate(roots):
        nodes = [root]
        for place, node in enumerate(nodes):  # grows as it goes
            if "leaf_value" in node:
                branches[tree, place] = place
                value[tree, place] = round(np.clip(node["leaf_value"] * VALUE_STEPS, -32768, 32767))
                continue
            feature[tree, place] = node["split_feature"]
            threshold[tree, place] = np.floor(node["threshold"])
            branches[tree, place] = len(nodes), len(nodes) + 1
            nodes += [node["left_child"], node["right_child"]]
    parts = {"feature": feature, "threshold": threshold, "branches": branches, "value": value}
    for name, values in parts.items():
        last = getattr(trees, name).data[-values.size :]
        last.copy_(torch.from_numpy(values.reshape(-1)))
