# SPDX-License-Identifier: GPL-3.0-or-later
"""signal_finder with extract: each signal out of the band, on a bounded queue, and the policies when it is full."""

import threading
import time

import numpy as np
import pytest
from finder_rig import Rig, add, noise, random_band
from gnuradio import blocks, gr, wfm
from waiting import wait_for

from wfm_core.signal.extract import extract

RATE = 250e3


def bursts(count, length=1500, gap=2500):
    """A band of so many bursts, one after another."""
    band = noise((count + 1) * (length + gap))
    for burst in range(count):
        add(band, RATE, 2000 + burst * (length + gap), length, (-60e3, 60e3)[burst % 2], 30e3, 25, burst)
    return band


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rate", [48e3, 1e6])
def test_signals_are_those_of_the_definition(seed, rate):
    band = random_band(seed, rate)
    rig = Rig(band, rate, policy="lossless", extract=True)
    counters = rig.run()
    assert len(rig.taken) == counters["signals_extracted"] == counters["signals_found"] > 0
    for signal, fields in zip(rig.taken, rig.pdus, strict=True):
        assert signal.sample_start == fields["sample_start"] and signal.lower == fields["freq_lower_edge"]
        right, right_rate = extract(band, rate, signal.lower, signal.upper, signal.sample_start, signal.sample_count)
        assert signal.rate == right_rate and len(signal.samples) == len(right)
        assert signal.samples.dtype == np.complex64 and not signal.samples.flags.writeable
        error = np.mean(np.abs(signal.samples - right) ** 2) / np.mean(np.abs(right) ** 2)
        assert 10 * np.log10(error) < -60


def test_samples_outlive_the_flowgraph():
    rig = Rig(random_band(1, RATE), RATE, policy="lossless", extract=True)
    rig.run()
    samples = rig.taken[0].samples
    before = samples.copy()
    del rig
    np.testing.assert_array_equal(samples, before)


def test_live_drops_the_oldest_signal_that_waits():
    band = bursts(40)
    rig = Rig(band, RATE, take=False, extract=True, slots=4)
    counters = rig.run()
    assert counters["samples_out"] == len(band)
    wait_for(lambda: rig.finder.counters()["signals_dropped"] + 4 == counters["signals_found"])
    starts = [pdu["sample_start"] for pdu in rig.pdus]
    assert [signal.sample_start for signal in rig.finder.take(100, 1000)] == starts[-4:]
    assert rig.finder.take(1, 1000) == []


def test_lossless_waits_for_who_takes():
    band = np.concatenate([bursts(300)] * 4)
    rig = Rig(band, RATE, policy="lossless", take=False, extract=True, slots=2, max_duration=0.05)
    rig.top.start()
    time.sleep(1.0)
    assert rig.finder.counters()["queue_depth"] == 2
    taken = []

    def take():
        while signals := rig.finder.take(3, 20_000):
            taken.extend(signals)

    taker = threading.Thread(target=take, daemon=True)
    taker.start()
    rig.top.wait()
    taker.join(60)
    counters = rig.finder.counters()
    assert len(taken) == counters["signals_found"] == counters["signals_extracted"] > 1000
    assert counters["signals_dropped"] == 0 and counters["samples_out"] == len(band)


def test_a_stop_does_not_wait_for_who_takes():
    band = np.concatenate([bursts(300)] * 6)
    rig = Rig(band, RATE, policy="lossless", take=False, extract=True, slots=1, max_duration=0.05)
    rig.top.start()
    time.sleep(0.5)
    start = time.monotonic()
    rig.top.stop()
    rig.top.wait()
    assert time.monotonic() - start < 10
    assert rig.finder.take(1, 1000)


def test_without_extract_nothing_waits():
    rig = Rig(random_band(1, RATE), RATE, policy="lossless")
    counters = rig.run()
    assert counters["signals_extracted"] == 0 and rig.taken == []


def test_take_answers_after_its_time_and_checks_its_number():
    finder = wfm.signal_finder(RATE, extract=True)
    start = time.monotonic()
    assert finder.take(1, 50) is None
    assert time.monotonic() - start < 5
    with pytest.raises(ValueError, match="most"):
        finder.take(0, 0)


def test_a_second_run_begins_anew():
    band = random_band(2, RATE)
    finder = wfm.signal_finder(RATE, policy="lossless", extract=True, slots=100)
    top = gr.top_block()
    source = blocks.vector_source_c(band.tolist())
    top.connect(source, finder, blocks.null_sink(gr.sizeof_gr_complex))
    runs = []
    for _ in range(2):
        source.rewind()
        top.start()
        top.wait()
        taken = []
        while signals := finder.take(100, 5000):
            taken += signals
        runs.append([(one.sample_start, one.sample_count, one.lower) for one in taken])
        assert finder.counters()["samples_in"] == len(band)
    assert runs[0] == runs[1] and runs[0]


def test_lock_and_unlock_are_a_break_and_lose_no_count():
    band = random_band(3, RATE, seconds=4)
    finder = wfm.signal_finder(RATE, policy="lossless")
    top = gr.top_block()
    throttle = blocks.throttle(gr.sizeof_gr_complex, 4 * RATE)
    top.connect(blocks.vector_source_c(band.tolist()), throttle, finder)
    top.connect(finder, blocks.null_sink(gr.sizeof_gr_complex))
    top.start()
    for _ in range(3):
        time.sleep(0.15)
        top.lock()
        more = blocks.null_sink(gr.sizeof_gr_complex)
        top.connect(finder, more)
        top.unlock()
    top.wait()
    counters = finder.counters()
    assert counters["breaks"] == 3
    assert counters["samples_in"] == counters["samples_out"]
    assert counters["samples_skipped"] == 0


def test_ten_thousand_bursts_a_second_are_bounded_and_counted():
    rate = 2.4e6
    band = noise(int(0.5 * rate))
    count = int(0.5 * 10_000)
    rng = np.random.default_rng(1)
    burst = np.exp(2j * np.pi * 0.1 * np.arange(120)).astype(np.complex64)
    for start in (np.arange(count) * (rate / 10_000)).astype(int):
        band[start : start + 120] += 0.3 * burst * np.exp(2j * np.pi * rng.uniform(-0.3, 0.3) * np.arange(120))
    rig = Rig(band, rate, extract=True, slots=16, take=False)
    counters = rig.run(120)
    assert counters["samples_out"] == len(band) and counters["queue_depth"] <= 16


def test_status_comes_once_a_second_with_all_counts():
    band = random_band(1, RATE)
    rig = Rig(band, RATE, pace=RATE / 3, policy="lossless")  # 2.4 s
    counters = rig.run()
    assert 1 <= len(rig.statuses) <= 3
    assert rig.statuses[-1].keys() == counters.keys()
    assert 0 < rig.statuses[0]["samples_in"] <= len(band)
