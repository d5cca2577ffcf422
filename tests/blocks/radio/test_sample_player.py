# SPDX-License-Identifier: GPL-3.0-or-later
"""sample_player: values of every datatype, tags, repeats, and a paced radio that overflows."""

import math
import threading
import time

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr, wfm
from tap_harness import wait_for_end

from wfm_core.data.recordings.analytic import analytic, hilbert_taps

NAN = float("nan")
NUMBERS = {
    "i8": np.int8,
    "u8": np.uint8,
    "i16": np.int16,
    "u16": np.uint16,
    "i32": np.int32,
    "u32": np.uint32,
    "f32": np.float32,
    "f64": np.float64,
}


def datatypes():
    for domain in "cr":
        for name in NUMBERS:
            for order in [""] if name.endswith("8") else ["_le", "_be"]:
                yield domain + name + order


def play(*args, head=0, **options):
    """Returns the block, complex64 [channels, N], and per channel [(offset, key, value)]."""
    player = wfm.sample_player(*args, **options)
    tb = gr.top_block()
    sinks = []
    for channel in range(args[2]):
        sinks.append(blocks.vector_sink_c())
        if head:
            tb.connect((player, channel), blocks.head(gr.sizeof_gr_complex, head), sinks[-1])
        else:
            tb.connect((player, channel), sinks[-1])
    tb.start()
    wait_for_end(tb)
    return player, np.array([sink.data() for sink in sinks], np.complex64), [tags_of(sink) for sink in sinks]


def tags_of(sink):
    found = [(t.offset, pmt.symbol_to_string(t.key), pmt.to_python(t.value)) for t in sink.tags()]
    return sorted(found, key=lambda each: (each[0], each[1]))


def only(tags, key):
    return [(offset, value) for offset, name, value in tags if name == key]


@pytest.fixture
def ramp(tmp_path):
    """cf32 file of two channels: channel 0 has sample numbers, channel 1 their negatives."""
    path = tmp_path / "ramp"
    numbers = np.arange(10_000, dtype=np.complex64)
    np.stack([numbers, -numbers], 1).tofile(path)
    return str(path)


@pytest.mark.parametrize("datatype", list(datatypes()))
def test_every_datatype_is_scaled_to_full_scale_one(tmp_path, datatype):
    kind = NUMBERS[datatype[1:].split("_")[0]]
    rng = np.random.default_rng(1)
    if np.issubdtype(kind, np.integer):
        info = np.iinfo(kind)
        values = rng.integers(info.min, info.max, (50, 3, 2), kind, endpoint=True)
        values[0, 0], values[0, 1] = (info.min, info.max), (info.max, info.min)
        middle = info.max / 2 if info.min == 0 else 0.0
        scaled = (values.astype(np.float64) - middle) / (middle or -float(info.min))
    else:
        values = rng.standard_normal((50, 3, 2)).astype(kind)
        scaled = values.astype(np.float64)
    if datatype[0] == "r":
        values, expected = values[..., 0], scaled[..., 0].astype(complex)
    else:
        expected = scaled[..., 0] + 1j * scaled[..., 1]
    order = ">" if datatype.endswith("_be") else "<"
    path = tmp_path / "data"
    path.write_bytes(b"header!" + values.astype(np.dtype(kind).newbyteorder(order)).tobytes() + b"\0")
    _, samples, _ = play(str(path), datatype, 3, 1e3, header_bytes=7)
    np.testing.assert_allclose(samples, expected.T, rtol=1e-6, atol=1e-7)


def test_a_part_of_a_file_and_its_tags(ramp):
    segments = [(0, 1e9, 100, 0.5, True), (3000, 2e9, 0, 0.0, False), (6000, NAN, 7, 0.25, True)]
    player, samples, tags = play(ramp, "cf32_le", 2, 1e3, start=2500, count=4000, segments=segments)
    np.testing.assert_array_equal(samples[0].real, np.arange(2500, 6500))
    np.testing.assert_array_equal(samples[1].real, -np.arange(2500, 6500))
    assert player.samples_played() == 4000
    assert tags[0] == tags[1]
    # What a segment does not state is unknown there: None is PMT_NIL.
    assert only(tags[0], "rx_freq") == [(0, 1e9), (500, 2e9), (3500, None)]
    assert only(tags[0], "rx_rate") == [(0, 1e3)]
    assert only(tags[0], "rx_time") == [(0, (103, 0.0)), (500, None), (3500, (7, 0.25))]
    assert only(tags[0], "wfm_lost") == []


