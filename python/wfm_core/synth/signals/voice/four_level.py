# SPDX-License-Identifier: GPL-3.0-or-later
"""Four-level FSK as digital voice radios send it: dibits, shaping, transmitter tolerances and overs on a time line."""

import numpy as np
from scipy import signal as dsp

from wfm_core.synth.signals.bits import bits_of, random_bits
from wfm_core.synth.signals.keying import frequency_modulated, ramped, root_raised_cosine
from wfm_core.synth.signals.transmission import Transmission, on_air, transmission

PER_SYMBOL = 5
"""Samples per symbol of all of them."""
_LEVELS = np.array([1.0, 3.0, -1.0, -3.0]) / 3
"""Of dibits 00, 01, 10, 11."""


def hexadecimal(digits: str) -> np.ndarray:
    """Bits of a word given in hexadecimal digits."""
    return bits_of(bytes.fromhex(digits))


def levels(bits: np.ndarray) -> np.ndarray:
    """-1, -1/3, 1/3 or 1 for each pair of bits."""
    pairs = np.asarray(bits, np.uint8).reshape(-1, 2)
    return _LEVELS[2 * pairs[:, 0] + pairs[:, 1]]


def raised_cosine(rolloff: float, inverse_sinc: bool = False) -> np.ndarray:
    """Taps at PER_SYMBOL samples a symbol, of peak 1; `inverse_sinc`: times (pi f T) / sin(pi f T), as C4FM has it."""
    size = 256
    f = np.abs(np.fft.fftfreq(size, 1 / PER_SYMBOL))
    low, high = (1 - rolloff) / 2, (1 + rolloff) / 2
    slope = 0.5 + 0.5 * np.cos(np.pi * (np.clip(f, low, high) - low) / (high - low))
    if inverse_sinc:
        slope = slope / np.sinc(np.minimum(f, high))
    taps = np.fft.fftshift(np.fft.ifft(slope * PER_SYMBOL).real)
    return taps[size // 2 - 8 * PER_SYMBOL : size // 2 + 8 * PER_SYMBOL + 1]


ROOT = root_raised_cosine(1.0, PER_SYMBOL, 0.2, 6)
RAISED = raised_cosine(0.2, inverse_sinc=True)
"""The transmit filter of C4FM (TIA-102.BAAA 9.2)."""


def modulated(
    symbols: np.ndarray, symbol_rate: float, deviation: float, taps: np.ndarray = ROOT, edge: float = 0.5e-3
) -> np.ndarray:
    """A burst: symbols -1..1 times `deviation` (Hz), with edges of `edge` seconds before the first and after the last.

    The edges lie outside of the symbols, on bare carrier.
    """
    sample_rate = PER_SYMBOL * symbol_rate
    delay = (len(taps) - 1) // 2
    frequency = dsp.upfirdn(taps, symbols, PER_SYMBOL)[delay : delay + PER_SYMBOL * len(symbols)] * deviation
    lead = round(edge * sample_rate)
    frequency = np.concatenate([np.zeros(lead), frequency, np.zeros(lead)])
    return ramped(frequency_modulated(frequency, sample_rate), lead)


def true_rate(symbol_rate: float, rng: np.random.Generator, per_symbol: int = PER_SYMBOL) -> float:
    """Sample rate at which a transmitter's symbols last as long as its crystal says (+-20 ppm)."""
    return per_symbol * symbol_rate * (1 + rng.uniform(-20e-6, 20e-6))


def over_seconds(seconds: float, rng: np.random.Generator) -> float:
    """How long someone holds the key: often longer than the window, sometimes just a moment."""
    return float(np.exp(rng.uniform(np.log(0.25), np.log(seconds + 1.5))))


def overs(bursts, sample_rate, bandwidth, kind, seconds, rng, gap=(0.3, 3.0)) -> Transmission:
    """Overs of one or more radios with pauses of `gap` seconds, as much of it as the window holds."""
    gaps = [round(rng.uniform(*gap) * sample_rate) for _ in bursts]
    line = on_air(bursts, gaps, round(seconds * sample_rate), rng)
    return transmission(line * np.exp(2j * np.pi * rng.random()), sample_rate, bandwidth, kind)


def vocoder(count: int, size: int, silence: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`count` frames of coded and interleaved speech of `size` bits: random, with stretches of the frame of silence."""
    frames = random_bits(count * size, rng).reshape(count, size)
    quiet = rng.random() < 0.5
    state = quiet and rng.random() < 0.4
    for place in range(count):
        if quiet and rng.random() < 0.06:
            state = not state
        if state:
            frames[place] = silence
    return frames
