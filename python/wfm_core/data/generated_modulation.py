# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated windows of eleven modulations as a labelled data set, laid out as that of RadioML 2016.10a is."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from wfm_core.data.dataset import write_dataset
from wfm_core.data.readers.own.measure import iq_signal
from wfm_core.synth.radioml import LABELS, SAMPLE_RATE, SAMPLES, Transmitters, in_turn

_AT_ONCE = 4096


def write_modulations(path: str | Path, count: int, seed: int, samples: int = SAMPLES, published: bool = False) -> Path:
    """Write `count` windows of `samples` samples, drawn from `seed` as `wfm_core.synth.radioml` says; gives `path`.

    They are of all classes at all SNRs in turn, 220 windows a round. Group: `snr_db`.
    """
    label, snr_db = in_turn(len(LABELS), count)

    def drawn() -> Iterator[np.ndarray]:
        transmitters = Transmitters(torch.Generator().manual_seed(seed), published)
        for rows in torch.arange(count).split(_AT_ONCE):
            yield transmitters.draw(label[rows], snr_db[rows], samples).numpy()

    return write_dataset(
        path,
        "sample",
        drawn(),
        label.numpy(),
        task="modulation",
        labels=LABELS,
        signal=iq_signal,
        provenance={"source": "wfm_core.synth.radioml", "synthetic": True, "seed": seed, "published": published},
        groups={"snr_db": [f"{snr:g}" for snr in snr_db.tolist()]},
        sample_rate=SAMPLE_RATE,
    )
