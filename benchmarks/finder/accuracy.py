# SPDX-License-Identifier: GPL-3.0-or-later
"""How well the finder finds: recall, precision and edges on seeded synthetic bands, by class and by SNR; false boxes.

    python benchmarks/finder/accuracy.py [--bands N] [--seed S] [--flaws] [--noise SECONDS] [--each]

A band has 1 to 12 signals of all classes at 8 to 30 dB. A box counts for a signal where the two overlap by at least
half (intersection over union) in frequency, and in time: with what is on of the signal within the box, from the first
to the last interval (gaps belong to the box, and a long signal may be cut). A signal is found if such boxes hold at
least half of the time that it is on; a box is right if it counts for any.
"""

import argparse
import sys
import time
from collections import Counter, defaultdict

import numpy as np

from wfm_core.signal.finding import FinderSettings, FoundSignal, SignalFinder
from wfm_core.synth.scenes.air import AirBands, Band, Truth

LINES = 3.0
"""Bins of the finest rows: nothing looks narrower."""
SLOTS = 2.0
"""Of the shortest rows: nothing looks shorter."""


def share(low: float, high: float, other_low: float, other_high: float) -> float:
    """Intersection over union of two intervals."""
    both = min(high, other_high) - max(low, other_low)
    return max(both, 0.0) / max(max(high, other_high) - min(low, other_low), 1e-12)


def edges(truth: Truth, band: Band) -> tuple[float, float]:
    """The edges as far as the band goes, apart at least as far as can be seen: some lines of the finest rows."""
    rate = band.sample_rate
    low, high = max(truth.freq_lower_edge, -rate / 2), min(truth.freq_upper_edge, rate / 2)
    row = min(16 * FinderSettings().size_for(rate), len(band.samples))
    short = max(LINES * rate / row - (high - low), 0.0) / 2
    return low - short, high + short


