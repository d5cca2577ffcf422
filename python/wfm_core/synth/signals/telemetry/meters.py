# SPDX-License-Identifier: GPL-3.0-or-later
"""Meters: wireless M-Bus modes S, T, C and N (EN 13757-4), EC3K plugs.

868.3 MHz (S: 32768 chips/s Manchester, +-50 kHz), 868.95 MHz (T: 100 kchip/s 3 out of 6, C: 100 kbit/s NRZ,
+-50/+-45 kHz), 169 MHz (N: GFSK 2400 and 4800 bit/s, +-2.4 kHz); occupied bandwidth 12 to 250 kHz. Packets: frame
formats A and B, blocks with CRC 0x3D65. Energy Count 3000: 20 kbit/s, HDLC, NRZI, scrambled (x^17 + x^12 + 1), as
rtl_433 (src/devices/ec3k.c) has it.
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, crc, manchester, nrzi, number_bits, scrambled, stuffed
from wfm_core.synth.signals.telemetry.checks import crc_of, fields
from wfm_core.synth.signals.telemetry.radio import Link, Modem

_THREE_OF_SIX = (22, 13, 14, 11, 28, 25, 26, 19, 44, 37, 38, 35, 52, 49, 50, 41)
MAKERS = ("KAM", "ELS", "TCH", "ITW", "SON", "QDS", "ZRI", "LUG", "DME", "EFE", "HYD", "BMT")


def maker_code(name: str) -> int:
    """Three letters as EN 62056-21 packs them."""
    first, second, third = (ord(letter) - 64 for letter in name)
    return first << 10 | second << 5 | third


def block_check(data: bytes) -> bytes:
    return crc_of(data, 0x3D65, 16, final=0xFFFF).to_bytes(2, "big")


def header(maker: str, id: int, version: int, type: int) -> bytes:
    bcd = bytes.fromhex(f"{id:08d}")[::-1]
    return maker_code(maker).to_bytes(2, "little") + bcd + bytes([version, type])


def format_a(maker: str, id: int, version: int, type: int, data: bytes) -> bytes:
    """First block of 10 bytes, then blocks of 16, each with its check; the length counts no checks."""
    first = bytes([9 + len(data), 0x44]) + header(maker, id, version, type)
    packet = first + block_check(first)
    for start in range(0, len(data), 16):
        block = data[start : start + 16]
        packet += block + block_check(block)
    return packet


def format_b(maker: str, id: int, version: int, type: int, data: bytes) -> bytes:
    """One check over the first two blocks; the length counts it."""
    body = bytes([9 + len(data) + 2, 0x44]) + header(maker, id, version, type) + data
    return body + block_check(body)


def three_of_six(data: bytes) -> np.ndarray:
    return np.concatenate([fields((_THREE_OF_SIX[byte >> 4], 6), (_THREE_OF_SIX[byte & 15], 6)) for byte in data])


def alternating(count: int, first: int = 0) -> np.ndarray:
    return (np.arange(count) + first) % 2


def mode_t(**content) -> np.ndarray:
    lead = np.concatenate([alternating(38), fields((0b0000111101, 10))])
    return np.concatenate([lead, three_of_six(format_a(**content)), [0, 1]]).astype(np.uint8)


def mode_c(frame: str = "A", **content) -> np.ndarray:
    packet = format_a(**content) if frame == "A" else format_b(**content)
    sync = bytes([0x54, 0x3D, 0x54, 0xCD if frame == "A" else 0x3D])
    return np.concatenate([alternating(32), bits_of(sync), bits_of(packet)]).astype(np.uint8)


def mode_s(long_preamble: bool = False, **content) -> np.ndarray:
    """Chips: a one is 0 then 1."""
    lead = np.concatenate([alternating(546 if long_preamble else 30), fields((0x7696, 18))])
    tail = alternating(4)
    return np.concatenate([lead, manchester(bits_of(format_a(**content)), one=(0, 1)), tail]).astype(np.uint8)


def mode_n(**content) -> np.ndarray:
    return np.concatenate([alternating(16), bits_of(b"\xf6\x8d"), bits_of(format_a(**content))]).astype(np.uint8)


def meter_content(most: int = 60):
    def draw(rng: np.random.Generator) -> dict:
        length = int(rng.integers(4, most))
        head = bytes([int(rng.choice([0x7A, 0x72, 0x8C, 0x78, 0xA2]))])
        return {
            "maker": str(rng.choice(MAKERS)), "id": int(rng.integers(1, 99999999)),
            "version": int(rng.integers(1, 128)), "type": int(rng.choice([2, 3, 4, 6, 7, 8, 0x1B])),
            "data": head + rng.bytes(length),
        }  # fmt: skip

    return draw


def _mode_c_content(rng: np.random.Generator) -> dict:
    return meter_content()(rng) | {"frame": str(rng.choice(["A", "B"]))}


def _mode_s_content(rng: np.random.Generator) -> dict:
    return meter_content(30)(rng) | {"long_preamble": bool(rng.random() < 0.2)}


def energy_count(data: bytes) -> np.ndarray:
    """EC3K: flags, 41 bytes with CRC, least significant bit first, NRZI and scrambler, about 555 bits."""
    check = crc(bits_of(data, lsb_first=True), 0x1021, 16, start=0xFFFF, final=0xFFFF)
    body = np.concatenate([bits_of(data, lsb_first=True), number_bits(check, 16)])
    flag = bits_of(b"\x7e")
    line = np.concatenate([np.zeros(150, np.uint8), flag, stuffed(body), flag, np.zeros(32, np.uint8)])
    return scrambled(nrzi(line), (12, 17), state=0x1234)


_PLUG_NIBBLES = (
    (1, 0x0), (4, None), (4, None), (4, 0), (4, None), (7, 0), (7, None), (4, None), (4, None), (6, None), (14, None),
    (3, None), (5, 0), (4, 0), (3, None), (2, None), (1, 0x8), (1, 0),
)  # fmt: skip
"""Fields of EC3K and what they hold always: mark, identity, seconds, nothing, seconds on, nothing, energy, power,
greatest power, energy, unknown, seconds, nothing, energy, seconds on, resets, on or off, nothing (rtl_433, ec3k.c)."""


def _plug_content(rng: np.random.Generator) -> dict:
    drawn = (
        "".join(
            f"{digit:x}" for digit in (rng.integers(0, 16, count) if value is None else [0] * (count - 1) + [value])
        )
        for count, value in _PLUG_NIBBLES
    )
    return {"data": bytes.fromhex("".join(drawn))}


NARROW = (Modem(2400, 2400, 0.5), Modem(4800, 2400, 0.5))
LINKS = (
    Link("wmbus-t", meter_content(), mode_t, Modem(100e3, 50e3, tolerance=3e-4), (1, 2), (0.05, 2.0)),
    Link("wmbus-c", _mode_c_content, mode_c, Modem(100e3, 45e3, tolerance=1e-4), (1, 2), (0.05, 2.0)),
    Link("wmbus-s", _mode_s_content, mode_s, Modem(32768, 50e3, tolerance=1e-3), (1, 2), (0.05, 2.0)),
    Link("wmbus-n", meter_content(30), mode_n, lambda rng: NARROW[rng.integers(2)]),
    Link("ec3k", _plug_content, energy_count, Modem(20e3, 20e3), pause=(4.0, 6.0)),
)
