# SPDX-License-Identifier: GPL-3.0-or-later
"""Digital video links of drones, and the identity bursts beside them: OFDM of 15 kHz carriers; 2.4 and 5.8 GHz.

There is no standard: Schiller et al., Drone Security and the Mysterious Case of DJI's DroneID, NDSS 2023.
"""

import numpy as np
from scipy import fft

from wfm_core.synth.signals.placing import put
from wfm_core.synth.signals.transmission import Transmission, on_air, transmission

SPACING = 15e3
IDENTITY_RATE = 1024 * SPACING
IDENTITY_USED = 600
IDENTITY_ROOTS = {3: 600, 5: 147}
"""Of the burst's symbols, those that are Zadoff-Chu sequences."""


def synchronisation(used: int, root: int) -> np.ndarray:
    """complex128 [used + 1]: a Zadoff-Chu sequence over the carriers, none at the middle; used + 1 is a prime."""
    n = np.arange(used + 1)
    values = np.exp(-1j * np.pi * root * n * (n + 1) / (used + 1))
    values[used // 2] = 0
    return values


def identity_burst(payload: np.ndarray, first: int = 0) -> np.ndarray:
    """complex128 at IDENTITY_RATE: DroneID of QPSK payload (0 to 3) [9, 600]; newer drones leave out symbol 0
    (first = 1)."""
    pieces = []
    for symbol in range(first, 9):
        if symbol in IDENTITY_ROOTS:
            values = synchronisation(IDENTITY_USED, IDENTITY_ROOTS[symbol])
        else:
            points = np.exp(0.5j * np.pi * (payload[symbol] + 0.5))
            values = np.insert(points, IDENTITY_USED // 2, 0)
        bins = np.zeros(1024, complex)
        bins[np.arange(IDENTITY_USED + 1) - IDENTITY_USED // 2] = values
        body = np.fft.ifft(bins) * 1024 / np.sqrt(IDENTITY_USED)
        prefix = 80 if symbol in (0, 8) else 72
        pieces.append(np.concatenate([body[1024 - prefix :], body]))
    return np.concatenate(pieces)


def drone_id(seconds: float, rng: np.random.Generator) -> Transmission:
    """A DroneID burst of 0.64 ms every 0.6 s or so."""
    first = int(rng.random() < 0.3)
    count = round(seconds * IDENTITY_RATE)
    line = np.zeros(count, np.complex64)
    length = len(identity_burst(np.zeros((9, IDENTITY_USED)), first))
    # at least a tenth of a burst lies within
    place = int(rng.integers(-9 * length // 10, max(min(count, int(0.6 * IDENTITY_RATE)) - length // 10, 1)))
    while place < count:
        put(line, place, identity_burst(rng.integers(0, 4, (9, IDENTITY_USED)), first))
        place += int(rng.uniform(0.58, 0.66) * IDENTITY_RATE)
    return transmission(line, IDENTITY_RATE, IDENTITY_USED * SPACING, "drone-id")


def drone_ofdm(seconds: float, rng: np.random.Generator) -> Transmission:
    """A video link: bursts over 9 or 18 MHz with a Zadoff-Chu symbol now and then, a few ms apart."""
    size, used = (2048, 1200) if rng.random() < 0.5 else (1024, 600)
    rate = size * SPACING
    bursts, gaps = [], []
    count = round(seconds * rate)
    frame = float(rng.choice([2e-3, 4e-3, 5e-3, 10e-3])) * rate
    length = max(int(frame * rng.uniform(0.3, 0.95) / (size * 1.07)), 2)
    sent, root = 0, int(rng.choice([147, 600]))
    at = np.arange(used + 1) - used // 2
    while sent < count + frame:
        side = int(rng.choice([2, 2, 4, 8]))
        levels = (2 * np.arange(side) - (side - 1)) / np.sqrt(2 * (side**2 - 1) / 3)
        shape = (length, used + 1)
        values = levels[rng.integers(0, side, shape)] + 1j * levels[rng.integers(0, side, shape)]
        values[::7] = synchronisation(used, root)
        values[:, used // 2] = 0
        bins = np.zeros((length, size), np.complex64)
        bins[:, at] = values
        body = fft.ifft(bins) * size
        bursts.append(np.concatenate([body[:, size - size * 72 // 1024 :], body], 1).ravel())
        gaps.append(max(int(frame - len(bursts[-1])), 0))
        sent += len(bursts[-1]) + gaps[-1]
    return transmission(on_air(bursts, gaps, count, rng), rate, used * SPACING, "drone-ofdm")
