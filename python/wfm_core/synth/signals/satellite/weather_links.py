# SPDX-License-Identifier: GPL-3.0-or-later
"""Digital weather pictures and satellite services: LRPT, HRPT, Inmarsat-C, Iridium.

LRPT: 137 MHz, QPSK or OQPSK 72 kBd (80 kBd), CCSDS coded, 100 kHz (Meteor-M). HRPT: 1698 to 1707 MHz, 665.4 kbit/s
split phase, phase modulated by 67 degrees, frames of 11090 words of 10 bits (NOAA KLM User's Guide, 4.1), 2.7 MHz.
Inmarsat-C: 1537 to 1541 MHz, BPSK 1200 Bd, frames of 10368 symbols (Inmarsat-C SDM), 1.7 kHz. Iridium: 1616 to
1626.5 MHz, DEQPSK 25 kBd in bursts of up to 20 ms in frames of 90 ms, 35 kHz (gr-iridium, lib/iridium.h).
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, convolutional, random_bits
from wfm_core.synth.signals.keying import gaussian, linear, ramped
from wfm_core.synth.signals.satellite.coding import ASM, randomised, rate_half
from wfm_core.synth.signals.satellite.modulated import doppler
from wfm_core.synth.signals.satellite.reed_solomon import ccsds
from wfm_core.synth.signals.telemetry.keyer import occupied
from wfm_core.synth.signals.transmission import Transmission, on_air, part, transmission


def cadu(data: bytes) -> np.ndarray:
    """Marker and four interleaved codewords (892 bytes in, 1020 out), randomised."""
    words = np.stack([np.frombuffer(ccsds(data[first::4]), np.uint8) for first in range(4)], 1)
    return np.concatenate([bits_of(ASM), randomised(words.tobytes())])


def lrpt(seconds: float, rng: np.random.Generator) -> Transmission:
    symbol_rate, per_symbol = float(rng.choice([72e3, 72e3, 80e3])), 4
    rate = symbol_rate * per_symbol
    count = int(seconds * symbol_rate) + 64
    # Fill the air by a few frames in turns: coding takes longer than sending.
    frames = [cadu(b"\x40\x05" + rng.bytes(890)) for _ in range(min(3, count // 8192 + 1))]
    coded = np.resize(np.concatenate([rate_half(frame) for frame in frames]), 2 * count)
    if rng.random() < 0.5:
        coded = np.concatenate([[0], np.cumsum(coded) & 1])[: 2 * count]
    symbols = (2.0 * coded[0::2] - 1) + 1j * (2.0 * coded[1::2] - 1)
    signal = linear(symbols, symbol_rate, rate, 0.6)
    if rng.random() < 0.6:
        late = np.concatenate([np.zeros(per_symbol // 2), signal.imag[: -per_symbol // 2]])
        signal = signal.real + 1j * late
    samples = doppler(part(signal[8 * per_symbol :], round(seconds * rate), rng), rate, rng)
    return transmission(samples, rate, 1.35 * symbol_rate, "lrpt")


HRPT_SYNC = "101000010001011011111101011100011001110110000011110010010101"


def hrpt(seconds: float, rng: np.random.Generator) -> Transmission:
    bit_rate, per_bit = 665.4e3, 6
    rate = bit_rate * per_bit
    count = int(seconds * bit_rate) + 1
    bits = random_bits(count, rng)
    # Pictures change little from word to word: the upper bits of a sample stay.
    words = bits[: count // 10 * 10].reshape(-1, 10)
    words[:, :4] = np.repeat(words[::8, :4], 8, 0)[: len(words)]
    sync = np.array([int(bit) for bit in HRPT_SYNC], np.uint8)
    for start in range(int(rng.integers(0, 110900)), count - 60, 110900):
        bits[start : start + 60] = sync
    halves = np.repeat(2.0 * bits - 1, per_bit) * np.tile(np.repeat([1.0, -1.0], per_bit // 2), count)
    smooth = gaussian(halves, 0.8 * bit_rate, rate)
    signal = np.exp(1j * np.deg2rad(67 * rng.uniform(0.9, 1.1)) * smooth).astype(np.complex64)
    samples = signal[: round(seconds * rate)]
    return transmission(samples, rate, 4 * bit_rate, "hrpt")


def inmarsat_c(seconds: float, rng: np.random.Generator) -> Transmission:
    """Rows of two symbols of unique word and 160 of interleaved code."""
    symbol_rate, per_symbol = 1200.0, 5
    rate = symbol_rate * per_symbol
    coded = convolutional(random_bits(5120, rng), (0o171, 0o133), 6).reshape(64, 160)
    word = np.array([int(bit) for bit in f"{0x07EACDDA4E2F28C2:064b}"], np.uint8)
    frame = np.concatenate([np.stack([word, word], 1), coded], 1).ravel()
    line = np.resize(frame, int(seconds * symbol_rate) + 10500)
    signal = linear(2.0 * line - 1, symbol_rate, rate, float(rng.uniform(0.4, 0.7))).astype(complex)
    samples = part(signal[8 * per_symbol :], round(seconds * rate), rng)
    return transmission(samples, rate, occupied(samples, rate), "inmarsat-c")


UNIQUE_WORDS = {
    "downlink": (0, 2, 2, 2, 2, 0, 0, 0, 2, 0, 0, 2), "uplink": (2, 2, 0, 0, 0, 2, 0, 0, 2, 0, 2, 2),
}  # fmt: skip
"""Quarter turns."""


def iridium_burst(data: np.ndarray, per_symbol: int, lead: int = 16, word: str = "downlink") -> np.ndarray:
    """`lead` symbols of carrier, the unique word (BPSK), data (quarter turns)."""
    turns = np.concatenate([np.zeros(lead, int), np.array(UNIQUE_WORDS[word]), data])
    return linear(np.exp(1j * np.pi / 4 * (1 + 2 * turns)), 1.0, per_symbol, 0.4)


def iridium(seconds: float, rng: np.random.Generator) -> Transmission:
    """Duplex channels, down or up, with 16 symbols of carrier and 131 to 191 of data, or the simplex ones with 64 and
    80 to 444."""
    symbol_rate, per_symbol = 25e3, 4
    rate = symbol_rate * per_symbol
    bursts, gaps = [], []
    simplex = rng.random() < 0.3
    word = "uplink" if not simplex and rng.random() < 0.3 else "downlink"
    for _ in range(int(seconds / 0.09) + 2):
        many = int(rng.integers(80, 445)) if simplex else int(rng.choice([131, 131, 179, 191]))
        data = np.cumsum(rng.integers(0, 4, many)) % 4
        one = ramped(iridium_burst(data, per_symbol, 64 if simplex else 16, word), 4 * per_symbol)
        slot = int(0.09 * rate * rng.choice([1, 1, 1, 2, 4]))
        bursts.append(one)
        gaps.append(max(slot - len(one), 0))
    gaps[-1] = 0
    samples = doppler(on_air(bursts, gaps, round(seconds * rate), rng), rate, rng)
    return transmission(samples, rate, occupied(samples, rate), "iridium")


KINDS = {"lrpt": lrpt, "hrpt": hrpt, "inmarsat-c": inmarsat_c, "iridium": iridium}
