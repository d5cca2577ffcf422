# SPDX-License-Identifier: GPL-3.0-or-later
"""How a bundle's program runs, in stages where it has them, and what it raises, in a sentence: it may be anybody's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError

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