def seen(truth: Truth, band: Band) -> np.ndarray:
    """The intervals, [n, 2], each at least as long as can be seen: some slots of the shortest rows."""
    least = SLOTS * max(FinderSettings().size_for(band.sample_rate) // 8, 8) / 2
    on = truth.intervals.astype(np.float64)
    short = np.maximum(least - (on[:, 1] - on[:, 0]), 0) / 2
    return np.clip(on + np.stack([-short, short], 1), 0, len(band.samples))


def fills(truth: Truth, band: Band) -> bool:
    """Whether nothing of the band is without it: no floor tells such a signal from noise."""
    on = truth.intervals
    width = truth.freq_upper_edge - truth.freq_lower_edge
    return width > 0.97 * band.sample_rate and len(on) > 0 and (on[:, 1] - on[:, 0]).sum() > 0.95 * len(band.samples)


def compare(band: Band, found: list[FoundSignal], longest: float = 2.0) -> tuple[list[tuple[float, float]], list[bool]]:
    """For each truth the share of its time that is found and its edges' error over its width (nan: not found); for each
    box whether it is right."""
    rate, right, scores = band.sample_rate, [False] * len(found), []
    for truth in band.truths:
        on = seen(truth, band)
        low, high = edges(truth, band)
        if not len(on) or high <= low:
            scores.append((np.nan, np.nan))
            continue
        long = on[:, 1] - on[:, 0]
        covered, errors = np.zeros(len(on)), []
        for place, box in enumerate(found):
            if share(box.freq_lower_edge, box.freq_upper_edge, low, high) < 0.5:
                continue
            start, stop = box.sample_start, box.sample_start + box.sample_count
            both = np.clip(np.minimum(on[:, 1], stop) - np.maximum(on[:, 0], start), 0, None)
            hit = both > 0.5 * np.minimum(long, 0.9 * longest * rate)
            if not hit.any():
                continue
            first, last = on[hit][0, 0], on[hit][-1, 1]
            if last - first > 0.9 * longest * rate:
                first, last = max(first, start), min(last, stop)
            if share(start, stop, first, last) < 0.5:
                continue
            right[place] = True
            covered[hit] += both[hit]
            error = max(abs(box.freq_lower_edge - low), abs(box.freq_upper_edge - high))
            errors.append(error / (high - low))
        scores.append((float(np.minimum(covered, long).sum() / long.sum()), float(np.median(errors or [np.nan]))))
    return scores, right


def why_missed(truth: Truth, band: Band, found: list[FoundSignal]) -> str:
    """What there is in place of a box that counts, in a word: "nothing" touches it, it is "part of a wider" box, it is
    "in parts" (several boxes, or one that is too narrow), or its "time" is another."""
    low, high = edges(truth, band)
    on = seen(truth, band)
    touching = [
        box
        for box in found
        if min(box.freq_upper_edge, high) > max(box.freq_lower_edge, low)
        and any(min(stop, box.sample_start + box.sample_count) > max(start, box.sample_start) for start, stop in on)
    ]
    if not touching:
        return "nothing"
    if any(share(box.freq_lower_edge, box.freq_upper_edge, low, high) >= 0.5 for box in touching):
        return "time"
    widest = max(touching, key=lambda box: box.freq_upper_edge - box.freq_lower_edge)
    return "part of a wider" if widest.freq_upper_edge - widest.freq_lower_edge > high - low else "in parts"


def run(bands: int, seed: int, flaws: bool, snr: tuple[float, float], each: bool, labels=None) -> None:
    hits, errors, by_snr = defaultdict(list), defaultdict(list), defaultdict(list)
    filling, apart, reasons = [], [], Counter()
    boxes = rights = samples = 0
    spent = 0.0
    for number in range(seed, seed + bands):
        source = AirBands(np.random.default_rng(number), labels, snr, 12, 0.0, flaws)
        try:
            band = source.draw()
        except IndexError:
            continue
        before = time.perf_counter()
        finder = SignalFinder(band.sample_rate, FinderSettings())
        found = finder.push(band.samples) + finder.finish()
        spent += time.perf_counter() - before
        samples += len(band.samples)
        scores, right = compare(band, found)
        boxes, rights = boxes + len(found), rights + sum(right)
        missed = []
        for truth, (recall, error) in zip(band.truths, scores, strict=True):
            if np.isnan(recall):
                continue
            name = f"{truth.label}/{truth.kind}"
            hits[name].append(recall >= 0.5)
            by_snr[int(truth.snr_db // 4) * 4].append(recall >= 0.5)
            (filling if fills(truth, band) else apart).append(recall >= 0.5)
            if not np.isnan(error):
                errors[name].append(error)
            if recall < 0.5:
                reason = why_missed(truth, band, found)
                reasons[reason] += 1
                missed.append(f"{name}:{truth.snr_db:.0f}dB:{reason}")
        if each:
            print(
                f"{number}: {band.sample_rate / 1e6} MS/s {len(band.samples) / band.sample_rate:.3f} s,"
                f" {len(band.truths)} signals, {len(found)} boxes, {sum(right)} right; missed {' '.join(missed)}",
                flush=True,
            )
    print(f"{'class/kind':30} signals recall  edge error over width: median, 90 %")
    for name in sorted(hits):
        middle, most = np.quantile(errors[name] or [np.nan], [0.5, 0.9])
        print(f"{name:30} {len(hits[name]):6d} {np.mean(hits[name]):7.3f} {middle:8.3f} {most:8.3f}")
    for level in sorted(by_snr):
        print(f"{level:3d} to {level + 4} dB: {len(by_snr[level]):5d} signals, recall {np.mean(by_snr[level]):.3f}")
    print(
        f"{len(filling)} fill the band all the time, as noise would: found {sum(filling)}; others {np.mean(apart):.4f}"
    )
    if reasons:
        print("missed: " + ", ".join(f"{count} {reason}" for reason, count in reasons.most_common()))
    every = [*filling, *apart]
    off = [error for one in errors.values() for error in one]
    print(
        f"recall {np.mean(every):.4f} of {len(every)}, precision {rights / max(boxes, 1):.4f} of {boxes},"
        f" edges within 10 %: {np.mean(np.array(off) <= 0.1):.3f}, {samples / spent / 1e6:.2f} MS/s"
    )


def noise(seconds: float, rate: float, seed: int) -> None:
    rng, finder, boxes = np.random.default_rng(seed), SignalFinder(rate), 0
    for _ in range(round(seconds * rate) >> 18):
        x = rng.standard_normal((1 << 18, 2), np.float32).view(np.complex64)[:, 0]
        boxes += len(finder.push(x * np.float32(0.05)))
    boxes += len(finder.finish())
    print(f"white noise, {seconds:g} s at {rate / 1e6:g} MS/s: {boxes} boxes")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bands", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--flaws", action="store_true", help="multipath and a receiver's flaws, else white noise alone")
    parser.add_argument("--snr", type=float, nargs=2, default=(8.0, 30.0), metavar=("LOW", "HIGH"), help="dB")
    parser.add_argument("--noise", type=float, default=0.0, metavar="SECONDS", help="of white noise at 2.4 MS/s")
    parser.add_argument("--each", action="store_true", help="a line for each band")
    parser.add_argument("--labels", nargs="*", help="classes (default: all)")
    args = parser.parse_args()
    if args.noise:
        noise(args.noise, 2.4e6, args.seed)
    if args.bands:
        run(args.bands, args.seed, args.flaws, tuple(args.snr), args.each, tuple(args.labels) if args.labels else None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
