# SPDX-License-Identifier: GPL-3.0-or-later
"""DeepMIMO: channels of ray-traced cities (tasks `line_of_sight`, `beam` and `position`).

`.npz` or `.mat` files, one a scenario, with the arrays that the DeepMIMO package gives of the users of one base
station:
- `channel`, complex [users, receive antennas, transmit antennas, subcarriers] (or without the receive antennas),
- `LoS` (version 3) or `los` (version 4) [users]: 1 with line of sight, 0 without, -1 where no path arrives,
- `location` (3) or `rx_pos` (4) [users, 3], metres: for positions.

Users to whom no path arrives are left out. A. Alkhateeb, "DeepMIMO: A Generic Deep Learning Dataset for Millimeter
Wave and Massive MIMO Applications", Information Theory and Applications Workshop 2019; https://deepmimo.net.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.npz_file import open_npz
from wfm_core.base.quantities import MOST_BEAMS, beam_angles
from wfm_core.data.dataset import write_dataset
from wfm_core.data.readers.own.folders import files_in, provenance
from wfm_core.data.readers.own.matlab import read_matlab
from wfm_core.data.readers.own.measure import image_signal
from wfm_core.signal.channels.beam_image import codebook

SCALE = 1e6
"""Channel gains are around 1e-6; the WavesFM v1 authors multiply by this, too."""
LABELS = ("nlos", "los")
NAMES = {"channel": ("channel",), "LoS": ("LoS", "los"), "location": ("location", "rx_pos")}
"""What is needed -> its names in versions 3 and 4."""
TASKS = ("line_of_sight", "beam", "position")
NULL_DB = -400.0
"""A beam straight into a null has no more."""
_CONTENT = ".npz or .mat files with channel and LoS"
_CHUNK = 256  # users at a time


def read(folder: Path, out: Path, *, task: str = "line_of_sight", beams: int = 64, size: int = 224) -> Path:
    """Each user's channel times 1e6 as an image: real parts, then imaginary parts, of each receive antenna; a row for
    each transmit antenna, a column for each subcarrier.

    Labels: whether there is line of sight, the best of `beams` beams (see `beam_gains`), or where the user is. Groups:
    `source` (the file), `path` (los or nlos).
    """
    folder, paths = files_in(folder, _CONTENT, "**/*.npz", "**/*.mat")
    if task not in TASKS:
        raise WfmError(f"task {task!r}: deepmimo has labels for one of {', '.join(TASKS)}")
    if not 2 <= beams <= MOST_BEAMS or size < 1:
        raise WfmError(f"{beams} beams, size {size}: 2 to {MOST_BEAMS} beams and 1 pixel or more are expected")
    parts = [_labels(path, task, beams) for path in paths]
    sights, label, gains = (np.concatenate(column) for column in zip(*parts, strict=True))
    counts = [len(sight) for sight, *_ in parts]
    if not len(label):
        raise WfmError(f"{folder}: no path arrives at any user (LoS is -1 or the channel 0); name other scenarios")
    names = {"line_of_sight": LABELS, "beam": [f"{angle:g} deg" for angle in beam_angles(beams)]}.get(task)
    scene = {"low": label.min(0).tolist(), "high": label.max(0).tolist()} if task == "position" else None
    return write_dataset(
        out,
        "features",
        _images(paths),
        label,
        labels=names,
        groups={
            "source": np.repeat([path.relative_to(folder).as_posix() for path in paths], counts),
            "path": [LABELS[sight] for sight in sights],
        },
        task=task,
        signal=partial(image_signal, size=[size, size]),
        provenance=provenance("deepmimo", folder, len(paths), task=task, beams=beams, scale=SCALE),
        scene=scene,
        gain_db=gains if task == "beam" else None,
    )


def beam_gains(channel: np.ndarray, beams: int) -> np.ndarray:
    """Channels [users, receive, transmit antennas, subcarriers] -> float64 [users, beams], the gain of each beam in dB
    to one decimal, at least NULL_DB; the first of the strongest is the best beam.

    A linear array at half a wavelength, whose weights are a `codebook`. The channel's mean over the subcarriers times
    the weights is the gain; so far as the WavesFM v1 authors have it. Their angles have both -90 and 90 degrees, which
    are the same beam, so that the last is never the best; here they go evenly from -90 to just under 90, as others do
    who repeated their figures. Powers of receive antennas add up.
    """
    weights = codebook(channel.shape[2], beams).numpy()
    found = np.empty((len(channel), beams))
    for begin in range(0, len(channel), _CHUNK):
        gain = channel[begin : begin + _CHUNK].mean(-1, dtype=np.complex128) @ weights
        with np.errstate(divide="ignore"):  # a beam straight into a null
            decibels = 10 * np.log10((np.abs(gain) ** 2).sum(1))
        found[begin : begin + _CHUNK] = np.round(decibels, 1).clip(min=NULL_DB)
    return found


def _labels(path: Path, task: str, beams: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Line of sight, int64 [users who are kept], the label of each, and the gains of beams, none for other tasks."""
    channel, sight = _channel(path)
    kept = _kept(channel, sight)
    none = np.empty((int(kept.sum()), 0))
    if task == "line_of_sight":
        return sight[kept], sight[kept], none
    if task == "beam":
        gains = beam_gains(channel[kept], beams)
        return sight[kept], gains.argmax(1), gains
    place = _array(path, "location")
    if place.shape != (len(sight), 3) or place.dtype.kind not in "fiu":
        raise WfmError(
            f"{path}: location {place.dtype} {list(place.shape)}, metres [{len(sight)}, 3] are expected; save it again"
        )
    return sight[kept], place[kept].astype(np.float32), none


