# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bundle's program raises, in a sentence: the program may be anybody's."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

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
