# SPDX-License-Identifier: GPL-3.0-or-later
"""A flowgraph is all that refers to its Python blocks: they live as long as it does, and no longer."""

import gc
import threading
import weakref

import pmt
import pytest
from flowgraph_helpers import WINDOW, Collector, RuleBundle, flowgraph, noise
from gnuradio import blocks, gr, wfm

SCENE = noise(1, 20 * WINDOW)


def inference():
    return wfm.inference(RuleBundle(), policy="lossless")


def test_what_only_the_flowgraph_refers_to_decides():
    block = inference()
    seen, engine = weakref.ref(block), weakref.ref(block.engine)
    graph = flowgraph(SCENE, block)
    del block
    gc.collect()
    assert seen() and engine(), "their C++ halves are in the flowgraph: it would end with a segmentation fault"
    graph.top.run()
    assert len(graph.detects.messages) == 20
    del graph
    gc.collect()
    assert seen() is None and engine() is None


def test_a_block_within_a_block():
    one_stream = gr.io_signature(1, 1, gr.sizeof_gr_complex)
    outer, block, top, sink = gr.hier_block2("outer", one_stream, one_stream), inference(), gr.top_block(), Collector()
    seen = weakref.ref(block)
    outer.connect(outer, block, outer)
    outer.message_port_register_hier_out("detects")
    outer.msg_connect(block, "detects", outer, "detects")
    top.connect(blocks.vector_source_c(SCENE[0].tolist()), outer, blocks.null_sink(gr.sizeof_gr_complex))
    top.msg_connect(outer, "detects", sink, "in")
    del outer, block
    gc.collect()
    assert seen() is not None
    top.run()
    assert len(sink.messages) == 20


@pytest.mark.parametrize("pairs", [False, True])
def test_blocks_without_streams(pairs):
    """A user's own, connected in either of GNU Radio's ways."""
    top, sender, sink = gr.top_block(), blocks.message_strobe(pmt.PMT_T, 1000), Collector()
    seen = weakref.ref(sink)
    top.msg_connect(*(((sender, "strobe"), (sink, "in")) if pairs else (sender, "strobe", sink, "in")))
    del sink
    gc.collect()
    assert seen() is not None


def test_garbage_is_collected_all_the_time():
    ended = threading.Event()

    def collect():
        while not ended.wait(0.001):
            gc.collect()

    collector = threading.Thread(target=collect)
    collector.start()
    try:
        graph = flowgraph(SCENE, inference())
        graph.top.run()
    finally:
        ended.set()
        collector.join()
    assert len(graph.detects.messages) == 20 and graph.status.dicts()[-1]["ended"]
