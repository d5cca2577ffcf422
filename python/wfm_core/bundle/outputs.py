# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a bundle gives is what its contract says."""

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import shortened
from wfm_core.bundle.contract import Contract

EMBEDDINGS = ("embedding_iq", "embedding_image", "embedding_signal", "embedding_transmitter")
"""Of the first task of each modality."""


def check_output(
    outputs: dict[str, np.ndarray],
    contract: Contract,
    name: str,
    shape: tuple[int | None, ...] = (None,),
    batch: int | None = None,
) -> None:
    """Whether `name` [`batch`, *`shape`] is among them; None: any number. Raises `WfmError`."""
    found, wanted = outputs.get(name), [batch, *shape]
    seen = "nothing" if found is None else list(found.shape)
    fits = found is not None and len(seen) == len(wanted)
    if not fits or any(size not in (None, own) for own, size in zip(seen, wanted, strict=True)):
        sizes = ", ".join("any" if size is None else str(size) for size in wanted)
        raise WfmError(
            f"bundle {contract.name!r} gives {seen} as {name}, its contract says [{sizes}]; export the model again"
        )


def check_outputs(outputs: dict[str, np.ndarray], contract: Contract, batch: int, finite: bool = False) -> None:
    """Names and shapes of what `batch` inputs gave; `finite`: no NaN and no infinity either. Raises `WfmError`."""
    wanted = {name: task.shape for name, task in contract.tasks.items()}
    widths = {name: (width,) for name, width in contract.embedding_widths.items()}
    wanted |= {name: widths.get(name, (None,)) for name in outputs if name in EMBEDDINGS}
    if contract.embedding:
        wanted |= widths
    for name, shape in wanted.items():
        check_output(outputs, contract, name, shape, batch)
        if finite and not np.isfinite(outputs[name]).all():
            raise WfmError(f"bundle {contract.name!r} gives {name} that is not finite on noise; train the model again")
    other = [name for name in outputs if name not in wanted]
    if other:
        raise WfmError(f"bundle {contract.name!r} gives {shortened(other)}, which its contract does not name")
