# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated radio: a seeded scene with known truth, played by the wall clock, overflowing as a real radio would."""

import math
import tempfile
import time

import numpy as np

from wfm_core.base import compute
from wfm_core.base.errors import WfmError
from wfm_core.synth.scenes.simulated import DEFAULT, LONGEST, render

from ...wfm_python import sample_player
from ..ground_truth import GroundTruth
from . import Driver, Request

DEFAULT_SECONDS = 10.0
_MOST_SAMPLES = 20_000_000
"""Samples per antenna of one rendered scene (ci16 on disk); a longer duration plays it again."""

_FIFO_SECONDS = 1.0
"""What the radio buffers before it overflows: a network USRP's socket buffer holds about as much at some 10 MS/s."""

_FULL_SCALE = 32768.0


class SimDriver(Driver):
    """Without a duration the scene is `DEFAULT_SECONDS` long, or as long as it may be, and played once."""

    def __init__(self, request: Request, name: str, seed: int):
        seconds = min(
            request.duration or DEFAULT_SECONDS, _MOST_SAMPLES / request.sample_rate, LONGEST.get(name, math.inf)
        )
        scene = compute.run(render, name, seconds, request.sample_rate, request.channels, seed)
        samples = scene.samples.shape[1]
        now = time.time()
        start = (int(now), now % 1.0)
        # The player has the file mapped: without a name, no end of the program leaves it behind.
        with tempfile.TemporaryFile() as file:
            _write(scene.samples.numpy(), file)
            self._player = sample_player(
                f"/proc/self/fd/{file.fileno()}",
                "ci16_le",
                request.channels,
                scene.sample_rate,
                repeat=seconds < request.duration,
                paced=request.paced,
                fifo_seconds=_FIFO_SECONDS,
                segments=[(0, scene.center_freq, *start, True)],
            )
        self._truth = GroundTruth(scene.truth, scene.sample_rate, start, samples)
        outputs = [(self._player, channel) for channel in range(request.channels)]
        super().__init__(outputs, scene.sample_rate, scene.center_freq)

    def set_center_freqs(self, center_freqs: tuple[float, ...], at: tuple[int, float] | None = None) -> None:
        """Only the tags move: the scene stays what it is."""
        if at is not None:
            raise ValueError("the simulated radio has no timed commands")
        self._player.set_center_freq(center_freqs[0])
        self.center_freq = center_freqs[0]

    def samples_lost(self) -> int:
        return int(self._player.samples_lost())

    def truth(self) -> GroundTruth:
        return self._truth


def _write(samples: np.ndarray, stream) -> None:
    """complex64 [A, N] -> interleaved ci16, full scale 1.0, in pieces that keep memory small."""
    piece = 1 << 20
    for first in range(0, samples.shape[1], piece):
        frames = np.ascontiguousarray(samples[:, first : first + piece].T).view(np.float32)
        np.clip(np.round(frames * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2").tofile(stream)
    stream.flush()


def open_source(request: Request) -> Driver:
    return SimDriver(request, *_scene_and_seed(request.argument))


def _scene_and_seed(argument: str) -> tuple[str, int]:
    """Of "", "SEED", "SCENE" or "SCENE:SEED"."""
    name, _, seed = argument.partition(":")
    if not seed and not name.isidentifier():
        name, seed = DEFAULT, name
    try:
        return name, int(seed or 1)
    except ValueError as error:
        raise WfmError(
            f"source sim:{argument}: sim, sim:SEED, sim:SCENE or sim:SCENE:SEED with a whole number as SEED is expected"
        ) from error
