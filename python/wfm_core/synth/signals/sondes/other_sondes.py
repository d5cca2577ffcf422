# SPDX-License-Identifier: GPL-3.0-or-later
"""Radiosondes InterMet iMet (AFSK in FM) and Lockheed Martin LMS6 (coded FSK).

iMet: Bell 202 tones at 1200 Bd (bytes with start and stop bits) in FM of 3 to 5 kHz deviation, 402 to 405 MHz, the
carrier always on, bandwidth 12 kHz. LMS6: 4800 symbols/s GFSK, CCSDS convolutional and Reed-Solomon code, 10 kHz. As
analysed by the project RS (rs1729, imet/ and demod/mod/lms6Xmod.c).
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of
from wfm_core.synth.signals.keying import frequency_modulated, gaussian, held
from wfm_core.synth.signals.satellite.coding import ASM, rate_half
from wfm_core.synth.signals.satellite.reed_solomon import ccsds
from wfm_core.synth.signals.telemetry.checks import crc_of
from wfm_core.synth.signals.telemetry.homes import with_start_and_stop
from wfm_core.synth.signals.telemetry.keyer import occupied
from wfm_core.synth.signals.transmission import Transmission, part, transmission


def imet_packet(kind: int, body: bytes) -> bytes:
    data = bytes([1, kind]) + body
    return data + crc_of(data, 0x1021, 16, start=0x1D0F).to_bytes(2, "big")


def imet_audio(data: bytes, tones: tuple[float, float], sample_rate: float, before: int, after: int) -> np.ndarray:
    """float64 -1..1: idle bits (ones), bytes, idle bits; tones: of a zero and of a one."""
    bits = np.concatenate([np.ones(before, np.uint8), with_start_and_stop(data), np.ones(after, np.uint8)])
    tone = np.array(tones)[held(bits, 1200.0, sample_rate).astype(int)]
    return np.sin(2 * np.pi * np.cumsum(tone) / sample_rate)


def imet(seconds: float, rng: np.random.Generator) -> Transmission:
    """Packets of pressure, position and others a second, at its beginning; the tone of ones in between."""
    rate = 36000.0
    high = float(rng.choice([2200.0, 2400.0], p=[0.7, 0.3]))
    silent = rng.random() < 0.2
    line = []
    for count in range(int(np.ceil(seconds)) + 1):
        data = imet_packet(4, (count + 500).to_bytes(2, "little") + rng.bytes(10)) + imet_packet(5, rng.bytes(16))
        if rng.random() < 0.3:
            data += imet_packet(3, bytes([1, 8]) + rng.bytes(8))
        audio = imet_audio(data, (high, 1200.0), rate, int(rng.integers(8, 40)), 0)
        rest = max(int(rate) - len(audio), 0)
        idle = np.zeros(rest) if silent else np.sin(2 * np.pi * 1200 * np.arange(rest) / rate)
        line += [audio, idle]
    deviation = rng.uniform(2800, 4500)
    signal = frequency_modulated(np.concatenate(line) * deviation, rate, rng.random())
    samples = part(signal, round(seconds * rate), rng)
    return transmission(samples, rate, occupied(samples, rate), "imet")


def lms6_block(data: bytes) -> np.ndarray:
    """A zero byte, sync 0x1ACFFC1D and a codeword of 255 bytes, least significant bit first, convolutionally coded
    (7, 1/2, second output inverted)."""
    return rate_half(np.concatenate([bits_of(b"\0" + ASM), bits_of(ccsds(data), lsb_first=True)]))


def lms6(seconds: float, rng: np.random.Generator) -> Transmission:
    symbol_rate = 4800.0 * (1 + rng.normal(0, 5e-5))
    rate = 5 * symbol_rate
    blocks = []
    for _ in range(int(seconds * symbol_rate / 4144) + 2):
        frames = b"".join(b"\x24\x54\x00\x00" + rng.bytes(66) for _ in range(4))
        blocks.append(lms6_block(frames[:223]))
    symbols = np.concatenate(blocks)
    tones = gaussian(held(2.0 * symbols - 1, symbol_rate, rate), rng.uniform(0.5, 1.0) * symbol_rate, rate)
    signal = frequency_modulated(tones * rng.uniform(2400, 3800), rate, rng.random())
    samples = part(signal, round(seconds * rate), rng)
    return transmission(samples, rate, occupied(samples, rate), "lms6")
