# SPDX-License-Identifier: GPL-3.0-or-later
"""Secondary radar at 1090 MHz: squitters and replies of Mode S (ADS-B), replies of Mode A and C.

ICAO Annex 10 volume IV: Mode S sends 1 Mb/s by pulse position after a preamble of four pulses (3.1.2.2), 64 or 120 us
long; Mode A/C up to 16 pulses of 0.45 us (3.1.1.6). The carrier is 1090 MHz +-1 MHz, the bandwidth that holds 99 % of
the power 6.2 MHz with the edges that are allowed (rise 50 to 100 ns, decay 50 to 200 ns).
"""

import numpy as np

from wfm_core.synth.signals.aviation import mode_s_frames as frames
from wfm_core.synth.signals.aviation.pulses import chips, pulses
from wfm_core.synth.signals.bits import manchester
from wfm_core.synth.signals.placing import put
from wfm_core.synth.signals.transmission import Transmission, transmission

SAMPLE_RATE = 10e6
BANDWIDTH = 6.2e6
_PREAMBLE = np.array([1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0], np.uint8)


def mode_s_levels(frame: np.ndarray) -> np.ndarray:
    """The half microseconds of a frame (56 or 112 bits): preamble, then 10 for a 1 and 01 for a 0."""
    return np.concatenate([_PREAMBLE, manchester(frame)])


def mode_s_burst(frame: np.ndarray, sample_rate: float, rise=0.08e-6, fall=0.12e-6, start=0.0) -> np.ndarray:
    """float64 envelope of one message, `start` (s, below one sample) late."""
    return chips(mode_s_levels(frame), 2e6, sample_rate, rise, fall, start)


def mode_ac_starts(code: int, ident: bool = False) -> np.ndarray:
    """Seconds at which the pulses of a reply begin; code: 13 bits, C1 A1 C2 A2 C4 A4 X B1 D1 B2 D2 B4 D4."""
    on = [0] + [place + 1 for place in range(13) if code >> (12 - place) & 1] + [14] + [17] * ident
    return np.array(on) * 1.45e-6


def mode_s(seconds: float, rng: np.random.Generator) -> Transmission:
    """Squitters and replies of one to thirty aircraft at their own levels and carrier frequencies."""
    return _traffic(seconds, rng, 1.0, "mode_s")


def mode_ac(seconds: float, rng: np.random.Generator) -> Transmission:
    """Replies to radars that ask 100 to 450 times a second while their beam passes, and to others at random."""
    return _traffic(seconds, rng, 0.0, "mode_ac")


def both(seconds: float, rng: np.random.Generator) -> Transmission:
    return _traffic(seconds, rng, rng.uniform(0.2, 0.8), "mode_s_and_ac")


def _traffic(seconds: float, rng: np.random.Generator, share: float, kind: str) -> Transmission:
    count = round(seconds * SAMPLE_RATE)
    line = np.zeros(count, np.complex64)
    stations = [_Station(rng) for _ in range(rng.choice([1, 2, 3, 5, 10, 30]))]
    rate = 10 ** rng.uniform(1.3, 3.0)
    number = min(max(int(rng.poisson(rate * seconds)), 1), 400)
    for _ in range(number):
        station = stations[rng.integers(len(stations))]
        if rng.random() < share:
            station.send_mode_s(line, rng)
        else:
            station.send_replies(line, rng)
    if not line.any():  # a lone reply may have fallen beside the window
        stations[0].send_mode_s(line, rng, inside=True) if share else stations[0].send_replies(line, rng, inside=True)
    return transmission(line, SAMPLE_RATE, BANDWIDTH, kind)


class _Station:
    """One aircraft's transponder: its edges, level, carrier, and whether its pulses are coherent."""

    def __init__(self, rng: np.random.Generator):
        self.aircraft = frames.random_aircraft(rng)
        self.amplitude = 10 ** (-rng.exponential(6) / 20)
        self.rise, self.fall = rng.uniform(0.05e-6, 0.12e-6), rng.uniform(0.05e-6, 0.2e-6)
        self.carrier = rng.normal(0, 0.25e6) if rng.random() < 0.8 else rng.uniform(-1e6, 1e6)
        self.drift = rng.normal(0, 20e3) / 120e-6
        self.droop = rng.uniform(0, 0.15)

    def send_mode_s(self, line: np.ndarray, rng: np.random.Generator, inside: bool = False) -> None:
        envelope = mode_s_burst(
            random_frame(self.aircraft, rng), SAMPLE_RATE, self.rise, self.fall, rng.random() / SAMPLE_RATE
        )
        put(line, _start(line, envelope, rng, inside), self._on_carrier(envelope, rng))

    def send_replies(self, line: np.ndarray, rng: np.random.Generator, inside: bool = False) -> None:
        identity = frames.identity_code(self.aircraft.squawk)
        height = frames.identity_code("".join(rng.choice(list("0124567"), 4)))
        interval = rng.uniform(1 / 450, 1 / 100)
        start = None
        for turn in range(int(rng.choice([1, 8, 15]))):
            code = identity if turn % rng.choice([2, 3]) == 0 else height
            starts = mode_ac_starts(code, ident=rng.random() < 0.03) + rng.random() / SAMPLE_RATE
            envelope = pulses(starts, 0.45e-6, SAMPLE_RATE, self.rise, self.fall)
            if start is None:
                start = _start(line, envelope, rng, inside)
            jitter = rng.uniform(-1, 1) * 50e-9
            put(line, start + round((turn * interval + jitter) * SAMPLE_RATE), self._on_carrier(envelope, rng))

    def _on_carrier(self, envelope: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        time = np.arange(len(envelope)) / SAMPLE_RATE
        cycles = (self.carrier + 0.5 * self.drift * time) * time + rng.random()
        fade = 1 - self.droop * time / 120e-6
        return (self.amplitude * rng.uniform(0.9, 1.1) * fade * envelope * np.exp(2j * np.pi * cycles)).astype(
            np.complex64
        )


def _start(line: np.ndarray, envelope: np.ndarray, rng: np.random.Generator, inside: bool) -> int:
    if inside:
        return int(rng.integers(0, max(len(line) - len(envelope), 0) + 1))
    return int(rng.integers(-len(envelope) // 2, len(line) - len(envelope) // 2 + 1))


def random_frame(aircraft: frames.Aircraft, rng: np.random.Generator) -> np.ndarray:
    """One message as often as each kind is heard (a position as often as a velocity, replies between them)."""
    kind = rng.random()
    if kind < 0.25:
        return frames.all_call(aircraft, int(rng.choice([0, 0, 0, rng.integers(1, 64)])))
    if kind < 0.45:
        return frames.short_reply(aircraft, int(rng.choice([0, 4, 5])), rng)
    if kind < 0.55:
        return frames.long_reply(aircraft, int(rng.choice([16, 20, 21], p=[0.2, 0.5, 0.3])), rng)
    odd = int(rng.integers(2))
    downlink = 17 if rng.random() < 0.93 else 18
    if kind < 0.75:
        message = (
            frames.surface_position(aircraft, odd, rng)
            if aircraft.ground
            else frames.airborne_position(aircraft, odd, int(rng.integers(9, 19)))
        )
    elif kind < 0.9:
        message = frames.velocity(aircraft)
    elif kind < 0.95:
        message = frames.identification(aircraft, int(rng.integers(0, 8)))
    else:
        message = frames.status(aircraft, rng)
    return frames.squitter(aircraft, message, downlink, 5 if downlink == 17 else int(rng.choice([0, 1, 2, 5, 6])))
