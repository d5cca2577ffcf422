# SPDX-License-Identifier: GPL-3.0-or-later
"""Gradient boosting on hand-made features of crops: what a model of single signals is compared with.

The features are what recognition of modulations has long used (Azzouz and Nandi 1996; Swami and Sadler 2000 for the
cumulants; Gardner 1991 for the lines), of the same 8-bit crops that the model is taught with: bandwidth, duration, SNR;
envelope and frequency over the whole observation with on-off share and pulse widths; the spectrum's shape; lines of
abs(x)^2, x^2 and x^4, cumulants and the autocorrelation of the beginning.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats
from signal_figures import Answers
from sklearn.ensemble import HistGradientBoostingClassifier

from wfm_core.base.errors import WfmError
from wfm_core.signal.found import HEARD
from wfm_core.synth.signals.catalogue import LABELS
from wfm_core.train.signals.shards import RECORD, inputs

MOST_TRAINED = 24_000
_CHUNK = 512
_QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
_SQUARES, _SIDE = (8, 4), 16
"""How the image of envelope and frequency is laid out (wfm_core.signal.found.HEARD)."""


def floor_answers(shards: Path, rows: np.ndarray, answers: Answers) -> Answers:
    """Answers of boosting, trained on a run's crops of the bundle's classes, on the crops `rows` that `answers` are of.

    Raises `WfmError` where the folder has none, or those of another version.
    """
    trained, target = training_features(shards, answers.labels)
    if len(set(target)) < 2:
        raise WfmError(f"{shards} has crops of one class of the bundle; two or more are expected: give a longer run's")
    model = HistGradientBoostingClassifier(learning_rate=0.1, max_iter=120, max_leaf_nodes=24, random_state=1)
    model.fit(trained, target)
    probabilities = np.zeros((len(rows), len(answers.labels)), np.float32)
    probabilities[:, model.classes_] = model.predict_proba(features(rows))
    return replace(answers, probabilities=probabilities, shorter={}, views={})


def training_features(folder: Path, labels: list[str], most: int = MOST_TRAINED) -> tuple[np.ndarray, np.ndarray]:
    """Features and classes (places in `labels`) of the first crops of a run's shards that are of these classes."""
    parts, targets, count = [], [], 0
    for path in sorted(folder.glob("0*.npy")):
        rows = np.load(path, mmap_mode="r")
        if rows.dtype != RECORD:
            raise WfmError(f"{path} holds crops of another version; expected those of this one: make them again")
        rows = np.array(rows[[LABELS[label] in labels for label in rows["label"]]][: most - count])
        parts.append(features(rows))
        targets += [labels.index(LABELS[label]) for label in rows["label"]]
        count += len(rows)
        if count >= most:
            break
    if not count:
        raise WfmError(f"{folder} has no crops (0*.npy); give the folder crops/ of a run of wfm-finetune signals.yaml")
    return np.concatenate(parts), np.array(targets)


def features(rows: np.ndarray) -> np.ndarray:
    """float32 [n, F] of RECORD [n]."""
    return np.concatenate([_features(rows[start : start + _CHUNK]) for start in range(0, len(rows), _CHUNK)])


def _features(rows: np.ndarray) -> np.ndarray:
    iq, whole, _, heard, facts = (part.numpy() for part in inputs(rows))
    heard = in_time(heard)
    parts = [facts, on_and_off(heard[:, 0], facts), _frequency(heard), _spectrum(whole), _beginning(iq[:, 0])]
    return np.nan_to_num(np.concatenate(parts, 1).astype(np.float32), posinf=1e3, neginf=-1e3)


