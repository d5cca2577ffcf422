# SPDX-License-Identifier: GPL-3.0-or-later
"""FM broadcasting (ITU-R BS.450) with RDS (IEC 62106): 200 kHz channels of 87.5 to 108 MHz."""

import numpy as np
from scipy import signal as dsp

from wfm_core.synth.signals.bits import crc, manchester, nrzi, number_bits
from wfm_core.synth.signals.content import programme, text
from wfm_core.synth.signals.keying import frequency_modulated
from wfm_core.synth.signals.transmission import Transmission, transmission

SAMPLE_RATE = 400e3
PILOT = 19e3
RDS_RATE = PILOT / 16
_POLYNOMIAL = 0b0110111001
_OFFSETS = {"A": 0x0FC, "B": 0x198, "C": 0x168, "D": 0x1B4}


def block(word: int, offset: str) -> np.ndarray:
    """26 bits: 16 of information and a checkword (IEC 62106, annex B)."""
    info = number_bits(word, 16)
    return np.concatenate([info, number_bits(crc(info, _POLYNOMIAL, 10) ^ _OFFSETS[offset], 10)])


def group(programme_id: int, kind: int, flags: int, third: int, fourth: int) -> np.ndarray:
    """104 bits of a group of version A; flags: the lowest five bits of block B."""
    words = (programme_id, kind << 12 | flags, third, fourth)
    return np.concatenate([block(word, offset) for word, offset in zip(words, "ABCD", strict=True)])


def clock_group(programme_id: int, flags: int, rng: np.random.Generator) -> np.ndarray:
    """4A: some date and time (IEC 62106, clause 3.1.5.6): modified Julian day, hour, minute, half hours from UTC."""
    day, hour, minute = int(rng.integers(57000, 62000)), int(rng.integers(24)), int(rng.integers(60))
    half_hours, behind = int(rng.integers(0, 24)), int(rng.integers(2))
    third = (day & 0x7FFF) << 1 | hour >> 4
    return group(programme_id, 4, flags | day >> 15, third, (hour & 15) << 12 | minute << 6 | behind << 5 | half_hours)


def rds_bits(count: int, name: str, radio_text: str, programme_id: int, rng: np.random.Generator) -> np.ndarray:
    """Groups 0A with the station's name (8 letters), 2A with the text (64), until there are `count` bits."""
    groups = []
    radio_text = radio_text[:64].ljust(64)
    kind = int(rng.integers(1, 31)) << 5
    number = 0
    clock = int(rng.integers(0, 340))  # of the minute's groups
    while len(groups) * 104 < count:
        if number == clock // 2:
            groups.append(clock_group(programme_id, kind, rng))
        place = number % 4
        letters = ord(name[2 * place]) << 8 | ord(name[2 * place + 1])
        groups.append(group(programme_id, 0, kind | 0x08 | place, 0xE0CD, letters))
        place = number % 16
        four = [ord(letter) for letter in radio_text[4 * place : 4 * place + 4]]
        groups.append(group(programme_id, 2, kind | place, four[0] << 8 | four[1], four[2] << 8 | four[3]))
        number += 1
    return np.concatenate(groups)


def rds(seconds: float, bits: np.ndarray, sample_rate: float, shift: float) -> np.ndarray:
    """float64: shaped biphase symbols on 57 kHz; differentially coded (IEC 62106, clause 4)."""
    halves = manchester(nrzi(bits, one_changes=True)).astype(float) * 2 - 1
    count = int(seconds * sample_rate)
    place = (np.arange(count) / sample_rate + shift) * 2 * RDS_RATE
    held = halves[np.minimum(place.astype(int), len(halves) - 1)]
    shaped = dsp.sosfiltfilt(dsp.butter(4, 2200, fs=sample_rate, output="sos"), held)
    return shaped * np.cos(2 * np.pi * 3 * PILOT * np.arange(count) / sample_rate)


