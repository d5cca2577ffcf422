# SPDX-License-Identifier: GPL-3.0-or-later
"""A rectangular room with a receiver's antenna in each corner: the CSI of a transmitter at a place in it.

The paths are the direct one and those over one wall each, by mirroring the transmitter (image method, in the plane).
All antennas are of one receiver, so the amplitudes of a packet have one gain, and compare.
"""

import numpy as np

WIDTH, DEPTH = 8.0, 6.0
"""Metres; x goes from 0 to the one, y from 0 to the other."""
ANTENNAS = np.array([[0.3, 0.3], [WIDTH - 0.3, 0.3], [0.3, DEPTH - 0.3], [WIDTH - 0.3, DEPTH - 0.3]])
SUBCARRIERS = 52
BANDWIDTH = 80e6
PACKET_RATE = 50.0
"""Packets a second."""

_CARRIER = 5.2e9
_LIGHT = 299792458.0
_WALL = 0.45
"""Of the amplitude, what a wall throws back."""
_WALL_SHIFT = 0.9
"""Radians by which a wall turns the phase."""


def csi(places: np.ndarray, generator: np.random.Generator, snr_db: float = 25.0) -> np.ndarray:
    """Places [n, 2] in metres -> complex64 [n, antennas, subcarriers], with noise, and a phase at random a packet."""
    x, y = places[:, :1], places[:, 1:2]
    mirrored = [(x, y), (-x, y), (2 * WIDTH - x, y), (x, -y), (x, 2 * DEPTH - y)]
    frequencies = _CARRIER + (np.arange(SUBCARRIERS) / SUBCARRIERS - 0.5) * BANDWIDTH
    response = 0
    for order, (u, v) in enumerate(mirrored):
        metres = np.hypot(u - ANTENNAS[:, 0], v - ANTENNAS[:, 1])[..., None]  # [n, antennas, 1]
        gain = (_WALL * np.exp(1j * _WALL_SHIFT) if order else 1.0) / np.maximum(metres, 0.3)
        response = response + gain * np.exp(-2j * np.pi * metres * frequencies / _LIGHT)
    level = np.sqrt(np.square(np.abs(response)).mean((1, 2), keepdims=True))
    noise = generator.standard_normal((2, *response.shape)) / np.sqrt(2) * 10 ** (-snr_db / 20)
    turned = np.exp(2j * np.pi * generator.random((len(places), 1, 1)))
    return ((response + level * (noise[0] + 1j * noise[1])) * turned).astype(np.complex64)


def survey_points(spacing: float) -> np.ndarray:
    """A square grid of about that spacing, half a metre from the walls on: places [n, 2] in metres."""
    axes = [np.linspace(0.5, length - 0.5, round((length - 1) / spacing) + 1) for length in (WIDTH, DEPTH)]
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)


def walk(packets: int, seed: int) -> np.ndarray:
    """A way through the room, about 1 m/s: places [packets, 2] in metres."""
    generator = np.random.default_rng(seed)
    seconds = np.arange(packets) / PACKET_RATE
    start = generator.random(2) * 2 * np.pi
    half = np.array([WIDTH / 2 - 1.0, DEPTH / 2 - 1.0])
    turns = np.stack([0.33 * seconds + start[0], 0.41 * seconds + start[1]], axis=1)
    return np.array([WIDTH / 2, DEPTH / 2]) + half * np.sin(turns)
