# SPDX-License-Identifier: GPL-3.0-or-later
"""Vaisala RS41 radiosondes: GFSK 4800 bit/s (BT 0.5, deviation 2.4 kHz) at 400 to 406 MHz; occupied bandwidth 6 kHz.

Each second: 0101 for some 50 ms, then a frame of 320 bytes (or 518), whitened; the carrier is off for the rest of the
second in older sondes and on in newer ones. Layout as analysed by the project RS (rs1729, demod/mod/rs41mod.c).
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of
from wfm_core.synth.signals.keying import frequency_modulated, gaussian, held, ramped
from wfm_core.synth.signals.satellite.reed_solomon import parity
from wfm_core.synth.signals.telemetry.checks import crc_of
from wfm_core.synth.signals.transmission import Transmission, on_air, transmission

HEADER = bytes.fromhex("8635f44093df1a60")
WHITE = bytes.fromhex(
    "96833e51b14908983205590ef944c6262160c2ea795d6da15469470cdce85cf1"
    "f776827f0799a22c937c3063f5102e61d0bcb4b606aaf423786e3baebf7b4cc1"
)


def block(kind: int, data: bytes) -> bytes:
    return bytes([kind, len(data)]) + data + crc_of(data, 0x1021, 16, start=0xFFFF).to_bytes(2, "little")


def frame(number: int, name: str, values: dict[int, bytes]) -> bytes:
    """320 bytes before whitening: header, parities, type 0x0F, status, and blocks (`values` by their kind)."""
    status = number.to_bytes(2, "little") + name.encode().ljust(8)[:8] + bytes(30)
    body = b"\x0f" + block(0x79, status)
    body += b"".join(block(kind, values[kind]) for kind in (0x7A, 0x7C, 0x7D, 0x7B))
    body += block(0x76, bytes(264 - len(body) - 4))
    checks = b""
    for first in (0, 1):
        word = body[first::2] + bytes(231 - len(body[first::2]))
        # Of a codeword the parities have the lowest powers, and the data follow, so it is coded from its end.
        checks += parity(word[::-1], 24, 0x11D, 0, 1)[::-1]
    return HEADER + checks + body


def sent_bits(data: bytes) -> np.ndarray:
    white = (WHITE * (len(data) // len(WHITE) + 1))[: len(data)]
    return bits_of(bytes(a ^ b for a, b in zip(data, white, strict=True)), lsb_first=True)


def _measured(rng: np.random.Generator) -> dict[int, bytes]:
    return {0x7A: rng.bytes(42), 0x7C: rng.bytes(30), 0x7D: rng.bytes(89), 0x7B: rng.bytes(21)}


def _name(rng: np.random.Generator) -> str:
    return f"{'LMNPRSTUVW'[rng.integers(10)]}{rng.integers(1, 6)}{rng.integers(1, 54):02d}{rng.integers(10000):04d}"


def rs41(seconds: float, rng: np.random.Generator) -> Transmission:
    symbol_rate = 4800.0 * (1 + rng.normal(0, 2e-6))
    per_symbol = 5
    rate = symbol_rate * per_symbol
    deviation = 2400 * rng.uniform(0.85, 1.2)
    name, number, off = _name(rng), int(rng.integers(8000)), rng.random() < 0.6
    lead = np.arange(int(rng.uniform(0.03, 0.09) * symbol_rate)) & 1
    # A window holds a part of one second or a few whole ones.
    bursts, gaps = [], []
    for count in range(int(np.ceil(seconds)) + 1):
        bits = np.concatenate([lead, sent_bits(frame(number + count, name, _measured(rng)))])
        rest = int(symbol_rate) - len(bits)
        if not off:
            bits = np.concatenate([bits, np.arange(rest) & 1])
        tones = gaussian(held(2.0 * bits - 1, symbol_rate, rate), 0.5 * symbol_rate, rate) * deviation
        bursts.append(frequency_modulated(tones, rate, rng.random()))
        gaps.append(rest * per_symbol if off else 0)
    if off:
        bursts = [ramped(one, 2 * per_symbol) for one in bursts]
    else:
        bursts, gaps = [np.concatenate(bursts)], [0]
    samples = on_air(bursts, gaps, round(seconds * rate), rng)
    return transmission(samples, rate, 2 * deviation + 0.45 * symbol_rate, "rs41")
