# SPDX-License-Identifier: GPL-3.0-or-later
"""Packet transmitters in FSK: crystals and synthesisers that are a little off, ramps, lead carriers, repeats."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from wfm_core.synth.signals.keying import frequency_modulated, gaussian, ramped
from wfm_core.synth.signals.telemetry.keyer import occupied
from wfm_core.synth.signals.transmission import Generator, Transmission, on_air, transmission


@dataclass(frozen=True)
class Modem:
    """symbol_rate (Bd), deviation (Hz) of the outermost symbols, Gaussian bandwidth-time product (None: steps).

    tolerance: relative deviation of the symbol rate (one sigma); ramp: seconds of the envelope; lead: seconds of
    carrier before the packet (None: as it comes); pull: Hz that the carrier is off at its beginning, dying away over
    pull_time seconds.
    """

    symbol_rate: float
    deviation: float
    bandwidth_time: float | None = None
    tolerance: float = 2e-5
    ramp: float = 1e-5
    lead: float | None = None
    pull: float = 0.0
    pull_time: float = 1e-3


def as_built(modem: Modem, rng: np.random.Generator) -> Modem:
    """One transmitter of the make: its own deviation, clock, ramps and start-up."""
    bit = 1 / modem.symbol_rate
    lead = rng.exponential(3 * bit) if rng.random() < 0.4 else 0.0
    return replace(
        modem,
        symbol_rate=modem.symbol_rate * (1 + rng.normal(0, modem.tolerance)),
        deviation=modem.deviation * (1 + np.clip(rng.normal(0, 0.06), -0.15, 0.15)),
        bandwidth_time=modem.bandwidth_time or (rng.uniform(0.7, 2.0) if rng.random() < 0.5 else None),
        ramp=rng.uniform(0.1, 1.5) * bit,
        lead=lead if modem.lead is None else modem.lead,
        pull=rng.normal(0, 0.05) * modem.deviation if rng.random() < 0.4 else 0.0,
        pull_time=rng.uniform(2, 60) * bit,
    )


def sensible_rate(modem: Modem) -> float:
    """Hz: a whole number of samples a symbol, four at least, about twice the bandwidth in all."""
    wide = 2 * modem.deviation + 2 * modem.symbol_rate
    return modem.symbol_rate * max(4, int(np.ceil(1.9 * wide / modem.symbol_rate)))


def burst(symbols: np.ndarray, modem: Modem, sample_rate: float) -> np.ndarray:
    """complex128: symbols -1..1, at a whole number of samples each, after the lead carrier."""
    per_symbol = round(sample_rate / modem.symbol_rate)
    frequency = np.repeat(np.asarray(symbols, np.float64), per_symbol) * modem.deviation
    lead = int((modem.lead or 0.0) * sample_rate)
    frequency = np.concatenate([np.full(lead, frequency[0]), frequency])
    if modem.bandwidth_time is not None:
        frequency = gaussian(frequency, modem.bandwidth_time * sample_rate / per_symbol, sample_rate)
    if modem.pull:
        frequency = frequency + modem.pull * np.exp(-np.arange(len(frequency)) / (modem.pull_time * sample_rate))
    return ramped(frequency_modulated(frequency, sample_rate), int(modem.ramp * sample_rate))


@dataclass(frozen=True, eq=False)
class Link:
    """One make of FSK telemetry.

    content: draws the fields; frame: their bits (or symbols -1..1 as float); modem: how they go out, or a function
    (rng) -> Modem; repeats: how often the same packet comes; gap: seconds between repeats; pause: between reports.
    """

    kind: str
    content: Callable[[np.random.Generator], dict]
    frame: Callable[..., np.ndarray]
    modem: Modem | Callable[[np.random.Generator], Modem]
    repeats: tuple[int, int] = (1, 1)
    gap: tuple[float, float] = (0.02, 0.1)
    pause: tuple[float, float] = (0.3, 5.0)

    def generator(self) -> Generator:
        def generate(seconds: float, rng: np.random.Generator) -> Transmission:
            return packets(self, seconds, rng)

        generate.__name__ = self.kind.replace("-", "_")
        generate.__doc__ = f"FSK telemetry as {self.kind} has it."
        return generate


def symbols_of(frame: np.ndarray) -> np.ndarray:
    """Symbols -1..1: bits are 1 at the higher frequency."""
    return frame if frame.dtype.kind == "f" else 2.0 * frame - 1


def packets(link: Link, seconds: float, rng: np.random.Generator) -> Transmission:
    """A window of `seconds` of one transmitter that sends its packet, repeats it, and perhaps comes again."""
    nominal = link.modem(rng) if callable(link.modem) else link.modem
    modem = as_built(nominal, rng)
    rate = sensible_rate(modem)
    content = link.content(rng)
    bursts, gaps, total = [], [], 0.0
    while True:
        one = burst(symbols_of(link.frame(**content)), modem, rate)
        for _ in range(rng.integers(link.repeats[0], link.repeats[1] + 1)):
            bursts.append(one)
            gaps.append(int(rng.uniform(*link.gap) * rate))
            total += (len(one) + gaps[-1]) / rate
        if total > seconds or rng.random() < 0.5 or len(bursts) > 60:
            break
        # What lies further off than the window is long does not matter.
        gaps[-1] += int(min(rng.uniform(*link.pause), 1.2 * seconds) * rate)
        total += gaps[-1] / rate
        content = link.content(rng) | {key: content[key] for key in ("id",) if key in content}
    gaps[-1] = 0
    samples = on_air(bursts, gaps, round(seconds * rate), rng)
    return transmission(samples, rate, occupied(samples, rate), link.kind)
