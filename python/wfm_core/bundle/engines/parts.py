# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle's program in three parts, so that another engine can have the middle one, which is nearly all of the work.

The middle part is the encoder: what lies between LayerNorms, on any way through the graph. What makes tokens (complex
numbers, Fourier transforms, decision trees) and what makes answers of encoded tokens (pooling, heads) stays with
PyTorch, in float32: it takes operators that other engines lack.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

_BORDER, _CONSTANT, _RESULTS = "aten::layer_norm", "prim::Constant", "prim::DictConstruct"
FIRST, MIDDLE, LAST, ANY = range(4)
"""The parts, and what belongs to none: constants."""
_FLOAT32 = 6
"""What `prim::dtype` gives for it."""
_OFF_GPU = {"prim::dtype": _FLOAT32, "prim::is_cuda": False}
"""What these operators give in the middle part: a verified module computes in float32, and this is for the CPU."""

_Key = tuple[int, int]
"""A value of a graph or of a copy of it: which node gives it, and as which of its outputs."""


class NoEncoder(ValueError):
    """There is no part that another engine could have; the text says why."""


@dataclass(frozen=True)
class Parts:
    """Call `first` with the program's input; the values that `passed` numbers go from it into `last`.

    `middle` takes and gives tensors alone, all float32: the leading `takes` of what `first` gave, and what goes into
    `last` before the passed ones.
    """

    first: Callable[[Tensor], tuple]
    middle: torch.Graph
    takes: int
    passed: tuple[int, ...]
    last: Callable[..., dict[str, Tensor]]

    def run(self, window: Tensor, encode: Callable[[tuple[Tensor, ...]], list[Tensor]]) -> dict[str, Tensor]:
        """What the program gives for `window`, with `encode` in place of `middle`."""
        values = self.first(window)
        return self.last(*encode(values[: self.takes]), *(values[number] for number in self.passed))


def cut(frozen: torch.jit.ScriptModule, method: str) -> Parts:
    """The parts of `method` of a frozen module, which stays as it is. Raises `NoEncoder`."""
    graph = frozen._c._get_method(method).inlined_graph
    places = places_of(graph)
    if MIDDLE not in places:
        raise NoEncoder("it has no encoder: no LayerNorm")
    into, out = _crossing(graph, places, FIRST, MIDDLE), _crossing(graph, places, MIDDLE, LAST)
    past = _crossing(graph, places, FIRST, LAST)
    gives = [*into, *(key for key in past if key not in into)]
    first = _function("first", _part(graph, places, FIRST, [], gives))
    last = _function("last", _part(graph, places, LAST, [*out, *past], None))
    middle = _part(graph, places, MIDDLE, into, out)
    strange = [value for value in (*middle.inputs(), *middle.outputs()) if not is_tensor(value)]
    if strange:
        raise NoEncoder(f"its encoder takes or gives {strange[0].type()}, not tensors alone")
    for kind, value in _OFF_GPU.items():
        for node in middle.findAllNodes(kind, recurse=True):
            middle.setInsertPoint(node)
            node.output().replaceAllUsesWith(middle.insertConstant(value))
            node.destroy()
    middle.setInsertPoint(middle.return_node())
    torch._C._jit_pass_constant_propagation(middle)  # which way attention goes is decided with that
    torch._C._jit_pass_dce(middle)
    return Parts(
        lambda window: given if isinstance(given := first(window), tuple) else (given,),
        middle, len(into), tuple(gives.index(key) for key in past), last,
    )  # fmt: skip


