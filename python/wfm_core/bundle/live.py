# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bundle of one model runs: preprocessing, network and outputs as one module that TorchScript compiles."""

import torch
from torch import Tensor, nn

from wfm_core.base.quantities import ESTIMATE
from wfm_core.bundle.contract import Contract
from wfm_core.bundle.contracts.task import TaskContract
from wfm_core.model import WirelessModel, pool
from wfm_core.model.transmitter import PIECE, TransmitterModel
from wfm_core.signal import build_preprocessor


class TaskOutput(nn.Module):
    """Encoded tokens [B, 1 + N, D] -> calibrated logits [B, K], or numbers in the unit of what is measured; float32.

    `model` is the contract of the network that made the tokens. `embedding` is the name under which what the head sees
    goes out as well; "" where it does not.
    """

    def __init__(self, task: TaskContract, head: nn.Module, model: Contract, embedding: str):
        super().__init__()
        self.pooling, self.columns, self.channels = task.pooling, model.columns, model.token_channels
        self.head = head
        self.embedding = embedding
        if task.measures:
            low, high = torch.tensor(task.low), torch.tensor(task.high)
            scale, shift = (high - low) / 2, (high + low) / 2
        else:
            scale, shift = torch.tensor(1 / task.temperature), torch.tensor(task.bias)
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)

    def forward(self, tokens: Tensor, name: str, results: dict[str, Tensor], numbers: Tensor | None = None) -> None:
        """Put the output into `results` under `name`, and the embedding (see `pool`) under its own; of `numbers` [B, K]
        alone where the pooling is of these."""
        if self.pooling == "measures" and numbers is not None:
            embedding = numbers
        else:
            embedding = pool(tokens, self.pooling, self.columns, self.channels).float()
        if self.embedding != "":
            results[self.embedding] = embedding
        results[name] = self.head(embedding) * self.scale + self.shift


class GridOutput(nn.Module):
    """Encoded tokens of images [B, 1 + N, D] -> calibrated logits of each pixel's classes [B, K, H, W], or what a
    network adds to the planes of its images, [B, planes, H, W]; float32. `embedding` as of `TaskOutput`: their mean."""

    def __init__(self, task: TaskContract, head: nn.Module, embedding: str):
        super().__init__()
        self.head = head
        self.embedding = embedding
        self.scale = 1 / task.temperature
        self.register_buffer("shift", torch.tensor(task.bias).view(-1, 1, 1) if task.labels else torch.zeros(1, 1, 1))

    def forward(self, tokens: Tensor, name: str, results: dict[str, Tensor], numbers: Tensor | None = None) -> None:
        """As `TaskOutput`; `numbers` have no use."""
        tokens = tokens.float()
        if self.embedding != "":
            results[self.embedding] = pool(tokens, "mean")
        results[name] = self.head(tokens) * self.scale + self.shift


class EmbeddingOutput(nn.Module):
    """Encoded tokens [B, 1 + N, D] -> embedding (see `pool`) alone, float32: all that a foundation gives."""

    def __init__(self, contract: Contract):
        super().__init__()
        self.pooling, self.columns, self.channels = contract.embedding, contract.columns, contract.token_channels
        self.embedding = f"embedding_{contract.modality}"

    def forward(self, tokens: Tensor, name: str, results: dict[str, Tensor], numbers: Tensor | None = None) -> None:
        """As `TaskOutput`; `name` and `numbers` have no use."""
        results[self.embedding] = pool(tokens, self.pooling, self.columns, self.channels).float()


def task_outputs(contract: Contract, heads: nn.ModuleDict) -> nn.ModuleDict:
    """The outputs of all tasks; the first task of each modality gives `embedding_iq` or `embedding_image` too."""
    outputs, named = {}, set()
    for name, task in contract.tasks.items():
        part = contract.part(name)
        embedding = "" if part.modality in named else f"embedding_{part.modality}"
        if task.dense:
            outputs[name] = GridOutput(task, heads[name], embedding)
        else:
            outputs[name] = TaskOutput(task, heads[name], part, embedding)
        named.add(part.modality)
    return nn.ModuleDict(outputs)


def build_preprocess(contract: Contract) -> nn.Module:
    """What the contract's `signal` does; ready images need nothing done."""
    return build_preprocessor(contract.signal) if contract.signal or contract.input == "iq" else nn.Identity()


