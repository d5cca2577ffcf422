# SPDX-License-Identifier: GPL-3.0-or-later
"""What the decoders of all formats have in common."""

from collections.abc import Iterator
from types import ModuleType
from typing import BinaryIO

from wfm_core.base.needs import needed

from .packet import CsiPacket, Malformed

Record = tuple[bytes | None, float | None]
"""The bytes of one packet (None: something of the log that has no CSI) and the time that the log gives it, or None."""


class Decoder:
    """Decodes packets of one format, one after another: it follows their clock.

    `modulus`: their sequence numbers go from 0 to modulus - 1; 0 for none. `numbers_by_sender`: each sender has its
    own.
    """

    modulus = 0
    numbers_by_sender = False

    def split(self, datagram: bytes) -> list[bytes]:
        """The packets in what came at once."""
        return [datagram]

    def decode(self, data: bytes, time: float | None = None) -> CsiPacket | None:
        """The packet in `data`, bytes from anywhere, with the `time` of its log or arrival, unless it has its own.

        None: it is of the format, and has no CSI. Raises `Malformed` for anything else.
        """
        raise NotImplementedError

    def records(self, file: BinaryIO) -> Iterator[Record]:
        """What a log holds, to its end. Raises `Malformed` where it cannot go on."""
        raise NotImplementedError


def csiread() -> ModuleType:
    """The library that knows the packed formats. Raises `WfmError` where it is not installed.

    It is C and believes every length that a packet states: nothing may come to it that was not checked before.
    """
    return needed("csiread", "CSI of Intel 5300, Atheros, Nexmon and PicoScenes")


def read_exactly(file: BinaryIO, count: int, what: str) -> bytes:
    """Raises `Malformed` for a log that ends before."""
    data = file.read(count)
    if len(data) < count:
        raise Malformed(f"the log ends within {what}: {len(data)} of {count} bytes are there")
    return data