def test_without_segments_time_and_frequency_are_unknown(ramp):
    _, samples, tags = play(ramp, "cf32_le", 2, 1e3)
    assert samples.shape == (2, 10_000)
    assert tags[0] == [(0, "rx_rate", 1e3)]


def test_a_time_before_1970_is_negative_and_counts_on(ramp):
    segments = [(0, NAN, -2, 0.75, True)]
    _, _, tags = play(ramp, "cf32_le", 2, 1e3, count=300, repeat=True, segments=segments, head=400)
    assert only(tags[0], "rx_time")[:2] == [(0, (-2, 0.75)), (300, (-1, pytest.approx(0.05)))]
    tap = wfm.window_tap(1, 100, policy="lossless", slots=128, sample_rate=1e3)
    player = wfm.sample_player(ramp, "cf32_le", 1, 1e3, segments=segments)
    tb = gr.top_block()
    tb.connect(player, tap, blocks.null_sink(gr.sizeof_gr_complex))
    tb.start()
    batches = [tap.take(1, 2000) for _ in range(3)]
    assert [batch.rx_time_secs[0] for batch in batches] == [-2, -2, -2]
    assert [batch.rx_time_frac[0] for batch in batches] == pytest.approx([0.75, 0.85, 0.95])
    tb.stop()
    wait_for_end(tb)


def test_missing_samples_are_said_exactly_and_counted_by_a_tap(ramp):
    missing = [(0, 7), (3000, 50_000), (3050, 0), (7000, 3)]
    _, _, tags = play(ramp, "cf32_le", 2, 1e3, start=1000, segments=[(0, NAN, 0, 0, False), (3000, NAN, 0, 0, False),
                      (3050, NAN, 0, 0, False), (7000, NAN, 0, 0, False)], missing=missing)  # fmt: skip
    assert only(tags[1], "wfm_lost") == [(2000, 50_000), (2050, 0), (6000, 3)]
    assert only(tags[1], "rx_time") == only(tags[1], "rx_freq") == []
    tap = wfm.window_tap(1, 100, sample_rate=1e3)
    segments = [(at, NAN, 0, 0.0, False) for at in (0, 3000, 3050, 7000)]
    player = wfm.sample_player(ramp, "cf32_le", 1, 1e3, segments=segments, missing=missing)
    tb = gr.top_block()
    tb.connect(player, tap, blocks.null_sink(gr.sizeof_gr_complex))
    tb.start()
    wait_for_end(tb)
    assert tap.counters()["samples_lost"] == 50_003
    assert tap.counters()["breaks"] == 3, "none missing is a break, too"


def test_channels_of_files_beside_it_follow_its_own(tmp_path, ramp):
    numbers = np.arange(10_000, dtype="<f8")
    (1j * numbers).astype("<c16").tofile(tmp_path / "other")
    beside = [(str(tmp_path / "other"), "cf64_le", 1, 16)]
    with pytest.raises(RuntimeError, match="other has 9999 samples, expected: 10000"):
        wfm.sample_player(ramp, "cf32_le", 2, 1e3, beside=beside)
    player = wfm.sample_player(ramp, "cf32_le", 2, 1e3, count=9999, beside=beside)
    tb, sinks = gr.top_block(), [blocks.vector_sink_c() for _ in range(3)]
    for channel, sink in enumerate(sinks):
        tb.connect((player, channel), sink)
    tb.start()
    wait_for_end(tb)
    got = np.array([sink.data() for sink in sinks])
    np.testing.assert_array_equal(got, [numbers[:-1], -numbers[:-1], 1j * numbers[1:]])


@pytest.mark.parametrize("count", [3, 126, 5000])
def test_real_samples_are_made_analytic_as_offline(tmp_path, count):
    rng = np.random.default_rng(2)
    values = rng.integers(-(2**15), 2**15, (count, 2)).astype("<i2")
    values.tofile(tmp_path / "real")
    _, samples, _ = play(str(tmp_path / "real"), "ri16_le", 2, 1e3, hilbert=hilbert_taps())
    scaled = values.T / 2**15
    offline = analytic(lambda begin, length: scaled[:, begin : begin + length], 0, count, count)
    np.testing.assert_allclose(samples, offline, atol=2e-6)
    np.testing.assert_array_equal(samples.real, scaled)


