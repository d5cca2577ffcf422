# SPDX-License-Identifier: GPL-3.0-or-later
"""Radiosondes in Manchester FSK: Graw DFM (2500 half bits/s), Meteomodem M10 and M20 (9600, biphase), MRZ-N1 (2400).

400 to 406 MHz; DFM: deviation 2 to 3 kHz, on all the time, bandwidth 7 kHz. M10: 4 to 5 kHz, a frame of 101 bytes
(M20: 70) a second with the carrier off or unmodulated between, 22 kHz. As analysed by the project RS (rs1729,
demod/mod/{dfm09mod,m10mod,mXXmod,mp3h1mod}.c).
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, crc, manchester, number_bits, random_bits
from wfm_core.synth.signals.keying import frequency_modulated, gaussian, held, ramped
from wfm_core.synth.signals.telemetry.checks import fields
from wfm_core.synth.signals.telemetry.keyer import occupied
from wfm_core.synth.signals.telemetry.phase_sensors import differential
from wfm_core.synth.signals.transmission import Transmission, on_air, part, transmission


def hamming(nibble: np.ndarray) -> np.ndarray:
    """Four bits and four parities, each of three of them."""
    d = nibble.astype(int)
    parities = [d[1] ^ d[2] ^ d[3], d[0] ^ d[2] ^ d[3], d[0] ^ d[1] ^ d[3], d[0] ^ d[1] ^ d[2]]
    return np.array([*d, *parities], np.uint8)


def interleaved(nibbles: np.ndarray) -> np.ndarray:
    """Hamming codes of [count, 4] nibbles: all first bits, all second bits, ..."""
    return np.stack([hamming(nibble) for nibble in nibbles], 1).ravel()


def dfm_frame(conf: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """280 bits: sync 0x45CF, 28 of configuration, twice 52 of data (nibble 13 tells which: 0 to 8)."""
    parts = [interleaved(bits.reshape(-1, 4)) for bits in (conf, first, second)]
    return np.concatenate([fields((0x45CF, 16)), *parts])


def _fsk(half_bits: np.ndarray, rate: float, chip_rate: float, deviation: float, rng) -> np.ndarray:
    tones = held(2.0 * half_bits - 1, chip_rate, rate)
    tones = gaussian(tones, rng.uniform(0.5, 1.5) * chip_rate, rate) * deviation
    return frequency_modulated(tones, rate, rng.random())


def dfm(seconds: float, rng: np.random.Generator) -> Transmission:
    """Four and a half frames a second, in which nine packets go round."""
    chip_rate = 2500.0 * (1 + rng.normal(0, 1e-5))
    rate = 8 * chip_rate
    frames, kind = [], int(rng.integers(9))
    for count in range(int(seconds / 0.224) + 2):
        conf = np.concatenate([number_bits(count % 16, 4), random_bits(24, rng)])
        data = [
            np.concatenate([random_bits(48, rng), number_bits((kind + 2 * count + half) % 9, 4)]) for half in (0, 1)
        ]
        frames.append(dfm_frame(conf, *data))
    line = manchester(np.concatenate(frames), one=(0, 1) if rng.random() < 0.5 else (1, 0))
    signal = _fsk(line, rate, chip_rate, 2400 * rng.uniform(0.8, 1.5), rng)
    samples = part(signal, round(seconds * rate), rng)
    return transmission(samples, rate, occupied(samples, rate), "dfm")


def m10_check(data: bytes) -> int:
    """The check of Meteomodem's frames, byte by byte."""
    check = 0
    for byte in data:
        high = check & 0xFF
        turned = (byte >> 1 | byte << 7) & 0xFF
        turned ^= turned >> 2
        sixth = (check ^ check >> 2 ^ check >> 4) & 1
        seventh = (check >> 1 ^ check >> 3 ^ check >> 5) & 1
        low = check >> 7 & 0xFF
        low ^= low >> 2
        check = high << 8 | (turned ^ (check & 0x3F | sixth << 6 | seventh << 7) ^ low) & 0xFF
    return check


def m10_frame(kind: bytes, body: bytes) -> bytes:
    data = bytes([len(kind) + len(body) + 2]) + kind + body
    return data + m10_check(data).to_bytes(2, "big")


_M10_SYNC = np.array([int(bit) for bit in "10011001100110010100110010011001"], np.uint8)


def m10_chips(data: bytes) -> np.ndarray:
    """Sync and biphase mark code of a frame, whose first half bit is the last one of the sync."""
    return np.concatenate([_M10_SYNC, differential(bits_of(data), zero_changes=False)[1:]])


def _meteomodem(kind: str, marks: bytes, length: int, nominal_rate: float):
    def generate(seconds: float, rng: np.random.Generator) -> Transmission:
        chip_rate = nominal_rate * (1 + rng.normal(0, 1e-4))
        rate = 4 * chip_rate
        deviation = rng.uniform(3800, 5500)
        off = rng.random() < 0.5
        bursts, gaps = [], []
        for _ in range(int(np.ceil(seconds)) + 1):
            lead = np.resize([1, 0, 0, 1], int(rng.uniform(10, 40)) * 4)
            chips = np.concatenate([lead, m10_chips(m10_frame(marks, rng.bytes(length))), np.resize([1, 0], 16)])
            rest = int(chip_rate) - len(chips)
            if not off:
                chips = np.concatenate([chips, np.full(rest, 1)])
            one = _fsk(chips, rate, chip_rate, deviation, rng)
            bursts.append(ramped(one, 16) if off else one)
            gaps.append(4 * rest if off else 0)
        samples = on_air(bursts, gaps, round(seconds * rate), rng)
        return transmission(samples, rate, occupied(samples, rate), kind)

    generate.__name__ = kind
    return generate


m10 = _meteomodem("m10", b"\x9f\x20", 96, 9615.0)
m20 = _meteomodem("m20", b"\x20", 66, 9600.0)


def mrz_frame(body: bytes) -> bytes:
    """Mark 0xBF35, 45 bytes, and their CRC of 0x8005, low byte first, whose bits are reflected."""
    check = number_bits(crc(bits_of(body, lsb_first=True), 0x8005, 16, start=0xFFFF), 16)
    return b"\xbf\x35" + body + np.packbits(check, bitorder="little").tobytes()


def mrz(seconds: float, rng: np.random.Generator) -> Transmission:
    """MP3-H1: each frame six times, between bytes of 0xAA, zeros after the last."""
    chip_rate = 2399.0 * (1 + rng.normal(0, 2e-5))
    rate = 8 * chip_rate
    data = [b"\xaa\xaa"]
    # A frame lasts 0.34 s and more.
    for _ in range(int(seconds / 2.0) + 2):
        frame = b"\xaa" + mrz_frame(rng.bytes(45))
        data += [frame + b"\xaa\xaa"] * 5 + [frame + bytes(2)]
    line = manchester(bits_of(b"".join(data)))
    signal = _fsk(line, rate, chip_rate, 2400 * rng.uniform(0.8, 1.3), rng)
    samples = part(signal, round(seconds * rate), rng)
    return transmission(samples, rate, occupied(samples, rate), "mrz")
