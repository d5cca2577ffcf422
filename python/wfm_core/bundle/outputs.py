# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a bundle gives is what its contract says."""

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import shortened
from wfm_core.bundle.contract import Contract


def check_output(outputs: dict[str, np.ndarray], contract: Contract, name: str, columns: int | None = None) -> None:
    """Whether `name` [windows, `columns`] is among them; None: any number of columns. Raises `WfmError`."""
    found = outputs.get(name)
    if found is None or found.ndim != 2 or (columns is not None and found.shape[1] != columns):
        seen = "nothing" if found is None else list(found.shape)
        raise WfmError(
            f"bundle {contract.name!r} gives {seen} as {name}, its contract says {columns or 'some'} columns; export "
            "the model again"
        )


def check_outputs(outputs: dict[str, np.ndarray], contract: Contract, batch: int, finite: bool = False) -> None:
    """Names and shapes of what `batch` inputs gave; `finite`: no NaN and no infinity either. Raises `WfmError`."""
    width = contract.encoder.width
    wanted = {name: len(task.labels) or 3 for name, task in contract.tasks.items()}
    wanted |= {name: width for name in outputs if name in ("embedding_iq", "embedding_image")}
    if contract.embedding:
        wanted[f"embedding_{contract.modality}"] = width
    for name, columns in wanted.items():
        if name not in outputs or outputs[name].shape != (batch, columns):
            seen = list(outputs[name].shape) if name in outputs else "nothing"
            raise WfmError(
                f"bundle {contract.name!r} gives {seen} as {name}, its contract says {[batch, columns]}; export the "
                "model again"
            )
        if finite and not np.isfinite(outputs[name]).all():
            raise WfmError(f"bundle {contract.name!r} gives {name} that is not finite on noise; train the model again")
    other = [name for name in outputs if name not in wanted]
    if other:
        raise WfmError(f"bundle {contract.name!r} gives {shortened(other)}, which its contract does not name")
