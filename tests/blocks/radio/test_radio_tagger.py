# SPDX-License-Identifier: GPL-3.0-or-later
"""radio_tagger: the tags that a radio's driver leaves out, on the very sample."""

import time

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr, wfm
from paced_source import PacedSource
from tap_harness import noise, tag
from waiting import wait_for

RATE = 1000.0
CLOCK = [tag(0, "rx_time", (7, 0.25)), tag(0, "rx_rate", RATE), tag(0, "rx_freq", 1e9)]


def run(tags, clock, watch=False, channels=1, length=2000, prepare=lambda tagger: None, freqs=None):
    """Sinks of a tagger behind vector sources with these tags on each channel, and the tagger."""
    samples = noise(channels, length)
    tagger = wfm.radio_tagger(channels, RATE, freqs or [1e9] * channels, clock, watch)
    prepare(tagger)
    top, sinks = gr.top_block(), []
    for channel in range(channels):
        source = blocks.vector_source_c(samples[channel].tolist(), False, 1, tags)
        sinks.append(blocks.vector_sink_c())
        top.connect(source, (tagger, channel), sinks[-1])
    top.run()
    for row, sink in zip(samples, sinks, strict=True):
        np.testing.assert_array_equal(np.array(sink.data(), np.complex64), row)
    return sinks, tagger


def said(sink, key):
    """{sample: value}, as PMT for tuples."""
    return {t.offset: pmt.to_python(t.value) for t in sink.tags() if pmt.symbol_to_string(t.key) == key}


@pytest.mark.parametrize("channels", [1, 3])
def test_a_radio_without_tags_has_the_host_s_time_and_its_frequency_on_the_first_sample(channels):
    before = time.time()
    sinks, tagger = run([], clock=False, channels=channels, freqs=[1e9, 2e9, 3e9][:channels])
    for channel, sink in enumerate(sinks):
        secs, frac = said(sink, "rx_time")[0]
        assert before - 10 < secs + frac < time.time() + 1
        assert said(sink, "rx_rate") == {0: RATE} and said(sink, "rx_freq") == {0: 1e9 * (channel + 1)}
        assert not said(sink, "wfm_gap")
    assert tagger.counters() == {"samples": 2000, "overflows": 0, "samples_lost": 0, "samples_lost_estimated": 0}


def test_a_radio_s_own_tags_pass():
    foreign = tag(500, "burst", 3.0)
    (sink,), _ = run([*CLOCK, foreign], clock=True)
    assert said(sink, "rx_time") == {0: (7, 0.25)}
    assert said(sink, "rx_rate") == {0: RATE} and said(sink, "rx_freq") == {0: 1e9}
    assert said(sink, "burst") == {500: 3.0}


def test_what_a_radio_with_a_clock_lost_is_counted():
    again = [tag(600, "rx_time", (8, 0.85 + 0.1)), tag(600, "rx_rate", RATE), tag(600, "rx_freq", 1e9)]
    (sink,), tagger = run(CLOCK + again, clock=True)
    assert tagger.counters()["overflows"] == 1 and tagger.counters()["samples_lost"] == 1100 - 0
    assert 600 in said(sink, "rx_time") and not said(sink, "wfm_gap")


def test_a_rate_said_again_without_a_time_is_a_gap_of_unknown_length():
    """As gr-soapy does after an overflow of a radio without a clock."""
    tags = [tag(0, "rx_rate", RATE), tag(0, "rx_freq", 1e9), tag(700, "rx_rate", RATE), tag(700, "rx_freq", 1e9)]
    (sink,), tagger = run(tags, clock=False, watch=True)
    assert list(said(sink, "wfm_gap")) == [700]
    assert sorted(said(sink, "rx_time")) == [0, 700]
    assert tagger.counters()["overflows"] == 1 and tagger.counters()["samples_lost"] == 0


def test_times_of_a_radio_without_a_clock_are_not_believed():
    tags = [tag(at, key, value) for at in (0, 700) for key, value in (("rx_time", (0, 0.0)), ("rx_rate", RATE))]
    (sink,), tagger = run(tags, clock=True)
    assert not tagger.clock()
    assert all(secs > 1_600_000_000 for secs, _ in said(sink, "rx_time").values())
    assert list(said(sink, "wfm_gap")) == [700] and tagger.counters()["overflows"] == 1


def test_a_retune_that_the_radio_says_is_no_gap():
    tags = [tag(700, "rx_rate", RATE), tag(700, "rx_freq", 2e9)]
    (sink,), tagger = run(tags, clock=False, watch=True)
    assert not said(sink, "wfm_gap") and tagger.counters()["overflows"] == 0
    assert said(sink, "rx_freq") == {0: 1e9, 700: 2e9}


