# SPDX-License-Identifier: GPL-3.0-or-later
"""How a bundle's program runs, in stages where it has them, and what it raises, in a sentence: it may be anybody's."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.bundle.contract import Contract

_RAISED = (
    torch.jit.Error,
    RuntimeError,
    AttributeError,
    TypeError,
    LookupError,
    ValueError,
    ArithmeticError,
    MemoryError,
)


@contextmanager
def raised_in(what: str) -> Iterator[None]:
    """Turns what TorchScript raises into a `WfmError` about `what`, such as a bundle's name."""
    try:
        yield
    except _RAISED as error:
        # TorchScript puts what was raised at the end, after the whole program
        said = " ".join(str(error).split())[-300:]
        raise WfmError(f"{what} cannot be run ({said}); export the model again") from error


@dataclass(frozen=True)
class Stages:
    """A frozen preprocessing, and the network after it, which can be given what was prepared elsewhere."""

    preprocess: Callable[[Tensor], Tensor]
    network: Callable[[Tensor], dict[str, Tensor]]

    def __call__(self, window: Tensor) -> dict[str, Tensor]:
        return self.network(self.preprocess(window))


@dataclass(frozen=True)
class Program:
    """A frozen module, the method of it that a batch goes into, and what comes before that; None where nothing does."""

    module: torch.jit.ScriptModule
    method: str
    preprocess: Callable[[Tensor], Tensor] | None

    def staged(self, network: Callable[[Tensor], dict[str, Tensor]]) -> Callable[[Tensor], dict[str, Tensor]]:
        """`network`, which does what `method` does, behind the preprocessing."""
        return network if self.preprocess is None else Stages(self.preprocess, network)


def freeze(module: torch.jit.ScriptModule, contract: Contract) -> Program:
    """The program of a verified module, with its weights as constants, in `Stages` where it can be given images."""
    # Programs that were exported before there was such a method have one stage.
    staged = contract.input == "iq" and contract.modality == "image" and hasattr(module, "forward_image")
    method = "forward_image" if contract.input == "image" or staged else "forward"
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # TorchScript stays behind this package
        frozen = torch.jit.freeze(module, preserved_attrs=[method] if method != "forward" else None)
        preprocess = torch.jit.freeze(module.preprocess) if staged else None
    return Program(frozen, method, preprocess)
