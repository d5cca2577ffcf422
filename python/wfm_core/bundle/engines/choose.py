# SPDX-License-Identifier: GPL-3.0-or-later
"""Engine and number format of a bundle's encoder: what was asked for, or the fastest of those that agree with PyTorch's
float32, if it is faster than that.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.base.lanes import side_by_side
from wfm_core.bundle.bundle import CPU_TOKENS
from wfm_core.bundle.contract import Contract
from wfm_core.bundle.engines import measure
from wfm_core.bundle.engines.openvino import OpenVinoNetwork, find_openvino
from wfm_core.bundle.precision import dtype as formats
from wfm_core.bundle.running import Stages, freeze
from wfm_core.bundle.self_test import limit

ENGINES = ("auto", "torchscript", "openvino")
ASKED = "asked for"
ENGINE_GAIN = 1.03
"""Another engine than PyTorch must be this many times faster: what is about as fast changes from start to start."""
_SIZES = (CPU_TOKENS, 4 * CPU_TOKENS)
"""Tokens at once, in each lane, that are tried on a CPU."""


@dataclass(frozen=True)
class Choice:
    """`network` runs the bundle with `engine` ("torchscript", "openvino") in `dtype`, on a CPU best on windows of
    `tokens_at_once` tokens in all in each lane; `reason` says why that engine.
    """

    network: Callable
    engine: str
    dtype: str
    reason: str = ASKED
    tokens_at_once: int = CPU_TOKENS

    @property
    def encoder(self) -> Callable:
        """What takes most of the time: of a network in stages the second one."""
        return self.network.network if isinstance(self.network, Stages) else self.network


def choose_network(
    module: torch.jit.ScriptModule, contract: Contract, device: torch.device, dtype: str, engine: str
) -> Choice:
    """What runs a verified module on `device`.

    `dtype`, `engine`: as `load_bundle` takes them. Raises `WfmError` for those that are not there.
    """
    if engine not in ENGINES:
        raise WfmError(f"engine {engine!r} is not known; expected one of {', '.join(ENGINES)}")
    names = formats.formats_for(device, dtype)
    obstacle = _obstacle(device) if engine != "torchscript" else ""
    if engine == "openvino" and obstacle:
        raise WfmError(f"engine 'openvino' was asked for, but {obstacle}")
    offers = [("torchscript", name) for name in names if engine != "openvino"]
    if engine != "torchscript" and not obstacle:
        offers += [("openvino", name) for name in names]
    if len(offers) == 1 and engine != "openvino":
        chosen = Choice(_build(module, contract, *offers[0]), *offers[0])
    else:
        chosen = _fastest(module, contract, device, offers)
    return chosen if engine == "auto" and not obstacle else replace(chosen, reason=obstacle or ASKED)


def _obstacle(device: torch.device) -> str:
    """Why OpenVINO cannot be had, and the way out; "" where it can."""
    if device.type != "cpu":
        return f"openvino computes on the CPU, and the device is '{device}': use device cpu or engine torchscript"
    missing = find_openvino()[1]
    return f"{missing}: pip install openvino, or use engine torchscript" if missing else ""


def _build(module: torch.jit.ScriptModule, contract: Contract, engine: str, name: str) -> Callable:
    if engine == "torchscript":
        return formats.in_format(module, contract, name)
    program = freeze(module, contract)
    return program.staged(OpenVinoNetwork(program.module, program.method, name))


@torch.inference_mode()
def _fastest(module, contract: Contract, device: torch.device, offers: list[tuple[str, str]]) -> Choice:
    """The first of `offers` (engine, format), or of the others that agree with float32 the one that gains most."""
    field = _Field(module, contract, device)
    best = field.made(*offers[0])
    if best.engine == "openvino" and not (apart := field.apart(best)) <= limit(best.dtype):
        raise WfmError(
            f"engine 'openvino' was asked for, but in {best.dtype} it answers otherwise than PyTorch in float32: "
            f"{apart:.2g} apart, at most {limit(best.dtype):g} is expected; use engine torchscript"
        )
    choices, notes = [best], []
    for offer in offers[1:]:
        try:
            choices.append(field.tried(*offer))
        except WfmError as error:
            notes.append(str(error))
    paces = field.paces(choices) if len(offers) > 1 else [measure.Pace(1.0, CPU_TOKENS)]
    (best, *others), base = choices, paces[0].gain
    best, most = replace(best, tokens_at_once=paces[0].size), base
    for made, (gain, size) in zip(others, paces[1:], strict=True):
        least = formats.GAIN * base if made.engine == best.engine else max(formats.GAIN * base, ENGINE_GAIN * most)
        apart = field.apart(made) if gain >= least and gain > most else None
        if made.engine == "openvino":
            notes.append(_note(made.dtype, gain / most, best, apart))
        if apart is not None and apart <= formats.AGREEMENT:
            best, most = replace(made, tokens_at_once=size), gain
    return replace(best, reason="; ".join(notes))


class _Field:
    """What is compared: each choice with PyTorch's float32, on the probes of the number formats."""

    def __init__(self, module: torch.jit.ScriptModule, contract: Contract, device: torch.device):
        self._module, self._contract = module, contract
        self._full = Choice(formats.in_format(module, contract, "fp32"), "torchscript", "fp32")
        self._probes = formats.probe_inputs(contract, device)
        self._wanted = [self._full.network(probe) for probe in self._probes]
        staged = isinstance(self._full.network, Stages)
        windows = self._full.network.preprocess(self._probes[0]) if staged else self._probes[0]
        self._inputs = {CPU_TOKENS: windows}
        if device.type == "cpu":  # a GPU is measured with all probes: a small batch hides its speed
            counts = {max(1, size // contract.tokens(1)): size for size in reversed(_SIZES)}
            lanes = torch.get_num_threads()
            self._inputs = {size: _repeated(windows, count * lanes) for count, size in counts.items()}

    def made(self, engine: str, name: str) -> Choice:
        """Raises `WfmError` where the engine cannot compute the bundle."""
        if (engine, name) == ("torchscript", "fp32"):
            return self._full
        return Choice(_build(self._module, self._contract, engine, name), engine, name)

    def tried(self, engine: str, name: str) -> Choice:
        """As `made`, and it has run once."""
        choice = self.made(engine, name)
        choice.network(self._probes[0][:1])
        return choice

    def paces(self, choices: list[Choice]) -> list[measure.Pace]:
        """How many times as fast as float32 they are, in what follows the preprocessing."""
        rivals = [choice for choice in choices if choice is not self._full]
        paces = measure.paces([partial(_in_lanes, choice.encoder) for choice in (self._full, *rivals)], self._inputs)
        return paces if choices[0] is self._full else paces[1:]

    def apart(self, choice: Choice) -> float:
        """By how much it differs at most, in units of `AGREEMENT`."""
        pairs = zip(self._wanted, self._probes, strict=True)
        apart = [formats.difference(exact, choice.network(probe), self._contract) for exact, probe in pairs]
        return float(torch.tensor(apart).max())  # also NaN


def _in_lanes(encoder: Callable, windows: Tensor) -> dict[str, Tensor]:
    """As `Bundle` computes them; the outputs of the first part stand for all."""
    if windows.device.type != "cpu":
        return encoder(windows)
    parts = windows.split(-(-len(windows) // torch.get_num_threads()))
    return side_by_side(torch.inference_mode()(encoder), parts)[0]


def _repeated(windows: Tensor, count: int) -> Tensor:
    """So many windows."""
    return torch.cat([windows] * -(-count // len(windows)))[:count]


def _note(name: str, times: float, other: Choice, apart: float | None) -> str:
    text = f"openvino {name} is {times:.2g} times as fast as {other.engine} {other.dtype}"
    if apart is None:
        return text
    if apart <= formats.AGREEMENT:
        return f"{text}, and {apart:.1g} from float32"
    return f"{text}, but {apart:.2g} from float32, at most {formats.AGREEMENT:g} is expected"