def test_a_timed_retune_is_tagged_on_its_sample_though_the_radio_says_it_early():
    early = [tag(300, "rx_time", (7, 0.55)), tag(300, "rx_rate", RATE), tag(300, "rx_freq", 2e9)]
    (sink,), _ = run(CLOCK + early, clock=True, prepare=lambda tagger: tagger.set_center_freqs_at([2e9], 8, 0.5))
    assert said(sink, "rx_freq") == {0: 1e9, 300: 1e9, 1250: 2e9}


def test_timed_retunes_follow_each_other():
    def prepare(tagger):
        tagger.set_center_freqs_at([2e9], 7, 0.75)
        tagger.set_center_freqs_at([3e9], 8, 0.25)

    (sink,), _ = run(CLOCK, clock=True, prepare=prepare)
    assert said(sink, "rx_freq") == {0: 1e9, 500: 2e9, 1000: 3e9}


def test_a_retune_while_it_runs_begins_with_the_next_sample_of_the_radio():
    """The samples that wait in front of the tagger were received before it."""
    radio = PacedSource()
    tagger, sink = wfm.radio_tagger(1, RATE, [1e9], False, False), blocks.vector_sink_c()
    top = gr.top_block()
    top.connect(radio, tagger, sink)
    top.start()
    radio.give(400)
    wait_for(lambda: tagger.samples() == 400)
    tagger.set_center_freqs([2e9])
    radio.give(300)
    radio.give(None)
    top.wait()
    assert said(sink, "rx_freq") == {0: 1e9, 400: 2e9}
    assert tagger.source_ended() and tagger.ended()


def test_a_stream_without_samples_can_be_ended():
    radio = PacedSource()
    tagger, sink = wfm.radio_tagger(1, RATE, [1e9], False, False), blocks.vector_sink_c()
    top = gr.top_block()
    top.connect(radio, tagger, sink)
    top.start()
    radio.give(100)
    wait_for(lambda: tagger.samples() == 100)
    tagger.end()
    wait_for(tagger.ended)
    assert not tagger.source_ended()
    radio.give(None)
    top.stop()
    top.wait()
    assert len(sink.data()) == 100


@pytest.mark.parametrize("arguments", [(0, RATE, []), (1, 0.0, [1e9]), (2, RATE, [1e9])])
def test_bad_parameters(arguments):
    with pytest.raises(ValueError, match="radio_tagger: .*expected"):
        wfm.radio_tagger(*arguments, True, True)


class LosingRadio(PacedSource):
    """Loses samples in front of sample 200 of each start: 50 by its clock; without a clock, nobody knows how many."""

    def __init__(self, clock):
        super().__init__()
        self._clock = clock

    def work(self, input_items, output_items):
        first = self.nitems_written(0)
        count = super().work(input_items, output_items)
        for at, lost in ((0, 0), (200, 50)):
            if first <= at < first + count:
                self.add_item_tag(0, at, pmt.intern("rx_rate"), pmt.from_double(RATE))
                if self._clock:
                    self.add_item_tag(0, at, pmt.intern("rx_time"), pmt.to_pmt((7, (at + lost) / RATE)))
        return count


def watched(clock):
    radio, tagger, top = LosingRadio(clock), wfm.radio_tagger(1, RATE, [1e9], clock, not clock), gr.top_block()
    top.connect(radio, tagger, blocks.null_sink(gr.sizeof_gr_complex))
    return radio, tagger, top


def test_counters_go_on_over_lock_and_unlock_and_begin_with_each_run():
    """As those of the window tap: Companion's users reconfigure running flowgraphs."""
    radio, tagger, top = watched(clock=True)
    for run_of_all in (0, 3):
        top.start()
        for part in (1, 2, 3):
            radio.give(400)
            wait_for(lambda part=part: tagger.samples() == 400 * part)
            counts = tagger.counters()
            assert counts == {
                "samples": 400 * part, "overflows": part, "samples_lost": 50 * part, "samples_lost_estimated": 0
            }  # fmt: skip
            assert tagger.runs() == run_of_all + part, "each start, for who watches"
            if part < 3:
                top.lock()
                top.unlock()
                assert tagger.counters() == counts
        radio.give(None)
        top.wait()
        assert tagger.ended() and tagger.counters() == counts


def test_estimated_losses_go_on_over_lock_and_unlock():
    radio, tagger, top = watched(clock=False)
    top.start()
    counts = []
    for part in (0, 500):
        for given in range(20, 520, 20):
            radio.give(20)
            wait_for(lambda given=given, part=part: tagger.samples() == part + given)
            time.sleep(0.22 if given == 200 else 0.02)
        counts.append(tagger.counters())
        top.lock()
        top.unlock()
    radio.give(None)
    top.wait()
    assert counts[1]["overflows"] > counts[0]["overflows"] >= 1
    first, both = (each["samples_lost_estimated"] for each in counts)
    assert first >= 150 and both >= first + 150, counts
