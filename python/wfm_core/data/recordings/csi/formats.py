# SPDX-License-Identifier: GPL-3.0-or-later
"""The formats of CSI by name, and which one bytes are of."""

from collections.abc import Callable
from functools import partial

from wfm_core.base.errors import WfmError

from .atheros import AtherosRecords
from .decoder import Decoder
from .esp32 import BEGIN, Esp32Lines
from .intel import CSI, PAYLOAD, IntelRecords
from .nexmon import CAPTURES, CHIPS, NexmonPackets
from .picoscenes import MAGIC, PicoScenesFrames

ARRAYS = "npz"
"""The format that is arrays and no packets."""
AUTO = "auto"
FORMATS = ("esp32", "nexmon", "intel", "atheros", "picoscenes")
"""What comes packet by packet; those of an unknown format are tried in this order, the least ambiguous first."""


def makers(chip: str) -> dict[str, Callable[[], Decoder]]:
    """What makes a decoder of each of `FORMATS`, or raises `WfmError` where it takes csiread, which is not installed.

    Raises `WfmError` for another `chip` than one of `CHIPS`.
    """
    if chip not in CHIPS:
        raise WfmError(f"chip {chip!r} is none that is known: one of {', '.join(CHIPS)} is expected")
    kinds = Esp32Lines, partial(NexmonPackets, chip), IntelRecords, AtherosRecords, PicoScenesFrames
    return dict(zip(FORMATS, kinds, strict=True))


def check_format(name: str, *more: str) -> str:
    """`name`, which must be one of `FORMATS` or of `more`. Raises `WfmError`."""
    known = (*more, *FORMATS)
    if name not in known:
        raise WfmError(f"CSI format {name!r} is none that is known: one of {', '.join(known)} is expected")
    return name


def format_of_log(head: bytes) -> str:
    """The format of a log by its first bytes (64 KiB, or all); "" for none that is known."""
    if head.startswith(b"PK\x03\x04"):
        return ARRAYS
    if head[:4] in CAPTURES:
        return "nexmon"
    if head[4:8] == MAGIC:
        return "picoscenes"
    if BEGIN in head:
        return "esp32"
    size = int.from_bytes(head[:2], "big")
    if len(head) > 2 and head[2] in (CSI, PAYLOAD) and _goes_on(head, size):
        return "intel"
    sizes = (
        25 + int.from_bytes(head[10:12], order) + int.from_bytes(head[25:27], order) for order in ("little", "big")
    )
    stated = (int.from_bytes(head[:2], order) for order in ("little", "big"))
    return "atheros" if len(head) > 27 and any(a == b for a, b in zip(sizes, stated, strict=True)) else ""


def _goes_on(head: bytes, size: int) -> bool:
    """Whether there is a record behind the first one, or nothing at all."""
    behind = head[2 + size : 5 + size]
    return size > 20 and (not behind or len(behind) < 3 or behind[2] in (CSI, PAYLOAD))
