# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated CSI as a labelled data set, in the file that fine-tuning reads."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from wfm_core.base.errors import WfmError
from wfm_core.base.quantities import beam_angles
from wfm_core.data.dataset import write_dataset
from wfm_core.data.readers.own.measure import csi_signal
from wfm_core.signal.channels.csi_profile import csi_parts
from wfm_core.synth.csi.activities import ACTIVITIES
from wfm_core.synth.csi.beams import BEAMS
from wfm_core.synth.csi.clusters import SCENARIOS
from wfm_core.synth.csi.images import csi_images
from wfm_core.synth.csi.rooms import LARGEST
from wfm_core.synth.csi.windows import CsiWindows

LABELS = {
    "activity": ACTIVITIES,
    "people": ("0", "1", "2", "3"),
    "line_of_sight": ("nlos", "los"),
    "beam": tuple(f"{angle:g} deg" for angle in beam_angles(BEAMS)),
    "position": None,
}
"""Causes that can be labels, with the names of their classes; positions are metres."""
_TASKS = ("activity", "line_of_sight", "beam", "position")


def write_generated_csi(
    path: str | Path,
    draw: Callable[[int], CsiWindows],
    batches: int,
    label: str = "activity",
    size: int = 224,
    signal: dict | None = None,
) -> Path:
    """Write amplitudes of `batches` calls of `draw` (which gets their numbers) with the cause `label`; gives `path`.

    Such as `lambda number: draw_windows(64, grid, 128, (1, 3), torch.Generator().manual_seed(number))`. All windows
    must have one shape. `size`: pixels on a side of the images as the model sees them. With `signal`, of a kind that
    takes complex CSI such as csi_profile or beam_image, real and imaginary parts are written in place of amplitudes,
    and it prepares them. Windows of `draw_clusters` have the group `scenario`. Raises `WfmError` for a cause that is no
    label, classes that have no name and windows where the cause is not known (nobody has no position).
    """
    if label not in LABELS:
        raise WfmError(f"label {label!r}: expected one of {', '.join(LABELS)}")
    truth: list[np.ndarray] = []
    scenarios: list[str] = []
    gains: list[np.ndarray] = []
    # all labels must be known before the first values are written: windows are drawn twice, and only a batch is held
    for number in range(batches):
        causes = draw(number).causes
        truth.append(_truth(causes[label], label))
        if "scenario" in causes:
            scenarios += [tuple(SCENARIOS)[index] for index in causes["scenario"].tolist()]
        if label == "beam":
            gains.append(causes["gain_db"].cpu().numpy())
    labels = np.concatenate(truth)
    seen = csi_images if signal is None else csi_parts

    def values() -> Iterator[np.ndarray]:
        for number in range(batches):
            yield seen(draw(number).csi).cpu().numpy()

    return write_dataset(
        path,
        "csi",
        values(),
        labels,
        task=label if label in _TASKS else "custom",
        labels=LABELS[label],
        groups={"scenario": scenarios} if scenarios else None,
        signal=signal or (lambda read, count: csi_signal(read, count, [size, size], "linear", "window")),
        provenance={"source": "wfm_core.synth.csi", "synthetic": True, "label": label},
        gain_db=np.concatenate(gains) if gains else None,
        scene={"low": [0.0, 0.0, 0.0], "high": list(LARGEST)} if label == "position" else None,
    )


def _truth(cause: torch.Tensor, label: str) -> np.ndarray:
    values = cause.cpu().numpy()
    known = np.isfinite(values) & (values >= 0) if label != "position" else np.isfinite(values)
    names = LABELS[label]
    if not known.all() or (names is not None and values.max() >= len(names)):
        raise WfmError(f"some windows have no {label}: draw only such that have one")
    return values.astype(np.float32 if label == "position" else np.int64)
