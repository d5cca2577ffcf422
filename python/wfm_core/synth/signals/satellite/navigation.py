# SPDX-License-Identifier: GPL-3.0-or-later
"""Navigation satellites at 1575.42 and 1602 MHz: GPS L1 C/A, GLONASS L1OF, Galileo E1 BOC(1,1), several at once.

GPS: Gold codes of 1023 chips at 1.023 Mchip/s, 50 bit/s (IS-GPS-200, 3.3), of which the main lobe is sent here,
bandwidth 1.65 MHz. GLONASS: one code of 511 chips at 0.511 Mchip/s, channels 562.5 kHz apart (ICD L1, 3.3), 0.8 MHz a
channel. Galileo: codes of 4092 chips, BOC(1,1), data and pilot (OS SIS ICD, 2.3; the codes themselves are random here),
3.1 MHz. Doppler of +-5 kHz each. The levels are not those of nature, where these signals lie below the noise.
"""

from functools import lru_cache

import numpy as np
from scipy import fft

from wfm_core.synth.signals.bits import random_bits, shift_register
from wfm_core.synth.signals.transmission import Transmission, transmission

CARRIER = 1575.42e6
GLONASS_SPACING = 562.5e3
_TAPS = (
    (2, 6), (3, 7), (4, 8), (5, 9), (1, 9), (2, 10), (1, 8), (2, 9), (3, 10), (2, 3), (3, 4), (5, 6), (6, 7), (7, 8),
    (8, 9), (9, 10), (1, 4), (2, 5), (3, 6), (4, 7), (5, 8), (6, 9), (1, 3), (4, 6), (5, 7), (6, 8), (7, 9), (8, 10),
    (1, 6), (2, 7), (3, 8), (4, 9),
)  # fmt: skip


@lru_cache
def ca_code(satellite: int) -> np.ndarray:
    """1023 chips of 0 and 1 of satellites 1 to 32."""
    g1 = shift_register((3, 10), 10, 1023, 0x3FF)
    g2 = shift_register((2, 3, 6, 8, 9, 10), 10, 1023, 0x3FF)
    # A stage further up had the same bits earlier: stage s now is what comes out after 10 - s more steps.
    first, second = _TAPS[satellite - 1]
    return g1 ^ np.roll(g2, first - 10) ^ np.roll(g2, second - 10)


@lru_cache
def glonass_code() -> np.ndarray:
    """511 chips, out of the seventh of nine stages."""
    return np.roll(shift_register((5, 9), 9, 511, 0x1FF), -2)


