# SPDX-License-Identifier: GPL-3.0-or-later
"""From a contract and weights to the module that a bundle holds."""

import hashlib

import torch
from torch import Tensor, nn

from wfm_core.base.errors import WfmError
from wfm_core.bundle.contract import Contract, Network
from wfm_core.bundle.live import build_live, build_preprocess
from wfm_core.bundle.tree import TaskTree, build_live_tree
from wfm_core.model import (
    ChannelImageTokens,
    ClassHead,
    GridHead,
    ImageTokens,
    IqTokens,
    QuantityHead,
    WirelessModel,
)
from wfm_core.model.found import FoundSignalModel, tree_features
from wfm_core.model.transmitter import TransmitterModel
from wfm_core.signal.found import IMAGES, NUMBERS


def build_network(contract: Network) -> WirelessModel | FoundSignalModel | TransmitterModel | TaskTree:
    """The network that a bundle's contract or a foundation describes, with fresh weights."""
    if contract.stems:
        return TaskTree(contract, {name: build_network(stem) for name, stem in contract.stems.items()})
    if isinstance(contract, Contract) and contract.modality == "transmitter":
        return TransmitterModel(contract.transmitter_width, contract.carrier_offset)
    width = contract.encoder.width
    heads = {}
    for name, task in contract.tasks.items():
        pooled = contract.pooled_width(task.pooling)
        if task.dense:
            heads[name] = GridHead(pooled, task.outputs, task.grid, contract.token_channels)
        else:
            heads[name] = (QuantityHead if task.measures else ClassHead)(pooled, task.outputs)
    if isinstance(contract, Contract) and contract.modality == "signal":
        classes = len(next(iter(contract.tasks.values())).labels)
        return FoundSignalModel(contract.encoder, IMAGES, NUMBERS, heads=heads, trees=contract.trees, classes=classes)
    image = iq = None
    if "image" in contract.sides and contract.image_per_channel:
        measures = contract.image_measures
        image = ChannelImageTokens(width, contract.image_channels, affine=contract.affine, measures=measures)
    elif "image" in contract.sides:
        image = ImageTokens(width, contract.image_channels, size=contract.image_size, affine=contract.affine)
    if "iq" in contract.sides:
        iq = IqTokens(width, contract.antennas, affine=contract.affine, measures=contract.iq_measures)
    return WirelessModel(contract.encoder, image=image, iq=iq, heads=heads)


def fitted(contract: Network, weights: dict[str, Tensor], where: str) -> WirelessModel | TaskTree:
    """`build_network` with `weights`. Raises `WfmError` where they do not fit the contract or its hash."""
    seen = weights_sha256(weights)
    if seen != contract.weights_sha256:
        raise WfmError(
            f"{where}: the weights' sha256 is {seen}, but {contract.called} says {contract.weights_sha256}; "
            "get both files again from one source"
        )
    unfit = f"{where}: the weights do not fit {contract.called}"
    for model in contract.stems.values() or [contract]:
        _check_sizes(model, weights, unfit)
    network = build_network(contract)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        first = " ".join(str(error).split(":", 1)[-1].split())[:200]
        raise WfmError(f"{unfit}: {first}; get both files again") from error
    if isinstance(network, FoundSignalModel) and network.opinion is not None:
        blank = tree_features(torch.zeros(1, *IMAGES[-1]), torch.zeros(1, NUMBERS))
        if network.opinion.trees.lead_out(blank.size(1)):
            raise WfmError(f"{unfit}: its trees have nodes that lead out of them; get both files again")
    return network


def assemble(contract: Contract, weights: dict[str, Tensor], where: str) -> nn.Module:
    """The live module in eval mode. Raises `WfmError` where the weights do not fit the contract or its hash."""
    network = fitted(contract, weights, where)
    for model in contract.stems.values() or [contract]:
        if model.modality == "image":
            _check_image(model, build_preprocess(model), where)
    live = build_live_tree(contract, network) if contract.stems else build_live(contract, network)
    return live.eval().requires_grad_(False)


def _check_sizes(model: Network, weights: dict[str, Tensor], where: str) -> None:
    """Raise `WfmError` for an encoder or trees that are far larger than the weights, before memory for them is asked
    for."""
    there = sum(tensor.numel() for tensor in weights.values())
    encoder, trees = model.encoder, getattr(model, "trees", None)
    sizes = {}
    if encoder is not None:
        sizes["encoder"] = encoder.depth * encoder.width * (4 * encoder.width + 2 * encoder.mlp_hidden)
    if trees is not None:
        classes = len(next(iter(model.tasks.values())).labels)
        sizes["trees"] = trees.rounds * classes * (2 * trees.leaves - 1)
    for name, least in sizes.items():
        if least > 4 * there + (1 << 20):
            raise WfmError(
                f"{where}: for its {name} there should be more than {least} values, the weights have {there}; get both "
                "files again from one source"
            )


def _check_image(contract: Contract, preprocess: nn.Module, where: str) -> None:
    blank = torch.zeros(1, 1, contract.samples, dtype=torch.complex64)
    if contract.input == "image":
        blank = torch.zeros(1, *contract.input_shape)
    wanted = [contract.image_channels, *contract.image_size]
    try:
        made = preprocess(blank)
        image, numbers = made if isinstance(made, tuple) else (made, torch.zeros(1, 0))
        seen, measured = list(image.shape[1:]), numbers.size(1)
    except (ValueError, RuntimeError, TypeError, LookupError, ArithmeticError) as error:
        said = " ".join(str(error).split())[-300:]
        raise WfmError(f"{where}: signal and {contract.input} of the contract do not fit: {said}; fix one") from error
    if measured != contract.image_measures:
        raise WfmError(
            f"{where}: the contract says image.measures {contract.image_measures}, but its signal settings give "
            f"{measured} numbers; fix image or signal"
        )
    if seen != wanted:
        raise WfmError(
            f"{where}: the contract says image {wanted}, but its signal settings make {seen} (channels, height, "
            "width) of what comes in; fix image, signal or window"
        )


def weights_of(live: nn.Module) -> dict[str, Tensor]:
    """The state dict of the network, as `weights.safetensors` has it, taken out of a (scripted) live module."""
    weights = {}
    for name, parameter in live.named_parameters():
        part, _, rest = name.partition(".")
        if part == "network":
            weights[rest] = parameter
        elif part == "outputs":
            task, _, rest = rest.partition(".head.")
            weights[f"heads.{task}.{rest}"] = parameter
    return weights


def weights_sha256(weights: dict[str, Tensor]) -> str:
    """sha256 over the tensors in the order of their names: name, shape, then the values as float32 (little endian).

    Weights stored in half precision keep their hash when a module holds them in float32.
    """
    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().float().contiguous()
        digest.update(f"{name} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