def _images(paths: list[Path]) -> Iterator[np.ndarray]:
    """float32 [n, 2 x receive antennas, transmit antennas, subcarriers] of users who are kept."""
    for path in paths:
        channel, sight = _channel(path)
        rows = np.flatnonzero(_kept(channel, sight))
        for begin in range(0, len(rows), _CHUNK):
            part = channel[rows[begin : begin + _CHUNK]] * SCALE
            yield np.concatenate([part.real, part.imag], axis=1).astype(np.float32)


def _kept(channel: np.ndarray, sight: np.ndarray) -> np.ndarray:
    return (sight >= 0) & (channel != 0).any((1, 2, 3))


def _channel(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The channels [users, receive, transmit antennas, subcarriers] and int64 [users]: 1, 0 or -1."""
    channel, sight = _array(path, "channel"), _array(path, "LoS").reshape(-1)
    if channel.ndim == 3:
        channel = channel[:, None]
    if channel.ndim != 4 or channel.dtype.kind != "c" or len(channel) != len(sight) or 0 in channel.shape:
        raise WfmError(
            f"{path}: channel {channel.dtype} {list(channel.shape)}, LoS [{len(sight)}]; complex [users, receive, "
            "transmit antennas, subcarriers] and [users] are expected, save them again"
        )
    wrong = np.flatnonzero(~np.isin(sight, (-1, 0, 1)))
    if wrong.size:
        raise WfmError(f"{path}: user {wrong[0]} has LoS {sight[wrong[0]]}, 1, 0 or -1 is expected; save it again")
    return channel, sight.astype(np.int64)


def _array(path: Path, what: str) -> np.ndarray:
    """The array of one of its names; numbers, complex ones of HDF5 out of their parts."""
    if path.suffix.lower() == ".npz":
        values = _of_npz(path, what)
    else:
        *others, last = NAMES[what]
        for name in others:
            try:
                values = read_matlab(path, name)
                break
            except WfmError:
                continue
        else:
            values = read_matlab(path, last)
    if values.dtype.names == ("real", "imag"):
        values = values["real"] + 1j * values["imag"]
    return values


def _of_npz(path: Path, what: str) -> np.ndarray:
    with open_npz(path) as (names, array):
        found = [name for name in NAMES[what] if name in names]
        if not found:
            wanted = " or ".join(NAMES[what])
            raise WfmError(
                f"{path} holds {', '.join(names) or 'nothing'}, {wanted} is expected; save it with the others"
            )
        try:
            return array(found[0])
        except ValueError as error:  # numpy's word for pickled objects
            raise WfmError(f"{path}: {found[0]} holds pickled objects, which are not read; save numbers") from error
