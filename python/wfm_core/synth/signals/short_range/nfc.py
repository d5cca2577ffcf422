# SPDX-License-Identifier: GPL-3.0-or-later
"""NFC at 13.56 MHz: a reader's field with its commands, and tags that load it.

ISO/IEC 14443-2 and -3 types A and B (106 kbit/s), JIS X 6319-4 type F (212 and 424 kbit/s), ISO/IEC 15693-2 and -3
(here V). Most of the power is in the carrier; what tells them apart lies within +-0.85 MHz (A, B), +-0.42 MHz (F, V).
"""

import numpy as np
from scipy import signal as dsp

from wfm_core.synth.signals.bits import bits_of, crc, manchester, number_bits
from wfm_core.synth.signals.keying import ramped
from wfm_core.synth.signals.placing import filled
from wfm_core.synth.signals.transmission import Transmission, transmission

CARRIER = 13.56e6
SAMPLE_RATE = CARRIER / 4  # 32 samples a bit at 106 kbit/s, four a period of the subcarrier
_BIT = 32
BANDWIDTHS = {"a": 1.8e6, "b": 1.8e6, "f": 0.9e6, "v": 0.9e6}


def crc_a(data: bytes) -> np.ndarray:
    """16 bits as sent, lowest first: CRC-A (ISO/IEC 14443-3, annex B), start 0x6363."""
    return number_bits(crc(bits_of(data, lsb_first=True), 0x1021, 16, 0xC6C6), 16)


def crc_b(data: bytes) -> np.ndarray:
    """16 bits as sent, lowest first: that of HDLC, of type B and of ISO/IEC 15693."""
    return number_bits(crc(bits_of(data, lsb_first=True), 0x1021, 16, 0xFFFF, 0xFFFF), 16)


def checked_a(data: bytes) -> bytes:
    return data + np.packbits(crc_a(data), bitorder="little").tobytes()


def checked_b(data: bytes) -> bytes:
    return data + np.packbits(crc_b(data), bitorder="little").tobytes()