def turning(frequency: float, sample_rate: float, count: int, phase: float) -> np.ndarray:
    """complex64 exp(2 pi j (f t + phase)), as the product of a coarse and a fine grid."""
    fine = np.exp(2j * np.pi * frequency / sample_rate * np.arange(4096))
    coarse = np.exp(2j * np.pi * (frequency / sample_rate * 4096 * np.arange(-(-count // 4096)) + phase))
    return np.outer(coarse.astype(np.complex64), fine.astype(np.complex64)).ravel()[:count]


def spread(code: np.ndarray, count: int, start: float, stretch: float, signs: np.ndarray) -> np.ndarray:
    """float32 [count]: a period of samples -1, 1 again and again from `start` samples in, by whole samples.

    stretch: relative excess of the code rate (Doppler); signs: of each period.
    """
    period = len(code)
    out = np.empty(count + 2 * period + 2, np.float32)
    code = np.append(code, code[0])
    place, number = -(start % period), 0
    while place < count:
        begin = int(round(place)) + period
        np.multiply(code, signs[number % len(signs)], out=out[begin : begin + period + 1])
        place += period / (1 + stretch)
        number += 1
    return out[period : period + count]


def filtered(samples: np.ndarray, sample_rate: float, bandwidth: float) -> np.ndarray:
    """Through a transmitter's filter of `bandwidth` with soft edges of a tenth."""
    bins = fft.fft(samples)
    frequency = np.abs(fft.fftfreq(len(samples), 1 / sample_rate))
    edge = np.clip((0.55 * bandwidth - frequency) / (0.1 * bandwidth), 0, 1)
    return fft.ifft(bins * (0.5 - 0.5 * np.cos(np.pi * edge)).astype(np.float32))


def levels(count: int, rng: np.random.Generator) -> np.ndarray:
    return 10 ** (rng.uniform(-8, 0, count) / 20)


def gps_signal(satellites, dopplers, seconds: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """The sum of `satellites` with data, each at its Doppler (Hz), and its sample rate."""
    rate = 4 * 1.023e6
    count = round(seconds * rate)
    total = np.zeros(count, np.complex64)
    for satellite, doppler, level in zip(satellites, dopplers, levels(len(satellites), rng), strict=True):
        code = np.repeat(1 - 2.0 * ca_code(satellite), 4).astype(np.float32)
        data = np.repeat(1 - 2.0 * random_bits(int(seconds * 50) + 3, rng), 20).astype(np.float32)[rng.integers(20) :]
        line = spread(code, count, rng.uniform(0, 4092), doppler / CARRIER, data)
        carrier = turning(doppler, rate, count, rng.random())
        carrier *= np.float32(level) * line
        total += carrier
    return filtered(total, rate, 2.2e6), rate


def gps(seconds: float, rng: np.random.Generator) -> Transmission:
    satellites = rng.choice(np.arange(1, 33), int(rng.integers(4, 11)), replace=False)
    samples, rate = gps_signal(satellites, rng.uniform(-5e3, 5e3, len(satellites)), seconds, rng)
    return transmission(samples, rate, 1.65e6, "gps-ca")


def glonass_signal(offsets, dopplers, seconds: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """The sum of channels at `offsets` (Hz), each with meander and data of 100 symbols/s, and its sample rate."""
    rate = 8 * 0.511e6
    count = round(seconds * rate)
    code = np.repeat(1 - 2.0 * glonass_code(), 8).astype(np.float32)
    total = np.zeros(count, np.complex64)
    for offset, doppler, level in zip(offsets, dopplers, levels(len(offsets), rng), strict=True):
        data = np.repeat(1 - 2.0 * random_bits(int(seconds * 100) + 3, rng), 10)[rng.integers(10) :]
        line = filtered(spread(code, count, rng.uniform(0, 4088), doppler / 1602e6, data), rate, 1.1e6)
        total += level * line * turning(offset + doppler, rate, count, rng.random())
    return total, rate


def glonass(seconds: float, rng: np.random.Generator) -> Transmission:
    """One to three neighbouring channels."""
    channels = int(rng.integers(1, 4))
    offsets = (np.arange(channels) - (channels - 1) / 2) * GLONASS_SPACING
    samples, rate = glonass_signal(offsets, rng.uniform(-5e3, 5e3, channels), seconds, rng)
    return transmission(samples, rate, 0.82e6 + 530e3 * (channels - 1), "glonass")


def galileo(seconds: float, rng: np.random.Generator) -> Transmission:
    """Data less pilot, both on a square subcarrier of one period a chip; 4 ms a code."""
    rate = 6 * 1.023e6
    count = round(seconds * rate)
    total = np.zeros(count, np.complex64)
    half = np.tile(np.repeat([1.0, -1.0], 3), 4092)
    secondary = 1 - 2.0 * np.array([int(bit) for bit in "0011100000001010110110010"])
    satellites = int(rng.integers(3, 7))
    for level in levels(satellites, rng):
        doppler, start = rng.uniform(-5e3, 5e3), rng.uniform(0, 24552)
        data = 1 - 2.0 * random_bits(int(seconds * 250) + 3, rng)
        line = np.zeros(count, np.float32)
        for sign, signs in ((1, data), (-1, np.roll(secondary, int(rng.integers(25))))):
            code = (np.repeat(1 - 2.0 * random_bits(4092, rng), 6) * half).astype(np.float32)
            line += sign * spread(code, count, start, doppler / CARRIER, signs)
        carrier = turning(doppler, rate, count, rng.random())
        carrier *= np.float32(level) * line
        total += carrier
    return transmission(filtered(total, rate, 4.2e6), rate, 3.15e6, "galileo-e1")


KINDS = {"gps-ca": gps, "glonass": glonass, "galileo-e1": galileo}
