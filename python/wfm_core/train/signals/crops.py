# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops of single signals out of synthetic bands: what was found there, by the finder or nearly so, and its true
name."""

from dataclasses import dataclass, replace

import numpy as np

from wfm_core.signal.energy_box import energy_box
from wfm_core.signal.extract import extract
from wfm_core.signal.finding import FinderSettings, SignalFinder
from wfm_core.signal.observe import observe
from wfm_core.synth.scenes.air import AirBands, Band, Truth
from wfm_core.synth.signals.catalogue import IMPROVISED, LABELS, LEAST_SECONDS

_MOST_OF_A_SIGNAL = 4
_MOST_NEAR = 3
_SHARED = 0.35
"""A crop with more than this share of another signal's energy than its own is nobody's."""

_MET = 0.03
"""A signal has met another whose energy is more than this share of its own."""

_HELD = 1.9
"""Widths of its box, that a crop has something of (see wfm_core.signal.extract)."""

_NOISE_SNR = 9.0
"""dB: what stands out of the noise by more is no noise."""

_LEAST_FILLED = 0.04
"""Of a box's width, that its signal has: what is strong has skirts, and becomes wide in a receiver
that clips."""

_TOO_WIDE, _WIDEST = 0.15, 16.0
"""So often a box near the truth is far too wide, and how many times at most."""

_AHEAD = 100
"""Crops, by which classes are lacking before there are any."""
_ANY_SHARE = 0.1
"""Of the bands, those that begin with a signal of any class, or are empty."""

_NOISE_SHARE = 0.06
"""Of the bands, those with nothing in them, of which crops are called noise."""
_NAMELESS_SHARE = 0.06
"""Of the bands, those that begin with a transmission of no standard."""
_ALERT = FinderSettings(false_alarms=1e4, min_snr=-10.0)
"""Finds something in noise, too."""

_WHOLE_SHARE = 0.2
"""Of the bands, those of which the whole is a box, too, as of a recording that one signal fills."""


@dataclass(frozen=True)
class Box:
    """Where something was found; edges in Hz from the middle of the band."""

    start: int
    count: int
    lower: float
    upper: float
    snr_db: float


@dataclass(frozen=True, eq=False)
class Crop:
    """observed: complex64 [found.SAMPLES]; label: its place in LABELS, -1 for a signal of no class; kind and snr_db: of
    the signal in truth; met: another signal is in the box; beside: another is in the crop, within the box or not."""

    observed: np.ndarray
    label: int
    kind: str
    snr_db: float
    met: bool
    beside: bool


def crops_of(band: Band, rng: np.random.Generator, by_finder: bool) -> list[Crop]:
    """A few crops of each signal of the band, by truth and maybe by the finder, and now and then one of nothing."""
    boxes = [box for truth in band.truths for box in near_boxes(truth, band, rng)]
    if rng.random() < 0.25:
        boxes.append(_anywhere(band, rng))
    if by_finder:
        boxes += found_boxes(band)
    rng.shuffle(boxes)
    if rng.random() < _WHOLE_SHARE:
        boxes.append(Box(*energy_box(band.samples, band.sample_rate)))
    return [crop for _, crop in named_crops(boxes, band)]


def named_crops(boxes: list[Box], band: Band) -> list[tuple[Box, Crop]]:
    """Those of the boxes that have a true name, a few of each signal, and what a model sees of them."""
    crops, taken = [], {}
    for box in boxes:
        label, kind, snr, met = name_box(box, band)
        if label is None or taken.get((label, kind), 0) >= _MOST_OF_A_SIGNAL:
            continue
        taken[label, kind] = taken.get((label, kind), 0) + 1
        number = LABELS.index(label) if label in LABELS else -1
        crops.append((box, Crop(observed(box, band), number, kind, snr, met, met or has_neighbour(box, band))))
    return crops


def observed(box: Box, band: Band) -> np.ndarray:
    """complex64 [found.SAMPLES]: what a model sees of a box."""
    samples, _ = extract(band.samples, band.sample_rate, box.lower, box.upper, box.start, box.count)
    rate = band.sample_rate
    return observe(samples, box.upper - box.lower, box.count / rate, box.snr_db, rate)


def found_boxes(band: Band) -> list[Box]:
    return _boxes(band, FinderSettings())


def _boxes(band: Band, settings: FinderSettings) -> list[Box]:
    finder = SignalFinder(band.sample_rate, settings)
    found = finder.push(band.samples) + finder.finish()
    return [
        Box(one.sample_start, one.sample_count, one.freq_lower_edge, one.freq_upper_edge, one.snr_db) for one in found
    ]


def near_boxes(truth: Truth, band: Band, rng: np.random.Generator) -> list[Box]:
    """Boxes about a signal as a finder might give them: its bursts joined over gaps, all edges a little off."""
    if not len(truth.intervals):
        return []
    joined = 10 ** rng.uniform(-3, -1) * band.sample_rate
    spans = [truth.intervals[0].tolist()]
    for start, end in truth.intervals[1:].tolist():
        if start - spans[-1][1] < joined:
            spans[-1][1] = end
        else:
            spans.append([start, end])
    chosen = [spans[index] for index in rng.permutation(len(spans))[:_MOST_NEAR]]
    if len(chosen) == 1:
        chosen.append(_stretch(*chosen[0], truth, band, rng))
    return [_near(start, end, truth, band, rng) for start, end in chosen]


def _stretch(start: int, end: int, truth: Truth, band: Band, rng: np.random.Generator) -> tuple[int, int]:
    """A part of a signal that goes on, long enough to tell what it is."""
    length = max((end - start) * 0.7 * rng.random(), LEAST_SECONDS.get(truth.label, 2e-3) * band.sample_rate)
    length = min(int(length), end - start)
    begin = start + int(rng.integers(0, end - start - length + 1))
    return begin, begin + length


def _near(start: int, end: int, truth: Truth, band: Band, rng: np.random.Generator) -> Box:
    width = truth.freq_upper_edge - truth.freq_lower_edge
    middle = 0.5 * (truth.freq_upper_edge + truth.freq_lower_edge) + rng.normal(0, 0.05) * width
    width *= float(np.exp(rng.normal(0, 0.12)))
    if rng.random() < _TOO_WIDE:
        width *= _WIDEST ** rng.random()
    # a finder's rows are about as long as its bins are wide
    slack = min(0.1 * (end - start), 0.7 * np.sqrt(band.sample_rate))
    start = int(np.clip(start + rng.normal(0, 0.5) * slack, 0, len(band.samples) - 2))
    end = int(np.clip(end + rng.normal(0, 0.5) * slack, start + 1, len(band.samples)))
    if rng.random() < 0.15:
        start += int(rng.random() * 0.7 * (end - start))
    half = band.sample_rate / 2
    # what is nearly beside the band still shows a bin of it
    lower = float(np.clip(middle - width / 2, -half, half * (1 - 1e-3)))
    upper = float(np.clip(middle + width / 2, lower + half * 1e-3, half))
    return Box(start, end - start, lower, upper, truth.snr_db + rng.normal(0, 1.0))


def _anywhere(band: Band, rng: np.random.Generator) -> Box:
    """A box of any size, which mostly has nothing in it."""
    rate, count = band.sample_rate, len(band.samples)
    width = rate * 10 ** rng.uniform(-2.5, -0.1)
    length = max(int(count * 10 ** rng.uniform(-2.5, 0)), 64)
    start = int(rng.integers(0, max(count - length, 1)))
    lower = rng.uniform(-rate / 2, rate / 2 - width)
    return Box(start, length, lower, lower + width, float(rng.normal(2, 3)))


def name_box(box: Box, band: Band) -> tuple[str | None, str, float, bool]:
    """Label, kind, SNR of the signal that most of the box's energy is of, and whether another is in it too.

    ("noise", ...) where there is none; None where two are as strong, where the box has too little of its signal, or
    where it has what is not a signal itself: the skirt or the image of one, a spur.
    """
    width = box.upper - box.lower
    energies = _energies(box, band)
    # relative to the noise in the box
    if not energies or energies[0][0] < 0.05 * width:
        artefact = box.snr_db > _NOISE_SNR or any(_beside(box, truth) for truth in band.truths)
        return (None if artefact else "noise"), "noise", -99.0, False
    energy, share, filled, truth = energies[0]
    rest = sum(entry[0] for entry in energies[1:])
    if rest > _SHARED * energy or share < 0.4 or filled < _LEAST_FILLED:
        return None, "", 0.0, True
    return truth.label, truth.kind, truth.snr_db, rest > _MET * energy


def has_neighbour(box: Box, band: Band) -> bool:
    """Is another signal in the samples that are cut out for a box, which hold more than its width?"""
    more = 0.5 * (_HELD - 1) * (box.upper - box.lower)
    inside, around = _energies(box, band), _energies(replace(box, lower=box.lower - more, upper=box.upper + more), band)
    if not inside:
        return False
    own, truth = inside[0][0], inside[0][3]
    return sum(entry[0] for entry in around if entry[3] is not truth) > _MET * own


def _energies(box: Box, band: Band) -> list[tuple[float, float, float, Truth]]:
    """For each signal, most first: its energy in the box (over the noise of 1 Hz), the share of its width that is
    there, the share of the box's that it has, and itself."""
    width = box.upper - box.lower
    energies = []
    for truth in band.truths:
        own = max(truth.freq_upper_edge - truth.freq_lower_edge, 1.0)
        common = min(box.upper, truth.freq_upper_edge) - max(box.lower, truth.freq_lower_edge)
        first = np.maximum(truth.intervals[:, 0], box.start)
        last = np.minimum(truth.intervals[:, 1], box.start + box.count)
        on = float(np.maximum(last - first, 0).sum()) / box.count
        share = max(common, 0.0) / own
        energies.append((share * on * own * 10 ** (truth.snr_db / 10), share, common / width, truth))
    return sorted(energies, key=lambda entry: -entry[0])


