# SPDX-License-Identifier: GPL-3.0-or-later
"""Bluetooth basic and enhanced rate packets on one channel (Bluetooth Core 5.4, volume 2, parts A and B).

GFSK of BT 0.5 and index 0.28 to 0.35 at 1 Mb/s; pi/4-DQPSK and 8DPSK at 1 Mbaud, rolloff 0.4. Bandwidth that holds
99 % of the power: 0.95 MHz (basic), 1.25 MHz (enhanced); 79 channels at 2.4 GHz.
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, crc, number_bits
from wfm_core.synth.signals.keying import fsk, linear, ramped
from wfm_core.synth.signals.placing import filled
from wfm_core.synth.signals.transmission import Transmission, transmission

SAMPLE_RATE = 4e6
_RATE = 1e6
_PN = 0x83848D96BBCC54FC
_GENERATOR = 0o260534236651
_TYPES = {"DM1": (3, 17), "DH1": (4, 27), "DM3": (10, 121), "DH3": (11, 183), "DM5": (14, 224), "DH5": (15, 339)}
_ENHANCED = {
    "2DH1": (4, 54),
    "2DH3": (10, 367),
    "2DH5": (14, 679),
    "3DH1": (8, 83),
    "3DH3": (11, 552),
    "3DH5": (15, 1021),
}


def sync_word(lap: int) -> int:
    """64 bits, the first sent lowest: BCH (64,30) of the lower address part (part B, 6.3.3)."""
    information = (lap | (0b010011 if lap >> 23 else 0b101100) << 24) ^ _PN >> 34
    rest = information << 34
    for place in range(63, 33, -1):
        if rest >> place & 1:
            rest ^= _GENERATOR << (place - 34)
    return (information << 34 | rest) ^ _PN


def access_code(lap: int, trailer: bool = True) -> np.ndarray:
    word = number_bits(sync_word(lap), 64, lsb_first=True)
    preamble = (word[0] + np.arange(4)) % 2
    end = (word[-1] + 1 + np.arange(4)) % 2 if trailer else []
    return np.concatenate([preamble, word, end]).astype(np.uint8)


def whitening(clock: int, count: int) -> np.ndarray:
    """Bits of x^7 + x^4 + 1 from the clock's bits 1 to 6 and a one (part B, 7.2)."""
    state = [*number_bits(clock & 63, 6, True).tolist(), 1]
    out = np.zeros(127, np.uint8)
    for place in range(127):
        out[place] = state[6]
        state = [state[6], *state[:6]]
        state[4] ^= state[0]
    return np.resize(out, count)


def header(kind: int, uap: int, rng: np.random.Generator) -> np.ndarray:
    """18 bits: address, type, flow, acknowledgement, sequence, check (part B, 6.4)."""
    bits = np.concatenate([number_bits(int(rng.integers(1, 8)), 3, True), number_bits(kind, 4, True)])
    bits = np.concatenate([bits, rng.integers(0, 2, 3)]).astype(np.uint8)
    return np.concatenate([bits, number_bits(crc(bits, 0xA7, 8, uap), 8)])


def payload(length: int, uap: int, wide: bool, rng: np.random.Generator) -> np.ndarray:
    """Payload header (one byte, or two when `wide`), body, CRC (part B, 6.6.2)."""
    head = number_bits(int(rng.integers(1, 4)), 2, True), [1], number_bits(length, 10 if wide else 5, True)
    bits = np.concatenate([*head, np.zeros(3) if wide else [], bits_of(rng.bytes(length), True)]).astype(np.uint8)
    return np.concatenate([bits, number_bits(crc(bits, 0x1021, 16, uap << 8), 16)])


def two_thirds(bits: np.ndarray) -> np.ndarray:
    """The shortened Hamming code (15,10) of DM packets (part B, 7.5)."""
    rows = np.concatenate([bits, np.zeros(-len(bits) % 10, np.uint8)]).reshape(-1, 10)
    checks = np.stack([number_bits(crc(row, 0b10101, 5), 5) for row in np.eye(10, dtype=np.uint8)])
    return np.concatenate([rows, (rows @ checks) & 1], 1).astype(np.uint8).ravel()


def basic(seconds: float, rng: np.random.Generator) -> Transmission:
    return _piconet(seconds, rng, 0, "br")


def edr2(seconds: float, rng: np.random.Generator) -> Transmission:
    return _piconet(seconds, rng, 2, "edr2")


