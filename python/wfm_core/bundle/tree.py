# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bundle of several fine-tuned models runs: stems, segments of blocks and task ends, each computed once."""

import copy
from dataclasses import replace

import torch
from torch import Tensor, nn

from wfm_core.bundle.contract import Contract
from wfm_core.bundle.live import build_preprocess, task_outputs
from wfm_core.model import Encoder, WirelessModel


class Stem(nn.Module):
    """Prepared windows or images -> tokens [B, 1 + N, D], the CLS token first. `source` names the preprocessing."""

    def __init__(self, source: str, model: WirelessModel):
        super().__init__()
        self.source = source
        self.cls_token = model.cls_token
        self.side = model.iq if model.image is None else model.image

    def forward(self, prepared: Tensor) -> Tensor:
        tokens = self.side(prepared)
        cls = self.side.place_cls(self.cls_token).expand(tokens.size(0), -1, -1)
        sequence = torch.cat([cls.to(tokens.dtype), tokens], dim=1)
        about = self.side.about(prepared)
        return sequence if about is None else sequence + about.to(sequence.dtype)


class BlockSegment(nn.Module):
    """The next blocks, tokens -> tokens; `source` names the stem or the segment before."""

    def __init__(self, source: str, blocks: nn.ModuleList):
        super().__init__()
        self.source = source
        self.blocks = blocks

    def forward(self, tokens: Tensor) -> Tensor:
        for block in self.blocks:
            tokens = block(tokens)
        return tokens


class End(nn.Module):
    """A task's own final norm after the segment `source`."""

    def __init__(self, source: str, norm: nn.Module):
        super().__init__()
        self.source = source
        self.norm = norm

    def forward(self, tokens: Tensor) -> Tensor:
        return self.norm(tokens)


class TaskTree(nn.Module):
    """The network of a contract with stems; its `state_dict()` is what the weights file of such a model folder holds.

    `models` has a network for each stem, made of the stem's own contract: input sides, norms and heads come from it.
    """

    def __init__(self, contract: Contract, models: dict[str, WirelessModel]):
        super().__init__()
        signals = _signals(contract)
        self.stems = nn.ModuleDict({name: Stem(signals[name], model) for name, model in models.items()})
        config = {name: stem.encoder for name, stem in contract.stems.items()}
        segments = {}
        for name, segment in contract.segments.items():
            config[name] = config[segment.source]
            segments[name] = BlockSegment(segment.source, Encoder(replace(config[name], depth=segment.blocks)).blocks)
        self.segments = nn.ModuleDict(segments)
        model = {task: models[name] for name, stem in contract.stems.items() for task in stem.tasks}
        self.ends = nn.ModuleDict(
            {name: End(task.source, copy.deepcopy(model[name].encoder.norm)) for name, task in contract.tasks.items()}
        )
        self.heads = nn.ModuleDict({name: model[name].heads[name] for name in contract.tasks})

    def forward(self, prepared: dict[str, Tensor]) -> dict[str, Tensor]:
        """What each preprocessing gave, by name -> encoded tokens [B, 1 + N, D] of each task."""
        states: dict[str, Tensor] = {}
        for name, stem in self.stems.items():
            states[name] = stem(prepared[stem.source])
        for name, segment in self.segments.items():
            states[name] = segment(states[segment.source])
        encoded: dict[str, Tensor] = {}
        for name, end in self.ends.items():
            encoded[name] = end(states[end.source])
        return encoded


class _LiveTree(nn.Module):
    """As a live module of one model: `network` takes the bundle's dtype, everything else stays float32."""

    def __init__(self, contract: Contract, network: TaskTree):
        super().__init__()
        outputs = task_outputs(contract, network.heads)
        network.heads = nn.ModuleDict()
        self.network = network
        self.outputs = outputs
        used = set(_signals(contract).values())
        self.preprocess = nn.ModuleDict(
            {name: build_preprocess(stem) for name, stem in contract.stems.items() if name in used}
        )

    def outputs_of(self, window: Tensor) -> dict[str, Tensor]:
        """A batch of the bundle's input -> every task's output, and the embeddings."""
        prepared: dict[str, Tensor] = {}
        for name, preprocess in self.preprocess.items():
            prepared[name] = preprocess(window)
        encoded = self.network(prepared)
        results: dict[str, Tensor] = {}
        for name, output in self.outputs.items():
            output(encoded[name], name, results)
        return results


class LiveIqTree(_LiveTree):
    """IQ windows complex64 [B, A, T] -> outputs."""

    def forward(self, iq: Tensor) -> dict[str, Tensor]:
        return self.outputs_of(iq)


class LiveImageTree(_LiveTree):
    """Images float32 [B, C, H, W] -> outputs."""

    @torch.jit.export
    def forward_image(self, image: Tensor) -> dict[str, Tensor]:
        return self.outputs_of(image)


def build_live_tree(contract: Contract, network: TaskTree) -> nn.Module:
    """The live module of a contract with stems."""
    return LiveImageTree(contract, network) if contract.input == "image" else LiveIqTree(contract, network)


def _signals(contract: Contract) -> dict[str, str]:
    """For each stem the first one of the same preprocessing."""
    stems = contract.stems
    return {name: next(other for other in stems if stems[other].signal == stems[name].signal) for name in stems}
