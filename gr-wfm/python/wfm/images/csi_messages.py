# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets with CSI as PDUs, one an antenna, as WFM CSI Image takes them."""

import math
from collections.abc import Iterator

import pmt

from wfm_core.data.recordings.csi.packet import CsiPacket

from ..ports import keys
from ..ports.messages import time_tuple

_ANTENNA = pmt.intern("antenna")
_PACKET_NUM = pmt.intern("packet_num")
_RSSI = pmt.intern("rssi")
_SOURCE = pmt.intern("source")


def csi_pdus(packet: CsiPacket, antennas: int = 0) -> Iterator[pmt.pmt_base]:
    """cons(dict, c32vector) of each of the packet's vectors whose number is below `antennas` (0: of all).

    The dict has antenna, and where they are known packet_num, rx_time, rx_freq, rssi (of that antenna) and source.
    """
    shared = pmt.make_dict()
    if packet.number is not None:
        shared = pmt.dict_add(shared, _PACKET_NUM, pmt.from_long(packet.number))
    if packet.time is not None:
        whole = math.floor(packet.time)
        shared = pmt.dict_add(shared, keys.RX_TIME, time_tuple((whole, packet.time - whole)))
    if packet.frequency is not None:
        shared = pmt.dict_add(shared, keys.RX_FREQ, pmt.from_double(packet.frequency))
    if packet.source:
        shared = pmt.dict_add(shared, _SOURCE, pmt.intern(packet.source))
    for place, values in enumerate(packet.vectors()):
        number = packet.first + place
        if antennas and number >= antennas:
            continue
        fields = pmt.dict_add(shared, _ANTENNA, pmt.from_long(number))
        if math.isfinite(rssi := packet.rssi_of(place)):
            fields = pmt.dict_add(fields, _RSSI, pmt.from_double(rssi))
        yield pmt.cons(fields, pmt.init_c32vector(len(values), values.tolist()))
