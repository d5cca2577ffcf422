# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated responses of ultra-wideband anchors to a tag in one room, as the reader of the UWB localization set makes a
data set: an anchor is an antenna."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from wfm_core.data.dataset import write_dataset
from wfm_core.data.readers.own.measure import level_signal
from wfm_core.synth.uwb import SAMPLE_RATE, SAMPLES, SIZE, draw_places, draw_room, responses

_AT_ONCE = 64


def write_uwb(path: str | Path, count: int, seed: int, samples: int = SAMPLES) -> Path:
    """Write the responses of `count` places in the room of `seed`, as `wfm_core.synth.uwb` says; gives `path`."""
    random = np.random.default_rng(seed)
    room, places = draw_room(random), draw_places(count, random)

    def drawn() -> Iterator[np.ndarray]:
        for begin in range(0, count, _AT_ONCE):
            yield responses(room, places[begin : begin + _AT_ONCE], random, samples)

    return write_dataset(
        path,
        "sample",
        drawn(),
        places.astype(np.float32),
        task="uwb_position",
        signal=level_signal,
        provenance={"source": "wfm_core.synth.uwb", "synthetic": True, "seed": seed},
        sample_rate=SAMPLE_RATE,
        scene={"low": [0.0, 0.0, 0.0], "high": SIZE.tolist()},
    )
