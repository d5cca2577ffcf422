# SPDX-License-Identifier: GPL-3.0-or-later
"""When message blocks end: nothing that waits is dropped, and who only listens ends after the last who speaks.

GNU Radio ends a block without streams when the first of the blocks that are connected to it has ended, and drops what
still waits on its ports. A display behind a detector and its tracker would so miss the last events, now and then.
"""

import threading
import weakref

import pmt

from . import keys

_lock = threading.Lock()
_running: "weakref.WeakSet" = weakref.WeakSet()


def begin(block) -> None:
    """`block`, a message_block, runs."""
    with _lock:
        _running.add(block)


def end(block) -> None:
    """`block` has said its last: tell those of its listeners that wait for it."""
    with _lock:
        _running.discard(block)
        listeners = [other for other in _running if other.ENDS_LAST and _speaks_to(block, other)]
    for listener in listeners:
        say_done(listener)


def may_end(block) -> bool:
    """Whether no message_block that is connected to `block` still runs, or `block` does not wait for them."""
    if not block.ENDS_LAST:
        return True
    with _lock:
        return not any(_speaks_to(other, block) for other in _running if other is not block)


def say_done(block) -> None:
    """Tell a block without streams, as the scheduler does, that nothing more comes: it ends."""
    block.to_basic_block()._post(keys.SYSTEM, keys.DONE)


def _speaks_to(speaker, listener) -> bool:
    """Whether a port of `speaker` is connected to one of `listener`, through hierarchical blocks or not."""
    name = pmt.intern(listener.to_basic_block().alias())
    ports = speaker.to_basic_block().message_ports_out()
    for number in range(pmt.length(ports)):
        subscribers = speaker.message_subscribers(pmt.vector_ref(ports, number))
        while pmt.is_pair(subscribers):
            if pmt.eqv(pmt.car(pmt.car(subscribers)), name):
                return True
            subscribers = pmt.cdr(subscribers)
    return False
