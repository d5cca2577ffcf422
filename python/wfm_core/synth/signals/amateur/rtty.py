# SPDX-License-Identifier: GPL-3.0-or-later
"""Radio teleprinter: Baudot (ITA 2), ASCII telemetry of balloons, and SITOR with its error-correcting codes.

FSK of 45.45 to 300 baud, shifts of 170 to 900 Hz; the mark is the upper frequency. Baudot: 5 bits and 1, 1.5 or 2 stop
bits (ITU-T S.1, S.3), shortwave amateurs 170 Hz, weather services 450, press and fleets 425 and 850. ASCII: 7 or 8
bits, 434 MHz. SITOR (ITU-R M.476, M.625): 100 baud, 170 Hz; mode B is NAVTEX at 518, 490 and 4209.5 kHz, mode A bursts
of 210 ms every 450 ms. The shift and twice the rate hold 99 % of the power.
"""

import numpy as np

from wfm_core.synth.signals.amateur import phrases
from wfm_core.synth.signals.bits import number_bits
from wfm_core.synth.signals.keying import frequency_modulated, gaussian, held, ramped
from wfm_core.synth.signals.transmission import Transmission, on_air, transmission

_LETTERS = "\0E\nA SIU\rDRJNFCKTZLWHYPQOBG\1MXV\2"
_FIGURES = "\x003\n- '87\r\x05" + "4\x07,!:(5+)2$6019?&\1./;\2"
_TO_FIGURES, _TO_LETTERS = 27, 31
_CCIR_476 = dict(
    zip(
        "JFCKWYPQGMXVASIUDREN ZLH\nOBT\r\2\1",
        bytes.fromhex("171B1D1E272B2D2E35393A3C474B4D4E535556595C6365696C717274785A36"),
        strict=True,
    )
)
_ALPHA, _REPETITION = 0x0F, 0x66


def baudot_codes(text: str) -> list[int]:
    """ITA 2 codes of a text, with shifts; what it does not have is left out."""
    codes, figures = [_TO_LETTERS], False
    for letter in text.upper():
        if letter in _LETTERS and (not figures or letter in " \r\n"):
            codes.append(_LETTERS.index(letter))
        elif letter in _LETTERS:
            codes += [_TO_LETTERS, _LETTERS.index(letter)]
            figures = False
        elif letter in _FIGURES:
            codes += [_TO_FIGURES] * (not figures) + [_FIGURES.index(letter)]
            figures = True
        if letter == " ":
            figures = False
    return codes


def framed(codes, bits: int, stop_halves: int, pauses=None) -> np.ndarray:
    """Half bits: start (0), code from its lowest bit, stop; `pauses`: half bits of mark behind each."""
    pieces = []
    for place, code in enumerate(codes):
        character = np.concatenate([[0], number_bits(int(code), bits, lsb_first=True)])
        more = 0 if pauses is None else int(pauses[place])
        pieces += [np.repeat(character, 2), np.ones(stop_halves + more)]
    return np.concatenate(pieces).astype(np.uint8)


def modulated(halves: np.ndarray, baud: float, shift: float, sample_rate: float, softness: float | None) -> np.ndarray:
    """FSK about 0 Hz of half bits; softness: bandwidth of a Gaussian filter in bauds, None hard."""
    frequency = held(2.0 * halves - 1, 2 * baud, sample_rate) * (shift / 2)
    if softness is not None:
        frequency = gaussian(frequency, softness * baud, sample_rate)
    return ramped(frequency_modulated(frequency, sample_rate), round(0.004 * sample_rate))


def rate_for(shift: float, baud: float) -> float:
    return 1000.0 if shift + 3 * baud < 600 else 4000.0


def _pauses(count: int, rng: np.random.Generator) -> np.ndarray | None:
    """Half bits between the characters of someone who types."""
    if rng.random() < 0.6:
        return None
    return (rng.random(count) < 0.5) * rng.integers(0, 30, count)


