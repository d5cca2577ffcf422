# SPDX-License-Identifier: GPL-3.0-or-later
"""ACARS on VHF: AM of an MSK tone, 2400 bit/s at 1200 and 2400 Hz (ARINC 618, section 2; ARINC 620 for labels).

Bandwidth that holds 99 % of the power: 6 kHz; 129.125 to 136.975 MHz, in Europe mostly 131.525 and 131.725 MHz.
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, crc, number_bits
from wfm_core.synth.signals.content import DIGITS, LETTERS, text
from wfm_core.synth.signals.keying import amplitude_modulated, ramped
from wfm_core.synth.signals.placing import filled
from wfm_core.synth.signals.transmission import Transmission, transmission

SAMPLE_RATE = 19200.0
BIT_RATE = 2400.0
_LABELS = ("_d", "Q0", "H1", "5Z", "80", "SA", "B9", "10", "15", "16", "20", "44", "RA", "QA", "QB", "A1", "C1")
_CHARACTERS = list(LETTERS + DIGITS + " ./-,")


def with_parity(characters: bytes) -> bytes:
    """Odd parity in the eighth bit (ARINC 618, 2.2.2)."""
    return bytes(character & 127 | (128 if bin(character & 127).count("1") % 2 == 0 else 0) for character in characters)


def frame(mode: str, address: str, answer: str, label: str, block: str, content: str, last: bool = True) -> np.ndarray:
    """Bits from the bit synchronisation on: sync, SOH, block, check, DEL; the lowest bit of a character first."""
    body = f"{mode}{address:.>7}{answer}{label}{block}".encode("ascii")
    if content:
        body += b"\x02" + content.encode("ascii")
    body = with_parity(body + (b"\x03" if last else b"\x17"))
    # CRC-CCITT, reflected, from zero: low byte first.
    check = number_bits(crc(bits_of(body, lsb_first=True), 0x1021, 16), 16)
    start = bits_of(with_parity(b"+*\x16\x16\x01"), lsb_first=True)
    return np.concatenate([start, bits_of(body, lsb_first=True), check, bits_of(b"\x7f", lsb_first=True)])


def tone(bits: np.ndarray, prekey: int, sample_rate: float = SAMPLE_RATE, clock: float = 1.0) -> np.ndarray:
    """float64: `prekey` bits of ones, then the frame. 1200 Hz where a bit differs from the one before, else 2400 Hz."""
    line = np.concatenate([np.ones(prekey, np.uint8), bits])
    changed = np.concatenate([[0], line[1:] ^ line[:-1]])
    count = int(len(line) * sample_rate / (BIT_RATE * clock))
    place = np.minimum((np.arange(count) * (BIT_RATE * clock / sample_rate)).astype(np.int64), len(line) - 1)
    frequency = np.where(changed[place] == 1, 1200.0, 2400.0) * clock
    return np.sin(2 * np.pi * (np.cumsum(frequency) - frequency) / sample_rate)


def random_frame(rng: np.random.Generator) -> np.ndarray:
    """An aircraft's or a ground station's block: general responses, positions, weather, free text."""
    tail = "".join(rng.choice(list(LETTERS + DIGITS + "-"), rng.integers(5, 8)))
    down = rng.random() < 0.6
    answer = "\x15" if rng.random() < 0.7 else str(rng.choice(list(LETTERS)))
    label = str(rng.choice(_LABELS)).replace("_d", "_\x7f")
    block = str(rng.integers(10)) if down else str(rng.choice(list(LETTERS)))
    if label == "_\x7f" or label == "Q0":
        content = ""
    elif rng.random() < 0.5:
        content = text(int(rng.integers(1, 30)), rng).upper()
    else:
        content = "".join(rng.choice(_CHARACTERS, rng.integers(5, 200)))
    if down:
        flight = "".join(rng.choice(list(LETTERS), 2)) + f"{rng.integers(10000):04d}"
        content = f"{rng.choice(list('MMSDLH'))}{rng.integers(100):02d}{rng.choice(list(LETTERS))}{flight}" + content
    return frame(str(rng.choice(["2", "2", "2", "S", "X"])), tail, answer, label, block, content[:220])


def acars(seconds: float, rng: np.random.Generator) -> Transmission:
    """Blocks of several aircraft and a ground station that answers them, carriers before and after."""
    levels = 10 ** (-rng.exponential(6, 4) / 20)
    depths, clocks = rng.uniform(0.5, 0.95, 4), 1 + rng.normal(0, 15e-6, 4)
    carriers = rng.normal(0, 300, 4)

    def burst() -> np.ndarray:
        who = int(rng.integers(4))
        audio = tone(random_frame(rng), 8 * int(rng.integers(8, 29)), SAMPLE_RATE, clocks[who])
        if rng.random() < 0.3:  # a radio whose audio is not flat
            audio = audio + rng.uniform(-0.4, 0.4) * np.diff(audio, prepend=audio[0])
            audio = audio / np.abs(audio).max()
        lead, trail = (int(rng.uniform(0, most) * SAMPLE_RATE) for most in (0.03, 0.01))
        x = amplitude_modulated(np.concatenate([np.zeros(lead), audio, np.zeros(trail)]), depths[who])
        turn = carriers[who] / SAMPLE_RATE * np.arange(len(x)) + rng.random()
        return (ramped(x, 30) * np.exp(2j * np.pi * turn) * levels[who]).astype(np.complex64)

    idle = rng.choice([0.1, 0.5, 3.0])
    line = filled(round(seconds * SAMPLE_RATE), burst, lambda: (0.05 + rng.exponential(idle)) * SAMPLE_RATE, rng)
    return transmission(line, SAMPLE_RATE, 6e3, "acars")
