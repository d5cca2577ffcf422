# SPDX-License-Identifier: GPL-3.0-or-later
"""AIS: GMSK of 9600 bit/s, BT 0.4, in slots of 26.67 ms (ITU-R M.1371-5, annex 2); 161.975 and 162.025 MHz.

Bandwidth that holds 99 % of the power: 10 kHz.
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, bytes_of, crc, nrzi, number_bits, stuffed
from wfm_core.synth.signals.keying import fsk, ramped
from wfm_core.synth.signals.marine import ais_messages as messages
from wfm_core.synth.signals.placing import put
from wfm_core.synth.signals.transmission import Transmission, transmission

SYMBOL_RATE = 9600.0
SAMPLE_RATE = 38400.0
SLOT = 60 / 2250
_FLAG = np.array([0, 1, 1, 1, 1, 1, 1, 0], np.uint8)


def frame(message: np.ndarray) -> np.ndarray:
    """Bits of one transmission before NRZI: training, flag, stuffed message with its check, flag (annex 2, 3.2)."""
    # Each byte's least significant bit goes first.
    data = bits_of(bytes_of(message), lsb_first=True)
    check = number_bits(crc(data, 0x1021, 16, 0xFFFF, 0xFFFF), 16)
    training = np.arange(24, dtype=np.uint8) % 2
    return np.concatenate([training, _FLAG, stuffed(np.concatenate([data, check])), _FLAG])


def burst(bits: np.ndarray, sample_rate: float = SAMPLE_RATE, index=0.5, clock=1.0, bandwidth_time=0.4) -> np.ndarray:
    """complex128: a frame as GMSK, with eight bits of ramp before and two after."""
    line = nrzi(np.concatenate([bits, [0, 0]]))
    line = np.concatenate([np.full(8, line[0]), line])
    x = fsk(2.0 * line - 1, SYMBOL_RATE * clock, sample_rate, index * SYMBOL_RATE / 2, bandwidth_time)
    return ramped(x, int(2 * sample_rate / SYMBOL_RATE))


def random_message(vessel: messages.Vessel, kind: str, rng: np.random.Generator) -> np.ndarray:
    if kind == "base_station":
        return messages.base_report(vessel, rng)
    if kind == "class_b":
        part = rng.choice([-1, 0, 1], p=[0.7, 0.15, 0.15])
        return messages.class_b_report(vessel, rng) if part < 0 else messages.class_b_static(vessel, int(part), rng)
    if rng.random() < 0.15:
        return messages.static_data(vessel, rng)
    return messages.position_report(vessel, int(rng.choice([1, 1, 1, 2, 3])), rng)


def class_a(seconds: float, rng: np.random.Generator) -> Transmission:
    return _slots(seconds, rng, ("class_a",), "class_a")


def class_b(seconds: float, rng: np.random.Generator) -> Transmission:
    return _slots(seconds, rng, ("class_b",), "class_b")


def base_station(seconds: float, rng: np.random.Generator) -> Transmission:
    return _slots(seconds, rng, ("base_station",), "base_station")


def traffic(seconds: float, rng: np.random.Generator) -> Transmission:
    """All of them at their own levels, as a port is heard."""
    return _slots(seconds, rng, ("class_a", "class_a", "class_a", "class_b", "base_station"), "traffic")


def _slots(seconds: float, rng: np.random.Generator, kinds: tuple[str, ...], name: str) -> Transmission:
    count = round(seconds * SAMPLE_RATE)
    line = np.zeros(count, np.complex64)
    stations = [_Station(str(rng.choice(kinds)), rng) for _ in range(1 if len(kinds) == 1 else rng.integers(2, 30))]
    number = int(seconds / SLOT) + 2
    load = 10 ** rng.uniform(-2, 0) if len(kinds) > 1 else 10 ** rng.uniform(-2.5, -1)
    used = np.flatnonzero(rng.random(number) < load)
    origin = -rng.random() * SLOT
    if not len(used):
        # Alone in the window: at least half of it is seen.
        used, origin = np.array([0]), rng.uniform(-0.4 * SLOT, max(seconds - 0.6 * SLOT, -0.3 * SLOT))
    free = 0
    for slot in used:
        if slot >= free:
            sent = stations[rng.integers(len(stations))].burst(rng)
            put(line, round((origin + slot * SLOT) * SAMPLE_RATE), sent)
            free = slot + int(np.ceil(len(sent) / (SLOT * SAMPLE_RATE)))
    if not line.any():
        put(line, 0, stations[0].burst(rng))
    return transmission(line, SAMPLE_RATE, 10e3, name)


class _Station:
    def __init__(self, kind: str, rng: np.random.Generator):
        self.kind, self.vessel = kind, messages.random_vessel(rng, kind == "base_station")
        self.index = 0.5 * rng.uniform(0.9, 1.15)
        self.clock = 1 + rng.normal(0, 15e-6)
        self.bandwidth_time = rng.uniform(0.38, 0.5)
        self.carrier = rng.normal(0, 250)
        self.level = 10 ** (-rng.exponential(6) / 20)
        self.delay = int(rng.uniform(0, 300e-6) * SAMPLE_RATE)

    def burst(self, rng: np.random.Generator) -> np.ndarray:
        message = random_message(self.vessel, self.kind, rng)
        x = burst(frame(message), SAMPLE_RATE, self.index, self.clock, self.bandwidth_time)
        x = x * np.exp(2j * np.pi * (self.carrier / SAMPLE_RATE * np.arange(len(x)) + rng.random())) * self.level
        return np.concatenate([np.zeros(self.delay), x]).astype(np.complex64)
