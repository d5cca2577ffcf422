# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays whose axes come in any order, as the values of a data set: the axes are named, never guessed at silently."""

from dataclasses import dataclass

import numpy as np

from wfm_core.base.errors import WfmError

KINDS = {
    "csi": ("antennas", "subcarriers", "packets"),
    "image": ("channels", "height", "width"),
    "features": ("channels", "height", "width"),
    "sample": ("antennas", "samples"),
}
"""What a window of each kind is made of, in the data set's order. The first may be absent (it is 1 then), or there
several times (receive and transmit antennas), and is merged."""
PARTS = "reim"
"""The axis of two that holds real and imaginary part."""
MOST_CHANNELS = 64
"""More antennas or channels than this are taken for an axis that was named wrongly."""


@dataclass(frozen=True)
class Layout:
    """`axes` names the axes of an array after the first, which counts the windows. See `find_layout`."""

    kind: str
    axes: tuple[str, ...]

    def __call__(self, chunk: np.ndarray) -> np.ndarray:
        """Windows as they are stored [n, ...] -> float32 as the data set keeps them.

        CSI: amplitudes [n, antennas, subcarriers, packets]; images and features [n, C, H, W]; `sample`
        [n, 2, antennas, samples], I then Q.
        """
        if PARTS in self.axes:
            parts = [chunk.take(part, axis=1 + self.axes.index(PARTS)) for part in (0, 1)]
        elif np.iscomplexobj(chunk):
            parts = [chunk.real, chunk.imag]
        else:
            parts = [chunk]
        parts = [self._ordered(part.astype(np.float32)) for part in parts]
        if self.kind == "sample":
            return np.stack(parts, axis=1)
        return np.ascontiguousarray(np.hypot(*parts) if len(parts) == 2 else parts[0])

    def _ordered(self, part: np.ndarray) -> np.ndarray:
        """Axes in the kind's order; those of the first name merged into one, which is there even if it was not."""
        named = [name for name in self.axes if name != PARTS]
        first, *others = KINDS[self.kind]
        order = [place for place, name in enumerate(named, 1) if name == first]
        moved = part.transpose(0, *order, *(1 + named.index(name) for name in others))
        return moved.reshape(len(part), -1, *moved.shape[1 + len(order) :])


def find_layout(kind: str, shape: tuple[int, ...], is_complex: bool, axes: tuple[str, ...] | None, name: str) -> Layout:
    """The layout of the array called `name`; without `axes` that of the usual order. Raises `WfmError`.

    The usual order: CSI packets, subcarriers, antennas; images channels, height, width; `sample` antennas, samples.
    Real and imaginary part, where the values are not complex, come last in CSI and first in `sample`.
    """
    if kind not in KINDS:
        raise WfmError(f"kind {kind!r} is not known; expected one of {', '.join(KINDS)}")
    if len(shape) < 2 or min(shape) < 1:
        raise WfmError(f"{name} has the shape {list(shape)}: windows first and their axes after it are expected")
    axes = _usual(kind, shape, is_complex, name) if axes is None else tuple(axes)
    _check_names(kind, shape, is_complex, axes, name)
    _check_lengths(kind, shape, axes, name)
    return Layout(kind, axes)


def _usual(kind: str, shape: tuple[int, ...], is_complex: bool, name: str) -> tuple[str, ...]:
    dimensions = len(shape) - 1
    if kind == "csi":
        parts = not is_complex and dimensions > 2 and shape[-1] == 2
        axes = ("packets", "subcarriers", "antennas")[: dimensions - parts] + (PARTS,) * parts
    elif kind == "sample":
        parts = not is_complex
        if parts and shape[1] != 2 and shape[-1] == 2:
            raise WfmError(
                f"{name} has the shape {list(shape)}, where I and Q seem to be the last axis; axis 1 is expected to "
                f"be them, or say so: --axes {'antennas,' * (dimensions - 2)}samples,{PARTS}"
            )
        axes = (PARTS,) * parts + ("antennas", "samples")[-(dimensions - parts) :]
    else:
        axes = KINDS[kind][-dimensions:]
    return axes


def _check_names(kind: str, shape: tuple[int, ...], is_complex: bool, axes: tuple[str, ...], name: str) -> None:
    known = (*KINDS[kind], PARTS)
    where = f"{name} of the shape {list(shape)} with the axes {','.join(axes)}"
    unknown = [axis for axis in axes if axis not in known]
    if unknown:
        raise WfmError(f"{where}: {unknown[0]!r} is none of {kind}; name them out of {', '.join(known)} with --axes")
    if len(axes) != len(shape) - 1:
        raise WfmError(f"{where}: {len(shape) - 1} axes after the windows are expected; name them all with --axes")
    once = (*KINDS[kind][1:], PARTS)
    wrong = [axis for axis in once if axes.count(axis) > 1 or (axis != PARTS and axis not in axes)]
    if wrong:
        raise WfmError(f"{where}: {wrong[0]} is there {axes.count(wrong[0])} times; once is expected, fix --axes")
    if PARTS in axes and (is_complex or kind in ("image", "features")):
        seen = "the values are complex already" if is_complex else f"{kind} has no real and imaginary part"
        raise WfmError(f"{where}: {seen}; leave {PARTS} out of --axes, or choose another --kind")
    if kind == "sample" and not is_complex and PARTS not in axes:
        raise WfmError(f"{where}: real values, where I and Q are expected; name the axis of both {PARTS} with --axes")
    if is_complex and kind in ("image", "features"):
        raise WfmError(f"{where}: complex values, where {kind} wants real ones; choose --kind csi or sample")


def _check_lengths(kind: str, shape: tuple[int, ...], axes: tuple[str, ...], name: str) -> None:
    lengths = list(zip(axes, shape[1:], strict=True))
    listed = ", ".join(f"{axis} {length}" for axis, length in lengths)
    for place, (axis, length) in enumerate(lengths, 1):
        if axis == PARTS and length != 2:
            raise WfmError(
                f"axis {place} of {name} has {length} values and would be {PARTS} ({listed}): 2 are expected, name the "
                "axes in the array's order with --axes"
            )
    first = KINDS[kind][0]
    channels = int(np.prod([length for axis, length in lengths if axis == first]))
    if channels > MOST_CHANNELS:
        raise WfmError(
            f"{name} has {channels} {first} ({listed}): {MOST_CHANNELS} or fewer are expected, the axes seem to be "
            "swapped; name them in the array's order with --axes"
        )