def places_of(graph: torch.Graph) -> list[int]:
    """The part that each node belongs to; a constant is in any."""
    nodes = list(graph.nodes())
    behind = _reached(nodes, lambda node: node.kind() == _BORDER)
    before, needed = [False] * len(nodes), set()
    for number, node in reversed(list(enumerate(nodes))):
        before[number] = node.kind() == _BORDER or any(value.unique() in needed for value in node.outputs())
        if before[number]:
            needed |= {value.unique() for value in _used(node)}
    middle = {number for number in range(len(nodes)) if behind[number] and before[number]}
    inner = {value.unique() for number in middle for value in nodes[number].outputs()}
    last = _reached(
        nodes,
        # the dictionary of results is filled in place: whatever touches it is in one part with it
        lambda node: node.kind() == _RESULTS or any(value.unique() in inner for value in _used(node)),
    )
    places = [MIDDLE if number in middle else LAST if last[number] else FIRST for number in range(len(nodes))]
    return [ANY if node.kind() == _CONSTANT else place for node, place in zip(nodes, places, strict=True)]


def goes_back(graph: torch.Graph, places: list[int]) -> bool:
    """Whether a part takes what a later one gives, or anything but tensors comes from one to the next: bundles of
    several runs keep the tokens that their heads share in a dictionary, and it is in all parts."""
    nodes = list(graph.nodes())
    made = {
        value.unique(): (place, is_tensor(value))
        for node, place in zip(nodes, places, strict=True)
        if place != ANY
        for value in node.outputs()
    }
    taken = [
        (*made[value.unique()], place)
        for node, place in zip(nodes, places, strict=True)
        for value in _used(node)
        if place != ANY and value.unique() in made
    ]
    return any(
        source > place or (MIDDLE in (source, place) and source < place and not known) for source, known, place in taken
    )


def _reached(nodes: list[torch.Node], begins: Callable[[torch.Node], bool]) -> list[bool]:
    """Which nodes begin, or use what such a node gives."""
    reached, given = [], set()
    for node in nodes:
        reached.append(begins(node) or any(value.unique() in given for value in _used(node)))
        if reached[-1]:
            given |= {value.unique() for value in node.outputs()}
    return reached


def _used(node: torch.Node) -> Iterator[torch.Value]:
    """What a node takes, in its blocks too."""
    yield from node.inputs()
    for block in node.blocks():
        for inner in block.nodes():
            yield from _used(inner)
        yield from block.outputs()


def _crossing(graph: torch.Graph, places: list[int], source: int, target: int) -> list[_Key]:
    """What nodes of `source` give and nodes of `target` use."""
    nodes = list(graph.nodes())
    made = {
        value.unique(): (number, output)
        for number, node in enumerate(nodes)
        if places[number] == source
        for output, value in enumerate(node.outputs())
    }
    used = [value for node, place in zip(nodes, places, strict=True) if place == target for value in _used(node)]
    if target == LAST:
        used += graph.outputs()
    return list(dict.fromkeys(made[value.unique()] for value in used if value.unique() in made))


def _part(graph: torch.Graph, places: list[int], place: int, takes: list[_Key], gives: list[_Key] | None):
    """A copy of `graph` with the nodes of one part, which `takes` values of others; `gives` None: all that it gives."""
    part = graph.copy()
    nodes, inputs = list(part.nodes()), len(list(part.inputs()))
    values = [[list(nodes[number].outputs())[output] for number, output in keys] for keys in (takes, gives or [])]
    for value in values[0]:
        taken = part.addInput()
        taken.setType(value.type())
        value.replaceAllUsesWith(taken)
    if gives is not None:
        part.eraseOutput(0)
        for value in values[1]:
            part.registerOutput(value)
    for node, where in reversed(list(zip(nodes, places, strict=True))):
        if where not in (place, ANY):
            node.destroy()
    # Of the program's own inputs, the module and a window, the first part alone has the window.
    for number in reversed(range(inputs if place != FIRST else 1)):
        if list(part.inputs())[number].uses():
            raise NoEncoder("its weights are not constants, or its answers are made of more than its encoder gives")
        part.eraseInput(number)
    part.setInsertPoint(part.return_node())
    torch._C._jit_pass_dce(part)
    return part


def _function(name: str, graph: torch.Graph) -> Callable:
    if len(list(graph.outputs())) > 1:
        graph.makeMultiOutputIntoTuple()
    return torch._C._create_function_from_graph(name, graph)


def is_tensor(value: torch.Value) -> bool:
    return value.type().isSubtypeOf(torch._C.TensorType.get())
