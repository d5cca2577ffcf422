# SPDX-License-Identifier: GPL-3.0-or-later
"""SC-FDMA: LTE uplink, NB-IoT uplink and the sidelink of C-V2X (TS 36.211 clauses 5, 10.1 and 9).

Users send DFT-spread symbols on contiguous subcarriers of 15 kHz (NB-IoT single tones of 3.75 kHz too), with reference
symbols of constant amplitude; subframes of 1 ms. Coding is not modelled: the bits are random.
"""

import numpy as np

from wfm_core.synth.signals.keying import frequency_modulated, held, ramped
from wfm_core.synth.signals.transmission import Transmission, part, transmission

SPACING = 15e3


def zadoff_chu(length: int, root: int) -> np.ndarray:
    """complex128 [length], extended from the longest prime below it (TS 36.211 5.5.1.1)."""
    prime = next(n for n in range(length, 1, -1) if all(n % d for d in range(2, int(n**0.5) + 1)))
    k = np.arange(length) % prime
    return np.exp(-1j * np.pi * (root % (prime - 1) + 1) * k * (k + 1) / prime)


def subframe(subcarriers: int, first: int, size: int, references: tuple[int, ...], bits: int, rng) -> np.ndarray:
    """complex128 [15 * size]: 14 symbols of `subcarriers` from `first` (counted from the middle), normal prefix."""
    out = []
    root = int(rng.integers(1, 30))
    points = _points(bits)
    for symbol in range(14):
        if symbol in references:
            values = zadoff_chu(subcarriers, root) * np.exp(2j * np.pi * rng.integers(12) / 12 * np.arange(subcarriers))
        else:
            values = np.fft.fft(points[rng.integers(0, len(points), subcarriers)]) / np.sqrt(subcarriers)
        bins = np.zeros(size, complex)
        bins[(first + np.arange(subcarriers)) % size] = values
        body = np.fft.ifft(bins) * size / np.sqrt(subcarriers)
        # half a subcarrier up: the uplink has none at 0 Hz
        body = body * np.exp(1j * np.pi * np.arange(size) / size)
        prefix = size * (160 if symbol % 7 == 0 else 144) // 2048
        out.append(np.concatenate([body[size - prefix :] * np.exp(-1j * np.pi), body]))
    return np.concatenate(out)


