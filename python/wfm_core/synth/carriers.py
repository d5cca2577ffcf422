# SPDX-License-Identifier: GPL-3.0-or-later
"""Bands with LTE and 5G NR downlink carriers, and which of them is where and when.

Nothing here was received. A band of 30.72 MHz for 10 ms holds none to three carriers that do not overlap, at any place:
LTE of 1.4 to 20 MHz (TS 36.211) and NR of 5 to 20 MHz at 15 or 30 kHz (TS 38.211), in frequency or time division, NR
with three tenths of its resource blocks in use or more. Every third is switched on or off meanwhile. Multipath and the
receiver's flaws are those of `wfm_core.synth.scenes.air`. The SNR of each is in its own bandwidth, while it is on.

A point of the plane of frequency and time is of a carrier's class where it lies within the carrier's transmission
bandwidth (TS 36.104, table 5.6-1; TS 38.104, table 5.3.2-1) and it is on; pauses of up to 1 ms, as of time division,
count as on.
"""

from dataclasses import dataclass, replace

import numpy as np

from wfm_core.synth.emitters.nr import nr_waveform, random_carrier
from wfm_core.synth.scenes.air import Placed, compose
from wfm_core.synth.signals.cellular.wideband import lte, torch_generator
from wfm_core.synth.signals.transmission import Transmission, transmission

LABELS = ("noise", "lte", "nr")
RATE = 30.72e6
SECONDS = 10e-3
SNR_DB = (0.0, 25.0)
_SHARES = (0.1, 0.3, 0.35, 0.25)  # of bands with so many carriers
_SWITCHED = 1 / 3
_LEAST_LOAD = 0.3
_EDGE = 0.47 * RATE  # Hz from the middle, within which carriers lie
_APART = 0.3e6  # Hz between them
_TRIES = 30


@dataclass(frozen=True, eq=False)
class CarrierBand:
    """`samples` complex64 [RATE * SECONDS], full scale 1, and what was `placed` in it."""

    samples: np.ndarray
    placed: tuple[Placed, ...]

    def classes(self, rows: int, columns: int) -> np.ndarray:
        """uint8 [rows, columns] of LABELS, by the middle of each pixel: rows are frequency from -RATE/2 upwards,
        columns time."""
        label = np.zeros((rows, columns), np.uint8)
        middles = (np.arange(rows) + 0.5) / rows * RATE - RATE / 2
        times = (np.arange(columns) + 0.5) / columns * len(self.samples)
        for one in self.placed:
            inside = np.abs(middles - one.centre) < one.sent.bandwidth / 2
            for first, last in _on(one.sent, len(self.samples)):
                label[np.ix_(inside, (first <= times) & (times < last))] = LABELS.index(one.label)
        return label


def draw_band(rng: np.random.Generator, snr_db: tuple[float, float] = SNR_DB) -> CarrierBand:
    """One band; each carrier's SNR is from `snr_db[0]` to `snr_db[1]`."""
    placed: list[Placed] = []
    for _ in range(rng.choice(len(_SHARES), p=_SHARES)):
        name = LABELS[1 + int(rng.integers(2))]
        sent = _switched(lte(SECONDS, rng) if name == "lte" else _nr(SECONDS, rng), rng)
        centre = _free(placed, sent.bandwidth, rng)
        if centre is not None:
            placed.append(Placed(name, sent, centre, float(rng.uniform(*snr_db))))
    return CarrierBand(compose(RATE, round(RATE * SECONDS), placed, rng).samples, tuple(placed))


def _nr(seconds: float, rng: np.random.Generator) -> Transmission:
    generator = torch_generator(rng)
    carrier = random_carrier(generator, RATE)
    carrier = replace(carrier, load=max(carrier.load, _LEAST_LOAD))
    count = round(seconds * carrier.sample_rate)
    slots = -(-count // carrier.slot_samples) + 1
    sent = nr_waveform(carrier, slots, int(rng.integers(20 * carrier.slots_per_ms)), generator).numpy()
    start = int(rng.integers(len(sent) - count + 1))
    return transmission(sent[start : start + count], carrier.sample_rate, carrier.occupied_bandwidth, "nr")


def _switched(sent: Transmission, rng: np.random.Generator) -> Transmission:
    if rng.random() >= _SWITCHED:
        return sent
    samples, place = sent.samples.copy(), int(rng.uniform(0.15, 0.85) * len(sent.samples))
    if rng.random() < 0.5:
        samples[:place] = 0
    else:
        samples[place:] = 0
    return replace(sent, samples=samples)


def _free(placed: list[Placed], width: float, rng: np.random.Generator) -> float | None:
    """A centre where nothing else is; None where none was found."""
    for _ in range(_TRIES):
        centre = float(rng.uniform(-1, 1) * (_EDGE - width / 2))
        if all(abs(centre - one.centre) > (width + one.sent.bandwidth) / 2 + _APART for one in placed):
            return centre
    return None


def _on(sent: Transmission, samples: int) -> np.ndarray:
    """First and last + 1 sample of each stretch in which it is on, [n, 2], in samples of the band."""
    there = np.flatnonzero(sent.samples)
    if not len(there):
        return np.empty((0, 2))
    gaps = np.flatnonzero(np.diff(there) > 1e-3 * sent.sample_rate)
    edges = np.stack([there[np.append(0, gaps + 1)], there[np.append(gaps, len(there) - 1)] + 1], 1)
    return edges * (samples / len(sent.samples))