def miller(bits: np.ndarray, pause: int) -> np.ndarray:
    """float64 [32 (bits + 3)]: a type A reader's envelope, modified Miller with pauses (14443-2, 8.1.3)."""
    starts, last = [0], 0  # the start of communication is as a 0 after a 0
    for number, bit in enumerate([*bits.tolist(), 0], start=1):
        if bit:
            starts.append(number * _BIT + _BIT // 2)
        elif not last:
            starts.append(number * _BIT)
        last = bit
    out = np.ones((len(bits) + 3) * _BIT)
    for start in starts:
        out[start : start + pause] = 0
    return out


def with_parity(data: bytes) -> np.ndarray:
    """Bits of each byte, lowest first, and its odd parity."""
    rows = bits_of(data, lsb_first=True).reshape(-1, 8)
    return np.concatenate([rows, 1 - rows.sum(1, keepdims=True) % 2], 1).astype(np.uint8).ravel()


def load_a(bits: np.ndarray) -> np.ndarray:
    """float64: a type A tag: start bit and bits in Manchester code on the subcarrier of 847.5 kHz (8.2.5)."""
    halves = manchester(np.concatenate([[1], bits]).astype(np.uint8), (1, 0))
    return np.repeat(halves, _BIT // 2) * np.tile([1.0, 1, 0, 0], len(halves) * 4)


def characters(data: bytes) -> np.ndarray:
    """Type B: start of frame (10 low, 2 high), bytes with start and stop bits, end of frame (14443-3, 7.1)."""
    rows = bits_of(data, lsb_first=True).reshape(-1, 8)
    count = len(rows)
    body = np.concatenate([np.zeros((count, 1)), rows, np.ones((count, 1))], 1).ravel()
    return np.concatenate([np.zeros(10), np.ones(2), body, np.zeros(10)]).astype(np.uint8)


def load_b(bits: np.ndarray) -> np.ndarray:
    """float64: a type B tag: eight bits of bare subcarrier, then BPSK of it (14443-2, 9.2.4)."""
    line = np.concatenate([np.ones(10, np.uint8), bits, [1, 1]]).astype(np.int64)
    period = np.array([[0.0, 0, 1, 1], [1.0, 1, 0, 0]])
    return np.repeat(period[line], _BIT // 4, 0).ravel()


def frame_f(data: bytes) -> np.ndarray:
    """Bits of type F, highest first: preamble, sync B24D, length, data, CRC (JIS X 6319-4)."""
    body = bytes([len(data) + 1]) + data
    check = number_bits(crc(bits_of(body), 0x1021, 16), 16)
    return np.concatenate([np.zeros(48, np.uint8), bits_of(b"\xb2\x4d" + body), check])


def pulse_position(data: bytes, slow: bool = False) -> np.ndarray:
    """float64: a V reader's envelope: 1 out of 4, or when `slow` 1 out of 256, pauses of 9.44 us (15693-2, 7)."""
    starts, place = [0, 6 if slow else 5], 8
    for byte in data:
        if slow:
            starts.append(place + 2 * byte + 1)
            place += 512
        else:
            for pair in range(4):
                starts.append(place + 2 * (byte >> 2 * pair & 3) + 1)
                place += 8
    starts.append(place + 2)
    out = np.ones(place + 4)
    out[starts] = 0
    return np.repeat(out, _BIT)


def load_v(bits: np.ndarray) -> np.ndarray:
    """float64: a V tag at 26 kbit/s on one subcarrier of 423.75 kHz (15693-2, 8)."""
    halves = np.concatenate([[0, 0, 0, 1, 1, 1, 0, 1], manchester(bits, (0, 1)), [1, 0, 1, 1, 1, 0, 0, 0]])
    return np.repeat(halves, 2 * _BIT) * np.tile([1.0] * 4 + [0.0] * 4, len(halves) * 8)


def type_a(seconds: float, rng: np.random.Generator) -> Transmission:
    pause = int(rng.integers(7, 12))

    def exchanges() -> list:
        tag = rng.random() < 0.8
        wake = number_bits(0x52 if rng.random() < 0.5 else 0x26, 7, lsb_first=True)
        identity = rng.bytes(4)
        whole = identity + bytes([identity[0] ^ identity[1] ^ identity[2] ^ identity[3]])
        pairs = [(b"\x93\x20", whole), (checked_a(b"\x93\x70" + whole), checked_a(b"\x08"))]
        if rng.random() < 0.6:
            pairs.append((checked_a(b"\xe0\x50"), checked_a(b"\x06\x75\x77\x81\x02\x80")))
        for _ in range(rng.integers(0, 6)):
            ask, answer = rng.bytes(int(rng.integers(2, 20))), rng.bytes(int(rng.integers(2, 40)))
            pairs.append((checked_a(ask), checked_a(answer)))
        out = [(miller(wake, pause), load_a(with_parity(b"\x04\x00")) if tag else None)]
        if tag:
            out += [(miller(with_parity(ask), pause), load_a(with_parity(answer))) for ask, answer in pairs]
        return out

    return _field(seconds, rng, exchanges, 0.0 if rng.random() < 0.8 else rng.uniform(0, 0.2), 86e-6, "a")


def type_b(seconds: float, rng: np.random.Generator) -> Transmission:
    def exchanges() -> list:
        out = [(b"\x05\x00" + bytes([int(rng.choice([0, 8]))]), b"\x50" + rng.bytes(11))]
        if rng.random() < 0.7:
            out.append((b"\x1d" + rng.bytes(8), b"\x00"))
        out += [
            (rng.bytes(int(rng.integers(2, 24))), rng.bytes(int(rng.integers(2, 40)))) for _ in range(rng.integers(5))
        ]
        pairs = [(_held(characters(checked_b(ask))), load_b(characters(checked_b(answer)))) for ask, answer in out]
        return pairs if rng.random() < 0.8 else [(pairs[0][0], None)]

    return _field(seconds, rng, exchanges, 1 - rng.uniform(0.15, 0.3), 120e-6, "b")


def type_f(seconds: float, rng: np.random.Generator) -> Transmission:
    half = 8 if rng.random() < 0.6 else 4  # samples half a bit: 212 or 424 kbit/s
    one = (0, 1) if rng.random() < 0.5 else (1, 0)

    def exchanges() -> list:
        out = [(b"\x00\xff\xff\x00\x00", b"\x01" + rng.bytes(16))]
        for _ in range(rng.integers(0, 6)):
            out.append((b"\x06" + rng.bytes(15), b"\x07" + rng.bytes(int(rng.integers(12, 60)))))
        pairs = [tuple(np.repeat(manchester(frame_f(data), one), half).astype(float) for data in pair) for pair in out]
        return pairs if rng.random() < 0.8 else [(pairs[0][0], None)]

    return _field(seconds, rng, exchanges, 1 - rng.uniform(0.15, 0.35), 2.4e-3, "f")


def type_v(seconds: float, rng: np.random.Generator) -> Transmission:
    slow = rng.random() < 0.2

    def exchanges() -> list:
        out = [(b"\x26\x01\x00", b"\x00\x00" + rng.bytes(6) + b"\x04\xe0")]
        for _ in range(rng.integers(0, 5)):
            out.append((b"\x22\x20" + rng.bytes(8) + bytes([int(rng.integers(64))]), b"\x00" + rng.bytes(4)))
        pairs = [
            (pulse_position(checked_b(ask), slow), load_v(bits_of(checked_b(answer), lsb_first=True)))
            for ask, answer in out
        ]
        return pairs if rng.random() < 0.8 else [(pairs[0][0], None)]

    return _field(seconds, rng, exchanges, 0.0 if rng.random() < 0.5 else 1 - rng.uniform(0.2, 0.45), 320e-6, "v")


def _held(bits: np.ndarray) -> np.ndarray:
    return np.repeat(bits, _BIT).astype(float)


def _field(seconds, rng, exchanges, low: float, delay: float, kind: str) -> Transmission:
    """The field goes on, commands are sent and answered, the field goes off. low: its level when modulated."""
    loading = 10 ** rng.uniform(-1.6, -0.3) * np.exp(1j * rng.normal(0, 0.7))
    pole = np.exp(-1 / (SAMPLE_RATE * rng.uniform(0.2e-6, 0.7e-6)))  # the antennas' resonance
    rest = rng.choice([0.5e-3, 2e-3, 5e-3])

    def session() -> np.ndarray:
        field = [np.ones(int(rng.uniform(0.1e-3, 3e-3) * SAMPLE_RATE))]
        load = [np.zeros(len(field[0]))]
        for command, answer in exchanges():
            wait = int(delay * rng.uniform(1, 1.2) * SAMPLE_RATE)
            answer = np.zeros(0) if answer is None else answer
            after = int(rng.exponential(rest) * SAMPLE_RATE) + 300
            field += [low + (1 - low) * command, np.ones(wait + len(answer) + after)]
            load += [np.zeros(len(command) + wait), answer, np.zeros(after)]
        # The reader's own steps are smoothed by its antenna; what a tag adds is heard beside it.
        x = dsp.lfilter([1 - pole], [1, -pole], np.concatenate(field)) + loading * np.concatenate(load)
        # What is left in a pause is not nothing: the ringing, and 1 % of the carrier.
        return (ramped(0.99 * x + 0.01, 200) * np.exp(2j * np.pi * rng.random())).astype(np.complex64)

    off = 10 ** rng.uniform(-4, -1.3)
    line = filled(round(seconds * SAMPLE_RATE), session, lambda: rng.exponential(off) * SAMPLE_RATE, rng)
    return transmission(line, SAMPLE_RATE, BANDWIDTHS[kind], kind)
