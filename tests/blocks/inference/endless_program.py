# SPDX-License-Identifier: GPL-3.0-or-later
"""A program whose flowgraph infers with a bundle that does not come back: endless_program.py BUNDLE WAY."""

import signal
import sys
from types import SimpleNamespace

from endless import loud_after
from gnuradio import blocks, gr, wfm
from waiting import wait_for

bundle, way = sys.argv[1:]
top = gr.top_block()
source = blocks.vector_source_c(loud_after(20), True)
block = wfm.inference(bundle, sample_rate=1.92e6, hold=4096, policy="live", device="cpu", dtype="fp32")
top.connect(source, blocks.throttle(gr.sizeof_gr_complex, 200e3), block, blocks.null_sink(gr.sizeof_gr_complex))
top.start()
wait_for(lambda: block.status()["queue_depth"] >= 100, 60)


def stop_and_leave(*_):
    """As programs that Companion makes have it."""
    top.stop()
    top.wait()
    sys.exit(0)


def stub(**values) -> SimpleNamespace:
    return SimpleNamespace(**{name: lambda *_, value=value: value for name, value in values.items()})


if way == "companion":
    signal.signal(signal.SIGINT, stop_and_leave)
print("ready", flush=True)
if way == "example":
    from gnuradio.wfm import app  # it lets Ctrl-C end the program at once until then

    radio = stub(error="", samples_lost=0, status={}, truth=None, sample_rate=1.92e6, release=None)
    log = wfm.decision_log("", 1.92e6, True)
    app.run_without_window(top, radio, block, log)
elif way == "no wait":
    sys.exit(0)
top.wait()
