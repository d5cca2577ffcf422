# SPDX-License-Identifier: GPL-3.0-or-later
"""What Python blocks with message ports share: the ports, the guard, notices, and a status once a second."""

import functools
import time
from collections.abc import Callable

import pmt
from gnuradio import gr

from . import endings, keys
from .guard import Guard, guarded_start, guarded_stop

_STATUS_SECONDS = 1.0
_REFUSALS = {"control": "a control message was refused", "command": "a command was refused"}


def _begins(start: Callable) -> Callable:
    @functools.wraps(start)
    def run(block):
        endings.begin(block)
        return start(block)

    return run


def _ends(stop: Callable) -> Callable:
    """What still waits is handled before a block's `stop`, and who listens to it is told after that."""

    @functools.wraps(stop)
    def run(block):
        block._handle_all_waiting()
        stopped = stop(block)
        endings.end(block)
        return stopped

    return run


class message_block(gr.basic_block):
    """A block with message ports.

    Its handlers, its `start` and its `stop` never raise: `complain` logs what they would. What the latter two return
    is True. A block that gives the port `status` has a method `status()`. What waits on its ports when it ends is
    handled before its `stop`.

    Args:
        name: of the block.
        takes: handler of each port in.
        gives: the ports out.
        on_refusal: called with each exception of a handler, to count or to publish it.
        log: name of its logger, "" for the block's own.
        in_sig: dtypes of its input streams, None for no stream.
    """

    FATE = "ignored"
    """What becomes of a message whose handler raises, in a sentence."""
    ENDS_LAST = False
    """True: the block ends after the last message_block that is connected to it, not after the first (`.endings`). Of
    blocks that only listen: two that wait for each other would never end."""

    def __init_subclass__(cls, **arguments):
        super().__init_subclass__(**arguments)
        if "start" in vars(cls):
            cls.start = _begins(guarded_start(vars(cls)["start"]))
        if "stop" in vars(cls):
            cls.stop = _ends(guarded_stop(vars(cls)["stop"]))

    def __init__(
        self,
        name: str,
        takes: dict[pmt.pmt_base, Callable[[pmt.pmt_base], None]],
        gives: tuple[pmt.pmt_base, ...] = (),
        on_refusal: Callable[[Exception], None] | None = None,
        log: str = "",
        in_sig=None,
    ):
        gr.basic_block.__init__(self, name=name, in_sig=in_sig, out_sig=None)
        self.log = gr.logger(log) if log else self.logger
        self._guard = Guard(self.complain, on_refusal)
        self._next_status = 0.0
        for port in gives:
            self.message_port_register_out(port)
        self._takes = tuple(takes)
        for port, handler in takes.items():
            self.message_port_register_in(port)
            self._set_guarded_handler(port, handler)
        self.set_msg_handler(keys.SYSTEM, self.handle_system)

    @_begins
    def start(self) -> bool:
        return True

    @_ends
    def stop(self) -> bool:
        return True

    def handle_system(self, message: pmt.pmt_base) -> None:
        """A block that is connected to this one has ended."""
        self._handle_all_waiting()  # it said all it had to say before
        if endings.may_end(self):
            self.to_basic_block().system_handler(message)

    def _handle_all_waiting(self) -> None:
        for port in self._takes:
            self.handle_waiting(port)

    def _set_guarded_handler(self, port: pmt.pmt_base, handler: Callable[[pmt.pmt_base], None]) -> None:
        what = _REFUSALS.get(str(port), f"a message on {port} was {self.FATE}")

        def handle(message: pmt.pmt_base) -> None:
            self._guard.run(handler, message, what=what)

        handle.__name__ = f"handle_{port}"
        setattr(self, handle.__name__, handle)  # GNU Radio looks it up by its name
        self.set_msg_handler(port, handle)

    def complain(self, sentence: str) -> None:
        """Log what was refused, or failed."""
        self.log.error(sentence)

    @property
    def refused(self) -> int:
        """Messages, or what else is guarded, that were ignored."""
        return self._guard.refused

    def status(self) -> dict:
        """What the port `status` says."""
        raise NotImplementedError

    def publish_status(self) -> None:
        """Now, whenever the last one was."""
        self._next_status = time.monotonic() + _STATUS_SECONDS
        self.message_port_pub(keys.STATUS, pmt.to_pmt(self.status()))

    def status_is_due(self) -> bool:
        """A second or more after the last one."""
        return time.monotonic() >= self._next_status

    def publish_status_when_due(self) -> None:
        if self.status_is_due():
            self.publish_status()

    def warn(self, text: str) -> None:
        """In the log, and on the port `events`."""
        self.log.warn(text)
        self.notice("warning", text)

    def notice(self, kind: str, text: str, **fields) -> None:
        """What changed or failed, on the port `events`; `fields` beside event and text."""
        self.message_port_pub(keys.EVENTS, pmt.to_pmt({"event": kind, "text": text, **fields}))

    def has_listeners(self, port: pmt.pmt_base) -> bool:
        """Whether any block takes what `port` gives: of what is published often, making it costs more than sending."""
        return not pmt.is_null(self.message_subscribers(port))

    def handle(self, port: pmt.pmt_base, message: pmt.pmt_base) -> None:
        """Handle a message now, as if it had come to `port`."""
        getattr(self, f"handle_{port}")(message)

    def handle_waiting(self, port: pmt.pmt_base) -> None:
        """Handle what waits on `port` now, from one of the block's own handlers or its `stop`.

        The scheduler empties one port before it looks at the next, in no order that a block could choose: an order
        would wait behind a thousand windows, and "done" may overtake the last of them.
        """
        queue = self.to_basic_block()
        while (message := queue.delete_head_nowait(port)) is not None:
            self.handle(port, message)

    def forget_last_run(self) -> None:
        """That it was done, and its "done" to itself over `alive`, would end this run at once."""
        block = self.to_basic_block()
        while block.delete_head_nowait(keys.SYSTEM) is not None:
            pass
        block.clear_finished()


def keep_alive(top: gr.hier_block2, block) -> None:
    """Tie the port `alive` of `block`, in `top`, to itself: a block without any connection is not started."""
    block.message_port_register_out(keys.ALIVE)
    block.message_port_register_in(keys.ALIVE)
    top.msg_connect(block, "alive", block, "alive")
