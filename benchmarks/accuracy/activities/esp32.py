# SPDX-License-Identifier: GPL-3.0-or-later
"""Quiet rooms and movement that ESP32 chips recorded, one chip left out in turn; how soon a change is noticed."""

from dataclasses import dataclass

import numpy as np
import torch

from wfm_core.base.files import write_atomically
from wfm_core.base.yaml_text import write_yaml
from wfm_core.bundle import Bundle, read_model_folder
from wfm_core.bundle.screening.archive import CONTRACT
from wfm_core.signal.motion import NAMES, CsiMotion
from wfm_core.train.probe.real import data_file

HOP = 16
"""Packets between windows."""
_QUIET, _MOTION = "baseline", "movement"
_NULLS = (0, 1, 2, 62, 63)  # of a list in rising order; one that begins with 0 Hz has signals there
_USED = (*range(6, 32), *range(33, 59))


@dataclass(frozen=True)
class Recording:
    """`amplitude` float32 [52, packets], in rising order; `rate` packets a second."""

    chip: str
    session: str
    label: str
    amplitude: np.ndarray
    rate: float


def recordings() -> list[Recording]:
    """All of them, in the order of their names. Raises `AbsentData`."""
    found = []
    for path in sorted(data_file("csi_esp32").glob("*.npz")):
        with np.load(path) as archive:
            parts = archive["csi_data"].astype(np.float32)
            chip, label = str(archive["chip"]), str(archive["label"])
            rate = len(parts) / (float(archive["duration_ms"]) / 1000)
        found.append(Recording(chip, path.stem.split("_")[3], label, rising(parts), rate))
    return found


def rising(parts: np.ndarray) -> np.ndarray:
    """Imaginary and real parts [packets, 128] -> amplitudes [52, packets] of subcarriers -26 to 26 without 0."""
    amplitude = np.hypot(parts[:, ::2], parts[:, 1::2])
    level = amplitude.mean(0)
    if level[list(_NULLS)].max() > 0.02 * np.median(level):
        amplitude = np.fft.fftshift(amplitude, axes=1)
    return np.ascontiguousarray(amplitude[:, _USED].T)


def judge(bundle: Bundle, options) -> dict:
    """Print and return the figures of the model's head of motion and of a threshold on the variance alone."""
    found = recordings()
    packets = bundle.contract.input_shape[2]
    detectors = {
        "model": lambda windows: _logit(bundle.infer_image(windows)["motion"][:, 1]),
        "presence head": lambda windows: _logit(bundle.infer_image(windows)["presence"][:, 1]),
        "variance": _variance,
    }
    figures = {}
    print("\n## ESP32 recordings, quiet and movement, per window\n")
    print("| detector | threshold | chip | windows | recall | false alarms | F1 |\n|---|---|---|---|---|---|---|")
    for name, score in detectors.items():
        scores = [score(cut(one.amplitude, packets)) for one in found]
        own = {"contract's": lambda chip: 0.0} if name != "variance" else {}
        chosen = own | {"by the other chips": lambda chip, scores=scores: _threshold(found, scores, chip)}
        for how, threshold in chosen.items():
            figures[f"{name}, {how}"] = _table(name, how, found, scores, threshold)
        if name == "model":
            for how, threshold in chosen.items():
                figures[f"delay, {how}"] = _delays(how, found, score, packets, threshold)
    _print_delays(figures)
    return figures


def write_threshold(bundle: Bundle) -> None:
    """Change the bias of the task motion in the folder's contract: 0.5 is then half way between all chips' quiet and
    motion, see `_threshold`."""
    found, path = recordings(), bundle.path / CONTRACT
    scores = [
        _logit(bundle.infer_image(cut(one.amplitude, bundle.contract.input_shape[2]))["motion"][:, 1]) for one in found
    ]
    threshold = _threshold(found, scores, "")
    contract = read_model_folder(bundle.path)[0].raw  # a bundle made of it has a hash more
    quiet, moving = contract["tasks"]["motion"].get("bias", (0.0, 0.0))
    contract["tasks"]["motion"]["bias"] = [quiet + threshold, moving]
    contract["origin"]["threshold of motion"] = "half way between csi_esp32's quiet and motion, all chips"
    text = write_yaml(contract)
    write_atomically(path, lambda file: file.write_text(text))
    print(f"{path}: the threshold of motion is {threshold:+.3f} (log odds) from where it was")


