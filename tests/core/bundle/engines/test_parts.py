# SPDX-License-Identifier: GPL-3.0-or-later
"""A program in three parts gives what it gave in one, whoever computes the middle one."""

import pytest
import torch
from bundle_files import make_folder
from image_bundles import signal_bundle

from wfm_core.bundle import export_bundle, load
from wfm_core.bundle.engines.parts import NoEncoder, cut
from wfm_core.bundle.running import freeze

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


def program(folder):
    """The frozen program of a model folder, and an input for it."""
    contract, module, test = load._open(export_bundle(folder, folder / "x.wfm.pt"), None)
    return freeze(module, contract), test.window


def function(graph: torch.Graph):
    copy = graph.copy()
    if len(list(copy.outputs())) > 1:
        copy.makeMultiOutputIntoTuple()
    return torch._C._create_function_from_graph("middle", copy)


def encoded(graph: torch.Graph, tokens) -> list[torch.Tensor]:
    given = function(graph)(*tokens)
    return list(given) if isinstance(given, tuple) else [given]


@pytest.mark.parametrize("kind", ["iq", "image", "signal"])
def test_the_parts_together_give_the_same(tmp_path, kind):
    image = {"input": "image", "modality": "image", "image": {"channels": 2, "size": [32, 48]}, "signal": {}}
    folder = tmp_path / "m"
    if kind == "signal":
        signal_bundle(folder)
    else:
        make_folder(folder, **(image if kind == "image" else {}))
    whole, window = program(folder)
    parts = cut(whole.module, whole.method)
    with torch.inference_mode():
        for batch in (1, 3):
            many = window.expand(batch, *window.shape[1:]).contiguous()
            wanted = getattr(whole.module, whole.method)(many)
            given = parts.run(many, lambda tokens: encoded(parts.middle, tokens))
            assert given.keys() == wanted.keys()
            for name, value in wanted.items():
                torch.testing.assert_close(given[name], value)


def test_the_middle_part_has_the_encoder_alone(tmp_path):
    whole, _ = program(make_folder(tmp_path / "m"))
    parts = cut(whole.module, whole.method)
    kinds = [node.kind() for node in parts.middle.nodes()]
    # of each of two blocks: two norms and four linear layers; then the last norm
    assert (kinds.count("aten::layer_norm"), kinds.count("aten::linear")) == (5, 8)
    assert not {"prim::RaiseException", "prim::DictConstruct", "aten::view_as_real"} & set(kinds)
    assert len(list(parts.middle.inputs())) == parts.takes == 1


def test_the_program_stays_as_it_is(tmp_path):
    whole, window = program(make_folder(tmp_path / "m"))
    before = str(whole.module._c._get_method(whole.method).graph)
    cut(whole.module, whole.method)
    assert str(whole.module._c._get_method(whole.method).graph) == before


class Odd(torch.nn.Module):
    """The number of tokens comes out of the encoder as a number."""

    def __init__(self):
        super().__init__()
        self.norm = torch.nn.LayerNorm(4)

    def forward(self, iq: torch.Tensor):
        first = self.norm(iq * 2)
        count = int(first.sum())
        return {"a": self.norm(first * count) * count}


class Bare(torch.nn.Module):
    def forward(self, iq: torch.Tensor):
        return {"a": iq * 2}


class Weighty(torch.nn.Module):
    """What comes in is used again behind the encoder."""

    def __init__(self):
        super().__init__()
        self.norm = torch.nn.LayerNorm(4)

    def forward(self, iq: torch.Tensor):
        return {"a": self.norm(iq * 2) + iq}


@pytest.mark.parametrize(
    ("kind", "said"), [(Bare, "no LayerNorm"), (Odd, "not tensors alone"), (Weighty, "more than its encoder gives")]
)
def test_what_has_no_such_parts(kind, said):
    frozen = torch.jit.freeze(torch.jit.script(kind().eval()))
    with pytest.raises(NoEncoder, match=said):
        cut(frozen, "forward")
