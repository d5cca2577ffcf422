# SPDX-License-Identifier: GPL-3.0-or-later
"""What the channels of a receiver do to gain and phase, found from a source whose direction is known.

Without GNU Radio.
"""

import math
import threading
from collections.abc import Callable, Sequence

import numpy as np
import torch

from wfm_core.synth.arrays import SPACING, steering

CLEAR = 10.0
"""The known source must be so many times as strong as all else, by eigenvalues of the covariance."""
DEAF = 0.03
"""A channel with less than so much of the strongest one's amplitude hears nothing."""


class ChannelCalibration:
    """Gains and phases of all channels against the first one, at each frequency that was calibrated.

    What a channel does is measured with whatever is in the air from one direction, which must be known: what the
    antennas then differ in beside that wave's phases is the receiver's. Frequencies are those of rx_freq, in whole Hz;
    None, where a stream has none, is one as well. May be used from any thread.

    Args:
        channels: 2 or more, of antennas in a row.
        windows: that a calibration takes.
        keep: what was found at a frequency holds when the receiver comes back to it. False: a receiver whose
            oscillators start with other phases each time forgets with every retune.
        tell: called with "calibrated" or "refused" and a sentence.
    """

    def __init__(self, channels: int, windows: int, keep: bool, tell: Callable[[str, str], None]):
        self._channels, self._windows, self._keep, self._tell = channels, windows, keep, tell
        self._lock = threading.Lock()
        self._known: dict[int | None, np.ndarray] = {}
        self._freq: int | None = None
        self._angle: float | None = None
        self._begin(None)

    def request(self, angle: float) -> None:
        """Calibrate at the frequency of the windows that come next, with a source at `angle` degrees."""
        with self._lock:
            self._angle = angle
            self._begin(self._freq)

    def apply(self, freqs: Sequence[float | None], samples: np.ndarray) -> np.ndarray:
        """Correct windows complex64 [n, channels, T] in place, in the order of the stream; while a calibration goes on,
        measure them before. Returns bool [n]: which come from a frequency that is calibrated."""
        known = np.zeros(len(samples), bool)
        for number, (freq, window) in enumerate(zip(map(_whole, freqs), samples, strict=True)):
            with self._lock:
                if freq != self._freq and not self._keep:
                    self._known.clear()
                self._freq = freq
                factors = self._known.get(freq)
                told = self._measure(freq, window)
            if factors is not None:
                window *= factors[:, None]
                known[number] = True
            if told:
                self._tell(*told)
        return known

    def status(self) -> dict:
        """`calibration` of the frequency that windows last came from, and how many are known."""
        with self._lock:
            measuring = self._angle is not None
            state = "calibrated" if self._freq in self._known else "not calibrated"
            return {"calibration": "calibrating" if measuring else state, "frequencies_calibrated": len(self._known)}

    def _begin(self, freq: int | None) -> None:
        self._sum = np.zeros((self._channels, self._channels), np.complex128)
        self._count, self._of = 0, freq

    def _measure(self, freq: int | None, window: np.ndarray) -> tuple[str, str] | None:
        """What to tell of a calibration that this window ends; with the lock held."""
        if self._angle is None:
            return None
        if freq != self._of:
            self._begin(freq)
        self._sum += window @ window.conj().T / window.shape[1]
        self._count += 1
        if self._count < self._windows:
            return None
        angle, self._angle = self._angle, None
        values, vectors = np.linalg.eigh(self._sum / self._count)
        order = f"calibrate {angle:g}" + ("" if freq is None else f" at {freq / 1e6:g} MHz")
        others = float(values[:-1].mean())
        if not values[-1] > CLEAR * others:
            times = float(values[-1]) / others if others > 0 else 0.0
            return "refused", (
                f"{order}: what comes from one direction is {times:.1f} times as strong as all else, {CLEAR:g} is "
                "expected: use a stronger source, one that is alone in the band"
            )
        channels = vectors[:, -1] / steering(torch.tensor(angle), self._channels, SPACING).numpy()
        if abs(channels).min() < DEAF * abs(channels).max():
            deaf = int(abs(channels).argmin())
            return "refused", f"{order}: channel {deaf} hears next to nothing: check its antenna, cable and gain"
        channels = channels / channels[0]
        self._known[freq] = (1 / channels).astype(np.complex64)
        offsets = (
            f"{20 * math.log10(abs(one)):+.1f} dB {math.degrees(np.angle(one)):+.0f} deg" for one in channels[1:]
        )
        return "calibrated", f"{order}: channels against the first are off by {', '.join(offsets)}"


def _whole(freq: float | None) -> int | None:
    return None if freq is None else round(freq)
