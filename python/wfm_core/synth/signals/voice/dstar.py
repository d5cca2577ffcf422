# SPDX-License-Identifier: GPL-3.0-or-later
"""D-STAR digital voice (JARL, Technical Requirements for Digital Voice/Data Systems, version 7).

GMSK of 4800 bit/s, BT 0.5, deviation 1200 Hz: 5.2 kHz hold 99 % of the power, in the 2 m and 70 cm amateur bands. Bit
synchronisation, frame synchronisation, a radio header (CRC, convolutional code, interleaved, scrambled), then 20 ms
frames of 72 vocoder and 24 data bits, of which every 21st holds the data synchronisation.
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, convolutional, crc_x25, shift_register
from wfm_core.synth.signals.content import call_sign, text
from wfm_core.synth.signals.keying import frequency_modulated, gaussian, held, ramped
from wfm_core.synth.signals.transmission import Transmission
from wfm_core.synth.signals.voice.four_level import over_seconds, overs, true_rate, vocoder

BIT_RATE = 4800.0
PER_BIT = 4
DEVIATION = 1200.0
BANDWIDTH = 5.2e3
FRAME_SYNC = np.array([1, 1, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0], np.uint8)
DATA_SYNC = np.array([1, 0] * 5 + [1, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0], np.uint8)
END = np.array([1, 0] * 16 + [0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 0], np.uint8)
SILENCE = bits_of(bytes.fromhex("9E8D3288261A3F61E8"), lsb_first=True)
_DATA_SCRAMBLE = bytes([0x70, 0x4F, 0x93])


def scrambler(count: int) -> np.ndarray:
    """Of x^7 + x^4 + 1, from all ones: 00001110 11110010 ..."""
    return np.resize(np.roll(shift_register((4, 7), 7, 127, 0x7F), -7), count)


def header(flags: int, repeater2: str, repeater1: str, your: str, my: str, suffix: str) -> np.ndarray:
    """The 660 bits of a radio header as sent."""
    data = bytes([flags, 0, 0]) + b"".join(
        name.ljust(size)[:size].encode()
        for name, size in ((repeater2, 8), (repeater1, 8), (your, 8), (my, 8), (suffix, 4))
    )
    bits = np.concatenate([bits_of(data + crc_x25(data), lsb_first=True), np.zeros(2, np.uint8)])
    coded = convolutional(bits, (0b111, 0b101), 2)
    # Written in rows of 24, of which the last four have one fewer of 28, and read in columns.
    order = np.concatenate([np.arange(column, 660, 24) for column in range(24)])
    return coded[order] ^ scrambler(660)


def _slow_data(frames: int, message: str, rng: np.random.Generator) -> np.ndarray:
    """Data bits [frames, 24] between synchronisations: a text of 20 letters in four parts, then filler."""
    parts = b"".join(bytes([0x40 + n]) + message.ljust(20)[5 * n : 5 * n + 5].encode() for n in range(4))
    filler = rng.random() < 0.7
    blocks = [parts[3 * n : 3 * n + 3] for n in range(8)]
    blocks += [b"\x66\x66\x66" if filler else rng.bytes(3) for _ in range(max(frames - 8, 0))]
    return np.stack(
        [bits_of(bytes(a ^ b for a, b in zip(block, _DATA_SCRAMBLE, strict=True)), True) for block in blocks[:frames]]
    )


def voice(frames: int, message: str, rng: np.random.Generator) -> np.ndarray:
    """Bits of so many frames."""
    data = np.zeros((frames, 24), np.uint8)
    is_sync = np.arange(frames) % 21 == 0
    data[is_sync] = DATA_SYNC
    if (~is_sync).any():
        data[~is_sync] = _slow_data(int((~is_sync).sum()), message, rng)
    return np.concatenate([vocoder(frames, 72, SILENCE, rng), data], 1).ravel()


def over(sync_bits: int, head: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """All bits from key down to key up."""
    return np.concatenate([np.resize(np.array([1, 0], np.uint8), sync_bits), FRAME_SYNC, head, frames, END])


def modulated(bits: np.ndarray, deviation: float, edge: float) -> np.ndarray:
    sample_rate = PER_BIT * BIT_RATE
    frequency = gaussian(held(2.0 * bits - 1, BIT_RATE, sample_rate) * deviation, 0.5 * BIT_RATE, sample_rate)
    lead = round(edge * sample_rate)
    return ramped(frequency_modulated(np.pad(frequency, lead, mode="edge"), sample_rate), lead)


def dstar(seconds: float, rng: np.random.Generator) -> Transmission:
    """Overs of stations and repeaters; ends of a repeater's own acknowledgement of a few frames."""
    deviation, edge = DEVIATION * rng.uniform(0.85, 1.15), rng.uniform(0.5e-3, 4e-3)
    repeater = call_sign(rng)
    bursts = []
    for _ in range(rng.integers(1, 3)):
        my = call_sign(rng)
        your = "CQCQCQ" if rng.random() < 0.7 else call_sign(rng)
        gateway, local = (repeater.ljust(7) + "G", repeater.ljust(7) + rng.choice(["A", "B", "C"]))
        through = rng.random() < 0.6
        head = header(
            0x40 if through else 0, gateway if through else "DIRECT", local if through else "DIRECT", your, my,
            str(rng.choice(["", "ID51", "5100", "705", "D74"])),
        )  # fmt: skip
        frames = int(over_seconds(seconds, rng) / 0.02) + 1
        bits = over(int(rng.integers(64, 400)), head, voice(frames, text(4, rng).upper()[:20], rng))
        bursts.append(modulated(bits, deviation, edge))
    return overs(bursts, true_rate(BIT_RATE, rng, PER_BIT), BANDWIDTH, "dstar", seconds, rng)
