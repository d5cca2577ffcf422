# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Event Subscriber: what WFM Event Publishers of other flowgraphs send, as messages of this one."""

import threading

import pmt

from wfm_core.base.errors import WfmError
from wfm_core.messages.events import TOLD, Message
from wfm_core.messages.sockets import DEFAULT_ADDRESS, EventListener

from ..ports import fields, keys, messages
from ..ports.block import message_block
from ..ports.guard import guarded

_POLL_SECONDS = 0.1
_JOIN_SECONDS = 5.0
_RADIO = pmt.intern("radio")


class event_subscriber(message_block):
    """Message ports out: `detects` (PDUs, one a task), `events` and `status` (dicts); all carry the field `radio`.

    `status` also carries this block's own counts once a second: a dict with `received`, `missed` and `refused`, and
    no `radio`.

    Args:
        addresses: one address or several, separated by spaces: `tcp://HOST:PORT`.
        high_water_mark: messages that wait here for each publisher.

    Raises:
        WfmError: an address is not one, or the high-water mark is below 1.
    """

    def __init__(self, addresses: str = DEFAULT_ADDRESS, high_water_mark: int = 1000):
        super().__init__(
            "wfm_event_subscriber",
            takes={},
            gives=(keys.DETECTS, keys.EVENTS, keys.STATUS),
            on_refusal=self._count_refusal,
        )
        if not addresses.split():
            raise WfmError(f"no address to listen to: give tcp://HOST:PORT, such as {DEFAULT_ADDRESS}")
        self._settings = addresses.split(), high_water_mark
        self._listener = EventListener(*self._settings, TOLD)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listens; after a stop (a flowgraph locked and unlocked) again, with counts from zero."""
        if self._thread is not None:
            self._listener = EventListener(*self._settings, TOLD)
            self._stopping = threading.Event()
        arguments = self._listener, self._stopping
        self._thread = threading.Thread(target=self._listen, args=arguments, name="wfm_event_subscriber", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)
            if self._thread.is_alive():
                self.log.error(f"the listening thread did not end within {_JOIN_SECONDS:g} s: left behind")

    def counts(self) -> dict[str, int]:
        return self._listener.counts()

    status = counts

    def _listen(self, listener: EventListener, stopping: threading.Event) -> None:
        while not stopping.is_set():
            self._receive(listener, stopping)
            self._guard.run(self.publish_status_when_due, what="the counts were not published")
        self._guard.run(listener.close, what="the listener was not closed")

    @guarded("listening was interrupted")
    def _receive(self, listener: EventListener, stopping: threading.Event) -> None:
        try:
            message = listener.receive(_POLL_SECONDS)
        except Exception:
            stopping.wait(_POLL_SECONDS)  # a fault that stays must not keep a processor busy
            raise
        if message is not None:
            self._pass_on(message)

    def _count_refusal(self, error: Exception) -> None:
        self._listener.refused += 1

    @guarded("a message from outside was not passed on")
    def _pass_on(self, message: Message) -> None:
        if message.kind != "decision":
            port = keys.EVENTS if message.kind == "event" else keys.STATUS
            self.message_port_pub(port, _dict(message))
            return
        shared = pmt.dict_add(messages.facts_dict(_facts(message.body)), _RADIO, pmt.intern(message.radio))
        for task, decision in message.body["tasks"].items():
            tag_value = messages.task_dict(shared, decision)
            self.message_port_pub(keys.DETECTS, messages.detects_pdu(task, tag_value, decision, late=False))


def _dict(message: Message) -> pmt.pmt_base:
    """An event or a status, its time as in a tag."""
    body = {key: value for key, value in message.body.items() if key != "rx_time"}
    values = pmt.to_pmt({**body, "radio": message.radio})
    if "rx_time" in message.body:
        values = pmt.dict_add(values, keys.RX_TIME, messages.time_tuple(message.body["rx_time"]))
    return values


def _facts(body: dict) -> messages.WindowFacts:
    """What a decision's tasks share. A latency belongs to the other flowgraph's stream: none is known."""
    level, rx_freq = body.get("level", float("-inf")), body.get("rx_freq")
    place = body["sample_start"], body["sample_count"], fields.rx_time(body), rx_freq
    return messages.WindowFacts(*place, level, **fields.band(body), origin=body.get("origin", ""))
