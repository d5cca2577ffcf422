# SPDX-License-Identifier: GPL-3.0-or-later
"""Slow and narrow: Sigfox uplink, Horus 4FSK balloons, MIOTY telegram splitting.

Sigfox: DBPSK 100 or 600 bit/s at 868.13 and 902 MHz, three times on other frequencies (Sigfox Device Radio
Specifications), bandwidth 150 or 900 Hz. Horus Binary: 4FSK 100 Bd, 270 Hz apart, 70 cm band (horusdemodlib), 1.2
kHz. MIOTY: ETSI TS 103 357 (TS-UNB), bursts of 36 MSK symbols of 2380 Bd, hopped over 25 carriers, 60 kHz.
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, number_bits, random_bits
from wfm_core.synth.signals.keying import frequency_modulated, gaussian, ramped
from wfm_core.synth.signals.telemetry.checks import crc_of, fields
from wfm_core.synth.signals.telemetry.keyer import occupied
from wfm_core.synth.signals.telemetry.meters import alternating
from wfm_core.synth.signals.transmission import Transmission, on_air, transmission

FRAME_TYPES = (0x08D, 0x35F, 0x611)
"""Of first transmissions with 4 to 12 bytes; the repeats have their own."""


def sigfox_frame(type: int, payload: bytes, sequence: int, device: int) -> np.ndarray:
    """Preamble of 19 bits, 13 of type, flags and sequence, identity, payload, authentication, CRC-16."""
    body = bytes_of_fields(sequence, device) + payload + bytes([payload[0] ^ 0x5A, len(payload)])
    check = crc_of(body, 0x1021, 16, final=0xFFFF)
    lead = np.concatenate([alternating(19, 1).astype(np.uint8), number_bits(type, 13)])
    return np.concatenate([lead, bits_of(body), number_bits(check, 16)])


def bytes_of_fields(sequence: int, device: int) -> bytes:
    return np.packbits(fields((0, 4), (sequence, 12), (device, 32))).tobytes()


def sigfox(seconds: float, rng: np.random.Generator) -> Transmission:
    """A zero turns the phase; the amplitude dips there, over a fifth to half a symbol."""
    symbol_rate = float(rng.choice([100, 600], p=[0.75, 0.25]))
    payload = rng.bytes(int(rng.choice([1, 4, 8, 12])))
    bits = sigfox_frame(int(rng.choice(FRAME_TYPES)), payload, int(rng.integers(4096)), int(rng.integers(1 << 32)))
    symbols = 1.0 - 2.0 * (np.cumsum(1 - bits) & 1)
    per_symbol = 16
    rate = symbol_rate * per_symbol
    line = np.repeat(np.concatenate([symbols[:1], symbols, symbols[-1:]]), per_symbol)
    line = gaussian(line, rng.uniform(0.8, 2.0) * symbol_rate, rate)
    drift = np.linspace(0, rng.normal(0, 0.1) * symbol_rate, len(line))
    one = ramped(line * frequency_modulated(drift, rate), per_symbol)
    gaps = [int(rng.uniform(0.5, 1.0) * rate), 0]
    samples = on_air([one, one], gaps, round(seconds * rate), rng)
    return transmission(samples, rate, occupied(samples, rate), "sigfox")


_GOLAY = 0xC75


def golay_parity(word: int) -> int:
    """The 11 parity bits of the (23, 12) code."""
    register = word << 11
    for place in range(22, 10, -1):
        if register >> place & 1:
            register ^= _GOLAY << (place - 11)
    return register


def horus_frame(payload: bytes) -> np.ndarray:
    """Bits of Horus Binary v1: preamble, unique word, payload with CRC, Golay parities, interleaved, scrambled."""
    packet = payload + crc_of(payload, 0x1021, 16, start=0xFFFF).to_bytes(2, "little")
    bits = bits_of(packet)
    words = np.concatenate([bits, np.zeros(-len(bits) % 12, np.uint8)]).reshape(-1, 12) @ (1 << np.arange(11, -1, -1))
    parity = np.concatenate([number_bits(golay_parity(int(word)), 11) for word in words])
    coded = np.concatenate([bits, parity, np.zeros(-(len(bits) + len(parity)) % 8, np.uint8)])
    step = 337 if np.gcd(337, len(coded)) == 1 else 331
    mixed = coded[(np.arange(len(coded)) * step) % len(coded)]
    state, white = 0x4A80, np.zeros(len(mixed), np.uint8)
    for place in range(len(mixed)):
        white[place] = (state >> 1 ^ state) & 1
        state = state >> 1 | int(white[place]) << 14
    return np.concatenate([bits_of(b"\x1b" * 8 + b"$$"), mixed ^ white])


def horus(seconds: float, rng: np.random.Generator) -> Transmission:
    """4FSK of small balloons: 22 or 32 bytes a packet, pauses with or without the lowest tone."""
    symbol_rate, spacing = 100.0, 270.0 if rng.random() < 0.85 else float(rng.choice([200.0, 340.0]))
    per_symbol = 32
    rate = symbol_rate * per_symbol
    bursts, gaps, total = [], [], 0.0
    while total < seconds + 1:
        dibits = horus_frame(rng.bytes(int(rng.choice([20, 30])))).reshape(-1, 2) @ np.array([2, 1])
        idle = np.zeros(int(rng.choice([0, 20, 100])), np.int64)
        tones = np.repeat(np.concatenate([dibits, idle]) - 1.5, per_symbol) * spacing
        bursts.append(frequency_modulated(tones + rng.normal(0, 5), rate))
        gaps.append(int(rng.uniform(0.1, 2) * rate) if rng.random() < 0.4 else 0)
        total += (len(bursts[-1]) + gaps[-1]) / rate
    samples = on_air(bursts, gaps, round(seconds * rate), rng)
    return transmission(samples, rate, occupied(samples, rate), "horus")


def mioty(seconds: float, rng: np.random.Generator) -> Transmission:
    """24 bursts a telegram, each on its carrier, 333 to 388 symbols apart."""
    symbol_rate, carriers = 2380.371, 25
    per_symbol = 64
    rate = symbol_rate * per_symbol
    count = round(seconds * rate)
    line = np.zeros(count, np.complex64)
    place = -int(rng.uniform(0, 10) * 350 * per_symbol)
    while place < count:
        chips = 2.0 * random_bits(36, rng) - 1
        chips[12:24] = 1 - 2.0 * (np.array([0, 1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 0]))
        carrier = (rng.integers(carriers) - carriers // 2) * symbol_rate
        tones = np.repeat(chips, per_symbol) * symbol_rate / 4 + carrier
        one = ramped(frequency_modulated(tones, rate, rng.random()), per_symbol // 2)
        start, stop = max(place, 0), min(place + len(one), count)
        if stop > start:
            line[start:stop] = one[start - place : stop - place]
        place += int(rng.integers(333, 389) * per_symbol)
    return transmission(line, rate, occupied(line, rate), "mioty")


KINDS = {"sigfox": sigfox, "horus": horus, "mioty": mioty}