def cut(amplitude: np.ndarray, packets: int, hop: int = HOP) -> np.ndarray:
    """[subcarriers, n] -> windows [count, 1, subcarriers, packets]."""
    windows = np.lib.stride_tricks.sliding_window_view(amplitude, packets, axis=1)[:, ::hop]
    return np.ascontiguousarray(windows.transpose(1, 0, 2)[:, None])


def _logit(probability: np.ndarray) -> np.ndarray:
    probability = np.clip(probability.astype(np.float64), 1e-12, 1 - 1e-12)
    return np.log(probability / (1 - probability))


def _variance(windows: np.ndarray) -> np.ndarray:
    """log10 of the variance over the last packets, gain taken out: what a detector of moving variance thresholds."""
    return CsiMotion()(torch.from_numpy(windows))[1][:, NAMES.index("total")].double().numpy()


def _threshold(found: list[Recording], scores: list[np.ndarray], left_out: str) -> float:
    """Half way between the highest 2 % of quiet windows and the lowest 2 % of moving ones of the other chips."""
    ends = []
    for label, share in ((_QUIET, 0.98), (_MOTION, 0.02)):
        own = [s for one, s in zip(found, scores, strict=True) if one.label == label and one.chip != left_out]
        ends.append(float(np.quantile(np.concatenate(own), share)))
    return sum(ends) / 2


def _table(name: str, how: str, found: list[Recording], scores: list[np.ndarray], threshold) -> dict:
    rows, every = {}, {_QUIET: [], _MOTION: []}
    for chip in sorted({one.chip for one in found}):
        said = {_QUIET: [], _MOTION: []}
        for one, score in zip(found, scores, strict=True):
            if one.chip == chip:
                said[one.label].append(score > threshold(chip))
        rows[chip] = _rates(*(np.concatenate(said[label]) for label in (_QUIET, _MOTION)))
        for label in every:
            every[label] += said[label]
    rows["all"] = _rates(*(np.concatenate(every[label]) for label in (_QUIET, _MOTION)))
    for chip, row in rows.items():
        print(
            f"| {name} | {how} | {chip} | {row['windows']} | {row['recall']:.3f} | {row['false_alarms']:.3f} "
            f"| {row['f1']:.3f} |"
        )
    return rows


def _rates(quiet: np.ndarray, moving: np.ndarray) -> dict:
    hits, alarms = int(moving.sum()), int(quiet.sum())
    f1 = 2 * hits / max(2 * hits + alarms + int((~moving).sum()), 1)
    rates = {"recall": float(moving.mean()), "false_alarms": float(quiet.mean()), "f1": f1}
    return {"windows": len(quiet) + len(moving), **rates}


def _delays(how: str, found: list[Recording], score, packets: int, threshold) -> dict:
    """Seconds from the change until the first right answer, and until the last wrong one of the next five seconds, of
    recordings of one chip put one behind the other."""
    delays = {"to motion": [], "to quiet": []}
    for one in found:
        for other in found:
            if other.chip != one.chip or other.label == one.label:
                continue
            after = int(5 * other.rate)
            joined = np.concatenate([one.amplitude, other.amplitude[:, :after]], 1)[:, -(packets + after) :]
            moving = other.label == _MOTION
            right = (score(cut(joined, packets, 8)) > threshold(one.chip)) == moving
            times = (np.arange(len(right)) * 8) / other.rate
            first = float(times[right.argmax()]) if right.any() else 5.0
            last = float(times[np.flatnonzero(~right)[-1]]) if (~right).any() else 0.0
            delays["to motion" if moving else "to quiet"].append((first, last))
    return {
        name: {
            "changes": len(values),
            "first_right": [float(np.median(v := np.array(values)[:, 0])), float(v.max())],
            "last_wrong": [float(np.median(v := np.array(values)[:, 1])), float(v.max())],
            "within_two_seconds": float((np.array(values)[:, 0] <= 2.0).mean()),
        }
        for name, values in delays.items()
    }


def _print_delays(figures: dict) -> None:
    print(
        "\n| threshold | change | changes | first right, s (median, most) | last wrong, s (median, most) | within 2 s |"
    )
    print("|---|---|---|---|---|---|")
    for name in (name for name in figures if name.startswith("delay, ")):
        for change, row in figures[name].items():
            first, last = (", ".join(f"{value:.2f}" for value in row[key]) for key in ("first_right", "last_wrong"))
            how = name.removeprefix("delay, ")
            print(f"| {how} | {change} | {row['changes']} | {first} | {last} | {row['within_two_seconds']:.2f} |")
