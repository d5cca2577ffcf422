# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle's self-test: one stored input and the model's answer in float32, compared wherever the bundle is loaded.

The hashes of a bundle say that it is the one that was exported; the self-test says that this computer, device and
number format make of it what they should: a damaged library, a driver or a processor that computes otherwise is found
before the first decision. It is one safetensors file, at most 4 MiB: `input`, an IQ window as int16 [A, T, 2] in units
of 2^-11 (in phase, quadrature), or an image float32 [C, H, W]; and `answer.NAME` float32, logits [K] or metres [3] of
each task, or a grid [planes, H, W], and each embedding [D]. It costs one window at each load.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from wfm_core.base.errors import WfmError
from wfm_core.base.weights_file import parse_weights
from wfm_core.bundle.contract import Contract
from wfm_core.bundle.outputs import check_outputs
from wfm_core.bundle.precision.dtype import AGREEMENT, difference
from wfm_core.bundle.running import raised_in

FEWER_BITS = 5e-2
"""Most that bf16 and int8 may differ where they were asked for by name, in units of `AGREEMENT`: `auto` has compared
them on several inputs, with its own tighter limit."""

INPUT_LIMIT = 2 << 20
"""Bytes of the stored input: a bundle whose input is larger has no self-test."""

_UNIT = 2.0**-11
_ANSWER = "answer."


@dataclass(frozen=True)
class SelfTest:
    """`window` complex64 [1, A, T] or float32 [1, C, H, W], and the `answer` of float32, each output [1, ..]."""

    contract: Contract
    window: Tensor
    answer: dict[str, Tensor]

    @torch.inference_mode()
    def difference(self, network: Callable[[Tensor], dict[str, Tensor]], device: torch.device) -> float:
        """By how much what `network` answers on `device` differs, in units of `AGREEMENT`; NaN if it is not finite.

        Of embeddings the share of their length counts, whether there are tasks or not.
        """
        outputs = {name: value.float().cpu() for name, value in network(self.window.to(device)).items()}
        check_outputs({name: value.numpy() for name, value in outputs.items()}, self.contract, 1)
        if outputs.keys() != self.answer.keys() or not all(value.isfinite().all() for value in outputs.values()):
            return float("nan")
        apart = [difference(self.answer, outputs, self.contract)]
        for name in self.contract.embedding_widths:
            length = self.answer[name].norm().clamp(min=1e-9)
            apart.append(float((outputs[name] - self.answer[name]).norm() / length))
        return max(apart)

    def judge(self, seen: float, dtype: str, engine: str, device: torch.device, where: str) -> None:
        """Raise `WfmError` where the difference `seen` is more than the format `dtype` may have."""
        most = limit(dtype)
        if not seen <= most:  # also NaN
            raise WfmError(
                f"{where} answers its self-test otherwise here: {seen:.2g} from what it answered where it was made, at "
                f"most {most:g} is expected, in {dtype} by {engine} on '{device}' with PyTorch {torch.__version__}; "
                "use another device, dtype fp32 or engine torchscript, or make it again with wfm-export"
            )


def limit(dtype: str) -> float:
    """The largest difference of a format."""
    return AGREEMENT if dtype == "fp32" else FEWER_BITS


def make_self_test(live: nn.Module, contract: Contract, where: str) -> bytes:
    """The self-test of a live module on the CPU; b"" where its input is too large, or its answer is not finite."""
    values = _values(contract)
    if values is None:
        return b""
    run = live.forward_image if contract.input == "image" else live
    with torch.inference_mode(), raised_in(where):
        answer = {name: value.float()[0].contiguous().clone() for name, value in run(_window(values)[None]).items()}
    if not all(value.isfinite().all() for value in answer.values()):
        return b""
    return safetensors.torch.save({"input": values, **{_ANSWER + name: value for name, value in answer.items()}})


def read_self_test(data: bytes, contract: Contract, where: str) -> SelfTest:
    """What `make_self_test` made, checked against the contract. Raises `WfmError`."""
    tensors = parse_weights(data, f"{where}: its self-test")
    values = tensors.pop("input", torch.zeros(0))
    answer = {name.removeprefix(_ANSWER): value for name, value in tensors.items() if name.startswith(_ANSWER)}
    if not _fits(values, contract) or len(answer) != len(tensors):
        raise _bad(where, f"input of {values.dtype} {list(values.shape)}")
    names = {*contract.tasks, *contract.embedding_widths}
    odd = [value for value in answer.values() if value.dtype != torch.float32 or not value.isfinite().all()]
    axes = {name: len(task.shape) for name, task in contract.tasks.items()}
    if answer.keys() != names or odd or any(value.dim() != axes.get(name, 1) for name, value in answer.items()):
        raise _bad(where, f"answers {', '.join(sorted(answer))[:80] or 'none'}")
    test = SelfTest(contract, _window(values)[None], {name: value[None] for name, value in answer.items()})
    check_outputs({name: value.numpy() for name, value in test.answer.items()}, contract, 1)
    return test


def _values(contract: Contract) -> Tensor | None:
    """The input as it is stored; seeded, and not from PyTorch, whose generators may change."""
    draw = np.random.default_rng(0)
    if contract.input == "image":
        if 4 * math.prod(contract.input_shape) > INPUT_LIMIT:
            return None
        return torch.from_numpy(draw.random(contract.input_shape, dtype=np.float32))
    antennas = min(contract.antennas, INPUT_LIMIT // (4 * contract.samples))
    if not antennas:
        return None
    turn = np.exp(2j * np.pi * draw.random((antennas, 1)) * np.arange(contract.samples))
    noise = draw.standard_normal((2, antennas, contract.samples))
    heard = 1.5 * turn + noise[0] + 1j * noise[1]
    parts = np.stack([heard.real, heard.imag], -1) / _UNIT
    return torch.from_numpy(np.clip(np.round(parts), -32768, 32767).astype(np.int16))


def _window(values: Tensor) -> Tensor:
    """Stored values -> what goes into the model, without a batch."""
    return torch.view_as_complex(values.float() * _UNIT) if values.dtype == torch.int16 else values


def _fits(values: Tensor, contract: Contract) -> bool:
    if contract.input == "image":
        return values.dtype == torch.float32 and values.shape == contract.input_shape and bool(values.isfinite().all())
    shape = list(values.shape)
    wanted = len(shape) == 3 and 1 <= shape[0] <= contract.antennas and shape[1:] == [contract.samples, 2]
    return wanted and values.dtype == torch.int16


def _bad(where: str, seen: str) -> WfmError:
    return WfmError(
        f"{where} has a self-test with {seen}, which its contract does not name; make it again with wfm-export"
    )