def multiplex(seconds: float, kind: str, rng: np.random.Generator, bits: np.ndarray | None = None) -> np.ndarray:
    """float64 [seconds * SAMPLE_RATE], 1 for 75 kHz: "mono", "stereo" or "rds", which is stereo with `bits` of RDS."""
    count = int(seconds * SAMPLE_RATE)
    t = np.arange(count) / SAMPLE_RATE
    left = programme(seconds, SAMPLE_RATE, rng)[:count]
    right = left if kind == "mono" else 0.6 * left + 0.5 * programme(seconds, SAMPLE_RATE, rng)[:count]
    if rng.random() < 0.6:
        left, right = _processed(left, right, rng)
    emphasis = float(rng.choice([50e-6, 75e-6]))
    left, right = (_emphasised(side, emphasis, SAMPLE_RATE) for side in (left, right))
    # Programmes are loud or quiet; what is beside them is not.
    sound = rng.uniform(0.8, 2.2) * 0.45 / 1.6
    out = np.clip(sound * (left + right), -0.9, 0.9)
    if kind == "mono":
        return out
    out = out + np.clip(sound * (left - right), -0.9, 0.9) * np.sin(4 * np.pi * PILOT * t)
    out = np.clip(out, -0.9, 0.9) + rng.uniform(0.08, 0.1) * np.sin(2 * np.pi * PILOT * t)
    if kind == "rds":
        out = out + rng.uniform(0.03, 0.07) * rds(seconds, bits, SAMPLE_RATE, rng.random() * 0.08)
    return out


def fm_broadcast(seconds: float, rng: np.random.Generator) -> Transmission:
    """A station: stereo or mono, with RDS or not, processed or quiet."""
    padded = seconds + 0.02
    kind = str(rng.choice(["mono", "stereo", "rds"], p=[0.2, 0.2, 0.6]))
    name = text(3, rng).upper().replace(" ", "")[:8].ljust(8)
    bits = rds_bits(int(padded * RDS_RATE) + 200, name, text(9, rng), int(rng.integers(1, 65535)), rng)
    line = multiplex(padded, kind, rng, bits)
    if rng.random() < 0.1:
        line = line + _subsidiary(padded, rng)
    # transmitters are set to 75 kHz within some per cent, some overdo it
    sent = frequency_modulated(75e3 * rng.uniform(0.85, 1.15) * line, SAMPLE_RATE, rng.random())
    return transmission(sent[len(sent) - round(seconds * SAMPLE_RATE) :], SAMPLE_RATE, 180e3, kind)


def _subsidiary(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A second programme in FM on 67 or 92 kHz, as North America has them (47 CFR 73.319)."""
    sound = programme(seconds, SAMPLE_RATE, rng)[: int(seconds * SAMPLE_RATE)]
    return 0.1 * frequency_modulated(float(rng.choice([67e3, 92e3])) + 5e3 * sound, SAMPLE_RATE).real


def _processed(left: np.ndarray, right: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """As loud as stations make it: what is quiet for more than 20 to 200 ms is raised by up to 20 dB, peaks clipped."""
    pole = np.exp(-1 / (SAMPLE_RATE * rng.uniform(0.02, 0.2)))
    loudness = np.sqrt(dsp.filtfilt([1 - pole], [1, -pole], left**2 + right**2).clip(0))
    top = loudness.max() + 1e-9
    gain = rng.uniform(0.8, 1.4) / np.maximum(loudness, 0.1 * top)
    return np.tanh(left * gain), np.tanh(right * gain)


def _emphasised(x: np.ndarray, time_constant: float, rate: float) -> np.ndarray:
    """15 kHz of sound with the highs raised as receivers lower them, its peaks limited."""
    x = dsp.sosfilt(dsp.butter(5, 15e3, fs=rate, output="sos"), x)
    alpha = np.exp(-1 / (rate * time_constant))
    x = dsp.lfilter([1, -alpha], [1 - alpha], x) * 0.6
    return np.tanh(x)
