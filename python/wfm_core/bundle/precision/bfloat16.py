# SPDX-License-Identifier: GPL-3.0-or-later
"""bf16: the encoder of a frozen module, between its first and its last LayerNorm, computes in bfloat16.

What makes tokens stays float32, as do the heads: the tokens are where bfloat16 costs most. With images that were
rounded before they are projected, the interference model's probabilities were up to 0.072 from float32 on 10,000
windows of synthetic scenes, and are 0.019 without that. Their projection is a few percent of the work.
"""

import functools
import warnings
from collections.abc import Iterator

import torch
from torch import Tensor

from wfm_core.bundle.engines.parts import FIRST, LAST, MIDDLE, NoEncoder, goes_back, is_tensor, places_of

_CONSTANT = "prim::Constant"


def narrow_encoder(frozen: torch.jit.ScriptModule, method: str) -> int:
    """Let the encoder in `method` compute in bfloat16, before its first call; returns how many weights it has.

    Raises `NoEncoder` where it is not apart from the rest, and changes nothing.
    """
    graph = frozen._c._get_method(method).graph
    nodes = list(graph.nodes())
    places = places_of(graph)
    if goes_back(graph, places):
        raise NoEncoder("its encoder is not apart from the rest")
    given = {place: _given(nodes, places, place) for place in (FIRST, MIDDLE)}
    weights = _narrow_weights(graph, [node for node, place in zip(nodes, places, strict=True) if place == MIDDLE])
    for source, target, dtype in ((FIRST, MIDDLE, torch.bfloat16), (MIDDLE, LAST, torch.float32)):
        users = [node for node, place in zip(nodes, places, strict=True) if place == target]
        _convert(graph, users, given[source], dtype)
    return weights


def _given(nodes: list[torch.Node], places: list[int], place: int) -> set[int]:
    """The tensors that the nodes of a part give."""
    pairs = zip(nodes, places, strict=True)
    return {value.unique() for node, at in pairs if at == place for value in node.outputs() if is_tensor(value)}


def _narrow_weights(graph: torch.Graph, encoder: list[torch.Node]) -> int:
    narrow: dict[int, torch.Value] = {}
    for user, number, value in list(_inputs(encoder)):
        constant = value.toIValue() if value.node().kind() == _CONSTANT else None
        if not isinstance(constant, Tensor) or constant.dtype != torch.float32:
            continue
        if value.unique() not in narrow:
            graph.setInsertPoint(encoder[0])
            narrow[value.unique()] = graph.insertConstant(constant.detach().to(torch.bfloat16))
        user.replaceInput(number, narrow[value.unique()])
    return len(narrow)


def _convert(graph: torch.Graph, users: list[torch.Node], given: set[int], dtype: torch.dtype) -> None:
    """Let `users`, in their order, take what is `given` to them in another format."""
    converted: dict[int, torch.Value] = {}
    for node in users:
        for user, number, value in list(_inputs([node])):
            if value.unique() not in given:
                continue
            if value.unique() not in converted:
                graph.setInsertPoint(node)
                (converted[value.unique()],) = graph.insertGraph(_to(dtype).graph, [value])
            user.replaceInput(number, converted[value.unique()])


def _inputs(nodes: list[torch.Node]) -> Iterator[tuple[torch.Node, int, torch.Value]]:
    """Whoever takes a value, as which of its inputs, and the value; in the blocks of nodes too."""
    for node in nodes:
        yield from ((node, number, value) for number, value in enumerate(node.inputs()))
        for block in node.blocks():
            yield from _inputs([*block.nodes(), block.returnNode()])


@functools.cache
def _to(dtype: torch.dtype) -> torch.jit.ScriptFunction:
    function = _narrowed if dtype == torch.bfloat16 else _widened
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # TorchScript stays behind this package
        return torch.jit.script(function)


def _narrowed(x: Tensor) -> Tensor:
    return x.to(torch.bfloat16) if x.is_floating_point() else x


def _widened(x: Tensor) -> Tensor:
    return x.to(torch.float32) if x.is_floating_point() else x
