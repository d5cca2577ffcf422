# SPDX-License-Identifier: GPL-3.0-or-later
"""Transmitters of on-off keyed remotes: SAW and PLL oscillators, edges, droop, leakage, presses and pauses."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wfm_core.synth.signals.keying import smoothed
from wfm_core.synth.signals.telemetry.pulses import envelope
from wfm_core.synth.signals.transmission import Generator, Transmission, transmission

LONG_GAP = 0.012  # s without a pulse, after which a transmitter is off altogether

Press = Callable[[dict, np.random.Generator], np.ndarray]
"""function(content, rng) -> durations: all that one press of a button, or one report of a sensor, sends."""


@dataclass(frozen=True, eq=False)
class Protocol:
    """One make of remote or sensor: what it says, how one press sends it, and how far its clock may be off.

    content: draws the fields (named as rtl_433 prints them, where it knows the device). tolerance: relative deviation
    of all durations (one sigma): RC oscillators of encoders 2 to 5 %, crystals 1e-4. pause: seconds from the end of
    one press to the next, where a second falls into the window. most_rate: Hz, limits the sample rate of fast codes.
    """

    kind: str
    content: Callable[[np.random.Generator], dict]
    press: Press
    tolerance: float = 0.02
    pause: tuple[float, float] = (0.15, 3.0)
    most_rate: float = 600e3

    def generator(self) -> Generator:
        def generate(seconds: float, rng: np.random.Generator) -> Transmission:
            return presses(self, seconds, rng)

        generate.__name__ = self.kind.replace("-", "_")
        generate.__doc__ = f"On-off keying as {self.kind} has it."
        return generate


@dataclass(frozen=True)
class Oscillator:
    """How a cheap transmitter behaves. Seconds, Hz, and shares of the full level.

    edge: of the envelope; chirp, chirp_time: frequency offset at a pulse's beginning that dies away; drift, warm_up:
    the same over a whole press; droop: level lost during a press; leakage: level left between pulses; coherent:
    whether the phase goes on between pulses (a PLL whose amplifier is keyed) or begins anywhere (a keyed SAW).
    """

    edge: float
    chirp: float
    chirp_time: float
    drift: float
    warm_up: float
    droop: float
    leakage: float
    coherent: bool


def oscillator(shortest: float, rng: np.random.Generator) -> Oscillator:
    """A SAW (two of three) or PLL transmitter, for pulses of `shortest` seconds and longer."""
    saw = rng.random() < 0.67
    chirps = saw and rng.random() < 0.6
    return Oscillator(
        edge=min(rng.uniform(4e-6, 60e-6) if saw else rng.uniform(2e-6, 25e-6), 0.35 * shortest),
        chirp=rng.normal(0, 2500) if chirps else rng.normal(0, 150),
        chirp_time=min(rng.uniform(30e-6, 300e-6), shortest),
        drift=rng.normal(0, 1200 if saw else 200),
        warm_up=rng.uniform(0.005, 0.3),
        droop=rng.uniform(0, 0.12),
        leakage=10 ** (-rng.uniform(30, 60) / 20) if rng.random() < 0.2 else 0.0,
        coherent=not saw,
    )


def keyed_signal(
    durations: np.ndarray, sample_rate: float, start: float, count: int, how: Oscillator, rng: np.random.Generator
) -> np.ndarray:
    """complex64 [count]: a press from `start` seconds after its beginning on, zeros after its end and before it."""
    level, pulses = envelope(durations, sample_rate, start, count)
    shape = smoothed(level, how.edge, sample_rate)
    last_on = durations[:-1].sum() + how.edge
    first, last = max(round(-(start + how.edge) * sample_rate), 0), min(round((last_on - start) * sample_rate), count)
    t = start + np.arange(count) / sample_rate
    if how.leakage:
        # Between packets the whole transmitter is off.
        reach = np.arange(count) + np.array([[-LONG_GAP], [LONG_GAP]]) * sample_rate
        near = np.diff(np.searchsorted(pulses, reach), axis=0)
        shape = np.where(near[0] > 0, np.maximum(shape, how.leakage), shape)
    shape[shape < 1e-4] = 0.0
    shape = shape * (1 - how.droop * (1 - np.exp(-np.maximum(t, 0) / how.warm_up)))
    begin = np.zeros(count, np.int64)
    begin[pulses] = pulses
    since = (np.arange(count) - np.maximum.accumulate(begin)) / sample_rate
    offset = how.chirp * np.exp(-since / how.chirp_time) + how.drift * np.exp(-np.maximum(t, 0) / how.warm_up)
    cycles = np.cumsum(offset) / sample_rate
    if not how.coherent:
        step = np.zeros(count)
        step[pulses] = rng.random(len(pulses))
        cycles += np.cumsum(step)
    signal = (shape * np.exp(2j * np.pi * (cycles + rng.random()))).astype(np.complex64)
    signal[:first] = 0
    signal[max(last, 0) :] = 0
    return signal


def sensible_rate(shortest: float, how: Oscillator, most: float) -> float:
    """Hz that hold the sidebands of pulses of `shortest` seconds, and the oscillator's swing."""
    wide = min(14 / shortest, 3 / max(how.edge, 1e-7)) + 2 * (abs(how.chirp) + abs(how.drift))
    return float(np.clip(wide, 6 / shortest, most))


