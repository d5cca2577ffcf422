# SPDX-License-Identifier: GPL-3.0-or-later
"""CSI that comes packet by packet, from anybody who reaches the socket."""

from wfm_core.base.errors import WfmError

from .decoder import Decoder
from .formats import AUTO, FORMATS, check_format, makers
from .packet import CsiPacket, Malformed

LONGEST = 65535
"""Bytes of a datagram."""


class LiveCsi:
    """Decodes what came, and counts what is none of it.

    Args:
        format: one of `FORMATS`; "auto": that of the first packet that is whole, for good.
        chip: see `NexmonPackets`.

    Raises:
        WfmError: an unknown format or chip, or csiread is not installed. With "auto" lines of the ESP32 are then read
            alone, and `missing` says so.
    """

    def __init__(self, format: str = AUTO, chip: str = "43455c0"):
        check_format(format, AUTO)
        self._decoders: dict[str, Decoder] = {}
        self.missing = ""
        for name, make in makers(chip).items():
            if format not in (AUTO, name):
                continue
            try:
                self._decoders[name] = make()
            except WfmError as error:
                if format != AUTO:
                    raise
                self.missing = str(error)
        self.malformed = self.others = 0
        """Packets that are none of the format, and those of it that have no CSI."""
        self.why = ""
        """What is wrong with the first malformed one."""

    @property
    def format(self) -> str:
        """That of the packets; "auto" as long as it is not known."""
        return next(iter(self._decoders)) if len(self._decoders) == 1 else AUTO

    @property
    def decoder(self) -> Decoder | None:
        """None as long as the format is not known."""
        return self._decoders[self.format] if len(self._decoders) == 1 else None

    def packets(self, datagram: bytes, arrived: float) -> list[CsiPacket]:
        """Those in what came at `arrived` (seconds since 1970), which is their time where they have none themselves."""
        for name in FORMATS if len(self._decoders) > 1 else (self.format,):
            if name not in self._decoders:
                continue
            decoder = self._decoders[name]
            before = self.malformed, self.others, self.why
            found = [p for part in decoder.split(datagram) if (p := self._decoded(decoder, part, arrived)) is not None]
            if found or len(self._decoders) == 1:
                self._decoders = {name: decoder}
                return found
            self.malformed, self.others, self.why = before
        self._count("nothing of a format that is known")
        return []

    def _decoded(self, decoder: Decoder, data: bytes, arrived: float) -> CsiPacket | None:
        try:
            packet = decoder.decode(data, arrived)
        except Malformed as error:
            self._count(str(error))
            return None
        self.others += packet is None
        return packet

    def _count(self, why: str) -> None:
        self.why = self.why or why
        self.malformed += 1
