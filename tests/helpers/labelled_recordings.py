# SPDX-License-Identifier: GPL-3.0-or-later
"""Annotated SigMF recordings of three kinds of signal, as a user might have made them."""

import json
from pathlib import Path

import torch

from wfm_core.synth.draws import complex_normal
from wfm_core.synth.modulation import modulated

KINDS = {"ook": 16.0, "qpsk": 3.0, "fm": 24.0}
"""Label -> samples per symbol (of fm: over the message's bandwidth)."""
RATE = 1e6
_NOISE = 0.1  # amplitude: 20 dB under the signals


def write_folder(folder: Path, each: int = 6, samples: int = 8192) -> None:
    """`each` recordings of every kind, a label over the whole of each."""
    folder.mkdir()
    for number, kind in enumerate(list(KINDS) * each):
        write_recording(folder / f"{kind}-{number:02d}.sigmf-meta", [kind], samples, seed=number)


def write_recording(path: Path, kinds: list[str], samples: int, seed: int) -> None:
    """One channel, cf32_le, `samples` of each of `kinds` after one another, with annotations."""
    generator = torch.Generator().manual_seed(seed)
    parts = [modulated(kind, samples, KINDS[kind], generator) for kind in kinds]
    air = torch.cat(parts) + _NOISE * complex_normal((samples * len(kinds),), generator)
    (0.2 * air).numpy().astype("<c8").tofile(path.with_suffix(".sigmf-data"))
    annotations = [
        {"core:sample_start": place * samples, "core:sample_count": samples, "core:label": kind}
        for place, kind in enumerate(kinds)
    ]
    head = {"core:datatype": "cf32_le", "core:sample_rate": RATE, "core:num_channels": 1, "core:version": "1.2.0"}
    captures = [{"core:sample_start": 0, "core:frequency": 433.92e6}]
    path.write_text(json.dumps({"global": head, "captures": captures, "annotations": annotations}))