@pytest.mark.parametrize("freq", [0.03, 0.25, 0.47])
def test_an_analytic_tone_has_no_negative_frequency(freq):
    tone = np.cos(2 * np.pi * freq * np.arange(4000))[None]
    got = analytic(lambda begin, length: tone[:, begin : begin + length], 1000, 2000, 4000)[0]
    turning = np.exp(2j * np.pi * freq * np.arange(1000, 3000))
    np.testing.assert_allclose(got, turning, atol=2e-3)


def test_repeating_goes_on_in_time(ramp):
    segments = [(0, 1e9, 10, 0.0, True)]
    _, samples, tags = play(ramp, "cf32_le", 2, 1e3, count=300, repeat=True, segments=segments, head=1000)
    np.testing.assert_array_equal(samples[0].real, np.arange(1000) % 300)
    times = [(offset, secs + frac) for offset, (secs, frac) in only(tags[0], "rx_time") if offset < 1000]
    assert times == [(0, 10.0), (300, pytest.approx(10.3)), (600, pytest.approx(10.6)), (900, pytest.approx(10.9))]
    # A window_tap sees one unbroken piece.
    tap = wfm.window_tap(1, 50, sample_rate=1e3)
    player = wfm.sample_player(ramp, "cf32_le", 1, 1e3, count=300, repeat=True, segments=segments)
    tb = gr.top_block()
    tb.connect(player, blocks.head(gr.sizeof_gr_complex, 2000), tap, blocks.null_sink(gr.sizeof_gr_complex))
    tb.start()
    wait_for_end(tb)
    assert tap.counters()["breaks"] == 0
    assert tap.counters()["windows_in"] == 40


def test_a_retune_tags_the_next_sample_with_frequency_and_time(ramp):
    player = wfm.sample_player(ramp, "cf32_le", 2, 1e3, segments=[(0, 1e9, 0, 0.0, True), (5000, 3e9, 5, 0.0, True)])
    player.set_center_freq(2e9)
    tb = gr.top_block()
    sink = blocks.vector_sink_c()
    tb.connect((player, 0), sink)
    tb.connect((player, 1), blocks.null_sink(gr.sizeof_gr_complex))
    tb.start()
    wait_for_end(tb)
    # A tuned radio stays there, whatever the recording says.
    assert only(tags_of(sink), "rx_freq") == [(0, 2e9), (5000, 2e9)]


def test_paced_it_keeps_to_the_wall_clock(ramp):
    began = time.monotonic()
    player, samples, tags = play(ramp, "cf32_le", 2, 40e3, paced=True)
    took = time.monotonic() - began
    assert 0.24 < took < 2.0
    np.testing.assert_array_equal(samples[0].real, np.arange(10_000))
    assert (player.samples_lost(), player.overflows()) == (0, 0)
    assert tags[0] == [(0, "rx_rate", 40e3)]


def test_a_paced_player_hands_over_packets(tmp_path):
    """Of a millisecond: a call of every block behind for each few samples would cost half a core at 2.4 MS/s."""
    rate, total = 1e6, 300_000
    path = tmp_path / "packets"
    np.arange(total, dtype=np.complex64).tofile(path)
    player, sink = wfm.sample_player(str(path), "cf32_le", 1, rate, paced=True), Stall(0)
    tb = gr.top_block()
    tb.connect(player, sink)
    tb.start()
    wait_for_end(tb)
    numbers = np.concatenate(sink.data).real.astype(int)
    assert np.array_equal(numbers, np.arange(total)) and player.samples_lost() == 0
    assert len(sink.data) <= 2 * total / (1e-3 * rate)


class Stall(gr.sync_block):
    """Keeps samples; sleeps once, when the first has come."""

    def __init__(self, seconds):
        gr.sync_block.__init__(self, "stall", [np.complex64], None)
        self.seconds, self.data, self.found = seconds, [], []

    def work(self, input_items, output_items):
        if not self.data:
            time.sleep(self.seconds)
        self.found += [
            (t.offset, pmt.symbol_to_string(t.key), pmt.to_python(t.value))
            for t in self.get_tags_in_window(0, 0, len(input_items[0]))
        ]
        self.data.append(input_items[0].copy())
        return len(input_items[0])


