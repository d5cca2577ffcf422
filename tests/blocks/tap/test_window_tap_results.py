# SPDX-License-Identifier: GPL-3.0-or-later
"""window_tap: results become tags on the right samples, and slow inference costs what the policy says."""

import threading
import time

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr, wfm
from tap_harness import Engine, Rig, noise, tag, wait_for_end
from waiting import wait_for

KEY = pmt.intern("interference")


def answer(start):
    value = pmt.dict_add(pmt.make_dict(), pmt.intern("sample_start"), pmt.from_uint64(start))
    return [(KEY, value)]


@pytest.mark.parametrize("chunk", [13, 0])
@pytest.mark.parametrize("window, hop, hold", [(100, 0, 100), (100, 40, 100), (100, 150, 5000), (100, 0, 20_000)])
def test_lossless_tags_are_on_the_first_sample_of_their_window(window, hop, hold, chunk):
    samples = noise(2, 3000)
    tap = wfm.window_tap(2, window, hop=hop, hold=hold, policy="lossless", slots=8)
    engine = Engine(tap, 2, window, most=3, answer=answer)
    rig = Rig(tap, samples, chunk=chunk, engine=engine)
    counters = rig.run()
    starts = list(range(0, 3000 - window + 1, hop or window))
    assert counters["tags_late"] == 0
    for channel in (0, 1):
        assert rig.tags(channel, "interference") == [(s, {"sample_start": s, "late": False}) for s in starts]
    np.testing.assert_array_equal(rig.outputs(), samples)


def test_two_tags_of_one_window_and_other_values():
    tap = wfm.window_tap(1, 100, hold=100, policy="lossless")
    engine = Engine(tap, 1, 100, answer=lambda start: [*answer(start), (pmt.intern("level"), pmt.from_double(0.5))])
    rig = Rig(tap, noise(1, 200), engine=engine)
    rig.run()
    assert [offset for offset, _ in rig.tags(0, "interference")] == [0, 100]
    assert rig.tags(0, "level") == [(0, 0.5), (100, 0.5)]


def test_a_late_result_goes_to_the_next_sample_out():
    """Messages let exactly 1000 samples in, then the result comes, then 500 more samples."""
    tap = wfm.window_tap(1, 100, hold=0)
    from gnuradio import pdu

    source = pdu.pdu_to_tagged_stream(gr.types.complex_t, "length")
    sink = blocks.vector_sink_c()
    tb = gr.top_block()
    tb.connect(source, tap, sink)
    tb.start()

    def send(count):
        samples = pmt.init_c32vector(count, noise(1, count)[0].tolist())
        source.to_basic_block()._post(pmt.intern("pdus"), pmt.cons(pmt.PMT_NIL, samples))

    send(1000)
    wait_for(lambda: tap.counters()["samples_out"] == 1000)
    batch = tap.take(1, 1000)
    assert batch.start.tolist() == [0]
    tap.complete(batch, [answer(0)])
    time.sleep(0.05)
    assert tap.counters()["tags_late"] == 0  # no sample to put it on yet
    send(500)
    wait_for(lambda: len(sink.data()) == 1500)
    tb.stop()
    tb.wait()
    found = [(t.offset, pmt.to_python(t.value)) for t in sink.tags() if pmt.eq(t.key, KEY)]
    assert found == [(1000, {"sample_start": 0, "late": True})]
    assert tap.counters()["tags_late"] == 1


def test_live_drops_the_oldest_windows_and_counts_them():
    samples = noise(1, 2000)
    gate = threading.Event()
    tap = wfm.window_tap(1, 100, policy="live", slots=4)
    engine = Engine(tap, 1, 100, gate=gate)
    rig = Rig(tap, samples, engine=engine)
    engine.start()
    rig.tb.start()
    wait_for_end(rig.tb)
    counters = tap.counters()
    assert counters["windows_in"] == 20
    assert counters["windows_dropped"] == 16
    assert counters["queue_depth"] == 4
    gate.set()
    engine.join(10)
    assert engine.starts == [1600, 1700, 1800, 1900]
    np.testing.assert_array_equal(engine.windows[1900], samples[:, 1900:])
    np.testing.assert_array_equal(rig.outputs(), samples)


def test_live_drops_the_new_window_if_none_waits():
    """The only slots are in the hands of the engine."""
    samples = noise(1, 1000)
    tap = wfm.window_tap(1, 100, policy="live", slots=2)
    held = []

    class Hoarder(Engine):
        def step(self):
            batch = self.tap.take(2, 20)
            if batch is not None and batch.count:
                held.append(batch)
            return batch is None or batch.count > 0

    rig = Rig(tap, samples, chunk=100, engine=Hoarder(tap, 1, 100))
    counters = rig.run()
    assert sum(batch.count for batch in held) == 2
    assert counters["windows_in"] + counters["windows_dropped"] >= 10
    assert counters["windows_dropped"] == 8
    assert counters["samples_out"] == 1000


