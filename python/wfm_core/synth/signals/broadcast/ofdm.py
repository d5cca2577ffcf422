# SPDX-License-Identifier: GPL-3.0-or-later
"""Digital broadcasting by OFDM: DAB (ETSI EN 300 401, mode I) and DVB-T (ETSI EN 300 744)."""

import numpy as np
from scipy import fft
from scipy.signal import max_len_seq

from wfm_core.synth.signals.transmission import Transmission, part, transmission

DAB_RATE = 2.048e6
_NULL, _SYMBOL, _SIZE, _CARRIERS = 2656, 2552, 2048, 1536
_FRAME_SYMBOLS = 76


def dab(seconds: float, rng: np.random.Generator) -> Transmission:
    """Frames of 96 ms: a null symbol, the phase reference, 75 symbols of pi/4-DQPSK on 1536 carriers."""
    count = round(seconds * DAB_RATE)
    frame = _NULL + _FRAME_SYMBOLS * _SYMBOL
    carriers = np.concatenate([np.arange(-_CARRIERS // 2, 0), np.arange(1, _CARRIERS // 2 + 1)])
    reference = np.exp(0.5j * np.pi * np.random.default_rng(36).integers(0, 4, _CARRIERS))
    start = int(rng.integers(0, frame))
    pieces, place = [], 0
    identity = rng.random() < 0.7
    while place < start + count:
        null = np.zeros(_NULL, complex)
        if identity:  # transmitter identification: some pairs of carriers
            null = _symbol(_SIZE, carriers, np.where(rng.random(_CARRIERS) < 0.03, 0.7, 0), _NULL - _SIZE)
        phases = np.concatenate(
            [
                np.ones((1, _CARRIERS)),
                np.exp(0.5j * np.pi * (rng.integers(0, 4, (_FRAME_SYMBOLS - 1, _CARRIERS)) + 0.5)),
            ]
        )
        values = reference * np.cumprod(phases, 0)
        bins = np.zeros((_FRAME_SYMBOLS, _SIZE), np.complex64)
        bins[:, carriers % _SIZE] = values
        body = fft.ifft(bins) * _SIZE
        symbols = np.concatenate([body[:, _SIZE - (_SYMBOL - _SIZE) :], body], 1).ravel()
        pieces += [null, symbols]
        place += frame
    return transmission(np.concatenate(pieces)[start : start + count], DAB_RATE, 1.537e6, "dab")


def _symbol(size: int, carriers: np.ndarray, values: np.ndarray, guard: int) -> np.ndarray:
    bins = np.zeros(size, complex)
    bins[carriers % size] = values
    body = np.fft.ifft(bins) * size
    return np.concatenate([body[size - guard :], body])


def dvb_t(seconds: float, rng: np.random.Generator) -> Transmission:
    """2k and 8k modes in 6, 7 or 8 MHz, with scattered and continual pilots; data QPSK, 16QAM or 64QAM."""
    large = rng.random() < 0.7
    size, used = (8192, 6817) if large else (2048, 1705)
    rate = 8e6 / 7 * float(rng.choice([8, 8, 7, 6]))
    guard = size // int(rng.choice([4, 8, 16, 32]))
    count = round(seconds * rate)
    symbols = count // (size + guard) + 2
    side = int(rng.choice([2, 4, 8]))
    levels = (2 * np.arange(side) - (side - 1)) / np.sqrt(2 * (side**2 - 1) / 3)
    values = levels[rng.integers(0, side, (symbols, used))] + 1j * levels[rng.integers(0, side, (symbols, used))]
    pilots = 4 / 3 * (1 - 2.0 * max_len_seq(11, taps=[9], length=used)[0])
    first = int(rng.integers(0, 4))
    for symbol in range(symbols):
        at = np.arange(3 * ((symbol + first) % 4), used, 12)
        values[symbol, at] = pilots[at]
    continual = np.unique(np.concatenate([[0, used - 1], np.random.default_rng(used).integers(0, used, used // 40)]))
    values[:, continual] = pilots[continual]
    bins = np.zeros((symbols, size), np.complex64)
    bins[:, (np.arange(used) - used // 2) % size] = values
    body = fft.ifft(bins) * size
    sent = np.concatenate([body[:, size - guard :], body], 1).ravel()
    return transmission(part(sent, count, rng), rate, rate * used / size, "dvb-t-8k" if large else "dvb-t-2k")


def atsc(seconds: float, rng: np.random.Generator) -> Transmission:
    """8VSB (ATSC A/53): 10.762 Msymbols/s in 6 MHz, pilot 310 kHz above the lower edge, segment sync every 832."""
    symbol_rate = 4.5e6 / 286 * 684
    rate = symbol_rate
    count = round(seconds * rate)
    fast = fft.next_fast_len(count)
    levels = rng.choice(np.arange(-7, 8, 2), fast + 832).astype(float)
    at = (np.arange(0, fast + 832 - 4, 832)[:, None] + np.arange(4)).ravel()
    levels[at] = np.tile([5, -5, -5, 5], len(at) // 4)
    bins = fft.fft((levels + 1.25)[:fast])
    frequency = fft.fftfreq(fast, 1 / rate)
    # the vestigial sideband: 0 to 5.38 MHz kept, roots of raised cosines of 0.31 MHz about both edges
    edge = 0.31e6
    low = np.clip((frequency + edge) / (2 * edge), 0, 1)
    high = np.clip((5.381e6 + edge - frequency) / (2 * edge), 0, 1)
    sent = fft.ifft(bins * np.sin(np.pi / 2 * low) * np.sin(np.pi / 2 * high))[:count]
    sent = sent * np.exp(-2j * np.pi * 2.69e6 / rate * np.arange(count))
    return transmission(sent, rate, 5.5e6, "atsc")
