# SPDX-License-Identifier: GPL-3.0-or-later
"""Bluetooth Low Energy packets on one channel: 1M, 2M and coded PHY (Bluetooth Core 5.4, volume 6, parts A and B).

GFSK of BT 0.5, modulation index 0.45 to 0.55; bandwidth that holds 99 % of the power 1.1 MHz (2M: 2.2 MHz); 2.4 GHz.
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, convolutional, crc, number_bits
from wfm_core.synth.signals.content import text
from wfm_core.synth.signals.keying import fsk, ramped
from wfm_core.synth.signals.placing import filled
from wfm_core.synth.signals.transmission import Transmission, transmission

ADVERTISING_ADDRESS = 0x8E89BED6
_POLYNOMIAL = 0x00065B
_INTER_FRAME = 150e-6


def whitening(channel: int, count: int) -> np.ndarray:
    """Bits of x^7 + x^4 + 1 from position 0 set and the channel index in positions 1 to 6 (part B, 3.2)."""
    state = [1, *number_bits(channel, 6).tolist()]
    out = np.zeros(127, np.uint8)
    for place in range(127):
        out[place] = state[6]
        state = [state[6], *state[:6]]
        state[4] ^= state[0]
    return np.resize(out, count)


def checked(pdu: bytes, initial: int, channel: int) -> np.ndarray:
    """PDU and its CRC, whitened."""
    bits = bits_of(pdu, lsb_first=True)
    bits = np.concatenate([bits, number_bits(crc(bits, _POLYNOMIAL, 24, initial), 24)])
    return bits ^ whitening(channel, len(bits))


def packet(pdu: bytes, address: int, initial: int, channel: int, preamble_bits: int = 8) -> np.ndarray:
    """Bits of the uncoded PHYs: preamble (8 bits, 2M: 16), access address, PDU, CRC (part B, 2.1)."""
    first = address & 1
    preamble = (np.arange(preamble_bits) + first + 1) % 2
    return np.concatenate([preamble, number_bits(address, 32, True), checked(pdu, initial, channel)]).astype(np.uint8)


def coded_packet(pdu: bytes, address: int, initial: int, channel: int, eight: bool) -> np.ndarray:
    """Bits of the coded PHY at 1 Mb/s: preamble of ten 00111100, FEC block 1 (S=8), block 2 (part B, 2.2)."""
    block = np.concatenate([number_bits(address, 32, True), [0, not eight]])
    head = np.concatenate([block, np.zeros(3)]).astype(np.uint8)
    body = np.concatenate([checked(pdu, initial, channel), np.zeros(3, np.uint8)])
    first = _pattern(convolutional(head, (0b1111, 0b1011), 3))
    second = convolutional(body, (0b1111, 0b1011), 3)
    preamble = np.tile(np.array([0, 0, 1, 1, 1, 1, 0, 0], np.uint8), 10)
    return np.concatenate([preamble, first, _pattern(second) if eight else second])


def _pattern(bits: np.ndarray) -> np.ndarray:
    return np.array([[0, 0, 1, 1], [1, 1, 0, 0]], np.uint8)[bits].ravel()


def advertisement(rng: np.random.Generator) -> bytes:
    """An advertising PDU: flags, name, services, beacons and makers' data (part B, 2.3; Core Supplement, part A)."""
    kind = int(rng.choice([0, 0, 2, 2, 6, 4]))
    parts = [b"\x02\x01" + bytes([int(rng.choice([0x06, 0x1A, 0x04]))])]
    choice = rng.random()
    if choice < 0.25:
        parts.append(b"\x1a\xff\x4c\x00\x02\x15" + rng.bytes(21))
    elif choice < 0.5:
        content = rng.bytes(int(rng.integers(4, 24)))
        parts.append(bytes([len(content) + 3, 0xFF]) + rng.bytes(2) + content)
    elif choice < 0.7:
        name = text(3, rng)[: int(rng.integers(3, 20))].encode()
        parts.append(bytes([len(name) + 1, 9]) + name)
    elif choice < 0.9:
        content = rng.bytes(int(rng.integers(2, 20)))
        parts.append(b"\x03\x03" + rng.bytes(2) + bytes([len(content) + 3, 0x16]) + rng.bytes(2) + content)
    content = b"".join(parts)[:31]
    return bytes([kind | int(rng.integers(2)) << 6, 6 + len(content)]) + rng.bytes(6) + content


