# SPDX-License-Identifier: GPL-3.0-or-later
"""UWB localization data set: impulse responses of eight anchors in four indoor environments (task `uwb_position`).

`environment0/data.json` to `environment3`: `measurements` holds places by name, `x_y_z` in metres, in each the
anchors `A1` to `A8`, in each the UWB channels (`ch1`, `ch2`, `ch3`, `ch4`, `ch5`, `ch7`), in each a list of
measurements with `cir`, complex numbers as texts such as `-12+40j`, and `x_tag`, `y_tag`, `z_tag`. K. Bregar and M.
Mohorcic, "Improving Indoor Localization Using Convolutional Neural Networks on Computationally Restricted Devices",
IEEE Access 6 (2018); https://log-a-tec.eu/datasets-ble.html. The receivers are DW1000, whose user manual (7.2.38) has
two samples of a response in a period of 499.2 MHz.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.files import read_file
from wfm_core.base.json_text import read_members
from wfm_core.data.dataset import write_dataset
from wfm_core.data.readers.own.folders import files_in, provenance
from wfm_core.data.readers.own.measure import level_signal

ANCHORS = ("A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8")
CHANNELS = ("ch1", "ch2", "ch3", "ch4", "ch5", "ch7")
SAMPLE_RATE = 2 * 499.2e6
_CONTENT = "data.json in folders such as environment0"
_LIMIT_BYTES = 4 << 30
_APART = 1e-3  # metres between a place's name and what its measurements say


def read(folder: Path, out: Path, *, scene: str | None = None) -> Path:
    """Of each place and UWB channel the first, second ... response of all eight anchors as the antennas of a window.

    Places and channels where an anchor is missing are left out, as the WavesFM v1 authors do. `scene` is the folder,
    which need not be named where there is one alone. Groups: `source` (the place), `channel`.
    """
    folder, paths = files_in(folder, _CONTENT, "data.json", "*/data.json")
    path = _chosen(folder, paths, scene)
    places, channels, positions = [], [], []
    for place, channel, position, window in _windows(path):
        places.append(place)
        channels.append(channel)
        positions.append(position)
        if window.shape != (len(ANCHORS), window.shape[1]) or not window.shape[1]:
            raise WfmError(f"{path}: {place} has empty responses: fetch the file again")
    if not places:
        raise WfmError(
            f"{path} has no place where all of {', '.join(ANCHORS)} measured: fetch it again, or name another "
            "environment"
        )
    label = np.array(positions, np.float32)
    return write_dataset(
        out,
        "sample",
        (window[None] for *_, window in _windows(path)),
        label,
        groups={"source": places, "channel": channels},
        task="uwb_position",
        signal=level_signal,
        provenance=provenance("uwb-indoor", folder, 1, scene=path.parent.name),
        sample_rate=SAMPLE_RATE,
        scene={"low": label.min(0).tolist(), "high": label.max(0).tolist()},
    )


def _chosen(folder: Path, paths: list[Path], scene: str | None) -> Path:
    """The file of the one environment: each has coordinates of its own."""
    names = {path.parent.name: path for path in paths}
    if scene is None and len(paths) == 1:
        return paths[0]
    if scene not in names:
        said = "several scenes" if scene is None else f"no scene {scene!r}"
        raise WfmError(f"{folder} holds {said}: choose one of {', '.join(names)} with --scene")
    return names[scene]


def _windows(path: Path) -> Iterator[tuple[str, str, list[float], np.ndarray]]:
    """Place, UWB channel, position in metres and complex64 [anchors, samples] of each window."""
    for place, anchors in read_members(read_file(path, _LIMIT_BYTES), str(path), "measurements"):
        position = _position(path, place)
        for channel in CHANNELS:
            lists = [_member(anchors, anchor, channel) for anchor in ANCHORS]
            for number in range(min(map(len, lists))):
                entries = [entries[number] for entries in lists]
                yield place, channel, position, _window(path, f"{place} {channel}", position, entries)


def _member(anchors, anchor: str, channel: str) -> list:
    """The measurements of an anchor on a channel; none where it has none."""
    held = anchors.get(anchor) if isinstance(anchors, dict) else None
    found = held.get(channel) if isinstance(held, dict) else None
    return found if isinstance(found, list) else []


def _position(path: Path, place: str) -> list[float]:
    try:
        position = [float(part) for part in place.split("_")]
    except ValueError:
        position = []
    if len(position) != 3 or not np.isfinite(position).all():
        raise WfmError(f"{path}: a place {place[:80]!r}, x_y_z in metres is expected; fetch the file again")
    return position


def _window(path: Path, where: str, position: list[float], entries: list) -> np.ndarray:
    try:
        said = [[float(entry[f"{axis}_tag"]) for axis in "xyz"] for entry in entries]
        responses = [[complex(value) for value in entry["cir"]] for entry in entries]
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise WfmError(
            f"{path}: {where} has a measurement without cir, x_tag, y_tag and z_tag that are numbers "
            f"({type(error).__name__} {str(error)[:80]!r}); fetch the file again"
        ) from error
    if not np.allclose(said, [position], rtol=0, atol=_APART):
        raise WfmError(f"{path}: {where} was measured at {said[0]}, not where its name says; fetch the file again")
    lengths = sorted({len(response) for response in responses})
    if len(lengths) > 1:
        raise WfmError(f"{path}: {where} has responses of {lengths} samples, one length is expected; fetch it again")
    with np.errstate(over="ignore"):  # beyond float32 is Inf, which is refused by name
        return np.array(responses, np.complex64)
