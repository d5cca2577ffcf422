# SPDX-License-Identifier: GPL-3.0-or-later
"""Bands with several signals in them, as a receiver delivers them, and the truth about each.

All transmissions of a band last as long as the band, so one transform of each at its own rate is one place in the
band's spectrum: shifting, resampling and multipath are a sum of bins.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import fft
from scipy.ndimage import uniform_filter1d
from scipy.signal.windows import tukey

from wfm_core.synth.scenes.relay import relayed
from wfm_core.synth.signals.catalogue import IMPROVISED, LEAST_SECONDS, SIGNALS, UNHEARD, UNKNOWN
from wfm_core.synth.signals.transmission import Generator, Transmission

SAMPLE_RATES = tuple(
    1e3 * rate
    for rate in (
        24, 48, 96, 192, 240, 250, 280, 300, 384, 480, 500, 600, 640, 768, 960, 1000, 1024, 1200, 1400, 1600, 1800,
        1920, 2000, 2048, 2400, 2560, 2880, 3000, 3125, 3200, 4000, 5000, 6000, 6250, 7680, 8000, 10000, 11520, 12500,
        15360, 16000, 20000, 23040, 25000, 30000,
    )
)  # fmt: skip
"""Hz: common rates of radios and of recordings."""

CUT = {
    "ads-b": 0.25, "cellular": 0.09, "dab": 0.7, "dsss": 0.5, "dvb-t": 0.3, "gps": 0.4, "radar": 0.25, "video": 0.3,
    "wifi": 0.5,
}  # fmt: skip
"""Classes that are also received with less than their whole width, and the least share of it."""
_CUT_SHARE = 0.4
_OVERLOADED = 0.2
"""Of the receivers, those whose gain is too high: remotes and keys are held next to them."""
_KIND_SHARES = {"lte": 5.0, "nr": 2.0, "gsm": 2.0}
"""Kinds that are met more often than the others of their class."""
_EMPTY_SHARE = 0.03
"""Of the bands, those with nothing in them."""

_RELAYED_SHARE = 0.25
"""Of the transmissions that a voice radio can carry, those that one did."""
_KINDS_COUNT = 0.4
"""A class is drawn as often as the number of its kinds to this power."""

MOST_SAMPLES = 1 << 19
_STICKS_OUT = 0.05
_UNSEEN, _NEAR_BINS, _NEAR_SYMBOLS = 0.3, 9, 4


@dataclass(frozen=True, eq=False)
class Placed:
    """A transmission in a band: its middle `centre` Hz from the band's, `snr_db` in its own bandwidth while on."""

    label: str
    sent: Transmission
    centre: float
    snr_db: float


@dataclass(frozen=True)
class Truth:
    """What is where. intervals: [n, 2], first and last + 1 sample of each stretch in which it is on, and not more than
    5 dB under the noise in its bandwidth (gaps of up to 1 ms count as on); edges in Hz from the band's middle, of 99 %
    of the power where that is not 5 dB under the noise."""

    label: str
    kind: str
    intervals: np.ndarray = field(compare=False)
    freq_lower_edge: float
    freq_upper_edge: float
    snr_db: float


@dataclass(frozen=True, eq=False)
class Band:
    """samples: complex64 [n]; sample_rate: Hz."""

    samples: np.ndarray
    sample_rate: float
    truths: list[Truth]


def compose(
    sample_rate: float, samples: int, placed: list[Placed], rng: np.random.Generator, flaws: bool = True
) -> Band:
    """A band of `samples` at `sample_rate` with these transmissions (each of samples / sample_rate seconds).

    flaws: channels and a receiver as they are (multipath, gain steps, filter edges, DC, images, spurs, few bits,
    clipping); without them only white noise is added, of power 1 in the whole band.
    """
    spectrum = np.zeros(samples, np.complex64)
    truths = []
    for one in placed:
        gain = 10 ** (one.snr_db / 20) * np.sqrt(one.sent.bandwidth / sample_rate)
        edges = _add(spectrum, one, gain, sample_rate, rng, flaws)
        truths.append(_truth(one, edges, sample_rate, samples))
    band = fft.ifft(spectrum, overwrite_x=True) * np.float32(samples)
    noise = rng.standard_normal((samples, 2), np.float32).view(np.complex64)[:, 0] * np.float32(np.sqrt(0.5))
    band = (band + noise).astype(np.complex64)
    if flaws:
        band = receiver(band, rng)
    return Band(band, sample_rate, truths)


