# SPDX-License-Identifier: GPL-3.0-or-later
"""From a contract and weights to the module that a bundle holds."""

import hashlib

import torch
from torch import Tensor, nn

from wfm_core.bundle.contract import Contract, TaskContract
from wfm_core.errors import WfmError
from wfm_core.model import ClassHead, ImageTokens, IqTokens, PositionHead, WirelessModel, pool
from wfm_core.signal import build_preprocessor


class TaskOutput(nn.Module):
    """Encoded tokens [B, 1 + N, D] -> calibrated logits [B, K], or a position in metres [B, 3]; float32."""

    def __init__(self, task: TaskContract, head: nn.Module):
        super().__init__()
        self.pooling = task.pooling
        self.head = head
        if task.kind == "position":
            low, high = torch.tensor(task.low), torch.tensor(task.high)
            scale, shift = (high - low) / 2, (high + low) / 2
        else:
            scale, shift = torch.tensor(1 / task.temperature), torch.tensor(task.bias)
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(pool(tokens, self.pooling).float()) * self.scale + self.shift


class _Live(nn.Module):
    """Network and task outputs. `network` takes the bundle's dtype; everything else stays float32."""

    def __init__(self, contract: Contract, network: WirelessModel):
        super().__init__()
        outputs = {name: TaskOutput(task, network.heads[name]) for name, task in contract.tasks.items()}
        network.heads = nn.ModuleDict()
        self.network = network
        self.outputs = nn.ModuleDict(outputs)
        self.modality = contract.modality
        self.pooling = next(iter(contract.tasks.values())).pooling

    def outputs_of(self, tokens: Tensor) -> dict[str, Tensor]:
        """Tokens [B, N, D] -> every task's output, and the embedding [B, D] before the heads."""
        encoded = self.network.encode(tokens)
        results = {"embedding_" + self.modality: pool(encoded, self.pooling).float()}
        for name, output in self.outputs.items():
            results[name] = output(encoded)
        return results


class LiveIq(_Live):
    """IQ windows complex64 [B, A, T] -> outputs; IQ tokens."""

    def __init__(self, contract: Contract, network: WirelessModel):
        super().__init__(contract, network)
        self.preprocess = build_preprocessor(contract.signal)

    def forward(self, iq: Tensor) -> dict[str, Tensor]:
        return self.outputs_of(self.network.iq(self.preprocess(iq)))


class LiveIqImage(_Live):
    """IQ windows complex64 [B, A, T] -> outputs; the preprocessing makes an image of each window."""

    def __init__(self, contract: Contract, network: WirelessModel):
        super().__init__(contract, network)
        self.preprocess = build_preprocessor(contract.signal)

    def forward(self, iq: Tensor) -> dict[str, Tensor]:
        return self.outputs_of(self.network.image(self.preprocess(iq)))


class LiveImage(_Live):
    """Images float32 [B, C, H, W] -> outputs."""

    @torch.jit.export
    def forward_image(self, image: Tensor) -> dict[str, Tensor]:
        return self.outputs_of(self.network.image(image))


def build_network(contract: Contract) -> WirelessModel:
    """The network that a contract describes, with fresh weights."""
    width = contract.encoder.width
    heads = {
        name: PositionHead(width) if task.kind == "position" else ClassHead(width, len(task.labels))
        for name, task in contract.tasks.items()
    }
    if contract.modality == "image":
        image = ImageTokens(width, contract.image_channels, size=contract.image_size)
        return WirelessModel(contract.encoder, image=image, heads=heads)
    return WirelessModel(contract.encoder, iq=IqTokens(width, contract.antennas), heads=heads)


def assemble(contract: Contract, weights: dict[str, Tensor], where: str) -> nn.Module:
    """The live module in eval mode. Raises `WfmError` where the weights do not fit the contract or its hash."""
    seen = weights_sha256(weights)
    if seen != contract.weights_sha256:
        raise WfmError(
            f"{where}: the weights' sha256 is {seen}, but the contract says {contract.weights_sha256}; "
            "get both files again from one source"
        )
    network = build_network(contract)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        first = " ".join(str(error).split(":", 1)[-1].split())[:200]
        raise WfmError(f"{where}: the weights do not fit the contract: {first}") from error
    kind = LiveImage if contract.input == "image" else LiveIqImage if contract.modality == "image" else LiveIq
    live = kind(contract, network).eval().requires_grad_(False)
    if isinstance(live, LiveIqImage):
        _check_image(contract, live.preprocess, where)
    return live


def _check_image(contract: Contract, preprocess: nn.Module, where: str) -> None:
    seen = list(preprocess(torch.zeros(1, 1, contract.samples, dtype=torch.complex64)).shape[1:])
    wanted = [contract.image_channels, *contract.image_size]
    if seen != wanted:
        raise WfmError(
            f"{where}: the contract says image {wanted}, but its signal settings make {seen} (channels, height, "
            "width) of a window; mend image, signal or window"
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