def presses(protocol: Protocol, seconds: float, rng: np.random.Generator) -> Transmission:
    """A window of `seconds` in which the remote is pressed, or the sensor reports, at least in part."""
    scale = 1 + np.clip(rng.normal(0, protocol.tolerance), -2.5 * protocol.tolerance, 2.5 * protocol.tolerance)
    content = protocol.content(rng)
    line = [protocol.press(content, rng) * scale]
    shortest = float(line[0][:-1][line[0][:-1] > 0].min())
    how = oscillator(shortest, rng)
    rate = sensible_rate(shortest, how, protocol.most_rate)
    starts, end = [0.0], float(line[0].sum())
    while end < seconds and rng.random() < 0.6:
        if rng.random() < 0.4:
            content = protocol.content(rng) | {key: content[key] for key in ("id",) if key in content}
        end += rng.uniform(*protocol.pause)
        starts.append(end)
        line.append(protocol.press(content, rng) * scale)
        end += float(line[-1].sum())
    count = round(seconds * rate)
    at = _window(starts, line, end, seconds, rng)
    samples = np.zeros(count, np.complex64)
    for start, durations in zip(starts, line, strict=True):
        if start < at + seconds and start + durations.sum() > at:
            piece = keyed_signal(durations, rate, at - start, count, how, rng)
            samples[piece != 0] = piece[piece != 0]
    return transmission(samples, rate, occupied(samples, rate), protocol.kind)


def _window(starts, line, end: float, seconds: float, rng: np.random.Generator) -> float:
    """When the window begins: around all there is if it fits, else with a pulse anywhere in it."""
    if end <= seconds:
        return -rng.uniform(0, seconds - end)
    which = rng.integers(len(starts))
    pulses = np.concatenate([[0.0], np.cumsum(line[which])[1:-1:2]])
    return starts[which] + rng.choice(pulses) - rng.uniform(0.05, 0.95) * seconds


def occupied(samples: np.ndarray, sample_rate: float, share: float = 0.99) -> float:
    """Hz about 0 Hz that hold `share` of the power; the greater of both sides counts twice."""
    power = np.abs(np.fft.fftshift(np.fft.fft(samples))) ** 2
    total = np.cumsum(power) / max(power.sum(), 1e-30)
    frequency = np.fft.fftshift(np.fft.fftfreq(len(samples), 1 / sample_rate))
    low = frequency[np.searchsorted(total, (1 - share) / 2)]
    high = frequency[min(np.searchsorted(total, (1 + share) / 2), len(samples) - 1)]
    return float(max(2 * max(-low, high), 20 * sample_rate / max(len(samples), 1)))
