# SPDX-License-Identifier: GPL-3.0-or-later
"""Find and name every signal of a recording: the live path's finder, extraction and model, on a file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.bundle import Bundle
from wfm_core.data.recordings.recording import Recording
from wfm_core.messages.decisions import time_json
from wfm_core.scan.pooling import pooled
from wfm_core.signal.energy_box import energy_box
from wfm_core.signal.extract import extract
from wfm_core.signal.finding import FinderSettings, FoundSignal, SignalFinder
from wfm_core.signal.observe import observe

NO_SIGNAL = ("noise",)
"""Labels of boxes in which there is none; they are not reported unless asked for."""
_BLOCK = 1 << 20
_BATCH = 32
_EXPLAINED = 0.5
"""Of the energy: with less of it in what was found, the whole band is looked at as well."""
_LONGEST_WHOLE = 1 << 22


@dataclass(frozen=True)
class Signal:
    """A signal of a recording. Edges in Hz, absolute where the recording's frequency is known; samples from its first.

    probabilities: of each label, pooled over all observations of what is the same signal, of which there are
    `observations`.
    """

    sample_start: int
    sample_count: int
    freq_lower_edge: float
    freq_upper_edge: float
    snr_db: float
    level_dbfs: float
    label: str
    score: float
    probabilities: dict[str, float]
    observations: int
    rx_time: tuple[int, float] | None

    def to_json(self) -> dict:
        fields = {name: value for name, value in vars(self).items() if name != "rx_time"}
        return fields if self.rx_time is None else {**fields, "rx_time": time_json(self.rx_time)}


def check_bundle(bundle: Bundle) -> str:
    """The task of a bundle that names found signals. Raises `WfmError` for one that does something else."""
    contract = bundle.contract
    if contract.modality != "signal":
        raise WfmError(
            f"bundle {contract.name} takes windows of a band ({contract.modality}), one that names single signals is "
            "expected: use wfm-signals"
        )
    return next(iter(contract.tasks))


def scan(
    recording: Recording,
    bundle: Bundle,
    settings: FinderSettings | None = None,
    keep_noise: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Signal]:
    """All signals of the recording's first channel, in the order of their begin. `progress` gets samples done."""
    task = check_bundle(bundle)
    found = list(_find(recording, settings or FinderSettings(), progress))
    logits = _probabilities(recording, bundle, task, found)
    shared, counts = pooled([(one.freq_lower_edge, one.freq_upper_edge) for one in found], logits)
    contract = bundle.contract.tasks[task]
    signals = []
    for one, probabilities, count in zip(found, shared, counts, strict=True):
        best = int(probabilities.argmax())
        score = float(probabilities[best])
        label = contract.labels[best] if score >= contract.open_set_threshold else "unknown"
        if label in NO_SIGNAL and not keep_noise:
            continue
        tuned = recording.center_freq_at(one.sample_start) or 0.0
        signals.append(
            Signal(
                one.sample_start,
                one.sample_count,
                one.freq_lower_edge + tuned,
                one.freq_upper_edge + tuned,
                one.snr_db,
                one.level_dbfs,
                label,
                score,
                dict(zip(contract.labels, map(float, probabilities), strict=True)),
                count,
                recording.rx_time_at(one.sample_start),
            )
        )
    return sorted(signals, key=lambda one: one.sample_start)


def _find(recording: Recording, settings: FinderSettings, progress: Callable[[int], None]) -> Iterator[FoundSignal]:
    """What the finder gives, piece by piece: no signal reaches over a break of the recording."""
    edges = [0, *(sample for sample in recording.breaks if 0 < sample < recording.samples), recording.samples]
    for first, last in zip(edges[:-1], edges[1:], strict=True):
        finder = SignalFinder(recording.sample_rate, settings)
        found = []
        for start in range(first, last, _BLOCK):
            block = recording.read(start, min(_BLOCK, last - start))[0]
            found += [_later(one, first) for one in finder.push(block)]
            progress(start + len(block))
        found += [_later(one, first) for one in finder.finish()]
        yield from found
        yield from _unexplained(recording, found, first, last, settings.max_duration)


def _later(found: FoundSignal, samples: int) -> FoundSignal:
    return found if samples == 0 else replace(found, sample_start=found.sample_start + samples)


def _unexplained(
    recording: Recording, found: list[FoundSignal], first: int, last: int, longest: float
) -> Iterator[FoundSignal]:
    """Boxes of stretches whose energy is mostly not in what was found: see `wfm_core.signal.energy_box`."""
    rate = recording.sample_rate
    length = max(min(int(longest * rate), _LONGEST_WHOLE), 1)
    for start in range(first, last, length):
        samples = recording.read(start, min(length, last - start))[0]
        power = float(np.mean(np.abs(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)) ** 2))
        explained = 0.0
        for one in found:
            common = min(one.sample_start + one.sample_count, start + len(samples)) - max(one.sample_start, start)
            explained += 10 ** (one.level_dbfs / 10) * max(common, 0) / len(samples)
        if explained < _EXPLAINED * power:
            begin, count, lower, upper, snr_db = energy_box(samples, rate)
            level = 10 * np.log10(max(power - explained, 1e-30))
            yield FoundSignal(start + begin, count, lower, upper, snr_db, level, whole_band=True)


def _probabilities(recording: Recording, bundle: Bundle, task: str, found: list[FoundSignal]) -> np.ndarray:
    """float32 [n, K] of each found signal by itself."""
    rows = [np.zeros((0, len(bundle.contract.tasks[task].labels)), np.float32)]
    for first in range(0, len(found), _BATCH):
        observed = [observation(recording, one) for one in found[first : first + _BATCH]]
        rows.append(bundle.infer(np.stack(observed)[:, None])[task])
    return np.concatenate(rows)


def observation(recording: Recording, found: FoundSignal) -> np.ndarray:
    """What the model sees of a found signal: complex64, see `wfm_core.signal.found`."""
    rate = recording.sample_rate
    count = min(found.sample_count, recording.samples - found.sample_start)
    band = recording.read(found.sample_start, count)[0]
    crop, _ = extract(band, rate, found.freq_lower_edge, found.freq_upper_edge, 0, len(band))
    width = found.freq_upper_edge - found.freq_lower_edge
    return observe(crop, width, found.sample_count / rate, found.snr_db, rate)
