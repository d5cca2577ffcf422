# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops of held-out synthetic bands as wfm-scan would take them: where its finder finds something, and nowhere else."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import fft

from wfm_core.signal.energy_box import energy_box
from wfm_core.signal.finding import FinderSettings, SignalFinder
from wfm_core.synth.scenes.air import MOST_SAMPLES, SAMPLE_RATES, AirBands, Band, compose
from wfm_core.synth.signals.catalogue import LABELS, UNHEARD
from wfm_core.train.signals.crops import Box, Crop, found_boxes, name_box, named_crops, observed

SECONDS = (5e-3, 20e-3, 0.1, 0.5)
"""Observations are also cut to these."""
STRONG_DB = 10.0
WEAK_DB = (-5.0, 8.0)
_WEAK_SHARE = 0.2
"""Of the bands, those in which all signals are weak."""
_MEETING_SHARE, _MEETING = 0.3, 0.8
"""Of the bands, those in which signals meet more often, and how often."""
_ALERT = FinderSettings(false_alarms=2000.0, min_snr=-20.0)
"""A finder that takes noise for signals."""
_MOST_OF_NOISE = 6


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A crop, the seconds that were observed, and what is seen of it in fewer (by their number; strong and clean crops
    alone). source: "finder", or of noise "alert" (a finder with low thresholds) or "whole" (the whole of a band)."""

    crop: Crop
    seconds: float
    shorter: dict[float, np.ndarray]
    source: str = "finder"

    @property
    def clean(self) -> bool:
        return not self.crop.beside

    @property
    def strong(self) -> bool:
        return self.crop.snr_db >= STRONG_DB


def signals(seed: int, count: int, labels: tuple[str, ...], most_samples: int = MOST_SAMPLES) -> Iterator[HeldOut]:
    """About `count` crops of signals of `labels`; bands begin with classes of which there are few strong ones yet."""
    rng = np.random.default_rng(seed)
    bands = AirBands(rng, labels, most_samples=most_samples)
    usual, have, done = (bands.snr_db, bands.overlapping), Counter(), 0
    while done < count:
        bands.snr_db = WEAK_DB if rng.random() < _WEAK_SHARE else usual[0]
        bands.overlapping = _MEETING if rng.random() < _MEETING_SHARE else usual[1]
        chances = 1.0 / (1 + np.array([have[label] for label in bands.labels]))
        band = bands.draw(str(rng.choice(bands.labels, p=chances / chances.sum())))
        for one in _seen(band, rng):
            have[LABELS[one.crop.label]] += one.strong
            done += 1
            yield one


def unheard(seed: int, count: int, most_samples: int = MOST_SAMPLES) -> Iterator[HeldOut]:
    """About `count` crops of strong signals of no class, as many of each technology."""
    rng = np.random.default_rng((seed, 1))
    bands = AirBands(rng, None, (STRONG_DB, 40.0), crowded=2, overlapping=0.0, most_samples=most_samples)
    have = Counter()
    for _ in range(4 * count + 40):  # those that a finder seldom finds do not hold it up
        if sum(have.values()) >= count:
            break
        technology = min(UNHEARD, key=lambda one: (have[one], rng.random()))
        for one in _seen(bands.draw(technology), rng):
            if one.crop.label < 0:
                have[technology] += 1
                yield one


def noise(seed: int, count: int, most_samples: int = MOST_SAMPLES) -> Iterator[HeldOut]:
    """About `count` crops of noise out of bands with nothing in them but a receiver's flaws: what a finder finds whose
    thresholds are far too low, and the whole band as it is looked at where the finder finds nothing."""
    rng = np.random.default_rng((seed, 2))
    done = 0
    while done < count:
        rate = float(rng.choice(SAMPLE_RATES))
        samples = fft.next_fast_len(int(10 ** rng.uniform(3.5, np.log10(most_samples))))
        band = compose(rate, samples, [], rng, flaws=rng.random() < 0.7)
        finder = SignalFinder(rate, _ALERT)
        found = finder.push(band.samples) + finder.finish()
        boxes = [
            Box(one.sample_start, one.sample_count, one.freq_lower_edge, one.freq_upper_edge, one.snr_db)
            for one in found
        ]
        rng.shuffle(boxes)
        parts = [("alert", box) for box in boxes if name_box(box, band)[0] == "noise"][:_MOST_OF_NOISE]
        for source, box in [*parts, ("whole", Box(*energy_box(band.samples, rate)))]:
            crop = Crop(observed(box, band), LABELS.index("noise"), "noise", -99.0, False, False)
            done += 1
            yield HeldOut(crop, box.count / rate, {}, source)


def _seen(band: Band, rng: np.random.Generator) -> Iterator[HeldOut]:
    boxes = found_boxes(band)
    rng.shuffle(boxes)
    for box, crop in named_crops(boxes, band):
        seconds = box.count / band.sample_rate
        shorter = {}
        if crop.label >= 0 and crop.snr_db >= STRONG_DB and not crop.beside:
            cuts = (most for most in SECONDS if most < seconds)
            shorter = {
                most: observed(replace(box, count=max(round(most * band.sample_rate), 1)), band) for most in cuts
            }
        yield HeldOut(crop, seconds, shorter)
