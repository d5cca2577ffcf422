# SPDX-License-Identifier: GPL-3.0-or-later
"""SC-FDMA, and what sends it: NB-IoT uplink and the sidelink of C-V2X (TS 36.211 clauses 5, 10.1 and 9).

Users send DFT-spread symbols on contiguous subcarriers of 15 kHz (NB-IoT single tones of 3.75 kHz too), with reference
symbols of constant amplitude; subframes of 1 ms. Coding is not modelled: the bits are random.
"""

from functools import lru_cache

import numpy as np
from scipy import fft

from wfm_core.synth.signals.keying import frequency_modulated, held, ramped
from wfm_core.synth.signals.transmission import Transmission, part, transmission

SPACING = 15e3
MOST_SAMPLES = 1 << 21


@lru_cache(512)
def zadoff_chu(length: int, root: int) -> np.ndarray:
    """complex128 [length], extended from the longest prime below it (TS 36.211 5.5.1.1)."""
    prime = next(n for n in range(length, 1, -1) if all(n % d for d in range(2, int(n**0.5) + 1)))
    k = np.arange(length) % prime
    return np.exp(-1j * np.pi * (root % (prime - 1) + 1) * k * (k + 1) / prime)


def subframe(subcarriers: int, first: int, size: int, references: tuple[int, ...], bits: int, rng) -> np.ndarray:
    """complex64 [15 * size]: 14 symbols of `subcarriers` from `first` (counted from the middle), normal prefix."""
    points = _points(bits)
    values = fft.fft(points[rng.integers(0, len(points), (14, subcarriers))]) / np.sqrt(subcarriers)
    shifts = rng.integers(12, size=len(references)) / 12
    turned = np.exp(2j * np.pi * shifts[:, None] * np.arange(subcarriers))
    values[list(references)] = zadoff_chu(subcarriers, int(rng.integers(1, 30))) * turned
    bins = np.zeros((14, size), np.complex64)
    bins[:, (first + np.arange(subcarriers)) % size] = values
    body = fft.ifft(bins) * np.float32(size / np.sqrt(subcarriers))
    # half a subcarrier up: the uplink has none at 0 Hz; a whole symbol before, that is half a turn back
    body *= np.exp(1j * np.pi * np.arange(size) / size).astype(np.complex64)
    prefixes = [size * (160 if symbol % 7 == 0 else 144) // 2048 for symbol in range(14)]
    return np.concatenate([x for row, prefix in zip(body, prefixes, strict=True) for x in (-row[size - prefix :], row)])


def _points(bits: int) -> np.ndarray:
    side = 2 ** (bits // 2)
    levels = 2 * np.arange(side) - (side - 1)
    points = (levels[:, None] + 1j * levels).ravel()
    return points / np.sqrt(np.mean(np.abs(points) ** 2))


def size_of(subcarriers: int) -> int:
    """Of the transform that holds so many subcarriers about the middle, and a quarter more; at least 128."""
    return max(128, 1 << int(np.ceil(np.log2(1.25 * subcarriers))))


def width_of(subcarriers: int) -> float:
    """Hz that hold 99 % of the power, some of which is beside few subcarriers."""
    return (subcarriers + 4) * SPACING


def fitting(widths: tuple[int, ...], seconds: float) -> list[int]:
    """Numbers of resource blocks for which so many seconds are not too many samples."""
    return [blocks for blocks in widths if seconds * size_of(12 * blocks) * SPACING < MOST_SAMPLES] or [widths[0]]


def sidelink(seconds: float, rng: np.random.Generator) -> Transmission:
    """C-V2X: subframes of control and shared channel side by side, four reference symbols each, now and then.

    One vehicle sends on the same blocks each time (semi-persistent scheduling), several on their own.
    """
    blocks = int(rng.choice(fitting((50, 100), seconds)))
    period = int(rng.choice([1, 2, 5, 10, 20, 50, 100]))
    places = [_sidelink_place(blocks, rng) for _ in range(1 if rng.random() < 0.6 else int(rng.integers(2, 6)))]
    low, high = min(first for first, _ in places), max(first + span + 2 for first, span in places)
    size = size_of(12 * (high - low))
    middle = 6 * (low + high)
    frames = []
    subframes = int(seconds * 1000) + 2
    phase = int(rng.integers(min(period, subframes - 1)))
    for number in range(subframes):
        if (number - phase) % period and rng.random() < 0.8:
            frames.append(np.zeros(15 * size, np.complex64))
            continue
        first, span = places[rng.integers(len(places))]
        data = subframe(12 * span, 12 * (first + 2) - middle, size, (2, 5, 8, 11), int(rng.choice([2, 4])), rng)
        control = subframe(24, 12 * first - middle, size, (2, 5, 8, 11), 2, rng)
        both = data * np.sqrt(span) + control * np.sqrt(2 * 2)
        both[14 * (15 * size // 14) :] = 0  # the last symbol is a gap
        frames.append(both)
    rate = size * SPACING
    sent = part(np.concatenate(frames), round(seconds * rate), rng)
    return transmission(sent, rate, width_of(12 * (high - low)), "c-v2x")


def _sidelink_place(blocks: int, rng: np.random.Generator) -> tuple[int, int]:
    """First resource block of the control channel's two, and how many the shared channel has after them."""
    span = int(rng.integers(4, blocks - 2))
    return int(rng.integers(0, blocks - 2 - span + 1)), span


def nbiot_uplink(seconds: float, rng: np.random.Generator) -> Transmission:
    """One device: a random access of hopping tones, or data on 1 to 12 tones, repeated, with pauses.

    About the middle of the tones in use; `bandwidth` leaves out most of what lone tones, which are not shaped, spill.
    """
    rate = 480e3
    bursts, edges = [], []
    spacing = float(rng.choice([3750.0, 15000.0]))
    while sum(map(len, bursts)) < (seconds + 0.05) * rate:
        kind = rng.random()
        if kind < 0.35:
            burst, (low, high) = _random_access(rate, rng)
            spill = 3 * 3750.0
        elif kind < 0.7:
            symbols = _single_tone(int(rng.integers(14, 14 * 32)), 2 if rng.random() < 0.5 else 4, rng)
            body = held(symbols.real, spacing / 1.07, rate) + 1j * held(symbols.imag, spacing / 1.07, rate)
            tone = (rng.integers(-6, 6) + 0.5) * spacing if spacing > 4e3 else (rng.integers(-24, 24) + 0.5) * spacing
            burst = ramped(body * np.exp(2j * np.pi * tone / rate * np.arange(len(body))), 20)
            low, high, spill = tone - spacing / 2, tone + spacing / 2, 3 * spacing
        else:
            tones = int(rng.choice([3, 6, 12]))
            first = int(rng.integers(-6, 6 - tones + 1))
            many = int(rng.integers(1, 16))
            burst = np.concatenate([subframe(tones, first, 32, (3, 10), 2, rng) for _ in range(many)])
            low, high, spill = first * SPACING, (first + tones) * SPACING, 2 * SPACING
        bursts += [burst, np.zeros(int(rng.exponential(0.02) * rate))]
        edges.append((low - spill, high + spill))
    low, high = min(low for low, _ in edges), max(high for _, high in edges)
    sent = part(np.concatenate(bursts), round(seconds * rate), rng)
    sent = sent * np.exp(-1j * np.pi * (low + high) / rate * np.arange(len(sent)))
    return transmission(sent, rate, high - low, "nb-iot")


def _single_tone(count: int, states: int, rng: np.random.Generator) -> np.ndarray:
    """BPSK turned by pi / 2, or QPSK turned by pi / 4, at each second symbol (TS 36.211 10.1.5)."""
    turn = np.pi / states * (np.arange(count) % 2)
    return np.exp(1j * (2 * np.pi / states * rng.integers(0, states, count) + np.pi / 4 + turn))


def _random_access(rate: float, rng: np.random.Generator) -> tuple[np.ndarray, tuple[float, float]]:
    """NPRACH, format 0 or 1: symbol groups on single tones of 3.75 kHz that hop by 1 and 6 (TS 36.211 10.1.6).

    Samples, and the edges (Hz) of the twelve tones.
    """
    prefix = 66.7e-6 if rng.random() < 0.5 else 266.7e-6
    group = round((prefix + 5 / 3750) * rate)
    place = int(rng.integers(0, 12))
    hops = []
    for _ in range(int(rng.integers(1, 9))):
        one = 1 if place % 2 == 0 else -1
        six = 6 if place < 6 else -6
        hops += [place, place + one, place + one + six, place + six]
        place = int(rng.integers(0, 12))
    first = int(rng.integers(0, 3)) * 12 - 24
    frequency = np.repeat((np.array(hops) + first + 0.5) * 3750.0, group)
    return frequency_modulated(frequency, rate, rng.random()), (first * 3750.0, (first + 12) * 3750.0)