def in_time(heard: np.ndarray) -> np.ndarray:
    """The image of envelope and frequency [n, 2, 128, 64] as it goes on in time, glance by glance [n, 2, 64, 128]."""
    down, across = _SQUARES
    squares = heard.reshape(-1, 2, down, _SIDE, across, _SIDE).swapaxes(3, 4)
    return squares.reshape(-1, 2, 64, HEARD[0] * HEARD[1] // 64)


def _moments(x: np.ndarray) -> np.ndarray:
    """[n, 4 + quantiles] of x [n, m]: mean, deviation, skewness, kurtosis, quantiles."""
    some = [x.mean(1), x.std(1), stats.skew(x, axis=1), stats.kurtosis(x, axis=1)]
    return np.concatenate([np.stack(some, 1), np.quantile(x, _QUANTILES, axis=1).T], 1)


def on_and_off(envelope: np.ndarray, facts: np.ndarray) -> np.ndarray:
    """Moments of the envelope [n, 64, 128] (mean 0), the share that is on, and how long on and off last (log10 s)."""
    flat = envelope.reshape(len(envelope), -1)
    high, low = np.quantile(flat, 0.95, axis=1), np.quantile(flat, 0.05, axis=1)
    on = envelope > (0.5 * (high + low))[:, None, None]
    changes = np.count_nonzero(on[:, :, 1:] != on[:, :, :-1], axis=(1, 2))
    # a step is four samples at twice the bandwidth, which the facts have as log10 of kHz
    step = 2 / 10.0 ** (facts[:, 0] + 3)
    widths = np.stack([_widths(one, time) for one, time in zip(on, step, strict=True)])
    depth = (high - low) / np.maximum(high + low + 2.0, 1e-3)
    powers = envelope.mean(2)
    return np.concatenate(
        [_moments(flat), np.stack([on.mean((1, 2)), np.log10(1 + changes), depth, powers.std(1)], 1), widths], 1
    )


def _widths(on: np.ndarray, step: float) -> np.ndarray:
    """log10 of seconds, three quantiles each of how long it is on and off without a change, glances on their own."""
    edges = np.ones((len(on), on.shape[1] + 1), bool)
    edges[:, 1:-1] = on[:, 1:] != on[:, :-1]
    places = np.flatnonzero(edges.ravel())
    lengths = np.diff(places)
    inside = places[:-1] % (on.shape[1] + 1) != on.shape[1]  # not from the end of one glance to the next one's begin
    lengths, first = lengths[inside], places[:-1][inside]
    state = on.ravel()[first - first // (on.shape[1] + 1)]
    out = []
    for value in (True, False):
        own = lengths[state == value]
        out.append(np.quantile(own, (0.1, 0.5, 0.9)) if len(own) else np.full(3, 1e-3))
    return np.log10(np.concatenate(out) * step)


def _frequency(heard: np.ndarray) -> np.ndarray:
    """Moments and a histogram of the frequency where the envelope is not low, and of its change."""
    envelope, frequency = (heard[:, place].reshape(len(heard), -1) for place in (0, 1))
    strong = envelope > np.quantile(envelope, 0.3, axis=1, keepdims=True)
    middle = np.sum(frequency * strong, 1, keepdims=True) / np.maximum(strong.sum(1, keepdims=True), 1)
    there = np.where(strong, frequency - middle, 0.0)
    shares = [np.mean(strong & (frequency >= low) & (frequency < low + 0.5), axis=1) for low in np.arange(-2, 2, 0.5)]
    steps = np.abs(np.diff(heard[:, 1], axis=2)).reshape(len(heard), -1)
    return np.concatenate([middle, _moments(there), np.stack(shares, 1), _moments(steps)], 1)


def _spectrum(whole: np.ndarray) -> np.ndarray:
    """Shape of the spectrum and of those of envelope and frequency, from the images [n, 3, 128, 64]."""
    power = 10 ** (1.5 * whole)
    mean = power.mean(3)
    out = []
    for channel in range(3):
        x = mean[:, channel]
        level = 10 * np.log10(x)
        order = np.sort(x, axis=1)
        out += [level.max(1) - 10 * np.log10(x.mean(1)), level.mean(1) - 10 * np.log10(x.mean(1)), x.argmax(1)]
        out += [10 * np.log10(order[:, -4] / order[:, -1]), np.median(level, axis=1)]
        out += [np.mean(level > level.max(1, keepdims=True) - down, axis=1) for down in (3, 10, 20)]
    profile = 10 * np.log10(mean[:, 0])
    centred = profile - profile.mean(1, keepdims=True)
    symmetry = np.mean(centred * centred[:, ::-1], 1) / (np.mean(centred**2, 1) + 1e-9)
    peaks = (profile[:, 1:-1] > profile[:, :-2]) & (profile[:, 1:-1] > profile[:, 2:])
    high = profile[:, 1:-1] > profile.max(1, keepdims=True) - 12
    total = np.cumsum(mean[:, 0], 1) / mean[:, 0].sum(1, keepdims=True)
    edges = [np.argmax(total >= share, axis=1) for share in (0.01, 0.1, 0.5, 0.9, 0.99)]
    flicker = whole[:, 0].std(2).mean(1)
    out += [symmetry, np.count_nonzero(peaks & high, axis=1), flicker, *edges]
    return np.concatenate([np.stack(out, 1), profile.reshape(-1, 16, 8).mean(2)], 1)


def _beginning(x: np.ndarray) -> np.ndarray:
    """Cumulants, lines and autocorrelation of complex [n, m]."""
    x = x - x.mean(1, keepdims=True)
    x = x / np.sqrt(np.mean(np.abs(x) ** 2, 1, keepdims=True) + 1e-12)
    square, size = x**2, np.abs(x) ** 2
    c20, m40, m42 = square.mean(1), (square**2).mean(1), (size**2).mean(1)
    c40, c42 = np.abs(m40 - 3 * c20**2), m42 - np.abs(c20) ** 2 - 2
    c63 = (size**3).mean(1) - 9 * c42 - 6
    out = [np.abs(c20), c40, c42, c63]
    for power in (size - size.mean(1, keepdims=True), square, square**2):
        spectrum = np.abs(np.fft.fft(power, axis=1))
        lines = spectrum[:, 1 : spectrum.shape[1] // 2] if power is not square else spectrum
        out += [20 * np.log10(lines.max(1) / (np.median(lines, axis=1) + 1e-9) + 1e-9), lines.argmax(1)]
    correlation = np.abs(np.fft.ifft(np.abs(np.fft.fft(x, 2 * x.shape[1], axis=1)) ** 2, axis=1))
    for low, high in ((8, 64), (64, 256), (256, 768)):
        part = correlation[:, low:high] / (correlation[:, :1] + 1e-12)
        out += [part.max(1), part.argmax(1)]
    return np.stack(out, 1)
