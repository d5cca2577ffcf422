# SPDX-License-Identifier: GPL-3.0-or-later
"""The encoder's number format: bf16 or int8 where it is there, agrees with fp32 and is faster; else fp32."""

import copy
import time
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.bundle.contract import Contract
from wfm_core.bundle.precision.pack import pack_linears
from wfm_core.bundle.precision.quantise import block_weights, has_int8, quantise_linears
from wfm_core.bundle.running import Stages

AGREEMENT = 5e-3
"""Largest difference of a probability (or of a position, in units of the scene) from fp32; without tasks, of an
embedding, as a share of its length."""
GAIN = 1.1
"""A format must be this many times faster than fp32: some CPUs have bf16 instructions at half the rate of fp32."""
PROBES = 8
CPU_TIMING_WINDOWS = 2
"""Loading should not take long; a GPU is timed with all probes, as a small batch hides its speed."""
TIMING_ROUNDS = (3, 8)
"""Fewest and most; TorchScript compiles in the first two."""
TIMING_SECONDS = 0.5
"""Timing goes on for so long after the fewest rounds."""
DTYPES = ("auto", "fp32", "bf16", "int8")
_WANTED = {
    "bf16": "bf16 products (expected: a CPU with AVX-512 or AVX-NE-CONVERT, or a GPU)",
    "int8": "8-bit products (expected: a CPU with VNNI instructions)",
}


def choose_dtype(module, contract: Contract, device: torch.device, dtype: str) -> tuple[Callable, str]:
    """The frozen callable of a verified module, and its format's name ("fp32", "bf16" or "int8"). Raises `WfmError`."""
    if dtype not in DTYPES:
        raise WfmError(f"dtype {dtype!r} is not known; expected one of {', '.join(DTYPES)}")
    there = {"bf16": has_bf16(device), "int8": has_int8(device)}
    if not there.get(dtype, True):
        raise WfmError(
            f"dtype {dtype!r} was asked for, but device '{device}' with PyTorch {torch.__version__} has no "
            f"{_WANTED[dtype]}; use auto or fp32"
        )
    if dtype != "auto":
        return _in_format(module, contract, dtype), dtype
    return _fastest(module, contract, device, [name for name, has in there.items() if has])


def _fastest(module, contract: Contract, device: torch.device, names: list[str]) -> tuple[Callable, str]:
    """fp32, or of the formats `names` that agree with it the one that gains most."""
    full = _in_format(module, contract, "fp32")
    best, chosen, most = full, "fp32", 0.0
    probes = probe_inputs(contract, device) if names else []
    timed = PROBES if device.type == "cuda" else CPU_TIMING_WINDOWS
    with torch.inference_mode():
        wanted = [full(probe) for probe in probes]
        for name in names:
            other = _in_format(copy.deepcopy(module), contract, name)
            gain = measured_gain(full, other, probes[0][:timed])
            if gain < GAIN or gain <= most:
                continue
            pairs = zip(probes, wanted, strict=True)
            if all(difference(exact, other(probe), contract) <= AGREEMENT for probe, exact in pairs):
                best, chosen, most = other, name, gain
    return best, chosen


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


def _in_format(module: torch.jit.ScriptModule, contract: Contract, name: str) -> Callable:
    """The frozen callable, in `Stages` where the program can be given images; for bf16 `module` itself is changed."""
    # Programs that were exported before there was such a method have one stage.
    staged = contract.input == "iq" and contract.modality == "image" and hasattr(module, "forward_image")
    method = "forward_image" if contract.input == "image" or staged else "forward"
    on_cpu = not any(parameter.is_cuda for parameter in module.parameters())
    if name == "bf16":
        module.network.to(torch.bfloat16)
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # TorchScript stays behind this package
        frozen = torch.jit.freeze(module, preserved_attrs=[method] if method != "forward" else None)
        preprocess = torch.jit.freeze(module.preprocess) if staged else None
    if name == "int8":
        quantise_linears(frozen, method, block_weights(module))
    if on_cpu:
        pack_linears(frozen, method)
    network = getattr(frozen, method)
    return Stages(preprocess, network) if staged else network


def difference(left: dict[str, Tensor], right: dict[str, Tensor], contract: Contract) -> float:
    """By how much outputs differ, in what `AGREEMENT` is measured in."""
    worst = 0.0
    for name, task in contract.tasks.items():
        a, b = left[name], right[name]
        if task.kind == "position":
            # a flat axis of the scene has no extent, and no error
            extent = (torch.tensor(task.high) - torch.tensor(task.low)).clamp(min=1e-9).to(a)
            a, b = a / extent, b / extent
        else:
            a, b = a.softmax(1), b.softmax(1)
        worst = max(worst, float((a - b).abs().max()))
    if contract.embedding:
        a, b = (outputs[f"embedding_{contract.modality}"] for outputs in (left, right))
        worst = float(((a - b).norm(dim=1) / a.norm(dim=1)).max())
    return worst


def measured_gain(full: Callable, other: Callable, probe: Tensor) -> float:
    """How many times faster `other` is than `full`: best of alternating runs, which a busy machine blurs least."""
    times: list[tuple[float, float]] = []
    start = time.perf_counter()
    least, most = TIMING_ROUNDS
    while len(times) < least or (len(times) < most and time.perf_counter() - start < TIMING_SECONDS):
        times.append((_time(full, probe), _time(other, probe)))
    return min(first for first, _ in times) / min(second for _, second in times)


def _time(call: Callable, probe: Tensor) -> float:
    start = time.perf_counter()
    outputs = call(probe)
    for value in outputs.values():
        value.cpu()  # waits for the device
    return time.perf_counter() - start
