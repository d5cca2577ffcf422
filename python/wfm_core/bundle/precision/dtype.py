# SPDX-License-Identifier: GPL-3.0-or-later
"""The encoder's number formats: which are there, what they are compared on, and how."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.base.quantities import ESTIMATE
from wfm_core.bundle.contract import Contract
from wfm_core.bundle.engines.parts import NoEncoder
from wfm_core.bundle.precision.bfloat16 import narrow_encoder
from wfm_core.bundle.precision.pack import pack_linears
from wfm_core.bundle.precision.quantise import block_weights, has_int8, quantise_linears
from wfm_core.bundle.running import Program, freeze

AGREEMENT = 5e-3
"""Largest difference of a probability (or of what is measured, in units of the scene, or of an estimate, of its RMS)
from fp32; without tasks, of an embedding, as a share of its length."""
GAIN = 1.1
"""A format must be this many times faster than fp32: some CPUs have bf16 instructions at half the rate of fp32."""
PROBES = 8
DTYPES = ("auto", "fp32", "bf16", "int8")
_WANTED = {
    "bf16": "bf16 products (expected: a CPU with AVX-512 or AVX-NE-CONVERT, or a GPU)",
    "int8": "8-bit products (expected: a CPU with VNNI instructions)",
}


def formats_for(device: torch.device, dtype: str) -> list[str]:
    """Those to choose from where `dtype` was asked for, the one to fall back on first. Raises `WfmError`."""
    if dtype not in DTYPES:
        raise WfmError(f"dtype {dtype!r} is not known; expected one of {', '.join(DTYPES)}")
    there = {"bf16": has_bf16(device), "int8": has_int8(device)}
    if not there.get(dtype, True):
        raise WfmError(
            f"dtype {dtype!r} was asked for, but device '{device}' with PyTorch {torch.__version__} has no "
            f"{_WANTED[dtype]}; use auto or fp32"
        )
    return [dtype] if dtype != "auto" else ["fp32", *(name for name, has in there.items() if has)]


def has_bf16(device: torch.device) -> bool:
    """Whether the device computes bf16 products in hardware."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def probe_inputs(contract: Contract, device: torch.device) -> list[Tensor]:
    """Seeded inputs on which the formats are compared: noise, and noise under a carrier, of the bundle's shape."""
    generator = torch.Generator().manual_seed(0)
    if contract.input == "image":
        return [torch.rand((PROBES, *contract.input_shape), generator=generator).to(device)]
    phase = torch.arange(contract.samples) * torch.rand(PROBES, 1, 1, generator=generator) * 2 * torch.pi
    carrier = torch.polar(torch.ones_like(phase), phase)
    probes = []
    for antennas in sorted({1, contract.antennas}):
        noise = torch.randn(PROBES, antennas, contract.samples, dtype=torch.complex64, generator=generator)
        level = torch.linspace(0, 3, PROBES)[:, None, None]
        probes.append((noise + level * carrier).to(device))
    return probes


def in_format(module: torch.jit.ScriptModule, contract: Contract, name: str) -> Callable:
    """The frozen callable of PyTorch, in `Stages` where there are; `module` stays as it is."""
    program = freeze(module, contract)
    if name == "bf16":
        program = _narrowed(program, module, contract)
    if name == "int8":
        quantise_linears(program.module, program.method, block_weights(module))
    if not any(parameter.is_cuda for parameter in module.parameters()):
        pack_linears(program.module, program.method)
    return program.staged(getattr(program.module, program.method))


def _narrowed(program: Program, module: torch.jit.ScriptModule, contract: Contract) -> Program:
    """Of a bundle of several runs the whole network is narrow, tokens and heads too: its parts are not apart."""
    try:
        narrow_encoder(program.module, program.method)
    except NoEncoder:
        module = copy.deepcopy(module)
        module.network.to(torch.bfloat16)
        program = freeze(module, contract)
    return program


def difference(left: dict[str, Tensor], right: dict[str, Tensor], contract: Contract) -> float:
    """By how much outputs differ, in what `AGREEMENT` is measured in; NaN where some are not finite."""
    apart = [0.0]
    for name, task in contract.tasks.items():
        a, b = left[name], right[name]
        if task.measures:
            # a flat axis of the scene has no extent, and no error
            extent = (torch.tensor(task.high) - torch.tensor(task.low)).clamp(min=1e-9).to(a)
            a, b = a / extent, b / extent
        elif task.kind == ESTIMATE:
            level = a.square().mean().sqrt().clamp(min=1e-9)
            a, b = a / level, b / level
        else:
            a, b = a.softmax(1), b.softmax(1)
        apart.append(float((a - b).abs().max()))
    if contract.embedding:
        a, b = (outputs[f"embedding_{contract.modality}"] for outputs in (left, right))
        apart.append(float(((a - b).norm(dim=1) / a.norm(dim=1)).max()))
    return float(torch.tensor(apart, dtype=torch.float64).max())  # also NaN