def _beside(box: Box, truth: Truth) -> bool:
    """Is the box on a signal's skirts, or on its image about the middle of the band?"""
    own = truth.freq_upper_edge - truth.freq_lower_edge
    reach = own * 10 ** (max(truth.snr_db, 0) / 40)
    edges = (truth.freq_lower_edge, truth.freq_upper_edge), (-truth.freq_upper_edge, -truth.freq_lower_edge)
    return any(box.lower < upper + reach and box.upper > lower - reach for lower, upper in edges)


def noise_crops(bands: AirBands, rng: np.random.Generator) -> list[Crop]:
    """A few crops of a band with nothing in it but a receiver's flaws: what a finder whose thresholds are far too low
    finds there, boxes anywhere, and the whole band."""
    band = bands.draw_empty()
    boxes = _boxes(band, _ALERT)
    rng.shuffle(boxes)
    boxes = [*boxes[:2], _anywhere(band, rng), Box(*energy_box(band.samples, band.sample_rate))]
    crops = []
    for box in boxes:
        if name_box(box, band)[0] == "noise":
            crops.append(Crop(observed(box, band), LABELS.index("noise"), "noise", -99.0, False, False))
    return crops


def draw_crops(
    seed: int, count: int, finder_share: float, labels: tuple[str, ...] | None = None, **options
) -> list[Crop]:
    """`count` crops of bands of a seed; a share of the bands is looked through by the finder.

    The first signal of a band is of a class that has too few crops yet: narrow and short signals come along in every
    band, wide ones in none.
    """
    rng = np.random.default_rng(seed)
    bands = AirBands(rng, labels, **options)
    crops: list[Crop] = []
    while len(crops) < count:
        have = np.bincount([crop.label for crop in crops if crop.label >= 0], minlength=len(LABELS))
        have = have[[LABELS.index(label) for label in bands.labels]]
        lacking = np.clip(bands.shares * (len(crops) + _AHEAD) - have, 0, None)
        label = str(rng.choice(bands.labels, p=lacking / lacking.sum()))
        if rng.random() < _NOISE_SHARE:
            crops += noise_crops(bands, rng)
            continue
        if rng.random() < _NAMELESS_SHARE:
            label = str(rng.choice(list(IMPROVISED)))
        band = bands.draw(None if rng.random() < _ANY_SHARE else label)
        crops += crops_of(band, rng, rng.random() < finder_share)
    return crops[:count]