def test_a_slow_flowgraph_makes_the_radio_overflow_and_tells_the_true_time(tmp_path):
    rate, total = 100e3, 100_000  # one second
    path = tmp_path / "long"
    np.arange(total, dtype=np.complex64).tofile(path)
    player = wfm.sample_player(
        str(path), "cf32_le", 1, rate, paced=True, fifo_seconds=0.05, segments=[(0, 1e9, 50, 0.0, True)]
    )
    stall = Stall(0.5)
    tb = gr.top_block()
    tb.connect(player, stall)
    tb.start()
    wait_for_end(tb)
    numbers = np.concatenate(stall.data).real.astype(int)
    gaps = np.flatnonzero(np.diff(numbers) != 1) + 1
    lost_end = int(numbers[-1] != total - 1)  # an overflow after which nothing came
    assert len(gaps) + lost_end == player.overflows() >= 1
    assert player.samples_lost() == total - len(numbers) > 10_000
    assert player.samples_played() == len(numbers)
    times = dict(only(stall.found, "rx_time"))
    freqs = dict(only(stall.found, "rx_freq"))
    for gap in gaps.tolist():
        secs, frac = times[gap]
        assert secs + frac == pytest.approx(50 + numbers[gap] / rate, abs=1e-6)
        assert freqs[gap] == 1e9
    assert set(times) == {0, *gaps.tolist()}


def test_an_overflow_seen_through_a_window_tap(tmp_path):
    rate, total = 1e6, 800_000  # more than all buffers hold
    path = tmp_path / "long"
    np.arange(total, dtype=np.complex64).tofile(path)
    player = wfm.sample_player(str(path), "cf32_le", 1, rate, paced=True, fifo_seconds=0.05)
    tap = wfm.window_tap(1, 100, slots=2, sample_rate=rate)
    stall = Stall(0.4)
    tb = gr.top_block()
    tb.connect(player, tap, stall)
    tb.start()
    wait_for_end(tb)
    numbers = np.concatenate(stall.data).real.astype(int)
    lost_end = total - 1 - int(numbers[-1])  # of those at the end no tag can tell
    counters = tap.counters()
    assert counters["samples_lost"] == player.samples_lost() - lost_end > 0
    assert counters["breaks"] == player.overflows() - (lost_end > 0)


def test_a_paced_player_stops_at_once(ramp):
    player = wfm.sample_player(ramp, "cf32_le", 2, 10.0, paced=True)
    tb = gr.top_block()
    for channel in range(2):
        tb.connect((player, channel), blocks.null_sink(gr.sizeof_gr_complex))
    tb.start()
    time.sleep(0.05)
    began = time.monotonic()
    tb.stop()
    waiter = threading.Thread(target=tb.wait, daemon=True)
    waiter.start()
    waiter.join(5)
    assert not waiter.is_alive()
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize(
    "change, error, sentence",
    [
        ({"datatype": "cf16_le"}, ValueError, 'datatype is "cf16_le", expected one of'),
        ({"datatype": "ci16"}, ValueError, 'datatype is "ci16"'),
        ({"datatype": "ci8_le"}, ValueError, 'datatype is "ci8_le"'),
        ({"channels": 0}, ValueError, "channels is 0, expected: 1 to 64"),
        ({"sample_rate": 0.0}, ValueError, "sample_rate is 0"),
        ({"sample_rate": math.nan}, ValueError, "sample_rate is nan"),
        ({"fifo_seconds": -1.0}, ValueError, "fifo_seconds is -1"),
        ({"path": "/no/such"}, RuntimeError, "/no/such: No such file"),
        ({"path": "/tmp"}, RuntimeError, "/tmp: not a regular file"),
        ({"header_bytes": 159_999}, RuntimeError, "has 160000 bytes: no sample of 16 bytes after a header of 159999"),
        ({"start": 10_000}, RuntimeError, "has 10000 samples, expected: 1 from sample 10000"),
        ({"start": 9_000, "count": 1001}, RuntimeError, "has 10000 samples, expected: 1001 from sample 9000"),
    ],
)
def test_bad_input_is_named(ramp, change, error, sentence):
    options = {"path": ramp, "datatype": "cf32_le", "channels": 2, "sample_rate": 1e3, **change}
    with pytest.raises(error, match=sentence):
        wfm.sample_player(**options)
