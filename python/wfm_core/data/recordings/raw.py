# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw recordings: a file of samples and nothing else; its name, or the user, says what they are.

The suffix tells the datatype: `.cu8`, `.cs8` or `.ci8`, `.cs16` or `.ci16`, `.cs32` or `.ci32`, `.cf32`, `.fc32` or
`.cfile`, `.cf64` or `.fc64` (little-endian), any of SigMF's datatypes, or `.wav`. Sample rate and centre frequency may
stand in the name as rtl_433 has them: `g001_433.92M_250k.cu8`.
"""

import math
import os
import re
from dataclasses import dataclass
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.captures import Capture
from wfm_core.data.recordings.record import Recording, SampleFile
from wfm_core.data.recordings.wav import read_header

WAV = (".wav", ".rf64", ".bw64")
_OTHER_NAMES = {
    "cs8": "ci8", "cs16": "ci16_le", "cs32": "ci32_le", "fc32": "cf32_le", "fc64": "cf64_le", "cfile": "cf32_le",
}  # fmt: skip
_PLAIN = {f"{domain}{number}": f"{domain}{number}_le" for domain in "cr" for number in
          ("i16", "u16", "i32", "u32", "f32", "f64")}  # fmt: skip
_BYTES = {f"{domain}{number}": f"{domain}{number}" for domain in "cr" for number in ("i8", "u8")}
_ENDINGS = {f"{name}_{end}": f"{name}_{end}" for name in _PLAIN for end in ("le", "be")}
DATATYPES = {f".{suffix}": form for suffix, form in (_OTHER_NAMES | _PLAIN | _BYTES | _ENDINGS).items()}
"""File suffix -> SigMF datatype."""

_NUMBER = r"(?<![0-9a-z.])(\d+(?:\.\d+)?)"
_FREQ = re.compile(_NUMBER + r"(hz|khz|mhz|ghz|m)(?![0-9a-z])")
_RATE = re.compile(_NUMBER + r"(sps|ksps|msps|gsps|k)(?![0-9a-z])")
_SCALE = {"h": 1.0, "s": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}


@dataclass(frozen=True)
class Told:
    """What the user says of recordings that do not say it themselves.

    rate, freq: Hz, of raw files, whatever their names tell (a WAV file's own rate counts). default_rate, default_freq:
    the same where their names tell nothing. real: what to do with real samples, "refuse" or "analytic".
    """

    rate: float | None = None
    freq: float | None = None
    real: str = "refuse"
    default_rate: float | None = None
    default_freq: float | None = None

    def __post_init__(self):
        if self.rate is not None and not 0 < self.rate < math.inf:
            raise WfmError(f"rate {self.rate:g} Hz: more than 0 is expected")
        if self.freq is not None and not math.isfinite(self.freq):
            raise WfmError(f"frequency {self.freq} Hz: a number is expected")
        if self.real not in REAL:
            raise WfmError(f"real samples {self.real!r}: one of {', '.join(REAL)} is expected")


REAL = ("refuse", "analytic")


def is_raw(path: Path) -> bool:
    """Does the suffix say that this is a raw or WAV recording?"""
    return path.suffix.lower() in (*WAV, *DATATYPES)


def told_by_name(name: str) -> tuple[float | None, float | None]:
    """Sample rate and centre frequency in Hz that a file's name tells; None for what it does not tell."""
    return tuple(_number(pattern, name.lower()) for pattern in (_RATE, _FREQ))


def _number(pattern: re.Pattern, name: str) -> float | None:
    found = [round(float(value) * _SCALE[unit[0]], 6) for value, unit in pattern.findall(name)]
    return found[0] if found and found[0] > 0 else None


def read_raw(path: Path, told: Told) -> Recording:
    """The recording of a raw or WAV file, real samples included. Raises WfmError naming what is wrong or missing."""
    if not os.path.isfile(path):
        raise WfmError(f"no file {path}: name an existing recording")
    rate, freq = told_by_name(path.stem)
    freq, time = next((f for f in (told.freq, freq) if f is not None), None), None
    if path.suffix.lower() in WAV:
        header = read_header(path)
        file, size, rate = SampleFile(path, header.datatype, 1, header.begin), header.size, header.rate
        if freq is None:
            freq = header.center_freq
        time = header.start
    else:
        file, size = SampleFile(path, DATATYPES[path.suffix.lower()], 1, 0), path.stat().st_size
        rate = next((r for r in (told.rate, rate, told.default_rate) if r is not None), None)
    if rate is None:
        raise WfmError(
            f"the sample rate of {path} is unknown: say it with --rate HZ, or in the file's name as in "
            f"{path.stem}_433.92M_250k{path.suffix}"
        )
    captures = (Capture(0, told.default_freq if freq is None else freq, time),)
    if size < file.format.bytes * file.channels:
        raise WfmError(f"{path} holds no samples ({size} bytes of them): record it again")
    samples = file.format.samples_in(size, file.channels, str(path), "its suffix is wrong")
    return Recording(path, (file,), rate, samples, captures, ())
