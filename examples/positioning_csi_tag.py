# SPDX-License-Identifier: GPL-3.0-or-later
"""A tag that walks through the room of wfm_core.synth.room, and the four antennas that hear its packets."""

import threading
import time

import numpy as np
import pmt
from gnuradio import gr

from wfm_core.synth import room


class blk(gr.basic_block):
    """CSI as PDUs, one a packet and antenna: packet_num, antenna; complex vectors.

    places: [packets, 2] in metres; lost: share of the packets that are not heard; speed: times real time, 0 for at once
    """

    def __init__(self, places=((4.0, 3.0),), lost=0.0, speed=0.0):
        gr.basic_block.__init__(self, name="Tag in a Room", in_sig=None, out_sig=None)
        self.places, self.lost, self.speed = np.array(places), lost, speed
        self.message_port_register_out(pmt.intern("csi"))
        self._ending = threading.Event()
        self._thread = None

    def start(self):
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._send, args=(self._ending,), daemon=True)
        self._thread.start()
        return True

    def stop(self):
        self._ending.set()
        if self._thread is not None:
            self._thread.join(1.0)  # it may still be computing: a daemon, it says no more in any later run
        return True

    def _send(self, ending):
        generator = np.random.default_rng(5)
        vectors = room.csi(self.places, generator)
        heard = generator.random(len(vectors)) >= self.lost
        for number in np.flatnonzero(heard).tolist():
            if ending.is_set():
                return
            for antenna, vector in enumerate(vectors[number]):
                fields = pmt.to_pmt({"packet_num": number % 4096, "antenna": antenna})
                pdu = pmt.cons(fields, pmt.init_c32vector(len(vector), vector.tolist()))
                self.message_port_pub(pmt.intern("csi"), pdu)
            if self.speed > 0:
                time.sleep(1 / (room.PACKET_RATE * self.speed))
        ending.wait(0.1)  # so that "done" does not overtake the last packets in the next block's queues
        if not ending.is_set():
            self.to_basic_block()._post(pmt.intern("system"), pmt.cons(pmt.intern("done"), pmt.from_long(1)))
