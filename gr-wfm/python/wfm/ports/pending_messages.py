# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that wait at a block while it is busy with those of another port."""

from collections.abc import Callable

import pmt


def handle_waiting(block, port: pmt.pmt_base, handler: Callable[[pmt.pmt_base], None]) -> None:
    """Handle what waits on `port` of a Python block now, from one of its own handlers or its `stop`.

    The scheduler empties one port before it looks at the next, in no order that a block could choose: an order would
    wait behind a thousand windows, and "done" may overtake the last of them.
    """
    queue = block.to_basic_block()
    while (message := queue.delete_head_nowait(port)) is not None:
        handler(message)
