# SPDX-License-Identifier: GPL-3.0-or-later
"""In bf16 the encoder alone is narrow: tokens and heads stay float32, and so does the bundle that it is made of."""

import numpy as np
import pytest
import torch
from bundle_files import contract_of, windows

from wfm_core.bundle import build_network, parse_contract
from wfm_core.bundle.engines.parts import NoEncoder
from wfm_core.bundle.live import build_live
from wfm_core.bundle.precision import dtype as formats
from wfm_core.bundle.precision.bfloat16 import narrow_encoder
from wfm_core.bundle.running import freeze

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


@pytest.fixture
def program():
    torch.manual_seed(3)
    contract = parse_contract(contract_of(), "test")
    live = build_live(contract, build_network(contract)).eval().requires_grad_(False)
    return torch.jit.script(live), contract


def widths(graph: torch.Graph, kind: str) -> list[torch.dtype]:
    """The formats of the weights of all nodes of a kind, in order."""
    nodes = graph.findAllNodes(kind, recurse=True)
    tensors = [
        [value.toIValue() for value in node.inputs() if value.node().kind() == "prim::Constant"] for node in nodes
    ]
    return [next(value.dtype for value in given if isinstance(value, torch.Tensor)) for given in tensors]


def test_what_is_narrow(program):
    frozen = freeze(*program)
    assert narrow_encoder(frozen.module, frozen.method) >= 8, "equal biases and norms are one constant"
    graph = frozen.module._c._get_method(frozen.method).graph
    linears = widths(graph, "aten::linear")
    assert linears == [torch.float32, *[torch.bfloat16] * 8, *[torch.float32] * (len(linears) - 9)] and len(linears) > 9
    assert set(widths(graph, "aten::layer_norm")) == {torch.bfloat16}


@torch.inference_mode()
def test_answers_are_near_and_float32(program):
    iq = torch.from_numpy(windows())
    exact = freeze(*program)
    wanted = exact.module(iq)
    narrow = freeze(*program)
    narrow_encoder(narrow.module, narrow.method)
    for _ in range(3):  # the third call runs the optimised graph
        given = narrow.module(iq)
        assert {value.dtype for value in given.values()} == {torch.float32}
        apart = formats.difference(wanted, given, program[1])
        assert 0 < apart < 0.02
    again = freeze(*program).module(iq)
    assert all(np.array_equal(again[name], wanted[name]) for name in wanted), "the program itself stays as it is"


def test_a_program_without_an_encoder_stays_as_it_is():
    class Plain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"out": self.linear(x)}

    frozen = torch.jit.freeze(torch.jit.script(Plain().eval()))
    assert narrow_encoder(frozen, "forward") == 0
    assert frozen(torch.ones(1, 4))["out"].dtype == torch.float32


def test_an_encoder_that_is_not_apart_is_left_alone():
    """As in bundles of several runs, whose heads share tokens by a dictionary."""

    class Shared(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.linear = torch.nn.LayerNorm(4), torch.nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            tokens = {"first": self.linear(self.norm(x))}
            tokens["second"] = self.linear(self.norm(tokens["first"]))
            return {"out": self.norm(tokens["second"])}

    frozen = torch.jit.freeze(torch.jit.script(Shared().eval()))
    with pytest.raises(NoEncoder):
        narrow_encoder(frozen, "forward")
    assert frozen(torch.ones(1, 4))["out"].dtype == torch.float32
