# SPDX-License-Identifier: GPL-3.0-or-later
"""Generators of transmissions of no standard: (seconds, rng, low, high, kind), about low to high Hz wide."""

import numpy as np

from wfm_core.synth.signals import keying
from wfm_core.synth.signals.placing import filled
from wfm_core.synth.signals.transmission import Transmission, transmission

_RATE = 4.0
"""Samples a second for each Hz of bandwidth."""
_BURSTS = 0.4
"""Of the transmitters, those that send bursts."""


def _sent(wave, seconds: float, rng: np.random.Generator, low: float, high: float, kind: str) -> Transmission:
    """What `wave` (count, sample_rate, about what bandwidth -> complex [count or more]) makes, on the air for all the
    time or in bursts."""
    bandwidth = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    rate = _RATE * bandwidth
    count = round(seconds * rate)
    if rng.random() >= _BURSTS:
        return _centred(wave(count, rate, bandwidth)[:count], rate, kind)
    length = max(int(count * 10 ** rng.uniform(-1.2, -0.2)), min(400, count))
    gap = length * 10 ** rng.uniform(-0.5, 0.7)

    def burst() -> np.ndarray:
        return keying.ramped(wave(length, rate, bandwidth)[:length], 8).astype(np.complex64)

    return _centred(filled(count, burst, lambda: gap * rng.uniform(0.5, 1.5), rng), rate, kind)


def _centred(x: np.ndarray, rate: float, kind: str) -> Transmission:
    """The middle of what holds 99 % of the power becomes 0 Hz."""
    power = np.cumsum(np.abs(np.fft.fftshift(np.fft.fft(x))) ** 2)
    low, high = np.searchsorted(power, (0.005 * power[-1], 0.995 * power[-1])) - len(x) // 2
    x = x * np.exp(-1j * np.pi * (low + high) / len(x) * np.arange(len(x)))
    return transmission(x, rate, (high - low + 2) * rate / len(x), kind)


def linear(seconds: float, rng: np.random.Generator, low: float, high: float, kind: str) -> Transmission:
    """PSK of 2 to 16 phases or QAM of 16 to 256 points at any symbol rate, root-raised-cosine shaped."""
    size, rolloff = int(rng.choice([2, 4, 8, 16])), rng.uniform(0.08, 0.9)
    square = rng.random() < 0.4
    turned = rng.random() < 0.3

    def wave(count: int, rate: float, bandwidth: float) -> np.ndarray:
        per_symbol = max(round(rate / bandwidth * (1 + rolloff)), 2)
        number = count // per_symbol + 20
        if square:
            points = (2 * rng.integers(0, size, (number, 2)) - size + 1) @ np.array([1, 1j])
        else:
            points = np.exp(2j * np.pi * rng.integers(0, size, number) / size)
        if turned:
            points = points * np.exp(1j * np.pi / size * np.arange(number))
        return keying.linear(points, 1.0, per_symbol, rolloff)[8 * per_symbol :]

    return _sent(wave, seconds, rng, low, high, kind)


def tones(seconds: float, rng: np.random.Generator, low: float, high: float, kind: str) -> Transmission:
    """FSK of 5 to 40 tones, of continuous phase, at 0.5 to 1.5 symbols a second for each Hz between tones."""
    number, faster = int(rng.integers(5, 41)), rng.uniform(0.5, 1.5)

    def wave(count: int, rate: float, bandwidth: float) -> np.ndarray:
        spacing = bandwidth / number
        symbols = rng.integers(0, number, int(count * faster * spacing / rate) + 2) - (number - 1) / 2
        return keying.frequency_modulated(spacing * keying.held(symbols, faster * spacing, rate), rate)

    return _sent(wave, seconds, rng, low, high, kind)


def ofdm(seconds: float, rng: np.random.Generator, low: float, high: float, kind: str) -> Transmission:
    """OFDM of 6 to 600 subcarriers with any spacing and guard interval, some of them pilots."""
    carriers, guard = int(np.exp(rng.uniform(np.log(6), np.log(600)))), rng.uniform(0.02, 0.3)
    size, pilots = int(rng.choice([2, 4, 4])), int(rng.integers(3, 20))
    empty_middle = rng.random() < 0.5

    def wave(count: int, rate: float, bandwidth: float) -> np.ndarray:
        useful = max(round(carriers * rate / bandwidth), 8)
        before = max(round(guard * useful), 1)
        symbols = count // (useful + before) + 2
        points = np.exp(2j * np.pi * (rng.integers(0, size, (symbols, carriers)) + 0.5) / size)
        points[:, ::pilots] = points[:1, ::pilots]
        if empty_middle:
            points[:, carriers // 2] = 0
        bins = np.zeros((symbols, useful), complex)
        bins[:, np.arange(carriers) - carriers // 2] = points
        x = np.fft.ifft(bins, axis=1)
        x = np.concatenate([x[:, -before:], x], 1).ravel()
        return x[int(rng.integers(0, useful + before)) :]

    return _sent(wave, seconds, rng, low, high, kind)


def sweep(seconds: float, rng: np.random.Generator, low: float, high: float, kind: str) -> Transmission:
    """Frequency that goes up and down by a curve of its own, again and again, or walks at random."""
    turns = 10 ** rng.uniform(0.3, 2.5)
    harmonics = rng.standard_normal(4) / np.arange(1, 5)
    walks = rng.random() < 0.3

    def wave(count: int, rate: float, bandwidth: float) -> np.ndarray:
        if walks:
            knots = rng.uniform(-0.5, 0.5, max(int(turns), 2))
            curve = np.interp(np.linspace(0, len(knots) - 1, count), np.arange(len(knots)), knots)
        else:
            angle = 2 * np.pi * (np.arange(count) / count * turns + rng.random())
            curve = sum(part * np.sin(place * angle) for place, part in enumerate(harmonics, 1))
            curve = curve / (2 * np.abs(curve).max() + 1e-9)
        return keying.frequency_modulated(0.9 * bandwidth * curve, rate)

    return _sent(wave, seconds, rng, low, high, kind)


def comb(seconds: float, rng: np.random.Generator, low: float, high: float, kind: str) -> Transmission:
    """3 to 12 carriers at any distance, each keyed or faded on its own."""
    number = int(rng.integers(3, 13))
    places = np.sort(rng.uniform(-0.5, 0.5, number))
    places[[0, -1]] = -0.5, 0.5
    depth, speed = rng.uniform(0, 1, number), 10 ** rng.uniform(0.5, 2, number)

    def wave(count: int, rate: float, bandwidth: float) -> np.ndarray:
        t = np.arange(count)
        x = np.zeros(count, complex)
        for place, deep, fast in zip(places, depth, speed, strict=True):
            knots = 1 - deep * rng.random(int(fast) + 2)
            level = np.interp(np.linspace(0, len(knots) - 1, count), np.arange(len(knots)), knots)
            x += level * np.exp(2j * np.pi * (0.95 * place * bandwidth / rate * t + rng.random()))
        return x

    return _sent(wave, seconds, rng, low, high, kind)
