# SPDX-License-Identifier: GPL-3.0-or-later
"""FLEX paging (Motorola; ARIB RCR STD-43A): 1600, 3200 and 6400 bit/s.

FSK of two levels (+-4.8 kHz) or four (+-1.6 too), 1600 or 3200 symbols/s: 12 to 15 kHz hold 99 % of the power, 25 kHz
channels of 138 to 174, 280 and 929 to 931 MHz. Frames of 1.875 s in a cycle of 128: sync 1 and frame information at
1600 bit/s, sync 2, then eleven blocks of eight interleaved code words for each phase: block information, addresses,
vectors, messages, idle words.
"""

import numpy as np

from wfm_core.synth.signals.bits import number_bits
from wfm_core.synth.signals.paging.code import code_word, modulated, page
from wfm_core.synth.signals.transmission import Transmission, on_air, transmission

SAMPLE_RATE = 38400.0
DEVIATION = 4800.0
MODES = {(1600, 2): 0x78F3, (1600, 4): 0x4F97, (3200, 2): 0x84E7, (3200, 4): 0x215F}
"""Of (symbols/s, levels): the first half of sync code A."""
BANDWIDTH = {(1600, 2): 13e3, (1600, 4): 11.5e3, (3200, 2): 15.5e3, (3200, 4): 13e3}
_IDLE = (0x1FFFFF, 0)
_DIGITS = "0123456789*U -]["


def checked(value: int) -> int:
    """21 bits whose lowest four make the sum of its groups of four bits 15 (modulo 16)."""
    total = sum(value >> shift & 0xF for shift in range(4, 21, 4))
    return value & ~0xF | (0xF - total) & 0xF


def word(value: int) -> np.ndarray:
    return code_word(number_bits(value, 21, lsb_first=True))


def alphanumeric(text: str) -> list[int]:
    """Message words: fragment header, then three letters a word, of which the first holds a signature."""
    letters = [ord(letter) for letter in text]
    signature = ~sum(letters) & 0x7F
    letters = [signature, *letters]
    letters += [3] * (-len(letters) % 3)
    header = 3 << 11
    words = [a | b << 7 | c << 14 for a, b, c in zip(letters[::3], letters[1::3], letters[2::3], strict=True)]
    total = sum((value & 0xFF) + (value >> 8 & 0xFF) + (value >> 16) for value in [header, *words])
    return [header | ~total & 0x3FF, *words]


def numeric(text: str) -> list[int]:
    """Message words: two bits of checksum, then digits of four bits."""
    bits = "00" + "".join(f"{_DIGITS.index(digit):04b}"[::-1] for digit in text)
    while len(bits) % 21:
        bits += "0011"[: 21 - len(bits) % 21]
    return [int(bits[place : place + 21][::-1], 2) for place in range(0, len(bits), 21)]


def phase_words(pages: list[tuple[int, str, str]]) -> list[int]:
    """The 88 words of a phase: as many pages (address, kind, text) as it has room for."""
    messages = {"alpha": alphanumeric, "numeric": numeric, "tone": lambda text: []}
    chosen: list[tuple[int, str, list[int]]] = []
    room = 87
    for address, kind, text in pages:
        body = messages[kind](text)
        if 2 + len(body) <= room and (kind != "numeric" or len(body) <= 8):
            chosen.append((address, kind, body))
            room -= 2 + len(body)
    vectors = 1 + len(chosen)
    place = vectors + len(chosen)
    addresses, second, bodies = [], [], []
    for address, kind, body in chosen:
        addresses.append(address + 0x8000)
        size = {"alpha": len(body), "numeric": max(len(body) - 1, 0), "tone": 0}[kind]
        code = {"alpha": 5, "numeric": 3, "tone": 2}[kind]
        second.append(checked(code << 4 | (place if body else 0) << 7 | size << 14))
        place += len(body)
        bodies += body
    words = [checked(vectors << 10), *addresses, *second, *bodies]
    return words + [_IDLE[n % 2] for n in range(88 - len(words))]


def frame(mode: tuple[int, int], cycle: int, number: int, phases: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Levels of the 144 symbols at 1600/s, and of those at the mode's rate (sync 2 and 1.76 s of data)."""
    rate, count = mode
    code = number_bits(MODES[mode] << 16 | 0x5939, 32)
    dotting = np.resize(np.array([1, 0], np.uint8), 32)
    information = word(checked(cycle << 4 | number << 8))
    head = np.concatenate([dotting, code, 1 - dotting[:16], 1 - code, information])
    dots = np.resize(np.array([1, 0], np.uint8), 4 if rate == 1600 else 24)
    second = np.concatenate([dots, number_bits(0xED84, 16)])
    second = np.concatenate([second, 1 - second])
    streams = [
        np.stack([word(value) for value in words]).reshape(11, 8, 32).transpose(0, 2, 1).ravel() for words in phases
    ]
    # Phases A (and B with four levels), and at 3200 symbols/s C (and D) in turn with them.
    pairs = [np.stack(streams[n : n + count // 2]) for n in range(0, len(streams), count // 2)]
    bits = np.stack(pairs, -1).reshape(count // 2, -1)
    data = 2.0 * bits[0] - 1
    if count == 4:
        data = data * np.where(bits[1], 1 / 3, 1)
    return 2.0 * head - 1, np.concatenate([2.0 * second - 1, data])


def phases_of(mode: tuple[int, int]) -> int:
    return mode[0] // 1600 * (mode[1] // 2)


def line_levels(mode: tuple[int, int], frames: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Levels at 3200 a second of frames one after another."""
    pieces = []
    for head, data in frames:
        pieces += [np.repeat(head, 2), np.repeat(data, 3200 // mode[0])]
    return np.concatenate(pieces)


def flex(seconds: float, rng: np.random.Generator) -> Transmission:
    """A few frames of a paging transmitter: full ones in towns, else nearly empty."""
    mode = list(MODES)[int(rng.integers(4))]
    deviation, cutoff = DEVIATION * rng.uniform(0.85, 1.1), rng.uniform(1.0, 2.5)
    number, cycle, busy = int(rng.integers(0, 128)), int(rng.integers(0, 15)), rng.random()
    bursts = []
    for _ in range(1 if seconds < 2 else 1 + int(rng.integers(0, 2))):
        frames = []
        for _ in range(rng.integers(1, 3 + int(seconds / 1.875))):
            phases = []
            for _ in range(phases_of(mode)):
                count = int(rng.integers(0, 12)) if rng.random() < busy else 0
                phases.append(phase_words([(int(rng.integers(1, 1933312)), *page(rng)) for _ in range(count)]))
            frames.append(frame(mode, cycle, number, phases))
            number = (number + 1) % 128
        levels = line_levels(mode, frames)
        bursts.append(modulated(levels, 3200, SAMPLE_RATE, deviation, cutoff * mode[0] / 3200, rng.uniform(0.002, 0.1)))
    gaps = [round(1.875 * rng.integers(1, 4) * SAMPLE_RATE) for _ in bursts]
    rate_error = 1 + rng.uniform(-20e-6, 20e-6)
    line = on_air(bursts, gaps, round(seconds * SAMPLE_RATE * rate_error), rng)
    return transmission(line, SAMPLE_RATE * rate_error, BANDWIDTH[mode], "flex")
