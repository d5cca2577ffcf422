# SPDX-License-Identifier: GPL-3.0-or-later
"""Hellschreiber: letters sent as pictures (R. Hell, patent DE 540849, 1929), as amateurs use it.

Columns of 14 half pixels, from the bottom up, seven columns a letter, 2.5 letters a second: 245 half pixels a second,
none of them alone. Feld Hell keys a carrier with raised-cosine edges: 350 Hz hold 99 % of the power; FSK Hell shifts it
by half the rate (245 or 105 baud), black below white: 100 or 230 Hz. At 3.58, 7.04, 14.06 MHz.
"""

import numpy as np

from wfm_core.synth.signals.amateur import phrases
from wfm_core.synth.signals.content import text
from wfm_core.synth.signals.keying import frequency_modulated, held, ramped, smoothed
from wfm_core.synth.signals.transmission import Transmission, on_air, transmission

SAMPLE_RATE = 1960.0
HALF_PIXELS = 245.0
ROWS, COLUMNS = 7, 7
_DRAWN = (
    "A7E1111117E B7F49494936 C3E41414122 D7F4141221C E7F49494941 F7F09090901 G3E4149497A H7F0808087F I00417F4100 "
    "J2040413F01 K7F08142241 L7F40404040 M7F020C027F N7F0408107F O3E4141413E P7F09090906 Q3E4151215E R7F09192946 "
    "S4649494931 T01017F0101 U3F4040403F V1F2040201F W3F4038403F X6314081463 Y0708700807 Z6151494543 03E5149453E "
    "100427F4000 24261514946 32141454B31 41814127F10 52745454539 63C4A494930 70171090503 83649494936 9064949291E "
    ".0060600000 ,0050300000 ?0201510906 /2010080402 =1414141414 -0808080808 +08083E0808"
)
LETTERS = {word[0]: np.frombuffer(bytes.fromhex(word[1:]), np.uint8) for word in _DRAWN.split()}
"""Five columns each; the lowest bit is the top row."""


def pixels(said: str) -> np.ndarray:
    """uint8 [letters, 7 columns, 7 rows], rows from the bottom; what has no letter is a blank."""
    out = np.zeros((len(said), COLUMNS, ROWS), np.uint8)
    for place, letter in enumerate(said.upper()):
        if letter in LETTERS:
            out[place, 1:6] = np.unpackbits(LETTERS[letter][:, None], axis=1)[:, 1:]
    return out


def keying(said: str) -> np.ndarray:
    """Half pixels, 98 a letter: 1 is black."""
    return pixels(said).ravel().repeat(2)


def feld(seconds: float, rng: np.random.Generator) -> Transmission:
    """Nothing is sent where the paper stays white."""
    envelope = held(keying(_said(seconds, HALF_PIXELS, rng)), HALF_PIXELS, SAMPLE_RATE)
    wave = smoothed(envelope, rng.uniform(2e-3, 4.1e-3), SAMPLE_RATE)
    wave[wave < 1e-3] = 0.0
    return _sent(wave, 350.0, "feld-hell", seconds, rng)


def fsk(seconds: float, rng: np.random.Generator) -> Transmission:
    """Minimum shift keying, black is the lower tone."""
    rate = HALF_PIXELS if rng.random() < 0.6 else 105.0
    frequency = (0.5 - held(keying(_said(seconds, rate, rng)), rate, SAMPLE_RATE)) * (rate / 2)
    return _sent(ramped(frequency_modulated(frequency, SAMPLE_RATE), 20), 0.95 * rate, "fsk-hell", seconds, rng)


def _said(seconds: float, rate: float, rng: np.random.Generator) -> str:
    said = phrases.contact(rng)
    while rng.random() < 0.3 or len(said) < seconds * rate / 98:
        said += " " + text(int(rng.integers(3, 12)), rng)
    return said


def _sent(wave: np.ndarray, bandwidth: float, kind: str, seconds: float, rng: np.random.Generator) -> Transmission:
    rate = SAMPLE_RATE * (1 + rng.uniform(-1e-3, 1e-3))
    line = on_air([wave * np.exp(2j * np.pi * rng.random())], [0], round(seconds * rate), rng)
    return transmission(line, rate, bandwidth, kind)
