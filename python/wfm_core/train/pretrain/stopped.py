# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a run that stopped at a loss that is not finite: step, windows, sources, the last checkpoint."""

from collections import Counter
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.train.checkpoints import FOLDER, LAST, open_checkpoint
from wfm_core.train.objectives.pretraining import NotFinite
from wfm_core.train.pretrain.sets import Batches


def stopped(stop: NotFinite, batches: Batches, out: Path) -> WfmError:
    """The error that ends the run in the folder `out`."""
    losses = ", ".join(f"the loss of {name} is {loss}" for name, loss in stop.losses.items())
    last = out / FOLDER / LAST
    if last.exists():
        left = f"{last} is of step {open_checkpoint(last).get('global_step')} and good: go on from it with --resume"
    else:
        left = "no checkpoint was written before that: start again"
    return WfmError(
        f"step {stop.step}: {losses or 'the gradient is not finite'}, {_windows(stop, batches)}; {left}, without that "
        "source or with a lower base_learning_rate"
    )


def _windows(stop: NotFinite, batches: Batches) -> str:
    """Which windows, and where they are from: sources have names in their `sources`."""
    sources = batches.sources(stop.step)
    if not stop.rows:
        names = sorted({name for names in sources.values() for name in names})
        return f"though it is finite for each window of the batch alone (sources: {', '.join(names)})"
    parts = []
    for modality, rows in stop.rows.items():
        whose = Counter(sources[modality][row] for row in rows)
        counts = ", ".join(f"{count} from {name}" for name, count in whose.most_common())
        parts.append(f"for {len(rows)} of {len(sources[modality])} {modality} windows ({counts})")
    return " and ".join(parts)
