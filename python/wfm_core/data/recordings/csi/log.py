# SPDX-License-Identifier: GPL-3.0-or-later
"""A log of CSI, packet after packet."""

from collections.abc import Iterator
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import open_file, user_path

from .arrays import ARRAY, array_packets
from .formats import ARRAYS, AUTO, check_format, format_of_log, makers
from .packet import CsiPacket, Malformed

_HEAD_BYTES = 1 << 16


class CsiLog:
    """A log that holds a packet at least. What is wrong in it is counted and left out.

    Args:
        path: of the file.
        format: one of `FORMATS`, "npz", or "auto": told by its content.
        chip: see `NexmonPackets`.
        array, packet_rate: see `array_packets`.

    Raises:
        WfmError: no file, no format that is known, no packet in it, or what the format takes is not installed.
    """

    def __init__(
        self,
        path: str | Path,
        format: str = AUTO,
        chip: str = "43455c0",
        array: str = ARRAY,
        packet_rate: float = 0.0,
    ):
        self.path = user_path(path)
        check_format(format, AUTO, ARRAYS)
        self.format = format if format != AUTO else self._found()
        self._array, self._rate = array, packet_rate
        self._make = None if self.format == ARRAYS else makers(chip)[self.format]
        self.malformed = self.others = 0
        """Packets that are none, and records without CSI, in all readings so far."""
        decoder = self._make and self._make()
        self.modulus = decoder.modulus if decoder else 0
        self.numbers_by_sender = bool(decoder and decoder.numbers_by_sender)
        self._why = ""
        packets = self.packets()
        first = next(packets, None)
        packets.close()
        if first is None:
            why = f" ({self.malformed} malformed; the first: {self._why})" if self.malformed else ""
            raise WfmError(f"{self.path} holds no packet of CSI of the format {self.format}{why}: name another file")
        self.malformed = self.others = 0

    def packets(self) -> Iterator[CsiPacket]:
        """From the first one on. Raises `WfmError` where the file cannot be read."""
        if self._make is None:
            yield from array_packets(self.path, self._array, self._rate)
            return
        decoder = self._make()
        try:
            with open_file(self.path) as file:
                records = decoder.records(file)
                while True:
                    try:
                        data, time = next(records)
                        packet = None if data is None else decoder.decode(data, time)
                    except StopIteration:
                        return
                    except Malformed as error:  # of a record; one that ends the records is the last
                        self._count(error)
                        continue
                    if packet is None:
                        self.others += 1
                    else:
                        yield packet
        except OSError as error:
            raise WfmError(f"{self.path} cannot be read ({error.strerror}): name a file of CSI") from error

    def _count(self, error: Malformed) -> None:
        self._why = self._why or str(error)
        self.malformed += 1

    def _found(self) -> str:
        try:
            with open_file(self.path) as file:
                found = format_of_log(file.read(_HEAD_BYTES))
        except OSError as error:
            raise WfmError(f"{self.path} cannot be read ({error.strerror}): name a file of CSI") from error
        if not found:
            raise WfmError(f"{self.path} is no log of CSI of a format that is known: name the format, or another file")
        return found