def edr3(seconds: float, rng: np.random.Generator) -> Transmission:
    return _piconet(seconds, rng, 3, "edr3")


def _piconet(seconds: float, rng: np.random.Generator, enhanced: int, kind: str) -> Transmission:
    lap, uap = int(rng.integers(2**24)), int(rng.integers(256))
    index, carrier = rng.uniform(0.28, 0.35, 2), rng.normal(0, 15e3, 2)
    levels = 10 ** (-rng.exponential(5, 2) / 20)
    inquiry = enhanced == 0 and rng.random() < 0.15
    load = rng.uniform(0.2, 1)

    def packet() -> np.ndarray:
        who = int(rng.integers(2))
        if inquiry:  # identity packets: the access code alone, twice a slot
            x = _gfsk(access_code(0x9E8B33, trailer=False), index[who])
        else:
            x = _packet(lap, uap, index[who], enhanced if rng.random() < 0.85 else 0, load, rng)
        x = ramped(x, int(rng.uniform(4, 12)))
        turn = carrier[who] / SAMPLE_RATE * np.arange(len(x)) + rng.random()
        return (x * np.exp(2j * np.pi * turn) * levels[who]).astype(np.complex64)

    # A channel of 79 (adaptive hopping: of 20 or more) comes again after some slots.
    channels = 32 if inquiry else rng.choice([20, 40, 79])
    step = 312.5e-6 if inquiry else 625e-6

    def gap() -> float:
        return rng.geometric(1 / channels) * step * SAMPLE_RATE

    line = filled(round(seconds * SAMPLE_RATE), packet, gap, rng)
    return transmission(line, SAMPLE_RATE, 1.25e6 if enhanced else 0.95e6, kind)


def _gfsk(bits: np.ndarray, index: float) -> np.ndarray:
    return fsk(2.0 * bits - 1, _RATE, SAMPLE_RATE, index * _RATE / 2, 0.5)


def _packet(lap: int, uap: int, index: float, enhanced: int, load: float, rng: np.random.Generator) -> np.ndarray:
    clock = int(rng.integers(64))
    if rng.random() > load:  # NULL or POLL
        bits = header(int(rng.integers(2)), uap, rng) ^ whitening(clock, 18)
        return _gfsk(np.concatenate([access_code(lap), np.repeat(bits, 3)]), index)
    table = {name: entry for name, entry in _ENHANCED.items() if name[0] == str(enhanced)} or _TYPES
    name = str(rng.choice(list(table)))
    kind, most = table[name]
    length = int(rng.integers(1, most + 1)) if rng.random() < 0.6 else most
    body = payload(length, uap, bool(enhanced) or name[-1] != "1", rng)
    white = whitening(clock, 18 + len(body))
    head = np.concatenate([access_code(lap), np.repeat(header(kind, uap, rng) ^ white[:18], 3)])
    body = body ^ white[18:]
    if not enhanced:
        return _gfsk(np.concatenate([head, two_thirds(body) if name[1] == "M" else body]), index)
    # Guard of 5 us, then eleven symbols of reference and synchronisation (part B, 6.6.1.6).
    phases = np.concatenate([_SYNC_TURNS, _turns(body, enhanced), _turns(np.zeros(2 * enhanced), enhanced)])
    points = np.exp(1j * np.pi / 4 * np.concatenate([[0], np.cumsum(phases)]))
    fast = linear(points, _RATE, SAMPLE_RATE, 0.4, 4)
    slow = _gfsk(head, index)
    guard = np.full(int(5e-6 * SAMPLE_RATE) - 4 * round(SAMPLE_RATE / _RATE), slow[-1])
    return np.concatenate([slow, 0.4 * guard, rng.uniform(0.9, 1.0) * fast])


def _turns(bits: np.ndarray, enhanced: int) -> np.ndarray:
    """Turns in eighths of a circle: pi/4-DQPSK of 2 bits or 8DPSK of 3 (part A, 3.2.1)."""
    padded = np.concatenate([bits, np.zeros(-len(bits) % enhanced)]).astype(np.int64).reshape(-1, enhanced)
    value = padded @ (1 << np.arange(enhanced)[::-1])
    return np.array([1, 3, -1, -3] if enhanced == 2 else [0, 1, 3, 2, -1, -2, 4, -3])[value]


_SYNC_TURNS = np.array([3, -3, 3, -3, 3, -3, -3, 3, 3, 3])
