# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays as messages and back. What comes from the other side is checked before an array is made of it."""

import math

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import shortened
from wfm_core.serving.protocol import MAX_WINDOWS, Images, IqWindows, Judgement, Output

FORMATS = ("cf32", "ci16")
_BYTES = {"cf32": 8, "ci16": 4}
_FULL_SCALE = 32768
_MOST_OUTPUTS = 256


def bytes_of(shape: tuple[int, ...], kind: str) -> int:
    """Bytes of one window [antennas, samples] in a format of `FORMATS`, or of one image (kind "image")."""
    return math.prod(shape) * _BYTES.get(kind, 4)


def iq_message(windows: np.ndarray, kind: str) -> IqWindows:
    """Complex64 [B, A, T] as a message.

    ci16 keeps 16 bits of a window's largest value. Its scale is a power of two: samples that are multiples of
    2^-15 up to 1, as radios of up to 16 bits give them, are kept as they are.
    """
    _, antennas, samples = windows.shape
    message = IqWindows(format=kind, antennas=antennas, samples=samples)
    parts = np.ascontiguousarray(windows, "<c8").view("<f4")
    if kind == "cf32":
        message.data = parts.tobytes()
        return message
    largest = np.abs(parts).max(axis=(1, 2), initial=0.0)
    exponent = np.frexp(np.where(np.isfinite(largest), largest, 1.0))[1]
    scale = np.ldexp(np.float32(1), np.clip(exponent - 15, -120, 120)).astype(np.float32)
    whole = np.rint(parts / scale[:, None, None])
    message.scale.extend(scale.tolist())
    message.data = np.clip(np.nan_to_num(whole), -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2").tobytes()
    return message


def windows_of(message: IqWindows) -> np.ndarray:
    """Complex64 [B, A, T] of a message. Raises `WfmError` for one that says two things."""
    kind = message.format
    if kind not in FORMATS:
        raise WfmError(f"windows of format {shortened(kind)}; one of {', '.join(FORMATS)} is expected")
    shape = (message.antennas, message.samples)
    count = _count(message.data, bytes_of(shape, kind), f"windows of {shape[0]} x {shape[1]} samples")
    parts = np.frombuffer(message.data, "<f4" if kind == "cf32" else "<i2").reshape(count, shape[0], 2 * shape[1])
    if kind == "ci16":
        scale = np.array(message.scale, np.float32)
        if len(scale) != count or not np.isfinite(scale).all():
            raise WfmError(f"{len(scale)} scales of {count} windows of ci16; one finite number for each is expected")
        parts = parts * scale[:, None, None]
    return parts.astype(np.float32, copy=False).view(np.complex64)


def image_message(images: np.ndarray, prepared: bool) -> Images:
    """Float32 [B, C, H, W] as a message."""
    _, channels, height, width = images.shape
    data = np.ascontiguousarray(images, "<f4").tobytes()
    return Images(channels=channels, height=height, width=width, data=data, prepared=prepared)


def images_of(message: Images) -> np.ndarray:
    """Float32 [B, C, H, W] of a message. Raises `WfmError`."""
    shape = (message.channels, message.height, message.width)
    count = _count(message.data, bytes_of(shape, "image"), f"images of {' x '.join(map(str, shape))}")
    return np.frombuffer(message.data, "<f4").astype(np.float32, copy=False).reshape(count, *shape)


def _count(data: bytes, each: int, what: str) -> int:
    """How many of so many bytes each there are."""
    if not each or not data or len(data) % each or len(data) // each > MAX_WINDOWS:
        raise WfmError(f"{len(data)} bytes as {what}; 1 to {MAX_WINDOWS} of {each} bytes each are expected")
    return len(data) // each


def output_messages(outputs: dict[str, np.ndarray]) -> list[Output]:
    """What a bundle gave, float32 [B, ...] each; the axes behind the first go as one, and the contract says them."""
    return [
        Output(name=name, columns=values[0].size, values=np.ascontiguousarray(values, "<f4").tobytes())
        for name, values in outputs.items()
    ]


def outputs_of(message: Judgement, count: int) -> dict[str, np.ndarray]:
    """The arrays of an answer to `count` windows, their own memory. Raises `WfmError`."""
    if not 0 < len(message.outputs) <= _MOST_OUTPUTS:
        raise WfmError(f"an answer of {len(message.outputs)} outputs; 1 to {_MOST_OUTPUTS} are expected")
    outputs = {}
    for output in message.outputs:
        if len(output.values) != 4 * count * output.columns or output.name in outputs:
            raise WfmError(
                f"output {shortened(output.name)} of {output.columns} columns and {len(output.values)} bytes for "
                f"{count} windows; 4 bytes a number, and each name once, are expected"
            )
        rows = np.frombuffer(output.values, "<f4").reshape(count, output.columns)
        outputs[output.name] = rows.astype(np.float32)
    return outputs
