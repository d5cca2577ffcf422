# SPDX-License-Identifier: GPL-3.0-or-later
"""A tag in the room of wfm_core.synth.room, which surveys points and then walks, and the four antennas that hear it."""

import queue
import threading
import time

import numpy as np
import pmt
from gnuradio import gr

from wfm_core.synth import room

HEIGHT = 1.2


class blk(gr.basic_block):
    """CSI as PDUs, one a packet and antenna: packet_num, antenna; complex vectors.

    points: [n, 2] in metres: at each it says so on `survey`, sends still_packets when `surveyed` has answered, and waits
    for the second answer; another answer ends it. places: [packets, 2] of the walk after that. lost: share of the walk's packets that are not
    heard; speed: times real time, 0 for at once
    """

    def __init__(self, points=(), still_packets=40, places=((4.0, 3.0),), lost=0.0, speed=0.0):
        gr.basic_block.__init__(self, name="Tag in a Room", in_sig=None, out_sig=None)
        self.points, self.still_packets, self.places = np.array(points), still_packets, np.array(places)
        self.lost, self.speed = lost, speed
        for port in ("csi", "survey"):
            self.message_port_register_out(pmt.intern(port))
        self.message_port_register_in(pmt.intern("surveyed"))
        self.set_msg_handler(pmt.intern("surveyed"), self._hear)
        self._answers = queue.Queue()
        self._ending = threading.Event()
        self._thread = None

    def start(self):
        self._ending, self._answers = threading.Event(), queue.Queue()
        self._thread = threading.Thread(target=self._run, args=(self._ending,), daemon=True)
        self._thread.start()
        return True

    def stop(self):
        self._ending.set()
        if self._thread is not None:
            self._thread.join(1.0)  # it may still be computing: a daemon, it says no more in any later run
        return True

    def _hear(self, event):
        self._answers.put(pmt.to_python(event)["event"])

    def _run(self, ending):
        generator, sent = np.random.default_rng(5), 0
        for point in self.points.tolist():
            order = {"point": [*point, HEIGHT], "windows": 5}
            self.message_port_pub(pmt.intern("survey"), pmt.to_pmt(order))
            if not self._is_told("enrolling", ending):
                break
            sent = self._send(np.tile(point, (self.still_packets, 1)), 0.0, sent, generator, ending)
            if not self._is_told("surveyed", ending):
                break
        else:
            self._send(self.places, self.lost, sent, generator, ending)
        ending.wait(0.1)  # so that "done" does not overtake the last packets in the next block's queues
        if not ending.is_set():
            self.to_basic_block()._post(pmt.intern("system"), pmt.cons(pmt.intern("done"), pmt.from_long(1)))

    def _is_told(self, answer, ending):
        while not ending.is_set():
            try:
                return self._answers.get(timeout=0.1) == answer
            except queue.Empty:
                pass
        return False

    def _send(self, places, lost, sent, generator, ending):
        """The packets of `places`; those before were `sent`. How many are sent then."""
        vectors = room.csi(places, generator)
        heard = generator.random(len(vectors)) >= lost
        for number in np.flatnonzero(heard).tolist():
            if ending.is_set():
                break
            for antenna, vector in enumerate(vectors[number]):
                fields = pmt.to_pmt({"packet_num": (sent + number) % 4096, "antenna": antenna})
                pdu = pmt.cons(fields, pmt.init_c32vector(len(vector), vector.tolist()))
                self.message_port_pub(pmt.intern("csi"), pdu)
            if self.speed > 0:
                time.sleep(1 / (room.PACKET_RATE * self.speed))
        return sent + len(vectors)
