# SPDX-License-Identifier: GPL-3.0-or-later
"""Morse code (ITU-R M.1677-1): carriers keyed by hand, bug and machine, and tones keyed in AM and FM.

8 to 40 words a minute (a dot lasts 1.2 s / words a minute). 99 % of the power of a keyed carrier lies within some 4 to
12 Hz for each word a minute, more with hard edges and chirp; amateur bands at 1.8 to 28 MHz, 50 and 144 MHz. Tones:
beacons of navigation (400 or 1020 Hz in AM, 190 to 535 kHz) and repeaters (600 to 1200 Hz in FM).
"""

import numpy as np

from wfm_core.synth.signals.amateur import phrases
from wfm_core.synth.signals.content import LETTERS, call_sign
from wfm_core.synth.signals.keying import amplitude_modulated, frequency_modulated, ramped, smoothed
from wfm_core.synth.signals.transmission import Transmission, part, transmission

SAMPLE_RATE = 1000.0
TONE_RATE = 4000.0
FM_RATE = 24e3
_ELEMENTS = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.. "
    "----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----. .-.-.- --..-- ..--.. -..-. -...- .-.-. -....- "
    "---... -.--. -.--.- .----. .--.-."
)
CODE = dict(zip(LETTERS + "0123456789.,?/=+-:()'@", _ELEMENTS.split(" "), strict=True))