def _smooth(seconds: float) -> float:
    """A little more, so that all transforms of it, at whatever round rate, have small prime factors."""
    unit = 4e-4 if seconds > 4e-3 else 2e-5
    return fft.next_fast_len(max(round(seconds / unit), 1)) * unit


def _add(spectrum: np.ndarray, one: Placed, gain: float, rate: float, rng: np.random.Generator, flaws: bool):
    """Add a transmission to the band's spectrum; returns the edges (Hz) that hold 99 % of its power there."""
    x = one.sent.samples
    if flaws:
        x = _drifting(x, one.sent.sample_rate, rng)
    x = x * np.float32(gain / len(x))
    bins = fft.fft(x)
    # the ends of the band cut what goes on; what that strews is no part of a signal's width
    faded = fft.fft(x * tukey(len(x), 0.1).astype(np.float32))
    count, whole = len(bins), len(spectrum)
    # signed bins of the transmission, moved by whole bins of the band
    place = fft.fftfreq(count, 1 / count).astype(np.int64)
    if flaws and rng.random() < 0.4:
        response = _multipath(place / (count / one.sent.sample_rate), one.sent.bandwidth, rng)
        bins, faded = bins * response, faded * response
    place = place + round(one.centre / rate * whole)
    inside = (place >= -(whole // 2)) & (place < whole - whole // 2)
    spectrum[place[inside] % whole] += bins[inside].astype(np.complex64)
    power = np.cumsum(fft.fftshift(_visible(np.abs(faded) ** 2, float(np.mean(x != 0)) / whole)))
    lower, upper = np.searchsorted(power, (0.005 * power[-1], 0.995 * power[-1])) - count // 2
    edges = [one.centre + edge * one.sent.sample_rate / count for edge in (lower, upper + 1)]
    return [min(max(edge, -rate / 2), rate / 2) for edge in edges]


def _visible(power: np.ndarray, noise: float) -> np.ndarray:
    """Power of bins without those far under the noise: tails that nobody can see make no signal wider."""
    smooth = uniform_filter1d(power, _NEAR_BINS, mode="wrap")
    seen = np.where(smooth > _UNSEEN * noise, power, 0)
    return seen if seen.any() else power


def _drifting(x: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """A little oscillator drift and slow fading, as every path on the air has."""
    if rng.random() < 0.5:
        return x
    count = len(x)
    knots = np.linspace(0, 1, 9)
    t = np.linspace(0, 1, count, dtype=np.float32)
    fade = np.interp(t, knots, 10 ** (rng.uniform(-0.15, 0.15, 9))).astype(np.float32)
    turns = np.float32(2 * np.pi * rng.uniform(-0.5, 0.5) * min(2e-4 * rate, 50.0) * (count / rate))
    return x * fade * np.exp(1j * (turns * t * t))


def _multipath(frequency: np.ndarray, bandwidth: float, rng: np.random.Generator) -> np.ndarray:
    """Two to four paths, with delays of up to 0.7 / bandwidth or 5 us, whichever is less."""
    paths = rng.integers(1, 4)
    delays = rng.exponential(0.3, paths) * min(1 / bandwidth, 5e-6)
    gains = rng.uniform(0.05, 0.8) ** np.arange(1, paths + 1) * np.exp(2j * np.pi * rng.random(paths))
    response = np.ones(len(frequency), np.complex64)
    for delay, gain in zip(delays, gains, strict=True):
        angle = (frequency * (-2 * np.pi * delay)).astype(np.float32)
        response += np.complex64(gain) * np.exp(1j * angle)
    return response / np.float32(np.sqrt(1 + np.sum(np.abs(gains) ** 2)))


def receiver(band: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What a receiver makes of a band: complex64, full scale 1."""
    count = len(band)
    if rng.random() < 0.5:
        bins = fft.fft(band)
        frequency = np.abs(fft.fftfreq(count)).astype(np.float32) * 2
        begin, depth = rng.uniform(0.75, 1.0), 10 ** (-rng.uniform(3, 40) / 20)
        edge = np.clip((frequency - begin) / max(1.02 - begin, 0.02), 0, 1)
        bins *= np.cos(edge * np.pi / 2) ** 2 * (1 - depth) + depth
        band = fft.ifft(bins, overwrite_x=True)
    parts = np.ascontiguousarray(band, dtype=np.complex64).view(np.float32).reshape(-1, 2)
    level = float(np.sqrt(2 * np.mean(parts**2)))
    if rng.random() < 0.6:
        gain, skew = 1 + rng.normal(0, 0.02), rng.normal(0, 0.02)
        parts[:, 1] = np.float32(gain) * (parts[:, 1] + np.float32(skew) * parts[:, 0])
    if rng.random() < 0.6:
        offset = level * 10 ** (rng.uniform(-40, 0) / 20) * np.exp(2j * np.pi * rng.random())
        parts += np.array([offset.real, offset.imag], np.float32)
    for _ in range(rng.poisson(0.4)):
        turns = rng.uniform(-0.5, 0.5) * np.arange(count) + rng.random()
        angle = (2 * np.pi * (turns - np.round(turns))).astype(np.float32)
        spur = np.float32(level * 10 ** (rng.uniform(-45, -15) / 20)) * np.exp(1j * angle)
        parts += spur.view(np.float32).reshape(-1, 2)
    bits = int(rng.choice([7, 8, 8, 8, 10, 12, 14, 16]))
    faint = 6.02 * (1 - bits) + rng.uniform(3, 15)
    wanted = rng.uniform(max(faint, -70), -8) if rng.random() > _OVERLOADED else rng.uniform(-8, 10)
    step = 2.0 ** (1 - bits)
    parts *= np.float32(10 ** (wanted / 20) / max(level, 1e-12) / step)
    np.clip(np.round(parts, out=parts), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1, out=parts)
    parts *= np.float32(step)
    return parts.reshape(-1).view(np.complex64)


def _truth(one: Placed, band: list[float], sample_rate: float, samples: int) -> Truth:
    native, power = one.sent.sample_rate, np.abs(one.sent.samples) ** 2
    # switched off, many leak a little
    near = uniform_filter1d(power, max(round(_NEAR_SYMBOLS * native / one.sent.bandwidth), 1), mode="constant")
    on = (power > 0) & (near > _UNSEEN * 10 ** (-one.snr_db / 10))
    edges = np.flatnonzero(np.diff(on.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    if len(edges):
        gap = edges[1:, 0] - edges[:-1, 1] > 1e-3 * native
        edges = np.stack([edges[np.append(True, gap), 0], edges[np.append(gap, True), 1]], 1)
    intervals = np.minimum((edges * (sample_rate / native)).round().astype(np.int64), samples)
    label = one.label if one.label in SIGNALS else UNKNOWN
    return Truth(label, one.sent.kind, intervals, *band, one.snr_db)


class AirBands:
    """Random bands, seeded: `draw()` gives one after another.

    labels: the classes that signals are drawn from, those of many kinds more often (by `shares`); snr_db: range;
    crowded: the most signals of a band. A band is made for its first signal, which fits in time and width; the others
    are what fits beside it, kept apart but for a share `overlapping` of the bands.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        labels: tuple[str, ...] | None = None,
        snr_db: tuple[float, float] = (0.0, 48.0),
        crowded: int = 8,
        overlapping: float = 0.2,
        flaws: bool = True,
        most_samples: int = MOST_SAMPLES,
        rates: tuple[float, ...] = SAMPLE_RATES,
    ):
        self.rng, self.snr_db, self.crowded, self.overlapping = rng, snr_db, crowded, overlapping
        self.flaws, self.most_samples, self.rates = flaws, most_samples, rates
        self.labels = tuple(label for label in labels or SIGNALS if label in SIGNALS)
        self._widths: dict[Generator, float] = {}
        shares = np.array([len(SIGNALS[label]) ** _KINDS_COUNT for label in self.labels])
        self.shares = shares / shares.sum()

    def draw(self, label: str | None = None) -> Band:
        """A band whose first signal is of `label` (None: any; of UNHEARD or IMPROVISED: an unknown one)."""
        rng = self.rng
        if label is None and rng.random() < _EMPTY_SHARE:
            return self.draw_empty()
        label = label or self._label()
        generator = self._kind(label)
        width = self._width(label, generator)
        cut = label in CUT and rng.random() < _CUT_SHARE
        rate = self._rate(width, CUT[label] if cut else 1.15, 1.2 if cut else 600)
        shortest = LEAST_SECONDS.get(label, 2e-3)
        longest = max(min(2.2, self.most_samples / rate), shortest)
        seconds = _smooth(shortest * (longest / shortest) ** rng.random())
        samples = round(seconds * rate)
        first = self._place(label, self._send(label, generator, seconds), rate, [])
        placed = self._beside([first], rate, seconds)
        return compose(rate, samples, placed, rng, self.flaws)

    def draw_empty(self) -> Band:
        """A band with nothing in it but noise and a receiver's flaws."""
        samples = fft.next_fast_len(int(10 ** self.rng.uniform(3, np.log10(self.most_samples))))
        return compose(float(self.rng.choice(self.rates)), samples, [], self.rng, self.flaws)

    def _label(self) -> str:
        return str(self.rng.choice(self.labels, p=self.shares))

    def _send(self, label: str, generator: Generator, seconds: float) -> Transmission:
        sent = generator(seconds, self.rng)
        self._widths[generator] = sent.bandwidth
        return relayed(label, sent, self.rng) if self.flaws and self.rng.random() < _RELAYED_SHARE else sent

    def _kind(self, label: str) -> Generator:
        kinds = SIGNALS.get(label) or UNHEARD.get(label) or IMPROVISED[label]
        shares = np.array([_KIND_SHARES.get(kind, 1.0) for kind in kinds])
        return list(kinds.values())[self.rng.choice(len(kinds), p=shares / shares.sum())]

    def _width(self, label: str, generator: Generator) -> float:
        """Of the last transmission of a generator, Hz."""
        if generator not in self._widths:
            self._widths[generator] = generator(LEAST_SECONDS.get(label, 2e-3), self.rng).bandwidth
        return self._widths[generator]

    def _rate(self, width: float, least: float, most: float) -> float:
        """A rate of so many widths of a signal, few more often than many."""
        fitting = [rate for rate in self.rates if least * width < rate < most * width] or [self.rates[-1]]
        weights = 1 / np.sqrt(np.array(fitting))
        return float(self.rng.choice(fitting, p=weights / weights.sum()))

    def _place(self, label: str, sent: Transmission, rate: float, others: list[Placed]) -> Placed | None:
        """Somewhere in the band beside the others; None where there is no room."""
        rng, half = self.rng, sent.bandwidth / 2
        room = max(rate / 2 - half * (1 - _STICKS_OUT), 0.0)
        snr = rng.uniform(*self.snr_db)
        meet = rng.random() < self.overlapping
        for _ in range(12):
            centre = 0.0 if not others and rng.random() < 0.4 else rng.uniform(-room, room)
            clear = all(
                abs(centre - other.centre) > 1.1 * (half + other.sent.bandwidth / 2) + rate / 2000 for other in others
            )
            if clear or (meet and others):
                return Placed(label, sent, centre, snr)
        return None

    def _beside(self, placed: list[Placed], rate: float, seconds: float) -> list[Placed]:
        rng = self.rng
        wanted = 1 if rng.random() < 0.25 else int(rng.integers(2, self.crowded + 1))
        for _ in range(2 * wanted):
            if len(placed) >= wanted:
                break
            label = self._label()
            if LEAST_SECONDS.get(label, 2e-3) > seconds * 1.01:
                continue
            generator = self._kind(label)
            if not rate / 600 < self._width(label, generator) < 0.8 * rate:
                continue
            sent = self._send(label, generator, seconds)
            one = self._place(label, sent, rate, placed)
            if one is not None:
                placed.append(one)
        return placed
