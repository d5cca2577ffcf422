# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of WFM CSI Source share: a flowgraph of it, and who sends to it."""

import socket

from csi_packets import as_log, esp32, numbers
from flowgraph_helpers import Collector
from gnuradio import gr, wfm
from gnuradio.wfm.images import image_messages


class Run:
    """A flowgraph of the source alone, with what it sends."""

    def __init__(self, block, *more):
        self.block, self.top = block, gr.top_block()
        self.csi, self.status, self.events = Collector(), Collector(), Collector()
        for name in ("csi", "status", "events"):
            self.top.msg_connect(block, name, getattr(self, name), "in")
        for source, port, sink, to in more:
            self.top.msg_connect(source, port, sink, to)

    def __enter__(self):
        self.top.start()
        return self

    def __exit__(self, *_):
        self.top.stop()
        self.top.wait()

    def counts(self) -> dict:
        return self.block.status()

    def vectors(self) -> list:
        return [image_messages.read_csi(message, "packet_num") for message in self.csi.messages]


class Sender:
    """Sends datagrams to a source."""

    def __init__(self, block):
        host, port = block.address().removeprefix("udp://").rsplit(":", 1)
        self._place = host, int(port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendto(data, self._place)


def line(number: int, **more) -> bytes:
    return esp32(numbers(64, 1, 1, 128, number), number=number, ticks=number * 1000, **more)


def played(tmp_path, format, packets, **options) -> Run:
    (tmp_path / "log").write_bytes(as_log(format, packets))
    run = Run(wfm.csi_source(str(tmp_path / "log"), **{"pace": "fast", **options}))
    run.top.run()
    return run