def _points(bits: int) -> np.ndarray:
    side = 2 ** (bits // 2)
    levels = 2 * np.arange(side) - (side - 1)
    points = (levels[:, None] + 1j * levels).ravel()
    return points / np.sqrt(np.mean(np.abs(points) ** 2))


def lte_uplink(seconds: float, rng: np.random.Generator) -> Transmission:
    """Users of a cell in turn: each some resource blocks for some subframes; idle subframes in between."""
    blocks = int(rng.choice([6, 15, 25, 50]))
    size = {6: 128, 15: 256, 25: 512, 50: 1024}[blocks]
    rate = size * SPACING
    count = round(seconds * rate)
    frames, load = [], rng.uniform(0.2, 1.0)
    span = int(rng.integers(1, blocks + 1))
    first = int(rng.integers(0, blocks - span + 1))
    subframes = int(seconds * 1000) + 2
    for number in range(subframes):
        if rng.random() > load and number != subframes // 2:
            frames.append(np.zeros(15 * size))
            continue
        if rng.random() < 0.3:
            span = int(rng.integers(1, blocks + 1))
            first = int(rng.integers(0, blocks - span + 1))
        frames.append(subframe(12 * span, 12 * first - 6 * blocks, size, (3, 10), int(rng.choice([2, 2, 4, 6])), rng))
    return transmission(part(np.concatenate(frames), count, rng), rate, 12 * blocks * SPACING, "lte-uplink")


def sidelink(seconds: float, rng: np.random.Generator) -> Transmission:
    """C-V2X: subframes of control and shared channel side by side, four reference symbols each, now and then."""
    blocks = 50
    size, rate = 1024, 1024 * SPACING
    period = int(rng.choice([1, 2, 5, 10, 20, 50, 100]))
    frames = []
    for number in range(int(seconds * 1000) + period + 2):
        if number % period and rng.random() < 0.8:
            frames.append(np.zeros(15 * size))
            continue
        span = int(rng.integers(4, blocks - 2))
        first = int(rng.integers(0, blocks - 2 - span + 1))
        data = subframe(12 * span, 12 * (first + 2) - 300, size, (2, 5, 8, 11), int(rng.choice([2, 4])), rng)
        control = subframe(24, 12 * first - 300, size, (2, 5, 8, 11), 2, rng)
        both = data * np.sqrt(span) + control * np.sqrt(2 * 2)
        both[14 * (15 * size // 14) :] = 0  # the last symbol is a gap
        frames.append(both)
    sent = part(np.concatenate(frames), round(seconds * rate), rng)
    return transmission(sent, rate, 12 * blocks * SPACING, "c-v2x")


def nbiot_uplink(seconds: float, rng: np.random.Generator) -> Transmission:
    """One device: a random access of hopping tones, or data on 1 to 12 tones, repeated, with pauses."""
    rate = 480e3
    bursts = []
    while sum(map(len, bursts)) < (seconds + 0.05) * rate:
        kind = rng.random()
        if kind < 0.35:
            bursts.append(_random_access(rate, rng))
        elif kind < 0.7:
            spacing = float(rng.choice([3750.0, 15000.0]))
            symbols = _single_tone(int(rng.integers(14, 14 * 32)), 2 if rng.random() < 0.5 else 4, rng)
            body = held(symbols.real, spacing / 1.07, rate) + 1j * held(symbols.imag, spacing / 1.07, rate)
            tone = (rng.integers(-6, 6) + 0.5) * spacing if spacing > 4e3 else (rng.integers(-24, 24) + 0.5) * spacing
            bursts.append(ramped(body * np.exp(2j * np.pi * tone / rate * np.arange(len(body))), 20))
        else:
            tones = int(rng.choice([3, 6, 12]))
            first = int(rng.integers(-6, 6 - tones + 1))
            many = int(rng.integers(1, 16))
            frames = [subframe(tones, first, 32, (3, 10), 2, rng) for _ in range(many)]
            bursts.append(np.concatenate(frames))
        bursts.append(np.zeros(int(rng.exponential(0.02) * rate)))
    sent = part(np.concatenate(bursts), round(seconds * rate), rng)
    return transmission(sent, rate, 180e3, "nb-iot")


def _single_tone(count: int, states: int, rng: np.random.Generator) -> np.ndarray:
    """BPSK turned by pi / 2, or QPSK turned by pi / 4, at each second symbol (TS 36.211 10.1.5)."""
    turn = np.pi / states * (np.arange(count) % 2)
    return np.exp(1j * (2 * np.pi / states * rng.integers(0, states, count) + np.pi / 4 + turn))


def _random_access(rate: float, rng: np.random.Generator) -> np.ndarray:
    """NPRACH, format 0 or 1: symbol groups on single tones of 3.75 kHz that hop by 1 and 6 (TS 36.211 10.1.6)."""
    prefix = 66.7e-6 if rng.random() < 0.5 else 266.7e-6
    group = round((prefix + 5 / 3750) * rate)
    place = int(rng.integers(0, 12))
    hops = []
    for _ in range(int(rng.integers(1, 9))):
        one = 1 if place % 2 == 0 else -1
        six = 6 if place < 6 else -6
        hops += [place, place + one, place + one + six, place + six]
        place = int(rng.integers(0, 12))
    frequency = np.repeat((np.array(hops) - 24 + rng.integers(0, 3) * 12 + 0.5) * 3750.0, group)
    return frequency_modulated(frequency, rate, rng.random())
