# SPDX-License-Identifier: GPL-3.0-or-later
"""Slow and narrow: Sigfox uplink, Horus 4FSK balloons, MIOTY telegram splitting.

Sigfox: DBPSK 100 or 600 bit/s at 868.13 and 902 MHz, three times on other frequencies (Sigfox Device Radio
Specifications), bandwidth 150 or 900 Hz. Horus Binary: 4FSK 100 Bd, 270 Hz apart, 70 cm band (horusdemodlib), 1.2
kHz. MIOTY: ETSI TS 103 357 (TS-UNB), bursts of 36 MSK symbols of 2380 Bd, hopped over 25 carriers, 60 kHz.
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, convolutional, number_bits, random_bits
from wfm_core.synth.signals.keying import frequency_modulated, gaussian, ramped
from wfm_core.synth.signals.placing import put
from wfm_core.synth.signals.telemetry.checks import crc_of
from wfm_core.synth.signals.telemetry.keyer import occupied
from wfm_core.synth.signals.telemetry.meters import alternating
from wfm_core.synth.signals.transmission import Transmission, on_air, transmission

FRAME_TYPES = {
    1: (0x08D, 0x0D2, 0x302), 4: (0x35F, 0x598, 0x5A3), 8: (0x611, 0x6BF, 0x72C), 12: (0x94C, 0x971, 0x997),
}  # fmt: skip
"""By the bytes of payload: of the first, second and third time a frame is sent."""
_REPEATED = (0b100, 0b111, 0b101)
"""What the bits of each time are filtered by (7 and 5 of a convolutional code; the first is sent plain)."""


def sigfox_frame(payload: bytes, sequence: int, device: int, mark: bytes, time: int = 0) -> np.ndarray:
    """Preamble of 20 bits, 12 of type, flags and sequence, identity, payload, authentication, CRC-16; as librenard
    has it (Pfeil, Reverse Engineering of the Sigfox Radio Protocol, 2017). time: 0 to 2, payload: 1, 4, 8, 12 bytes.
    """
    body = number_bits(sequence, 16)  # four flags above: nothing is padded, no answer is asked for
    body = np.packbits(body).tobytes() + device.to_bytes(4, "little") + payload + mark
    check = crc_of(body, 0x1021, 16, final=0xFFFF)
    sent = convolutional(np.concatenate([bits_of(body), number_bits(check, 16)]), (_REPEATED[time],), 2)
    return np.concatenate([alternating(20, 1).astype(np.uint8), number_bits(FRAME_TYPES[len(payload)][time], 12), sent])


def _sigfox_burst(bits: np.ndarray, symbol_rate: float, per_symbol: int, rng: np.random.Generator) -> np.ndarray:
    """A zero turns the phase; the amplitude dips there, over a fifth to half a symbol."""
    rate = symbol_rate * per_symbol
    symbols = 1.0 - 2.0 * (np.cumsum(1 - bits) & 1)
    line = np.repeat(np.concatenate([symbols[:1], symbols, symbols[-1:]]), per_symbol)
    line = gaussian(line, rng.uniform(0.8, 2.0) * symbol_rate, rate)
    drift = np.linspace(0, rng.normal(0, 0.1) * symbol_rate, len(line))
    return ramped(line * frequency_modulated(drift, rate), per_symbol)


def sigfox(seconds: float, rng: np.random.Generator) -> Transmission:
    """A frame the three times it is sent, here all on one frequency."""
    symbol_rate, per_symbol = float(rng.choice([100, 600], p=[0.75, 0.25])), 16
    rate = symbol_rate * per_symbol
    payload, mark = rng.bytes(int(rng.choice([1, 4, 8, 12]))), rng.bytes(2)
    sequence, device = int(rng.integers(4096)), int(rng.integers(1 << 32))
    bursts = [
        _sigfox_burst(sigfox_frame(payload, sequence, device, mark, time), symbol_rate, per_symbol, rng)
        for time in range(3)
    ]
    gaps = [int(rng.uniform(0.5, 1.0) * rate), int(rng.uniform(0.5, 1.0) * rate), 0]
    samples = on_air(bursts, gaps, round(seconds * rate), rng)
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


MIOTY_PILOTS = (0b011101000010, 0b010011111010)
"""In the middle of bursts of the core frame and of its extension (TS 103 357, 6.4.5)."""


def mioty_burst(extension: bool, rng: np.random.Generator) -> np.ndarray:
    """36 bits: 12 of data, pilots, 12 of data, each exclusive-ored with the one before it: the MSK keeps the phase."""
    bits = random_bits(36, rng)
    bits[12:24] = number_bits(MIOTY_PILOTS[extension], 12)
    return bits ^ np.concatenate([[0], bits[:-1]]).astype(np.uint8)


def mioty(seconds: float, rng: np.random.Generator) -> Transmission:
    """24 bursts a telegram and more of long ones, each on its carrier; one of them is in the window.

    From one to the next it is 330, 387 and 352 to 634 symbols by turns (TS 103 357, 6.4.7.1.6).
    """
    symbol_rate, carriers, per_symbol = 2380.371, 25, 64
    rate = symbol_rate * per_symbol
    count, length = round(seconds * rate), 36 * per_symbol
    middle = int(rng.uniform(-0.5 * length, max(count - 0.5 * length, 0)))
    steps = rng.integers(352, 635, 2 + count // (330 * per_symbol))
    turn = int(rng.integers(3))
    steps[turn::3], steps[(turn + 1) % 3 :: 3] = 330, 387
    steps = np.cumsum(steps * per_symbol)
    extension = rng.random() < 0.3
    line = np.zeros(count, np.complex64)
    for place in (middle, *(middle - steps), *(middle + steps)):
        chips = 2.0 * mioty_burst(extension, rng) - 1
        carrier = (rng.integers(carriers) - carriers // 2) * symbol_rate
        tones = np.repeat(chips, per_symbol) * symbol_rate / 4 + carrier
        one = ramped(frequency_modulated(tones, rate, rng.random()), per_symbol // 2)
        put(line, int(place), one.astype(np.complex64))
    return transmission(line, rate, occupied(line, rate), "mioty")


KINDS = {"sigfox": sigfox, "horus": horus, "mioty": mioty}
