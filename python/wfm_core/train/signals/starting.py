# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that a run on crops begins with."""

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.bundle.export import is_model_folder, read_model_folder
from wfm_core.bundle.find import find_bundle
from wfm_core.configs.finetuning import Signals
from wfm_core.model import ClassHead, EncoderConfig
from wfm_core.model.found import FoundSignalModel
from wfm_core.model.trees import TreeSizes
from wfm_core.signal.found import FACTS, IMAGES, NUMBERS


def starting_network(config: Signals, labels: tuple[str, ...], numbers: Tensor) -> tuple[FoundSignalModel, str]:
    """With fresh weights, drawn from the configuration's seed, or those of its `init`, and who that is.

    numbers: float32 [n, NUMBERS] of crops, which the network's scales are set by. A model of an earlier version that
    lacks a part gets a fresh one; trees, and how they are heard, are taken over where `trees.go_on` says so. Raises
    `WfmError` where `init` is another network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        heads = {config.task: ClassHead(config.encoder.width, len(labels))}
        encoder, trees = EncoderConfig(**config.encoder.model_dump()), tree_sizes(config)
        model = FoundSignalModel(encoder, IMAGES, NUMBERS, heads=heads, trees=trees, classes=len(labels))
    model.measures.fit(numbers[:, FACTS:])
    return model, "" if config.init is None else _take_over(model, config, labels)


def tree_sizes(config: Signals) -> TreeSizes | None:
    trees = config.trees
    return trees and TreeSizes(trees.rounds, trees.leaves, trees.depth)


def rounds_begun(config: Signals) -> int:
    """Of trees that those of `init` have, where they go on."""
    if not config.trees or not config.trees.go_on:
        return 0
    return read_model_folder(find_bundle(config.init))[0].trees.rounds


def listen(model: FoundSignalModel, task: str) -> None:
    """Let the head begin by adding the trees' opinion, where nothing has been learnt of it yet, to what it says."""
    model.opinion.aside.weight.data.copy_(torch.linalg.pinv(model.heads[task].linear.weight.data))


def _take_over(model: FoundSignalModel, config: Signals, labels: tuple[str, ...]) -> str:
    folder = find_bundle(config.init)
    if not is_model_folder(folder):
        raise WfmError(f"{config.init!r} is a bundle file, which does not train; give a model folder")
    contract, weights = read_model_folder(folder)
    task = contract.tasks.get(config.task)
    if contract.modality != "signal" or task is None or tuple(task.labels) != labels:
        raise WfmError(f"{folder} is no model of single signals with these {len(labels)} classes; name another --init")
    own = model.state_dict()
    if config.trees and config.trees.go_on:
        _lengthen(contract.trees, weights, own, config, folder)
    else:
        weights = {name: tensor for name, tensor in weights.items() if not name.startswith("opinion.")}
    strange = [name for name in weights if name not in own or own[name].shape != weights[name].shape]
    if strange:
        raise WfmError(f"{folder} is a network of another size: {strange[0]} does not fit; change `encoder`")
    kept = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
    model.load_state_dict(kept, strict=False)
    return f"{contract.name} {contract.weights_sha256}"


def _lengthen(
    theirs: TreeSizes | None, weights: dict[str, Tensor], own: dict[str, Tensor], config: Signals, folder
) -> None:
    """Trees of `weights` with room for as many rounds as `own` has, in place."""
    sizes = tree_sizes(config)
    if theirs is None or (theirs.leaves, theirs.depth) != (sizes.leaves, sizes.depth) or theirs.rounds >= sizes.rounds:
        raise WfmError(
            f"trees.go_on: {folder} has {theirs or 'no trees'}; expected {sizes.leaves} leaves, depth {sizes.depth} "
            f"and fewer than trees.rounds, {sizes.rounds}"
        )
    for name in [name for name in weights if name.startswith("opinion.trees.")]:
        more = torch.zeros_like(own[name])
        more[: len(weights[name])] = weights[name]
        weights[name] = more