def advertising_1m(seconds: float, rng: np.random.Generator) -> Transmission:
    """Advertisers on one of channels 37 to 39, some with scan requests, scan responses or connection requests."""
    channel = int(rng.integers(37, 40))
    radio = _Radio(1e6, rng)
    pdus = [advertisement(rng) for _ in range(rng.choice([1, 1, 2, 4]))]
    interval = rng.choice([0.02, 0.1, 0.1525, 0.3, 1.0])

    def event() -> np.ndarray:
        pdu = pdus[rng.integers(len(pdus))]
        sent = [packet(pdu, ADVERTISING_ADDRESS, 0x555555, channel)]
        if rng.random() < 0.2:
            request = bytes([0x03, 12]) + rng.bytes(6) + pdu[2:8]
            content = rng.bytes(int(rng.integers(0, 32)))
            answer = bytes([0x04, 6 + len(content)]) + pdu[2:8] + content
            sent += [packet(one, ADVERTISING_ADDRESS, 0x555555, channel) for one in (request, answer)]
        elif rng.random() < 0.05:
            request = bytes([0x05, 34]) + rng.bytes(34)
            sent.append(packet(request, ADVERTISING_ADDRESS, 0x555555, channel))
        return radio.event(sent, rng)

    def gap() -> float:
        return (interval / len(pdus) + rng.uniform(0, 0.01)) * radio.sample_rate

    return radio.transmission(seconds, event, gap, "ble_advertising", rng)


def data_1m(seconds: float, rng: np.random.Generator) -> Transmission:
    return _data(seconds, rng, 1e6, None, "ble_data_1m")


def data_2m(seconds: float, rng: np.random.Generator) -> Transmission:
    return _data(seconds, rng, 2e6, None, "ble_data_2m")


def coded(seconds: float, rng: np.random.Generator) -> Transmission:
    return _data(seconds, rng, 1e6, bool(rng.random() < 0.5), "ble_coded")


def _data(seconds: float, rng: np.random.Generator, rate: float, eight: bool | None, kind: str) -> Transmission:
    """Connection events: central and peripheral in turn, as often as hopping comes back to the channel."""
    radio = _Radio(rate, rng)
    address, initial, channel = int(rng.integers(2**32)), int(rng.integers(2**24)), int(rng.integers(37))
    longest = int(rng.choice([27, 60, 251]))
    busy = rng.random()

    def bits(more: bool) -> np.ndarray:
        length = int(rng.integers(1, longest + 1)) if rng.random() < busy else 0
        pdu = bytes([(2 if length else 1) | int(rng.integers(4)) << 2 | more << 4, length]) + rng.bytes(length)
        if eight is not None:
            return coded_packet(pdu, address, initial, channel, eight)
        return packet(pdu, address, initial, channel, 16 if rate > 1e6 else 8)

    def event() -> np.ndarray:
        turns = int(min(rng.geometric(0.5), 6))
        return radio.event([bits(turn < turns - 1) for turn in range(turns) for _ in range(2)], rng)

    visits = rng.choice([7.5e-3, 15e-3, 30e-3, 50e-3]) * rng.choice([1, 9, 20, 37])
    return radio.transmission(seconds, event, lambda: rng.exponential(visits) * radio.sample_rate, kind, rng)


class _Radio:
    """Tolerances of the two devices that take turns on the channel."""

    def __init__(self, rate: float, rng: np.random.Generator):
        self.rate, self.sample_rate = rate, 4 * rate
        self.index = rng.uniform(0.45, 0.55, 2)
        self.carrier = rng.normal(0, 15e3, 2)
        self.level = 10 ** (-np.array([0, rng.exponential(8)])[rng.permutation(2)] / 20)
        self.clock = 1 + rng.normal(0, 15e-6, 2)
        self.lead = rng.uniform(0, 6, 2)  # us of carrier before the first bit

    def event(self, packets: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
        pieces = []
        for number, bits in enumerate(packets):
            who = number % 2
            x = fsk(2.0 * bits - 1, self.rate * self.clock[who], self.sample_rate, self.index[who] * self.rate / 2, 0.5)
            x = np.concatenate([np.full(int(self.lead[who] * self.sample_rate / 1e6), x[0]), x])
            turn = self.carrier[who] / self.sample_rate * np.arange(len(x)) + rng.random()
            x = ramped(x, int(2e-6 * self.sample_rate)) * np.exp(2j * np.pi * turn) * self.level[who]
            pieces += [x.astype(np.complex64), np.zeros(round(_INTER_FRAME * self.sample_rate), np.complex64)]
        return np.concatenate(pieces[:-1])

    def transmission(self, seconds, event, gap, kind, rng) -> Transmission:
        line = filled(round(seconds * self.sample_rate), event, gap, rng)
        return transmission(line, self.sample_rate, 1.1 * self.rate, kind)
