# SPDX-License-Identifier: GPL-3.0-or-later
"""POCSAG paging (ITU-R M.584-2, annex 1), 512, 1200 and 2400 bit/s.

FSK of 4.5 kHz deviation (the higher frequency is 0): 11 to 14 kHz hold 99 % of the power, 25 kHz channels of 26, 138 to
174, 439 (amateurs) and 466 MHz. At least 576 bits of preamble, then batches of a sync word and eight frames of two code
words: addresses, numeric and alphanumeric messages, idle words.
"""

import numpy as np

from wfm_core.synth.signals.bits import number_bits
from wfm_core.synth.signals.paging.code import code_word, modulated, page
from wfm_core.synth.signals.transmission import Transmission, on_air, transmission

SAMPLE_RATE = 38400.0
SYNC = number_bits(0x7CD215D8, 32)
IDLE = number_bits(0x7A89C197, 32)
_DIGITS = "0123456789*U -]["
BANDWIDTH = {512: 11e3, 1200: 12.5e3, 2400: 14.5e3}


def words_of(address: int, kind: str, text: str) -> list[np.ndarray]:
    """The code words of a page, address first."""
    function = {"numeric": 0, "tone": 1, "alpha": 3}[kind]
    head = np.concatenate([np.zeros(1, np.uint8), number_bits(address >> 3, 18), number_bits(function, 2)])
    if kind == "numeric":
        digits = text + " " * (-len(text) % 5)
        bits = [number_bits(_DIGITS.index(digit), 4, lsb_first=True) for digit in digits]
    else:
        bits = [number_bits(ord(letter) & 0x7F, 7, lsb_first=True) for letter in text]
    stream = np.concatenate([np.zeros(0, np.uint8), *bits])
    stream = np.append(stream, np.zeros(-len(stream) % 20, np.uint8))
    return [code_word(head)] + [code_word(np.append(np.uint8(1), part)) for part in stream.reshape(-1, 20)]


def batches(pages: list[tuple[int, str, str]]) -> np.ndarray:
    """Bits of all batches: each page begins in the frame that its address' last three bits name."""
    places: dict[int, np.ndarray] = {}
    place = 0
    for address, kind, text in pages:
        frame = 2 * (address & 7)
        place += (frame - place) % 16 if place % 16 not in (frame, frame + 1) else 0
        for word in words_of(address, kind, text):
            places[place] = word
            place += 1
    count = -(-(place + 1) // 16)
    pieces = []
    for batch in range(count):
        pieces += [SYNC, *(places.get(16 * batch + slot, IDLE) for slot in range(16))]
    return np.concatenate(pieces)


def message(pages: list[tuple[int, str, str]], preamble: int = 576) -> np.ndarray:
    return np.concatenate([np.resize(np.array([1, 0], np.uint8), preamble), batches(pages)])


def pocsag(seconds: float, rng: np.random.Generator) -> Transmission:
    """Transmissions of a paging transmitter: often one call, at times a long list of them."""
    rate = int(rng.choice([512, 1200, 1200, 1200, 2400]))
    deviation = 4500 * rng.uniform(0.85, 1.1) * (0.55 if rng.random() < 0.1 else 1)
    deviation *= -1 if rng.random() < 0.05 else 1  # some transmitters have inverted polarity
    cutoff, rate_error = rng.uniform(1.0, 4.0), 1 + rng.uniform(-20e-6, 20e-6)
    bursts = []
    for _ in range(rng.integers(1, 3)):
        count = 1 + int(rng.exponential(1.5)) if rng.random() < 0.8 else int(seconds * rate / 300) + 2
        pages = [(int(rng.integers(8, 1 << 21)), *page(rng)) for _ in range(min(count, 40))]
        bits = message(pages, int(rng.choice([576, 576, 640, 800, 1100])))
        carrier = rng.uniform(0.002, 0.3) if rng.random() < 0.5 else 0.002
        bursts.append(modulated(1 - 2.0 * bits, rate, SAMPLE_RATE, deviation, cutoff, carrier))
    gaps = [round(rng.uniform(0.3, 4) * SAMPLE_RATE) for _ in bursts]
    line = on_air(bursts, gaps, round(seconds * SAMPLE_RATE * rate_error), rng)
    return transmission(line, SAMPLE_RATE * rate_error, BANDWIDTH[rate], "pocsag")
