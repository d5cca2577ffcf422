# SPDX-License-Identifier: GPL-3.0-or-later
"""NB-IoT downlink (3GPP TS 36.211 V15 clause 10.2): one resource block of 180 kHz, stand-alone or in a guard band.

Synchronisation and reference signals are those of the standard; broadcast, control and data are random QPSK.
"""

import numpy as np
import torch

from wfm_core.synth.lte.sequences import reference_symbols
from wfm_core.synth.signals.transmission import Transmission, part, transmission

SUBCARRIERS = 12
SIZE = 32
SAMPLE_RATE = SIZE * 15e3
_COVER = np.array([1, 1, 1, 1, -1, -1, 1, 1, 1, -1, 1])
_OVERSAMPLED = 4
"""Prefixes of 9 and 10 samples of 128 are whole only at 1.92 MS/s: symbols are made there, then decimated."""


def primary() -> np.ndarray:
    """complex128 [11, 11]: NPSS in the last eleven symbols of subframe 5 (clause 10.2.7.1)."""
    n = np.arange(11)
    return _COVER[:, None] * np.exp(-1j * np.pi * 5 * n * (n + 1) / 11)


def secondary(cell: int, frame: int) -> np.ndarray:
    """complex128 [11, 12]: NSSS of `cell` (0 to 503) in subframe 9 of an even frame (clause 10.2.7.2)."""
    n = np.arange(132)
    root, shift = cell % 126 + 3, frame // 2 % 4 / 4
    # rows 1, 32, 64 and 128 of the Hadamard matrix of order 128 (table 10.2.7.2.1-1)
    row = (0, 31, 63, 127)[cell // 126]
    signs = np.array([1 - 2.0 * (bin(row & int(column)).count("1") & 1) for column in n % 128])
    short = n % 131
    values = signs * np.exp(-1j * np.pi * (2 * shift * n + root * short * (short + 1) / 131))
    return values.reshape(11, SUBCARRIERS)


def references(cell: int) -> np.ndarray:
    """complex128 [20, 2, 2]: of slots, their last two symbols, two subcarriers (clause 10.2.6)."""
    slots, symbols = torch.arange(20)[:, None], torch.tensor([5, 6])
    # those of the middle of LTE's widest carrier
    return reference_symbols(cell, False, slots, symbols, 1).numpy().astype(complex)


def grid(cell: int, frame: int, load: float, ports: int, rng: np.random.Generator) -> np.ndarray:
    """complex128 [10, 14, 12] of one frame: broadcast in subframe 0, NPSS in 5, NSSS in 9 of even frames."""
    out = np.zeros((10, 14, SUBCARRIERS), complex)
    for number in range(10):
        if number == 5:
            out[number, 3:, :11] = primary() * np.sqrt(12 / 11)
        elif number == 9 and frame % 2 == 0:
            out[number, 3:] = secondary(cell, frame)
        elif number == 0 or rng.random() < load:
            # broadcast keeps clear of where an LTE cell's control might be
            first = 3 if number == 0 else 0
            points = rng.integers(0, 4, (14 - first, SUBCARRIERS))
            out[number, first:] = np.exp(0.5j * np.pi * (points + 0.5))
    values = references(cell)
    for number in range(20):
        if number // 2 == 5 or (number // 2 == 9 and frame % 2 == 0):
            continue
        for symbol in range(2):
            for port in range(ports):
                at = (cell + 3 * ((port + symbol) % 2)) % 6 + np.array([0, 6])
                out[number // 2, 7 * (number % 2) + 5 + symbol, at] = values[number, symbol]
    return out


def modulated(cells: np.ndarray) -> np.ndarray:
    """complex128 [480 n]: subframes [n, 14, 12] at SAMPLE_RATE, the middle between subcarriers 5 and 6."""
    size = SIZE * _OVERSAMPLED
    rows = cells.reshape(-1, SUBCARRIERS)
    bins = np.zeros((len(rows), size), complex)
    bins[:, (np.arange(SUBCARRIERS) - 6) % size] = rows
    body = np.fft.ifft(bins) * size / np.sqrt(SUBCARRIERS) * np.exp(1j * np.pi * np.arange(size) / size)
    # prefixes of 10, 9, 9, 9, 9, 9, 9 samples a slot
    slots = -body.reshape(-1, 7, size)[:, :, size - 10 :], body.reshape(-1, 7, size)
    joined = np.concatenate(slots, 2).reshape(-1, 7 * (size + 10))
    dense = np.delete(joined, np.arange(1, 7) * (size + 10), axis=1).ravel()
    whole = np.fft.fft(dense)
    few = len(dense) // _OVERSAMPLED
    kept = np.concatenate([whole[: few // 2], whole[len(whole) - (few - few // 2) :]])
    return np.fft.ifft(kept) / _OVERSAMPLED


def nbiot_downlink(seconds: float, rng: np.random.Generator) -> Transmission:
    """A carrier that never stops: from idle but for broadcast, synchronisation and references, to full."""
    cell, first = int(rng.integers(504)), int(rng.integers(1024))
    ports, load = int(rng.choice([1, 2])), float(rng.choice([0.1, 0.4, 0.8, 1.0]))
    frames = int(seconds * 100) + 2
    cells = np.concatenate([grid(cell, first + number, load, ports, rng) for number in range(frames)])
    sent = part(modulated(cells), round(seconds * SAMPLE_RATE), rng)
    return transmission(sent, SAMPLE_RATE, 235e3, "nb-iot-downlink")
