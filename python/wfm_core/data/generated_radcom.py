# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated radar and communication windows as a labelled data set, as the reader of RadarCommDataset makes one."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from wfm_core.data.dataset import write_dataset
from wfm_core.data.readers.own.measure import iq_signal
from wfm_core.data.readers.public.radcom import named, task_of
from wfm_core.synth.radcom import SAMPLE_RATE, WAVEFORMS, Radars
from wfm_core.synth.radioml import SAMPLES, in_turn

_AT_ONCE = 4096


def write_radcom(path: str | Path, count: int, seed: int, samples: int = SAMPLES, label: str = "both") -> Path:
    """Write `count` windows of `samples` samples, drawn from `seed` as `wfm_core.synth.radcom` says; gives `path`.

    They are of all nine waveforms at all SNRs in turn, 180 windows a round, the same whatever the `label`, which is
    that of the reader: "both", "modulation" or "signal". Groups: `modulation`, `signal`, `snr_db`. Raises `WfmError`.
    """
    number, snr_db = in_turn(len(WAVEFORMS), count)
    task = task_of(label)
    labels, classes = named([WAVEFORMS[place] for place in number.tolist()], label)

    def drawn() -> Iterator[np.ndarray]:
        radars = Radars(torch.Generator().manual_seed(seed))
        for rows in torch.arange(count).split(_AT_ONCE):
            yield radars.draw(number[rows], snr_db[rows], samples).numpy()

    return write_dataset(
        path,
        "sample",
        drawn(),
        classes,
        task=task,
        labels=labels,
        signal=iq_signal,
        provenance={"source": "wfm_core.synth.radcom", "synthetic": True, "seed": seed, "label": label},
        groups={
            "modulation": [WAVEFORMS[place][0] for place in number.tolist()],
            "signal": [WAVEFORMS[place][1] for place in number.tolist()],
            "snr_db": [f"{snr:g}" for snr in snr_db.tolist()],
        },
        sample_rate=SAMPLE_RATE,
    )