def elements(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Of each dot or dash: dots it lasts, and dots of silence behind it (1, 3 or 7)."""
    on, off = [], []
    for word in text.upper().split():
        for letter in word:
            if letter not in CODE:
                continue
            on += [1 if element == "." else 3 for element in CODE[letter]]
            off += [1] * (len(CODE[letter]) - 1) + [3]
        if off:
            off[-1] = 7
    return np.array(on, np.float64), np.array(off, np.float64)


def keyed(on: np.ndarray, off: np.ndarray, dot: float, sample_rate: float) -> np.ndarray:
    """0 and 1 at each sample; on, off in dots of `dot` seconds."""
    edges = np.round(np.cumsum(np.stack([on, off], 1).ravel()) * dot * sample_rate).astype(int)
    lengths = np.diff(edges, prepend=0)
    return np.repeat(np.resize([1.0, 0.0], len(lengths)), lengths)


def by_hand(on: np.ndarray, off: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """As somebody's hand makes them: their own ratio and weight, longer pauses, and unevenness."""
    dash, weight, uneven = rng.uniform(2.5, 4.2), rng.uniform(0.85, 1.2), rng.uniform(0.03, 0.16)
    bug = rng.random() < 0.3  # makes the dots by itself
    spread = np.where(on == 1, 0.02 if bug else uneven, uneven)
    on = np.where(on == 1, weight, dash * weight) * np.exp(spread * rng.standard_normal(len(on)))
    off = np.where(off == 1, 2 - weight, off * rng.uniform(0.8, 1.5)) * np.exp(uneven * rng.standard_normal(len(off)))
    return on, np.maximum(off, 0.3)


def _text(rng: np.random.Generator) -> str:
    kind = rng.choice(3, p=[0.65, 0.2, 0.15])
    return (phrases.contact, phrases.beacon, phrases.groups)[kind](rng)


def _keying(seconds: float, sample_rate: float, speed: float, said, rng: np.random.Generator) -> np.ndarray:
    """0 and 1 for longer than `seconds`: texts with pauses."""
    dot, hand = 1.2 / speed, rng.random() < 0.6
    stretched = rng.uniform(1.2, 2.5) if rng.random() < 0.2 else 1.0  # slow words of quick letters
    pieces, length = [], 0
    while length < (seconds + 1) * sample_rate:
        on, off = elements(said(rng))
        off = np.where(off > 1, off * stretched, off)
        if hand:
            on, off = by_hand(on, off, rng)
        pieces.append(keyed(on, off, dot, sample_rate))
        pieces.append(np.zeros(round(rng.choice([0.5, 1.5, 4.0]) * rng.random() * sample_rate)))
        length += len(pieces[-2]) + len(pieces[-1])
    return np.concatenate(pieces)


def cw(seconds: float, rng: np.random.Generator) -> Transmission:
    """A carrier switched on and off: soft or hard edges, chirp of each element, drift, and hum of a poor supply."""
    speed, count = float(np.exp(rng.uniform(np.log(8), np.log(40)))), round(seconds * SAMPLE_RATE)
    key = part(_keying(seconds, SAMPLE_RATE, speed, _text, rng), count, rng)
    hard = rng.random() < 0.25
    envelope = smoothed(key, rng.uniform(0.001, 0.002) if hard else rng.uniform(0.003, 0.012), SAMPLE_RATE)
    envelope = np.where(envelope < 1e-4, 0.0, envelope)
    drift = rng.uniform(-3, 3) * np.arange(len(envelope)) / SAMPLE_RATE if rng.random() < 0.3 else 0.0
    chirp = 0.0
    if rng.random() < 0.15:
        begins = np.maximum.accumulate(np.where(np.diff(key, prepend=0) > 0, np.arange(len(key)), 0))
        chirp = rng.uniform(-40, 40) * np.exp(-(np.arange(len(key)) - begins) / SAMPLE_RATE / rng.uniform(0.01, 0.05))
    samples = envelope * frequency_modulated(np.zeros(len(key)) + drift + chirp, SAMPLE_RATE, rng.random())
    if rng.random() < 0.05:
        samples = samples * (1 + rng.uniform(0.05, 0.2) * np.sin(2 * np.pi * 100 * np.arange(len(key)) / SAMPLE_RATE))
    chirped = np.ptp(chirp) > 0 if np.ndim(chirp) else False
    bandwidth = (9.0 if hard else 6.0) * speed * (1.5 if chirped else 1)
    return transmission(samples, SAMPLE_RATE, min(max(bandwidth, 80.0), 600.0), "cw")


def _identity(rng: np.random.Generator) -> str:
    return "".join(rng.choice(list(LETTERS), rng.integers(2, 4)))


def mcw_am(seconds: float, rng: np.random.Generator) -> Transmission:
    """A navigation beacon: carrier always on, its identity by tone every few seconds."""
    said = _identity(rng)
    key = part(_keying(seconds, TONE_RATE, rng.uniform(6, 9), lambda _: said, rng), round(seconds * TONE_RATE), rng)
    tone = float(rng.choice([400, 1020])) * rng.uniform(0.97, 1.03)
    envelope = smoothed(key, 0.005, TONE_RATE)
    audio = envelope * np.sin(2 * np.pi * tone * np.arange(len(key)) / TONE_RATE + rng.uniform(0, 6))
    samples = amplitude_modulated(audio, rng.uniform(0.6, 0.98)) * np.exp(2j * np.pi * rng.random())
    return transmission(samples, TONE_RATE, 2 * tone + 100, "mcw-am")


def mcw_fm(seconds: float, rng: np.random.Generator) -> Transmission:
    """A repeater or beacon that says its call sign by tone in FM, with a carrier before and after."""
    on, off = elements(f"{call_sign(rng)}{rng.choice(['', '/R', '/B'])}")
    key = keyed(on, off, 1.2 / rng.uniform(10, 25), FM_RATE)
    key = np.pad(key, (round(rng.uniform(0.05, 0.6) * FM_RATE), round(rng.uniform(0.02, 0.5) * FM_RATE)))
    tone, deviation = rng.uniform(500, 1500), rng.uniform(0.8, 4.0) * 1e3
    audio = smoothed(key, 0.004, FM_RATE) * np.sin(2 * np.pi * tone * np.arange(len(key)) / FM_RATE)
    samples = ramped(frequency_modulated(audio * deviation, FM_RATE, rng.random()), 100)
    count = round(seconds * FM_RATE)
    samples = part(samples, count, rng)
    if len(samples) < count:
        before = int(rng.integers(0, count - len(samples) + 1))
        samples = np.pad(samples, (before, count - len(samples) - before))
    return transmission(samples, FM_RATE, 2 * (deviation + tone), "mcw-fm")
