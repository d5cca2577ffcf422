# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged packets and logs of CSI, one after another from a seed, and what the decoders do with them.

    PYTHONPATH=tests/helpers python tests/fuzz/strange_csi.py FOLDER FORMAT,FORMAT SEED COUNT

COUNT packets of each format: each is decoded to finite values of a shape within limits, has no CSI, or is malformed;
now and then a log of some is read, whole or refused by a WfmError of one line. Prints `CASE format number` before each,
at its end `DONE` and how many were decoded, were none of CSI, and were malformed. A case that does not pass ends it.
It is run in a process of its own: what decodes is a library in C, and a case may crash it.
"""

import random
import sys
from pathlib import Path

import numpy as np
from csi_packets import as_log, good_packet
from file_mutator import damage

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.csi.formats import FORMATS, makers
from wfm_core.data.recordings.csi.log import CsiLog
from wfm_core.data.recordings.csi.nexmon import CHIPS
from wfm_core.data.recordings.csi.packet import Malformed

MOST_VALUES = 114 * 9 + 1024
_LOGS = 50
"""Of so many packets one is in a log instead."""


def strange_packet(good: list[bytes], draw: random.Random) -> bytes:
    """Damaged, of another format, random, or of the right length with random bytes or one of them changed."""
    kind, data = draw.randrange(8), draw.choice(good)
    if kind == 0:
        return draw.randbytes(draw.choice([0, 1, 2, 3, 20, 25, 40, 300, 1042, 2000]))
    if kind == 1:
        head = draw.randrange(len(data) + 1)
        return data[:head] + draw.randbytes(len(data) - head)
    if kind in (2, 3, 4):
        place = draw.randrange(min(len(data), 120))
        return data[:place] + draw.randbytes(1) + data[place + 1 :]
    return damage(data, draw)


def try_format(folder: Path, format: str, seed: int, count: int) -> dict[str, int]:
    draw = random.Random(seed)
    good = [good_packet(format, number)[0] for number in range(4)]
    decoders = [makers(chip)[format]() for chip in (CHIPS if format == "nexmon" else CHIPS[:1])]
    strangers = good + [good_packet(other)[0] for other in FORMATS if other != format][:1]
    counts = {"decoded": 0, "others": 0, "malformed": 0}
    for case in range(count):
        print("CASE", format, case, flush=True)
        if case % _LOGS == 0:
            read_log(format, [strange_packet(strangers, draw) for _ in range(5)], folder / "log", draw)
        decoder = draw.choice(decoders)
        try:
            packet = decoder.decode(strange_packet(strangers, draw), 1.0)
        except Malformed as error:
            assert str(error).isprintable() and len(str(error)) < 300, error
            counts["malformed"] += 1
            continue
        counts["others" if packet is None else "decoded"] += 1
        if packet is not None:
            assert packet.csi.ndim == 3 and 0 < packet.csi.size <= MOST_VALUES and np.isfinite(packet.csi).all()
            assert len(packet.rssi) == packet.csi.shape[1] and len(packet.vectors()) >= 1
    for decoder in decoders[:1]:  # and is as it was
        data, csi = good_packet(format)
        assert np.array_equal(makers(CHIPS[1])[format]().decode(data, 1.0).csi, csi) and decoder.decode(data, 1.0)
    return counts


def read_log(format: str, packets: list[bytes], path: Path, draw: random.Random) -> None:
    data = as_log(format, [packet[:60000] for packet in packets])
    path.write_bytes(damage(data, draw) if draw.random() < 0.5 else data)
    try:
        for packet in CsiLog(path, draw.choice(["auto", format])).packets():
            assert np.isfinite(packet.csi).all()
    except WfmError as error:
        assert str(error).isprintable()


if __name__ == "__main__":
    place, names, first, cases = Path(sys.argv[1]), sys.argv[2].split(","), int(sys.argv[3]), int(sys.argv[4])
    print("DONE", *(f"{name} {list(try_format(place, name, first, cases).values())}" for name in names))