class _Live(nn.Module):
    """Network and task outputs. `network` takes the bundle's dtype; everything else stays float32."""

    def __init__(self, contract: Contract, network: WirelessModel):
        super().__init__()
        outputs = task_outputs(contract, network.heads)
        if contract.embedding:
            outputs = nn.ModuleDict({"embedding": EmbeddingOutput(contract)})
        network.heads = nn.ModuleDict()
        self.network = network
        self.outputs = outputs
        self.preprocess = build_preprocess(contract)

    def outputs_of(self, encoded: Tensor, numbers: Tensor | None = None) -> dict[str, Tensor]:
        """Encoded tokens [B, 1 + N, D], and the scaled numbers that were measured -> every task's output, and the
        embedding before the heads."""
        results: dict[str, Tensor] = {}
        for name, output in self.outputs.items():
            output(encoded, name, results, numbers)
        return results


class LiveIq(_Live):
    """IQ windows complex64 [B, A, T] -> outputs; IQ tokens."""

    def forward(self, iq: Tensor) -> dict[str, Tensor]:
        return self.outputs_of(self.network.encode_iq(self.preprocess(iq)))


class LiveIqImage(_Live):
    """IQ windows complex64 [B, A, T] -> outputs; the preprocessing makes an image of each window.

    `forward_image` is what comes after the preprocessing, for those who make the same images faster.
    """

    def forward(self, iq: Tensor) -> dict[str, Tensor]:
        return self.forward_image(self.preprocess(iq))

    @torch.jit.export
    def forward_image(self, image: Tensor) -> dict[str, Tensor]:
        return self.outputs_of(self.network.encode_image(image))


class LiveSignal(_Live):
    """Observations of found signals complex64 [B, 1, T] -> outputs; IQ, images and facts in one sequence."""

    def forward(self, iq: Tensor) -> dict[str, Tensor]:
        samples, whole, close, heard, rates, numbers = self.preprocess(iq)
        return self.outputs_of(self.network.encode(samples, whole, close, heard, rates, numbers))


class LiveTransmitter(_Live):
    """IQ windows complex64 [B, A, T] -> what is measured of their pieces, as an embedding. Pieces far below the
    strongest do not count."""

    def __init__(self, contract: Contract, network: TransmitterModel):
        super().__init__(contract, network)
        self.piece = PIECE

    def forward(self, iq: Tensor) -> dict[str, Tensor]:
        pieces = iq.unflatten(2, [-1, self.piece]).transpose(1, 2)
        power = pieces.abs().square().mean([2, 3])
        weight = (power >= 0.1 * power.amax(1, keepdim=True)).to(torch.float32)
        still, flaws = self.preprocess(pieces.flatten(0, 1))
        return self.outputs_of(self.network.encode(still, flaws, weight))


class LiveImage(_Live):
    """Images float32 [B, C, H, W] -> outputs; the preprocessing, if there is any, resizes and standardises them."""

    @torch.jit.export
    def forward_image(self, image: Tensor) -> dict[str, Tensor]:
        return self.outputs_of(self.network.encode_image(self.preprocess(image)))


class LiveEstimate(_Live):
    """CSI at pilots float32 [B, C, P, S] -> outputs; estimates are what the network adds to the grid that the
    preprocessing (`wfm_core.signal.channels.pilot_grid`) interpolated, at the pilots' level."""

    def __init__(self, contract: Contract, network: WirelessModel):
        super().__init__(contract, network)
        self.estimates = [name for name, task in contract.tasks.items() if task.kind == ESTIMATE]

    @torch.jit.export
    def forward_image(self, image: Tensor) -> dict[str, Tensor]:
        prepared = self.preprocess(image)
        results = self.outputs_of(self.network.encode_image(prepared))
        for name in self.estimates:
            added = results[name]
            whole = prepared[:, :, : added.size(2), : added.size(3)] + added
            results[name] = whole * self.preprocess.level(image)
        return results


class LiveMeasuredImage(_Live):
    """Amplitudes float32 [B, C, H, W] -> outputs; the preprocessing gives an image and what was measured of it."""

    @torch.jit.export
    def forward_image(self, image: Tensor) -> dict[str, Tensor]:
        prepared, numbers = self.preprocess(image)
        encoded = self.network.encode_image(prepared, numbers)
        return self.outputs_of(encoded, self.network.image.measures.scaled(numbers))


def build_live(contract: Contract, network: WirelessModel) -> nn.Module:
    """The live module of a contract of one model."""
    if any(task.kind == ESTIMATE for task in contract.tasks.values()):
        return LiveEstimate(contract, network)
    if contract.input == "image":
        return LiveMeasuredImage(contract, network) if contract.image_measures else LiveImage(contract, network)
    if contract.modality == "signal":
        return LiveSignal(contract, network)
    if contract.modality == "transmitter":
        return LiveTransmitter(contract, network)
    return LiveIqImage(contract, network) if contract.modality == "image" else LiveIq(contract, network)
