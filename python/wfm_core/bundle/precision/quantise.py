# SPDX-License-Identifier: GPL-3.0-or-later
"""int8 on the CPU: the linear layers of a frozen module's encoder blocks, rewritten to 8-bit products.

Weights are int8 with a scale per output channel. Activations are uint8 with a scale per token, its own largest
magnitude, so that a window's result does not depend on the windows that share its batch. Everything between the
linear layers, and tokens and heads, stay fp32. The operators are private to PyTorch: `has_int8` says whether they
are there.
"""

import functools
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from wfm_core.bundle.precision.pack import packed_constant

LEVELS = 127.0
"""Largest magnitude of an 8-bit weight or activation."""
ZERO = 128
"""The uint8 that stands for an activation of zero."""
ROUND = ZERO + 0.5
"""Added before the conversion to a whole number, which cuts the fraction off."""
SMALLEST = 1e-30
"""Least scale of a token: an all-zero one, as in a silent window, must not divide by zero."""


@functools.cache
def has_int8(device: torch.device) -> bool:
    """Whether 8-bit products are there: a CPU with VNNI instructions and a PyTorch with oneDNN's linear layer."""
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    if not getattr(torch.cpu, "_is_vnni_supported", lambda: False)():
        return False
    try:
        with torch.inference_mode():
            try_operators()
    except (AttributeError, RuntimeError):
        return False
    return True


def block_weights(module: torch.jit.ScriptModule) -> set[int]:
    """Addresses of the linear weights in the encoder blocks: freezing keeps no names."""
    return {weight.data_ptr() for name, weight in module.named_parameters() if ".blocks." in name and weight.dim() == 2}


def quantise_linears(frozen: torch.jit.ScriptModule, method: str, weights: set[int]) -> int:
    """Rewrite the `aten::linear` of `weights` (see `block_weights`) in `method`, before its first call.

    Returns how many. Only where `has_int8`.
    """
    graph = frozen._c._get_method(method).graph
    linears = graph.findAllNodes("aten::linear", recurse=True)
    return sum(_rewrite(graph, node, weights) for node in linears)


def quantise_weight(weight: Tensor) -> tuple[Tensor, Tensor]:
    """float32 [N, K] -> int8 [N, K] and the scale of each output channel, float32 [N]."""
    scale = weight.abs().amax(1).clamp_min(SMALLEST) / LEVELS
    return (weight / scale[:, None]).round().to(torch.int8), scale


def _rewrite(graph: torch._C.Graph, linear: torch._C.Node, weights: set[int]) -> bool:
    source, weight, bias = linear.inputs()
    if weight.node().kind() != "prim::Constant" or bias.node().kind() != "prim::Constant":
        return False
    values = weight.toIValue()
    if values.data_ptr() not in weights:
        return False
    whole, scale = quantise_weight(values.detach())
    graph.setInsertPoint(linear)
    packed = packed_constant(graph, _packed(whole))
    constants = (scale / LEVELS, torch.zeros(len(scale), dtype=torch.int64), -ZERO * whole.sum(1) * scale / LEVELS)
    offset = torch.full((values.size(1),), ROUND)
    inputs = [packed, *(graph.insertConstant(value) for value in (*constants, offset)), bias]
    gelu = _private_gelu(source)
    operator = _scripted(_linear) if gelu is None else _scripted(_gelu_linear)
    first = source if gelu is None else next(gelu.inputs())
    (result,) = graph.insertGraph(operator.graph, [first, *inputs])
    linear.output().replaceAllUsesWith(result)
    linear.destroy()
    if gelu:
        gelu.destroy()
    return True


def _private_gelu(source: torch._C.Value) -> torch._C.Node | None:
    """The exact GELU that makes `source`, if its input and output are nobody else's, and so may be overwritten."""
    node = source.node()
    if node.kind() != "aten::gelu" or len(source.uses()) != 1:
        return None
    value, approximate = node.inputs()
    fresh = value.node().kind() in ("aten::linear", "aten::addcmul") and len(value.uses()) == 1
    return node if fresh and approximate.toIValue() == "none" else None


@functools.cache
def _scripted(operator: Callable) -> torch.jit.ScriptFunction:
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # TorchScript stays behind this package
        return torch.jit.script(operator)


def _packed(whole: Tensor) -> Tensor:
    """int8 [N, K] in oneDNN's own layout."""
    return torch.ops.onednn.qlinear_prepack(whole, None)


def _product(whole: Tensor, packed: Tensor, scale: Tensor, zeros: Tensor, correction: Tensor) -> Tensor:
    """uint8 [.., K] times int8 [N, K] -> float32 [.., N]: each output times its `scale`, plus its `correction`."""
    return torch.ops.onednn.qlinear_pointwise(
        whole, 1.0, 0, packed, scale, zeros, correction, 1.0, 0, torch.float32, "none", [], ""
    )


def _linear(
    x: Tensor, packed: Tensor, scale: Tensor, zeros: Tensor, correction: Tensor, offset: Tensor, bias: Tensor
) -> Tensor:
    """float32 [.., K] -> [.., N]. Written for few passes over memory and few new buffers."""
    buffer = x.abs()
    largest = buffer.amax([-1], True).clamp_min(1e-30)
    torch.addcmul(offset, x, 127.0 / largest, out=buffer)
    whole = buffer.to(torch.int32).to(torch.uint8)
    product = _product(whole, packed, scale, zeros, correction)
    return torch.addcmul(bias, product, largest, out=product)


def _gelu_linear(
    x: Tensor, packed: Tensor, scale: Tensor, zeros: Tensor, correction: Tensor, offset: Tensor, bias: Tensor
) -> Tensor:
    """As `_linear`, of the exact GELU of x, in the memory of x. A GELU is never under -0.17."""
    torch.ops.aten.gelu_(x)
    largest = x.amax([-1], True).clamp_min(0.17)
    torch.addcmul(offset, x, 127.0 / largest, out=x)
    whole = x.to(torch.int32).to(torch.uint8)
    product = _product(whole, packed, scale, zeros, correction)
    return torch.addcmul(bias, product, largest, out=product)


def try_operators() -> None:
    """Run a small layer. Raises `AttributeError` or `RuntimeError` where PyTorch or the processor lacks an operator."""
    whole, scale = quantise_weight(torch.eye(16))
    packed = _packed(whole)
    zeros, blank = torch.zeros(16, dtype=torch.int64), torch.zeros(16)
    _scripted(_linear)(torch.eye(16), packed, scale / LEVELS, zeros, blank, torch.full((16,), ROUND), blank)