def baudot(seconds: float, rng: np.random.Generator) -> Transmission:
    """Contacts with pauses of mark or idle characters, and services that never stop."""
    baud = float(rng.choice([45.45, 45.45, 50, 75]))
    shift = float(rng.choice([170, 170, 425, 450, 850])) * rng.uniform(0.95, 1.05)
    sense = -1 if rng.random() < 0.15 else 1
    stop = int(rng.choice([2, 3, 3, 4]))
    endless = shift > 300
    bursts = []
    for _ in range(rng.integers(1, 3)):
        said = phrases.bulletin(rng) if endless else "\r\n" + phrases.contact(rng) + " \r\n"
        codes = baudot_codes(said)
        if rng.random() < 0.5:  # idle characters while nothing is typed
            for place in sorted(rng.integers(0, len(codes), rng.integers(0, 4)))[::-1]:
                codes[place:place] = [_TO_LETTERS] * int(rng.integers(1, 8))
        mark = np.ones(int(rng.integers(2, 4 * baud)), np.uint8)
        halves = np.concatenate([mark, framed(codes, 5, stop, _pauses(len(codes), rng)), mark])
        bursts.append(halves)
    return _sent(bursts, baud, sense * shift, "baudot", 0 if endless else 3, seconds, rng)


def ascii_bits(text: str, bits: int, stop_halves: int) -> np.ndarray:
    return framed(text.encode(), bits, stop_halves)


def ascii_telemetry(seconds: float, rng: np.random.Generator) -> Transmission:
    """A balloon: strings with pauses of mark, or with the transmitter off between them."""
    baud, bits = float(rng.choice([50, 50, 75, 100, 300, 300])), int(rng.integers(7, 9))
    shift, stop = rng.uniform(300, 950), int(rng.choice([2, 4, 4]))
    off = rng.random() < 0.3
    bursts = []
    for _ in range(3 if baud > 100 else 1):
        mark = np.ones(int(2 * baud * rng.uniform(0.1, 1.5)), np.uint8)
        bursts.append(
            np.concatenate([mark, ascii_bits(phrases.balloon(rng), bits, stop), mark[: int(rng.integers(8))]])
        )
    return _sent(bursts, baud, shift, "ascii", 2 if off else 0, seconds, rng)


def sitor_codes(text: str) -> list[int]:
    """Seven-bit codes of which four are 1; figures are left out but for the shift."""
    return [_CCIR_476["\2"], *(_CCIR_476[letter] for letter in text.upper() if letter in _CCIR_476)]


def mode_b(text: str, phasing: int) -> np.ndarray:
    """Bits of a broadcast: so many pairs of phasing, and each character twice, four others between."""
    codes = sitor_codes(text)
    direct = [_REPETITION] * phasing + codes + [_ALPHA] * 4
    repeated = [_ALPHA] * (phasing + 2) + codes + [_ALPHA] * 2
    pairs = np.array([direct, repeated]).T.ravel()
    return np.concatenate([number_bits(int(code), 7, lsb_first=True) for code in pairs])


def navtex(seconds: float, rng: np.random.Generator) -> Transmission:
    """Coastal warnings: phasing, then text, and phasing between messages."""
    bits = [mode_b(phrases.bulletin(rng), int(rng.integers(10, 36))) for _ in range(2)]
    return _sent([np.repeat(b, 2) for b in bits], 100.0, 170 * rng.uniform(0.97, 1.03), "navtex", 0, seconds, rng)


def sitor_a(seconds: float, rng: np.random.Generator) -> Transmission:
    """One side of a link: three characters every 450 ms; or the other side's single one, too."""
    codes = sitor_codes(phrases.bulletin(rng))
    bursts = []
    for place in range(0, len(codes) - 2, 3):
        bits = np.concatenate([number_bits(code, 7, lsb_first=True) for code in codes[place : place + 3]])
        bursts.append(np.repeat(bits, 2))
    return _sent(bursts, 100.0, 170 * rng.uniform(0.97, 1.03), "sitor-a", 0.24, seconds, rng, exact=True)


def _sent(bursts, baud, shift, kind, pause, seconds, rng, exact=False) -> Transmission:
    sample_rate = rate_for(abs(shift), baud)
    softness = rng.choice([None, rng.uniform(0.8, 3)])
    if pause == 0:
        halves, most = np.concatenate(bursts), int((seconds + 1) * 2 * baud)
        start = int(rng.integers(0, max(len(halves) - most, 0) + 1))
        waves, gaps = [modulated(halves[start : start + most], baud, shift, sample_rate, softness)], [0]
    else:
        waves = [modulated(halves, baud, shift, sample_rate, softness) for halves in bursts]
        gaps = [round((pause if exact else rng.uniform(0.2, 1) * pause) * sample_rate) for _ in waves]
    rate = sample_rate * (1 + rng.uniform(-20e-6, 20e-6))
    line = on_air(waves, gaps, round(seconds * rate), rng)
    return transmission(line, rate, abs(shift) + 2 * baud, kind)
