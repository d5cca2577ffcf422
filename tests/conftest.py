# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every test.

Programs that tests start find the helpers of tests, as the tests do (`pythonpath` in pyproject.toml). A flowgraph ends
with its test: one that a failed test left running would be ended when it is freed, which waits for its blocks with the
GIL held, and its Python blocks wait for the GIL. That holds up the whole run without a word.
"""

import os
import weakref
from pathlib import Path

import pytest
from gnuradio import gr

HELPERS = str(Path(__file__).parent / "helpers")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [HELPERS, os.environ.get("PYTHONPATH")]))

_begun = weakref.WeakSet()
_start = gr.top_block.start


def _remembered_start(top, *args):
    _begun.add(top)
    _start(top, *args)


gr.top_block.start = _remembered_start


@pytest.fixture(autouse=True)
def flowgraphs_end_with_their_test():
    _begun.clear()  # of fixtures that live longer, begun before this
    yield
    for top in list(_begun):
        top.stop()
        top.wait()
