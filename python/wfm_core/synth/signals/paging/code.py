# SPDX-License-Identifier: GPL-3.0-or-later
"""The code word that POCSAG and FLEX share, and what people and machines page."""

import numpy as np

from wfm_core.synth.signals.bits import remainder_code
from wfm_core.synth.signals.content import text
from wfm_core.synth.signals.keying import filtered, frequency_modulated, held, ramped

_GENERATOR = np.stack([remainder_code(row, 0b1101101001, 10, even=True) for row in np.eye(21, dtype=np.uint8)])
"""BCH (31, 21) and even parity (ITU-R M.584-2, annex 1): the code word of each bit of information."""


def code_word(info: np.ndarray) -> np.ndarray:
    """32 bits: 21 of information, ten of BCH and one of parity."""
    return (info @ _GENERATOR & 1).astype(np.uint8)


def page(rng: np.random.Generator) -> tuple[str, str]:
    """("tone" | "numeric" | "alpha", text)."""
    kind = str(rng.choice(["numeric", "alpha", "tone"], p=[0.3, 0.6, 0.1]))
    if kind == "numeric":
        return kind, "".join(rng.choice(list("0123456789-"), rng.integers(3, 16)))
    if kind == "alpha":
        words = text(int(rng.integers(1, 25)), rng)
        return (
            kind,
            words.upper() if rng.random() < 0.5 else f"{rng.integers(0, 24):02d}:{rng.integers(0, 60):02d} {words}",
        )
    return kind, ""


def modulated(
    symbols: np.ndarray, symbol_rate: float, sample_rate: float, deviation: float, cutoff: float, carrier: float
) -> np.ndarray:
    """FSK of symbols -1..1, low-passed at `cutoff` symbol rates; bare carrier of so many seconds before."""
    frequency = held(symbols, symbol_rate, sample_rate) * deviation
    tail = np.zeros(round(0.004 * sample_rate))
    frequency = np.concatenate([np.zeros(round(carrier * sample_rate)), frequency, tail])
    frequency = filtered(frequency, 0, cutoff * symbol_rate, sample_rate, 3)
    return ramped(frequency_modulated(frequency, sample_rate), round(0.002 * sample_rate))
