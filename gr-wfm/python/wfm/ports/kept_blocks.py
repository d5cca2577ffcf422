# SPDX-License-Identifier: GPL-3.0-or-later
"""Flowgraphs that keep the Python blocks connected in them.

In GNU Radio 3.10 a flowgraph holds the C++ half of a Python block (`block_gateway`), and that half its Python half by a
pointer that it does not own. A Python block that nothing else refers to, as in `top.connect(source, wfm.inference(),
sink)`, is freed at once or by the next garbage collection in any thread, and the process ends with a segmentation fault
in the scheduler's threads. GNU Radio's issue 5133.
"""

import functools
from collections.abc import Callable, Iterator

from gnuradio import gr
from gnuradio.gr.gateway import gateway_block

_KEPT = "_wfm_kept_blocks"


def keep_connected_blocks() -> None:
    """From now on flowgraphs (`gr.hier_block2`, `gr.top_block`) refer to what is connected in them, until they end.

    Blocks that were disconnected stay with them: the scheduler may be at them until `unlock()` has returned. The
    references are on the Python side, so that cycles of them are collected.
    """
    for name in ("connect", "msg_connect"):
        method = getattr(gr.hier_block2, name)
        if not hasattr(method, _KEPT):
            setattr(gr.hier_block2, name, _keeping(method))


def _keeping(connect: Callable) -> Callable:
    @functools.wraps(connect)
    def wrapped(flowgraph, *points, **named) -> None:
        connect(flowgraph, *points, **named)
        kept = vars(flowgraph).setdefault(_KEPT, {})
        for block in _python_blocks((*points, *named.values())):
            if block is not flowgraph:
                kept[id(block)] = block

    setattr(wrapped, _KEPT, True)
    return wrapped


def _python_blocks(points: tuple) -> Iterator:
    """Of endpoints as GNU Radio takes them: blocks, pairs of a block and its port, names of ports."""
    for point in points:
        block = point[0] if isinstance(point, tuple | list) and point else point
        if isinstance(block, gateway_block | gr.hier_block2):
            yield block
