# SPDX-License-Identifier: GPL-3.0-or-later
"""What a GSM cell says on its broadcast and common channels (3GPP TS 44.018 clause 9.1): messages of 23 octets."""

from dataclasses import dataclass

import numpy as np

from wfm_core.synth.signals.bits import bytes_of

_PADDING = 0x2B


@dataclass(frozen=True)
class Cell:
    """identity_code: BSIC, network colour code (3 bits) and base station colour code. channels: ARFCN of the cell's
    carriers, the control carrier first. network: digits of country and network code."""

    identity_code: int
    network: str
    area: int
    cell: int
    channels: tuple[int, ...]
    access: int
    """Random access parameters, 3 octets."""


def random_cell(rng: np.random.Generator) -> Cell:
    network = f"{rng.integers(202, 750):03d}{rng.integers(1, 100):02d}"
    channels = tuple(int(one) for one in rng.choice(np.arange(1, 125), rng.integers(1, 7), replace=False))
    return Cell(
        int(rng.integers(64)), network, int(rng.integers(1, 65534)), int(rng.integers(65536)), channels,
        int(rng.integers(1 << 24)) & ~(3 << 16),
    )  # fmt: skip


def _filled(octets: bytes) -> bytes:
    return octets.ljust(23, bytes([_PADDING]))


def location_area(cell: Cell) -> bytes:
    """5 octets (TS 24.008 10.5.1.3): digits in swapped halves, the third digit of a network of two is F."""
    first, second, third, fourth, fifth = (int(digit) for digit in cell.network)
    return bytes([second << 4 | first, 0xF0 | third, fifth << 4 | fourth]) + cell.area.to_bytes(2, "big")


def channel_list(channels: tuple[int, ...]) -> bytes:
    """16 octets in which a bit stands for each of channels 1 to 124 (bit map 0, TS 44.018 10.5.2.13.2)."""
    bits = np.zeros(128, np.uint8)
    bits[[128 - channel for channel in channels]] = 1
    return bytes_of(bits)


def system_information_1(cell: Cell) -> bytes:
    return _filled(bytes([0x55, 0x06, 0x19]) + channel_list(cell.channels) + cell.access.to_bytes(3, "big"))


def system_information_2(cell: Cell, neighbours: tuple[int, ...]) -> bytes:
    head = bytes([0x59, 0x06, 0x1A]) + channel_list(neighbours)
    return head + bytes([0xFF]) + cell.access.to_bytes(3, "big")


def system_information_3(cell: Cell) -> bytes:
    """Cell and location area; the control channels are not combined, IMSI attach is allowed, T3212 of 6 hours."""
    head = bytes([0x49, 0x06, 0x1B]) + cell.cell.to_bytes(2, "big") + location_area(cell)
    control, options, selection = bytes([0x40, 0x03, 0x3C]), bytes([0x08]), bytes([0x65, 0x00])
    return _filled(head + control + options + selection + cell.access.to_bytes(3, "big"))


def system_information_4(cell: Cell) -> bytes:
    head = bytes([0x31, 0x06, 0x1C]) + location_area(cell)
    return _filled(head + bytes([0x65, 0x00]) + cell.access.to_bytes(3, "big"))


def broadcast(cell: Cell, multiframe: int, neighbours: tuple[int, ...]) -> bytes:
    """The message of the broadcast channel in a multiframe of 51 frames (TS 45.002 6.3.1.3)."""
    place = multiframe % 8
    if place == 0:
        return system_information_1(cell)
    if place in (1, 5):
        return system_information_2(cell, neighbours)
    return system_information_3(cell) if place in (2, 6) else system_information_4(cell)


def paging(rng: np.random.Generator) -> bytes:
    """Paging request type 1 (TS 44.018 9.1.22): nobody, or one or two temporary identities."""
    count = int(rng.integers(0, 3))
    if count == 0:
        return _filled(bytes([0x15, 0x06, 0x21, 0x00, 0x01, 0xF0]))
    octets = bytes([0x06, 0x21, 0x00])
    for number in range(count):
        octets += (b"" if number == 0 else b"\x17") + bytes([0x05, 0xF4]) + rng.bytes(4)
    return _filled(bytes([len(octets) << 2 | 1]) + octets)


def immediate_assignment(cell: Cell, rng: np.random.Generator) -> bytes:
    """A dedicated channel of eight for one mobile (TS 44.018 9.1.18)."""
    channel = int(rng.choice(cell.channels))
    described = bytes([0x41 | int(rng.integers(8)) << 3, (cell.identity_code & 7) << 5 | channel >> 8, channel & 0xFF])
    octets = bytes([0x06, 0x3F, 0x00]) + described + rng.bytes(3) + bytes([int(rng.integers(64)), 0x00])
    return _filled(bytes([len(octets) << 2 | 1]) + octets)
