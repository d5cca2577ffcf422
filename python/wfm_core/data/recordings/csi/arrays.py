# SPDX-License-Identifier: GPL-3.0-or-later
"""CSI of packets in an array of an .npz file: one recording a file."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.npz_file import open_npz

from .packet import CsiPacket

ARRAY = "csi_data"
"""The array's name, where no other one is given."""


def array_packets(path: Path, array: str = ARRAY, packet_rate: float = 0.0) -> Iterator[CsiPacket]:
    """The packets of an array [packets, ...], numbered from 0, at `packet_rate` (1/s; 0: no times).

    Complex: [packets, subcarriers], or with receive antennas, or with those and streams behind. Whole numbers:
    [packets, 2 x subcarriers], imaginary and real part in turn as the ESP32 gives them. Raises `WfmError`.
    """
    values = _values(path, array)
    for number, one in enumerate(values):
        time = number / packet_rate if packet_rate else None
        csi = np.ascontiguousarray(one, np.complex64)
        yield CsiPacket(csi, (float("nan"),) * csi.shape[1], time, number)


def entry_text(path: Path, name: str) -> str:
    """The one text or number under `name`. Raises `WfmError`."""
    with open_npz(path) as (names, array):
        if name not in names:
            raise WfmError(f"{path} has no entry {name!r} that says its class; it has {', '.join(sorted(names))}")
        value = array(name)
        if value.size != 1 or value.dtype.kind not in "Uiub":
            raise WfmError(f"{path}: {name} is {value.dtype} {list(value.shape)}: one text or number is expected")
        return str(value.reshape(-1)[0])


def _values(path: Path, name: str) -> np.ndarray:
    """[packets, subcarriers, receive antennas, streams]."""
    with open_npz(path) as (names, array):
        if name not in names:
            raise WfmError(f"{path} has no array {name!r}; it has {', '.join(sorted(names)) or 'none'}: name one")
        try:
            values = array(name)
        except ValueError as error:
            raise WfmError(f"{path}: {name} holds pickled objects, which are not read; save it as numbers") from error
    expected = "complex [packets, subcarriers, ...], or whole numbers [packets, imaginary and real parts in turn]"
    if values.dtype.kind in "iu" and values.ndim == 2 and values.shape[1] and not values.shape[1] % 2:
        values = values[:, 1::2].astype(np.float32) + 1j * values[:, ::2].astype(np.float32)
    elif values.dtype.kind != "c" or not 2 <= values.ndim <= 4 or 0 in values.shape[1:]:
        raise WfmError(f"{path}: {name} is {values.dtype} {list(values.shape)}: {expected} is expected")
    return values.reshape(*values.shape, *[1] * (4 - values.ndim))
