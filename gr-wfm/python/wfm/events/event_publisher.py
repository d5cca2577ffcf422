# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Event Publisher: decisions, events, status and spectra of a flowgraph as JSON on a ZeroMQ PUB socket."""

import threading

import pmt

from wfm_core.base.errors import WfmError
from wfm_core.messages.decisions import decision_json
from wfm_core.messages.sockets import DEFAULT_ADDRESS, EventSender

from ..ports import fields, keys, messages
from ..ports.block import message_block
from ..ports.spectrum import read_spectrum


class event_publisher(message_block):
    """Sends what arrives on its message ports to every listener; a slow listener never slows the flowgraph.

    Message ports in: `detects` (PDUs), `events` (dict), `status` (dict), `spectrum` (PDUs of WFM Spectrum Rows). Out:
    `status`, a dict with `sent`, `dropped` and `refused`, once a second while messages arrive, and at the end.

    Args:
        address: where listeners connect, `tcp://HOST:PORT`; loopback unless another host is named.
        radio: the name that listeners see.
        high_water_mark: messages that wait for one slow listener before it misses some.

    Raises:
        WfmError: the address is in use or not of this machine, or a parameter is out of range.
    """

    FATE = "not published"
    ENDS_LAST = True

    def __init__(self, address: str = DEFAULT_ADDRESS, radio: str = "radio", high_water_mark: int = 1000):
        super().__init__(
            "wfm_event_publisher",
            takes={
                keys.DETECTS: self._on_detection,
                keys.EVENTS: self._on_event,
                keys.STATUS: self._on_status,
                keys.SPECTRUM: self._on_spectrum,
            },
            gives=(keys.STATUS,),
            on_refusal=lambda _: self.publish_status_when_due(),
        )
        if not 1 <= len(radio) <= 200:
            raise WfmError(f"a radio's name of {len(radio)} characters: 1 to 200 are expected; give it another")
        self._open, self._running = True, False
        self._settings = radio, high_water_mark
        # Handlers run in the block's thread, stop() in another: a ZeroMQ socket allows one at a time.
        self._lock = threading.Lock()
        self._sender = EventSender(address, radio, high_water_mark)

    def address(self) -> str:
        """Where the socket is bound, with the port that was chosen for `*`."""
        return self._sender.address

    def status(self) -> dict[str, int]:
        return {"sent": self._sender.sent, "dropped": self._sender.dropped, "refused": self.refused}

    def start(self) -> None:
        """Binds again after a stop, as when a flowgraph is locked and unlocked; the counts start again then."""
        with self._lock:
            self._running = True
            if not self._open:
                self._sender = EventSender(self._sender.address, *self._settings)
                self._open = True

    def stop(self) -> None:
        with self._lock:
            self._running = False
            if self._open:
                self._open = False
                self._sender.close()
        self.publish_status()

    def _on_detection(self, pdu: pmt.pmt_base) -> None:
        found = messages.read_detection(pdu)
        tasks = {found.task: found.decision}
        place = found.sample_start, found.sample_count
        body = decision_json(*place, tasks, found.rx_time, found.rx_freq, messages.band_of(found), found.origin)
        if found.level > float("-inf"):
            body["level"] = found.level
        self._send("decision", body)

    def _on_event(self, message: pmt.pmt_base) -> None:
        self._send_dict("event", message)

    def _on_status(self, message: pmt.pmt_base) -> None:
        self._send_dict("status", message)

    def _on_spectrum(self, pdu: pmt.pmt_base) -> None:
        self._send("spectrum", read_spectrum(pdu))

    def _send_dict(self, kind: str, message: pmt.pmt_base) -> None:
        body = messages.read_control(message)
        if "rx_time" in body:
            body["rx_time"] = fields.rx_time(body)
        self._send(kind, body)

    def _send(self, kind: str, body: dict) -> None:
        with self._lock:
            if not self._open:
                if self._running:
                    raise WfmError(f"nothing is bound to {self._sender.address}: its port was taken after a stop")
                return
            self._sender.send(kind, body)
        self.publish_status_when_due()
