# SPDX-License-Identifier: GPL-3.0-or-later
"""NXDN (NXDN TS 1-A, version 1.3): conventional voice and control channels of 4800 and 9600 bit/s.

4FSK of 2400 symbols/s with 1050 Hz (4.3 kHz hold 99 %, 6.25 kHz channels) or of 4800 symbols/s with 2400 Hz (9.2 kHz,
12.5 kHz channels) of deviation, VHF and UHF business radio. Frames of 192 symbols: frame sync, link information,
slow and fast associated channels (CRC, convolutional code, punctured, interleaved), vocoder frames; scrambled.
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, crc, number_bits, random_bits
from wfm_core.synth.signals.transmission import Transmission
from wfm_core.synth.signals.voice.four_level import (
    hexadecimal,
    levels,
    modulated,
    over_seconds,
    overs,
    true_rate,
    vocoder,
)
from wfm_core.synth.signals.voice.pn9 import coded, interleaved, pn9

FRAME_SYNC = hexadecimal("CDF590")[:20]
PREAMBLE = hexadecimal("5775FD")
SILENCE = hexadecimal("B9E881526173002A6B")
_SCRAMBLE = pn9("001001110", 4, 182)
VOICE_CALL, RELEASE, IDLE = 0x01, 0x08, 0x10


def slow_channel(structure: int, access: int, data: np.ndarray) -> np.ndarray:
    """60 bits of SACCH: structure, radio access number and 18 bits of data."""
    info = np.concatenate([number_bits(structure, 2), number_bits(access, 6), data])
    info = np.concatenate([info, number_bits(crc(info, 0x27, 6, 0x3F), 6)])
    kept = np.delete(coded(info), np.arange(5, 72, 6))
    return interleaved(kept, 12)


def fast_channel(message: bytes) -> np.ndarray:
    """144 bits of FACCH1: ten bytes."""
    info = bits_of(message)
    info = np.concatenate([info, number_bits(crc(info, 0x80F, 12, 0xFFF), 12)])
    kept = np.delete(coded(info), np.arange(1, 192, 4))
    return interleaved(kept, 16)


def link_information(channel: int, function: int, option: int, outbound: int) -> np.ndarray:
    """16 bits of LICH."""
    bits = np.concatenate(
        [number_bits(channel, 2), number_bits(function, 2), number_bits(option, 2), number_bits(outbound, 1)]
    )
    bits = np.append(bits, np.uint8(int(bits[:4].sum()) & 1))
    return np.stack([bits, np.ones(8, np.uint8)], 1).ravel()


def frame(link: np.ndarray, slow: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """384 bits, scrambled: every symbol's sign behind the frame sync by a pseudo-random bit."""
    bits = np.concatenate([link, slow, rest])
    bits[::2] ^= _SCRAMBLE
    return np.concatenate([FRAME_SYNC, bits])


def call_message(kind: int, source: int, target: int) -> bytes:
    """Of a group call (TS 1-A 6.4.1): nine bytes of layer 3 and a spare one."""
    return bytes([kind, 0x00, 0x20]) + source.to_bytes(2, "big") + target.to_bytes(2, "big") + bytes(3)


def call(frames: int, access: int, outbound: int, rng: np.random.Generator, source: int, target: int) -> np.ndarray:
    """Bits of an over: preamble, header, voice frames with a superframe of four of slow channel, release."""
    message = call_message(VOICE_CALL, source, target)
    release = call_message(RELEASE, source, target)
    idle = slow_channel(0, access, np.concatenate([number_bits(IDLE, 8), np.zeros(10, np.uint8)]))
    control = link_information(1, 0, 0, outbound)
    parts = bits_of(message[:9]).reshape(4, 18)
    slow = [slow_channel(3 - turn, access, parts[turn]) for turn in range(4)]
    voice = link_information(1, 2, 3, outbound)
    speech = vocoder(4 * frames, 72, SILENCE, rng).reshape(frames, 288)
    pieces = [PREAMBLE, frame(control, idle, np.tile(fast_channel(message), 2))]
    pieces += [frame(voice, slow[turn % 4], speech[turn]) for turn in range(frames)]
    return np.concatenate([*pieces, frame(control, idle, np.tile(fast_channel(release), 2))])


def control_channel(frames: int, rng: np.random.Generator) -> np.ndarray:
    """Bits of a trunking site's control channel: frames of CAC, which are coded so that all words are likely."""
    link = link_information(0, 0, 0, 1)
    return np.concatenate([frame(link, random_bits(60, rng), random_bits(288, rng)) for _ in range(frames)])


def _nxdn(symbol_rate: float, full_deviation: float, bandwidth: float, seconds: float, rng) -> Transmission:
    deviation = full_deviation * rng.uniform(0.85, 1.15)
    edge, access = rng.uniform(0.5e-3, 4e-3), int(rng.integers(0, 64))
    frame_seconds = 192 / symbol_rate
    if rng.random() < 0.15:
        bits = [control_channel(int(seconds / frame_seconds) + 2, rng)]
    else:
        bits = []
        for _ in range(rng.integers(1, 3)):
            frames, outbound = int(over_seconds(seconds, rng) / frame_seconds) + 1, int(rng.integers(0, 2))
            bits.append(call(frames, access, outbound, rng, *rng.integers(1, 65520, 2).tolist()))
    bursts = [modulated(levels(b), symbol_rate, deviation, edge=edge) for b in bits]
    return overs(bursts, true_rate(symbol_rate, rng), bandwidth, "nxdn", seconds, rng)


def nxdn(seconds: float, rng: np.random.Generator) -> Transmission:
    """Of 4800 or 9600 bit/s."""
    if rng.random() < 0.6:
        return _nxdn(2400.0, 1050.0, 4.3e3, seconds, rng)
    return _nxdn(4800.0, 2400.0, 9.2e3, seconds, rng)
