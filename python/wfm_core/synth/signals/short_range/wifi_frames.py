# SPDX-License-Identifier: GPL-3.0-or-later
"""MAC frames of IEEE 802.11-2020, clause 9: beacons, probes, control frames, data that is encrypted."""

import zlib

import numpy as np


def with_fcs(frame: bytes) -> bytes:
    """The frame and its check sequence (9.2.4.8)."""
    return frame + zlib.crc32(frame).to_bytes(4, "little")


def address(rng: np.random.Generator) -> bytes:
    first = rng.bytes(6)
    return bytes([first[0] & 0xFE]) + first[1:]


def _element(number: int, content: bytes) -> bytes:
    return bytes([number, len(content)]) + content


def beacon(station: bytes, rng: np.random.Generator, dsss: bool = False) -> bytes:
    """SSID, rates, channel, TIM, and the elements that access points add (9.3.3.2)."""
    letters = np.frombuffer(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ ", np.uint8)
    name = rng.choice(letters, rng.integers(0, 24)).astype(np.uint8).tobytes()
    head = b"\x80\x00\x00\x00" + b"\xff" * 6 + station + station + _sequence(rng)
    body = rng.bytes(8) + b"\x64\x00" + b"\x11\x04" + _element(0, name)
    rates = b"\x82\x84\x8b\x96" if dsss else b"\x82\x84\x8b\x96\x0c\x12\x18\x24"
    body += _element(1, rates) + _element(3, bytes([int(rng.integers(1, 14))]))
    body += _element(5, bytes([0, int(rng.integers(1, 4)), 0, 0]))
    if rng.random() < 0.7:
        body += _element(48, bytes.fromhex("0100000fac040100000fac040100000fac020000"))
    if rng.random() < 0.7:
        body += _element(45, rng.bytes(26)) + _element(61, rng.bytes(22))
    for _ in range(rng.integers(0, 4)):
        body += _element(221, b"\x00\x50\xf2" + rng.bytes(int(rng.integers(4, 40))))
    return with_fcs(head + body)


def data(station: bytes, other: bytes, length: int, rng: np.random.Generator) -> bytes:
    """A protected QoS data frame with `length` bytes of ciphertext (9.3.2.1)."""
    head = b"\x88" + bytes([int(rng.choice([0x41, 0x42, 0x49]))]) + int(rng.integers(20, 400)).to_bytes(2, "little")
    head += other + station + address(rng) + _sequence(rng) + bytes([int(rng.choice([0, 0, 5, 6])), 0])
    return with_fcs(head + rng.bytes(8) + rng.bytes(length))


def probe_request(station: bytes, rng: np.random.Generator) -> bytes:
    head = b"\x40\x00\x00\x00" + b"\xff" * 6 + station + b"\xff" * 6 + _sequence(rng)
    return with_fcs(head + _element(0, b"") + _element(1, b"\x02\x04\x0b\x16") + _element(221, rng.bytes(9)))


def acknowledgement(other: bytes) -> bytes:
    return with_fcs(b"\xd4\x00\x00\x00" + other)


def block_acknowledgement(station: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    return with_fcs(b"\x94\x00\x00\x00" + other + station + b"\x05\x00" + _sequence(rng) + rng.bytes(8))


def request_to_send(station: bytes, other: bytes, microseconds: int) -> bytes:
    return with_fcs(b"\xb4\x00" + microseconds.to_bytes(2, "little") + other + station)


def clear_to_send(other: bytes, microseconds: int) -> bytes:
    return with_fcs(b"\xc4\x00" + microseconds.to_bytes(2, "little") + other)


def _sequence(rng: np.random.Generator) -> bytes:
    return int(rng.integers(0, 4096) << 4).to_bytes(2, "little")