@pytest.mark.parametrize("hold", [0, 100, 350])
def test_lossless_waits_for_slow_inference(hold):
    samples = noise(1, 4000)

    class Slow(Engine):
        def step(self):
            time.sleep(0.003)
            return super().step()

    tap = wfm.window_tap(1, 100, hold=hold, policy="lossless", slots=2)
    engine = Slow(tap, 1, 100, most=1, answer=answer)
    rig = Rig(tap, samples, engine=engine)
    counters = rig.run()
    assert engine.starts == list(range(0, 4000, 100))
    assert counters["windows_dropped"] == 0
    np.testing.assert_array_equal(rig.outputs(), samples)
    if hold >= 100:
        assert [offset for offset, _ in rig.tags(0, "interference")] == engine.starts


def test_lossless_with_overlap_and_just_enough_slots():
    tap = wfm.window_tap(1, 100, hop=30, hold=100, policy="lossless", slots=5)
    engine = Engine(tap, 1, 100, most=1)
    assert Rig(tap, noise(1, 2000), engine=engine).run()["windows_in"] == 64
    assert len(engine.starts) == 64


def test_a_batch_that_is_dropped_counts_as_discarded():
    class Careless(Engine):
        def step(self):
            batch = self.tap.take(2, 20)
            return batch is None or batch.count > 0

    tap = wfm.window_tap(1, 100, hold=200, policy="lossless", slots=2)
    assert Rig(tap, noise(1, 3000), engine=Careless(tap, 1, 100)).run()["samples_out"] == 3000


@pytest.mark.parametrize("hold", [0, 1000])
def test_stop_while_blocked(hold):
    """Lossless, and nobody takes windows: the tap waits for a slot, or for a result."""
    tap = wfm.window_tap(2, 100, hold=hold, policy="lossless", slots=4)
    tb = gr.top_block()
    for channel in range(2):
        tb.connect(blocks.null_source(gr.sizeof_gr_complex), (tap, channel))
        tb.connect((tap, channel), blocks.null_sink(gr.sizeof_gr_complex))
    before = time.process_time()
    tb.start()
    wait_for(lambda: tap.counters()["queue_depth"] > 0)
    time.sleep(0.3)
    assert time.process_time() - before < 0.25, "a blocked tap must sleep"
    began = time.monotonic()
    tb.stop()
    wait_for_end(tb)
    assert time.monotonic() - began < 1.0
    assert tap.counters()["samples_out"] <= 400
    while (batch := tap.take(1, 0)).count:  # what waits can still be taken, then the end
        tap.discard(batch)


def test_take_times_out_and_close_ends_it():
    tap = wfm.window_tap(1, 100)
    began = time.monotonic()
    assert tap.take(1, 50) is None
    assert 0.04 < time.monotonic() - began < 2
    tap.close()
    assert tap.take(1, 10_000).count == 0
    tap.open()
    assert tap.take(1, 0) is None


@pytest.mark.parametrize("hold", [0, 1000])
def test_fail_ends_a_flowgraph_that_waits(hold):
    tap = wfm.window_tap(1, 100, hold=hold, policy="lossless", slots=2)
    tb = gr.top_block()
    tb.connect(blocks.null_source(gr.sizeof_gr_complex), tap, blocks.null_sink(gr.sizeof_gr_complex))
    tb.start()
    wait_for(lambda: tap.counters()["queue_depth"] > 0)
    tap.fail()
    wait_for_end(tb)


def test_fail_ends_a_flowgraph_whose_source_is_silent():
    from gnuradio import pdu

    tap = wfm.window_tap(1, 100)
    tb = gr.top_block()
    tb.connect(pdu.pdu_to_tagged_stream(gr.types.complex_t, "length"), tap)
    tb.connect(tap, blocks.null_sink(gr.sizeof_gr_complex))
    tb.start()
    time.sleep(0.05)
    tap.fail()
    wait_for(lambda: tap.take(1, 0) is not None)
    tb.stop()
    wait_for_end(tb)


@pytest.mark.parametrize("hold", [0, 1000])
def test_bypass_lets_a_blocked_stream_go_on(hold):
    samples = noise(1, 5000)
    tap = wfm.window_tap(1, 100, hold=hold, policy="lossless", slots=2)
    rig = Rig(tap, samples, tags=[(None, tag(4000, "rx_freq", 1e9))])
    rig.tb.start()
    wait_for(lambda: tap.counters()["queue_depth"] > 0)
    tap.bypass()
    wait_for_end(rig.tb)
    np.testing.assert_array_equal(rig.outputs(), samples)
    assert rig.tags(0, "rx_freq") == [(4000, 1e9)]
    assert tap.take(1, 0).count == 0


def test_a_batch_outlives_its_tap():
    samples = noise(1, 100)
    tap = wfm.window_tap(1, 100)
    rig = Rig(tap, samples)
    rig.run()
    batch = tap.take(1, 0)
    rig.tap = None
    del tap, rig
    copied = np.empty((1, 1, 100), np.complex64)
    batch.copy_to(copied)
    np.testing.assert_array_equal(copied[0], samples)
