# SPDX-License-Identifier: GPL-3.0-or-later
"""The CSI of one packet, whichever receiver it comes from."""

from dataclasses import dataclass

import numpy as np


class Malformed(ValueError):
    """Bytes that are no whole packet of the format: the text says what is wrong with them."""


@dataclass(frozen=True, eq=False)
class CsiPacket:
    """What a receiver reports of one packet.

    csi: complex64 [subcarriers, receive antennas, streams (transmit antennas)], in the receiver's units and order.
    rssi: of each receive antenna in dBm (Atheros: dB as the log has them), NaN where it is not known.
    time: seconds, of the receiver's clock or since 1970; None where it is not known.
    number: its sequence number, or None; source: MAC address of the sender, "" where it is not known.
    frequency: of the channel in Hz, or None.
    first: number of the first of `vectors`; of formats that log one antenna and stream at a time.
    """

    csi: np.ndarray
    rssi: tuple[float, ...]
    time: float | None = None
    number: int | None = None
    source: str = ""
    frequency: float | None = None
    first: int = 0

    def vectors(self) -> np.ndarray:
        """complex64 [antennas, subcarriers]: number `stream * receive antennas + receive antenna`.

        The receive antennas of the first stream come first: they are there in every packet, however many streams
        it has.
        """
        return np.ascontiguousarray(self.csi.transpose(2, 1, 0).reshape(-1, len(self.csi)))

    def rssi_of(self, vector: int) -> float:
        """That of the receive antenna of `vectors()[vector]`; NaN where it is not known."""
        return self.rssi[vector % self.csi.shape[1]]


def mac_address(raw: bytes) -> str:
    return raw.hex(":")


def wifi_frequency(channel: int) -> float | None:
    """Hz of the centre of a WiFi channel of 2.4 or 5 GHz, by its number (IEEE 802.11, annex E); None for others."""
    if channel == 14:
        return 2.484e9
    if 1 <= channel <= 13:
        return 2.407e9 + 5e6 * channel
    return 5e9 + 5e6 * channel if 32 <= channel <= 196 else None
