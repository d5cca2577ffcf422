# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF datatypes: how the bytes of one sample become a complex number at full scale 1.0."""

import re
from dataclasses import dataclass

import numpy as np

from wfm_core.base.errors import WfmError

_PATTERN = re.compile(r"([cr])(f32|f64|i8|i16|i32|u8|u16|u32)(_le|_be)?")


@dataclass(frozen=True)
class SampleFormat:
    """One SigMF datatype: `component` is the numpy type of I or Q; `parts` is 2 for complex samples, else 1."""

    name: str
    component: np.dtype
    parts: int

    @property
    def bytes(self) -> int:
        """Bytes of one sample of one channel."""
        return self.component.itemsize * self.parts

    def samples_in(self, size: int, channels: int, name: str, doubt: str) -> int:
        """How many samples of each of `channels` are `size` bytes of the file called `name`; raises WfmError for a part
        of one, with the `doubt` what else may be wrong."""
        frame = self.bytes * channels
        if size % frame:
            raise WfmError(
                f"{name} has {size} bytes of samples, not a multiple of {frame} ({channels} channels of {self.name}): "
                f"it is truncated or {doubt}, fix one of them"
            )
        return size // frame

    def to_complex(self, values: np.ndarray) -> np.ndarray:
        """Components [..., parts] -> complex64 [...]; integers are scaled to full scale 1.0, real samples get Q = 0.

        Signed integers of n bits are divided by 2^(n-1). Unsigned ones are centred between their two middle
        codes: (v - m) / m with m = (2^n - 1) / 2, so the smallest code is -1 and the largest +1.
        """
        kind, bits = self.component.kind, 8 * self.component.itemsize
        if kind == "f":
            with np.errstate(over="ignore", invalid="ignore"):  # a float64 beyond float32 becomes Inf, which is counted
                scaled = values.astype(np.float32)
        else:
            wide = values.astype(np.float32 if bits <= 16 else np.float64)
            middle = (2**bits - 1) / 2
            scaled = wide / 2 ** (bits - 1) if kind == "i" else (wide - middle) / middle
        samples = np.zeros(values.shape[:-1], np.complex64)
        samples.real = scaled[..., 0]
        if self.parts == 2:
            samples.imag = scaled[..., 1]
        return samples


def sample_format(datatype: str) -> SampleFormat:
    """The format of a SigMF datatype such as `ci16_le`, `cu8` or `rf32_be`; raises WfmError for any other text."""
    match = _PATTERN.fullmatch(datatype) if isinstance(datatype, str) else None
    if match is None or (match[3] is None and not match[2].endswith("8")):
        raise WfmError(
            f"unknown SigMF datatype {datatype!r}: known are c or r, then f32 f64 i32 i16 u32 u16 with _le or _be, "
            "or i8 u8 (as in cf32_le, ci16_le, cu8); fix core:datatype"
        )
    order = ">" if match[3] == "_be" else "<"
    component = np.dtype(f"{order}{match[2][0]}{int(match[2][1:]) // 8}")
    return SampleFormat(datatype, component, 2 if match[1] == "c" else 1)
