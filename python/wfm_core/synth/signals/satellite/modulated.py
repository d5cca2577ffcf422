# SPDX-License-Identifier: GPL-3.0-or-later
"""Downlinks of small satellites in BPSK, GFSK and AFSK, in bursts or all the time, with Doppler.

145.8 and 435 to 438 MHz, also 400 and 2200 MHz: BPSK 1200 to 9600 Bd (bandwidth 1.6 to 13 kHz), FSK and GMSK 1200 to
38400 Bd (1.5 to 60 kHz), AFSK 1200 in FM (15 kHz). Framing: satellite/coding.py.
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, nrzi, random_bits
from wfm_core.synth.signals.keying import frequency_modulated, gaussian, linear, ramped
from wfm_core.synth.signals.satellite.coding import ax25_beacon, ax100, ccsds_frame, hdlc, telemetry
from wfm_core.synth.signals.telemetry.keyer import occupied
from wfm_core.synth.signals.transmission import Transmission, on_air, transmission


def doppler(samples: np.ndarray, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """A residual drift of up to 120 Hz a second, around 0 Hz."""
    t = (np.arange(len(samples)) - len(samples) / 2) / sample_rate
    return samples * np.exp(1j * np.pi * np.clip(rng.normal(0, 40), -120, 120) * t**2)


def bpsk(bits: np.ndarray, per_symbol: int, rolloff: float) -> np.ndarray:
    return linear(2.0 * bits - 1, 1.0, per_symbol, rolloff).astype(np.complex128)


def gfsk(bits: np.ndarray, per_symbol: int, index: float, bandwidth_time: float) -> np.ndarray:
    """Modulation index = twice the deviation over the symbol rate."""
    tones = np.repeat(2.0 * bits - 1, per_symbol)
    if bandwidth_time < 3:
        tones = gaussian(tones, bandwidth_time, per_symbol)
    return frequency_modulated(tones * index / 2, per_symbol)


def afsk(bits: np.ndarray, sample_rate: float, symbol_rate: float, deviation: float) -> np.ndarray:
    """Bell 202 (1200 Hz for a one, 2200 Hz for a zero) in FM."""
    tone = np.where(np.repeat(bits, round(sample_rate / symbol_rate)), 1200.0, 2200.0)
    audio = np.sin(2 * np.pi * np.cumsum(tone) / sample_rate)
    return frequency_modulated(audio * deviation, sample_rate)


def _sent(seconds, rate, line, kind, rng, continuous: bool) -> Transmission:
    """`line(rng)` gives one burst after another."""
    bursts, gaps, total = [], [], 0.0
    while total < seconds or not bursts:
        bursts.append(line(rng))
        gaps.append(0 if continuous else int(rng.uniform(0.02, 1.5) * rate))
        total += (len(bursts[-1]) + gaps[-1]) / rate
    if not continuous:
        gaps[-1] = 0
    samples = doppler(on_air(bursts, gaps, round(seconds * rate), rng), rate, rng)
    return transmission(samples, rate, occupied(samples, rate), kind)


def _bpsk_kind(kind: str, rates, frame):
    def generate(seconds: float, rng: np.random.Generator) -> Transmission:
        symbol_rate, per_symbol = float(rng.choice(rates)), 4
        rolloff = float(rng.choice([0.2, 0.35, 0.5, 1.0]))
        continuous = rng.random() < 0.5
        many = int(np.ceil(seconds * symbol_rate / 1500)) + 1 if continuous else 1

        def line(rng):
            bits = np.concatenate([frame(rng) for _ in range(many)])
            return ramped(bpsk(bits, per_symbol, rolloff), 4 * per_symbol)

        return _sent(seconds, symbol_rate * per_symbol, line, kind, rng, continuous)

    generate.__name__ = kind.replace("-", "_")
    return generate


def _gfsk_kind(kind: str, rates, frame):
    def generate(seconds: float, rng: np.random.Generator) -> Transmission:
        symbol_rate, per_symbol = float(rng.choice(rates)), 5
        index = float(rng.choice([0.5, 0.5, 0.66, 0.8, 1.0]))
        shape = float(rng.choice([0.5, 0.5, 1.0, 3.0]))

        def line(rng):
            return ramped(gfsk(frame(rng), per_symbol, index, shape), 3 * per_symbol)

        return _sent(seconds, symbol_rate * per_symbol, line, kind, rng, False)

    generate.__name__ = kind.replace("-", "_")
    return generate


def _flags(rng) -> tuple[int, int]:
    return int(rng.integers(8, 60)), int(rng.integers(2, 10))


def _ax25(g3ruh: bool):
    return lambda rng: hdlc(ax25_beacon(rng), *_flags(rng), g3ruh)


def _differential_ccsds(rng) -> np.ndarray:
    """Differential before the modulator: a zero turns the phase, as gr-satellites has it of those it lists."""
    return nrzi(ccsds_frame(rng.bytes(223), True))


def _mobitex_like(rng) -> np.ndarray:
    """Preamble, sync 0x5765, call sign and blocks of 30 bytes of 12-bit code words."""
    blocks = random_bits(240 * int(rng.integers(1, 10)), rng)
    return np.concatenate([bits_of(b"\xaa" * 12 + b"\x57\x65"), random_bits(96, rng), blocks])


def afsk_beacon(seconds: float, rng: np.random.Generator) -> Transmission:
    rate, deviation = 36000.0, rng.uniform(2500, 4000)

    def line(rng):
        return ramped(afsk(hdlc(ax25_beacon(rng), *_flags(rng), False), rate, 1200.0, deviation), 60)

    return _sent(seconds, rate, line, "afsk-ax25", rng, False)


KINDS = {
    "bpsk-ax25": _bpsk_kind("bpsk-ax25", [1200.0, 2400.0], _ax25(False)),
    "bpsk-g3ruh": _bpsk_kind("bpsk-g3ruh", [1200.0, 2400.0, 4800.0, 9600.0], _ax25(True)),
    "bpsk-ccsds": _bpsk_kind("bpsk-ccsds", [1200.0, 4800.0, 9600.0], lambda rng: ccsds_frame(rng.bytes(223), True)),
    "dbpsk-ccsds": _bpsk_kind("dbpsk-ccsds", [1200.0, 9600.0], _differential_ccsds),
    "fsk-g3ruh": _gfsk_kind("fsk-g3ruh", [1200.0, 2400.0, 4800.0, 9600.0, 19200.0], _ax25(True)),
    "fsk-ax100": _gfsk_kind("fsk-ax100", [2400.0, 4800.0, 9600.0, 19200.0, 38400.0],
                            lambda rng: ax100(telemetry(rng), int(rng.integers(8, 60)))),
    "fsk-ccsds": _gfsk_kind("fsk-ccsds", [9600.0, 19200.0, 38400.0], lambda rng: np.concatenate(
        [bits_of(b"\xaa" * 16), ccsds_frame(rng.bytes(223), False)])),
    "fsk-mobitex": _gfsk_kind("fsk-mobitex", [4800.0, 9600.0], _mobitex_like),
    "afsk-ax25": afsk_beacon,
}  # fmt: skip
