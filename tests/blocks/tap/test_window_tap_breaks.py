# SPDX-License-Identifier: GPL-3.0-or-later
"""window_tap: no window spans a retune, a new rate, an overflow, or channels that disagree."""

import math

import numpy as np
import pmt
import pytest
from gnuradio import wfm
from tap_harness import Engine, Rig, noise, tag

RATE = 1000.0
WINDOW = 100
BEGIN = [(None, tag(0, "rx_time", (7, 0.25))), (None, tag(0, "rx_rate", RATE)), (None, tag(0, "rx_freq", 1e9))]


def run(tags, chunk=0, length=1000, channels=2, hold=130, **options):
    samples = noise(channels, length)
    tap = wfm.window_tap(channels, WINDOW, hold=hold, policy="lossless", **options)
    engine = Engine(tap, channels, WINDOW)
    rig = Rig(tap, samples, tags=tags, chunk=chunk, engine=engine)
    counters = rig.run()
    for start, window in engine.windows.items():
        np.testing.assert_array_equal(window, samples[:, start : start + WINDOW])
    np.testing.assert_array_equal(rig.outputs(), samples)
    return rig, engine, counters


def test_a_window_knows_its_time_frequency_and_rate():
    _, engine, counters = run(BEGIN, sample_rate=5.0)
    assert engine.starts == list(range(0, 1000, WINDOW))
    for start, info in engine.infos.items():
        seconds = 7.25 + start / RATE
        assert info["time"][0] == int(seconds)
        assert info["time"][1] == pytest.approx(seconds % 1, abs=1e-9)
        assert (info["freq"], info["rate"]) == (1e9, RATE)
    assert counters["breaks"] == 0


@pytest.mark.parametrize("chunk", [1, 33, 0])
@pytest.mark.parametrize("at", [1, 99, 100, 350, 901])
@pytest.mark.parametrize("what", [("rx_freq", 2e9), ("rx_rate", 500.0)])
def test_a_new_frequency_or_rate_starts_a_new_piece(what, at, chunk):
    _, engine, counters = run([*BEGIN, (None, tag(at, *what))], chunk=chunk)
    before = list(range(0, at - WINDOW + 1, WINDOW))
    after = list(range(at, 1000 - WINDOW + 1, WINDOW))
    assert engine.starts == before + after
    assert counters["breaks"] == 1
    assert counters["windows_flushed"] == (at % WINDOW > 0) + ((1000 - at) % WINDOW > 0)
    name = {"rx_freq": "freq", "rx_rate": "rate"}[what[0]]
    assert [engine.infos[start][name] == what[1] for start in engine.starts] == [False] * len(before) + [True] * len(
        after
    )


def test_the_same_values_again_are_no_break():
    again = [
        (None, tag(430, "rx_time", (7, 0.25 + 0.430))),
        (None, tag(430, "rx_rate", RATE)),
        (None, tag(430, "rx_freq", 1e9)),
    ]
    _, engine, counters = run(BEGIN + again)
    assert counters["breaks"] == 0
    assert engine.starts == list(range(0, 1000, WINDOW))


@pytest.mark.parametrize("late_by, breaks", [(1.4e-3, 0), (-1.4e-3, 0), (1.6e-3, 1), (-1.6e-3, 1)])
def test_a_time_within_one_and_a_half_samples_is_no_jump(late_by, breaks):
    _, _, counters = run([*BEGIN, (None, tag(430, "rx_time", (7, 0.25 + 0.430 + late_by)))])
    assert counters["breaks"] == breaks
    assert counters["samples_lost"] == (2 if late_by > 1.5e-3 else 0)


def test_an_overflow_is_a_break_and_its_samples_are_counted():
    # 1.7 s at 1 kHz are lost before sample 430: over a whole second's border.
    overflow = [(None, tag(430, "rx_time", (9, 0.38))), (None, tag(430, "rx_freq", 1e9))]
    _, engine, counters = run(BEGIN + overflow, settle=25)
    assert engine.starts == [0, 100, 200, 300, 455, 555, 655, 755, 855]
    assert counters["samples_lost"] == 1700
    assert counters["samples_settled"] == 25
    assert counters["windows_flushed"] == 2
    assert engine.infos[455]["time"] == (9, pytest.approx(0.405, abs=1e-9))


def test_a_first_time_or_frequency_in_mid_stream_is_a_break():
    _, engine, counters = run([(None, tag(250, "rx_freq", 1e9))])
    assert counters["breaks"] == 1
    assert engine.starts[:3] == [0, 100, 250]
    _, _, counters = run([(None, tag(250, "rx_time", (3, 0.0)))])
    assert counters["breaks"] == 1
    assert counters["samples_lost"] == 0


def test_settling_counts_only_samples_that_were_skipped():
    retunes = [(None, tag(at, "rx_freq", 1e9 + at)) for at in (300, 340, 980)]
    _, engine, counters = run(BEGIN + retunes, settle=60)
    assert counters["breaks"] == 3
    assert engine.starts == [0, 100, 200, 400, 500, 600, 700, 800]
    assert counters["samples_settled"] == 40 + 60 + 20
    # 900 to 980, and nothing else: no window begins while samples are skipped.
    assert counters["windows_flushed"] == 1


def test_no_windows_while_the_channels_disagree():
    tags = [*BEGIN, (0, tag(250, "rx_freq", 2e9)), (1, tag(330, "rx_freq", 2e9))]
    _, engine, counters = run(tags, settle=7)
    assert engine.starts == [0, 100, *range(337, 901, WINDOW)]
    assert counters["breaks"] == 1
    assert counters["samples_settled"] == 7
    assert engine.infos[337]["freq"] == 2e9


def test_channels_that_never_agree_give_no_windows_but_all_samples():
    _, engine, counters = run([(0, tag(0, "rx_freq", 1e9)), (1, tag(0, "rx_freq", 2e9))])
    assert engine.starts == []
    assert counters["samples_out"] == 1000


def test_an_overflow_of_one_channel_alone_is_a_disagreement():
    tags = [*BEGIN, (1, tag(200, "rx_time", (7, 0.25 + 0.2 + 0.05))), (0, tag(260, "rx_time", (7, 0.25 + 0.26 + 0.05)))]
    _, engine, counters = run(tags)
    assert engine.starts == [0, 100, *range(260, 901, WINDOW)]
    assert counters["breaks"] == 1
    assert counters["samples_lost"] == 50


def test_a_channel_without_tags_has_no_say():
    tags = [(0, tag(0, "rx_freq", 1e9)), (0, tag(0, "rx_time", (1, 0.0)))]
    _, engine, counters = run(tags, sample_rate=RATE)
    assert counters["breaks"] == 0
    assert engine.infos[300]["time"] == (1, pytest.approx(0.3))


def test_a_new_rate_counts_for_the_time_after_it_only():
    tags = [*BEGIN, (None, tag(400, "rx_rate", 500.0)), (None, tag(600, "rx_time", (7, 0.25 + 0.4 + 0.4)))]
    _, engine, counters = run(tags)
    assert counters["breaks"] == 1
    assert engine.infos[500]["time"] == (7, pytest.approx(0.25 + 0.4 + 0.2))


@pytest.mark.parametrize(
    "value",
    [
        pmt.PMT_T,
        pmt.intern("much"),
        pmt.make_tuple(pmt.PMT_NIL, pmt.PMT_NIL),
        pmt.make_tuple(pmt.from_double(-1), pmt.from_double(0)),
        pmt.from_double(float("nan")),
    ],
)
@pytest.mark.parametrize("key", ["rx_freq", "rx_rate", "rx_time"])
def test_a_malformed_tag_is_passed_and_has_no_say(key, value):
    rig, engine, counters = run([*BEGIN, (None, tag(450, key, value))])
    assert counters["breaks"] == 0
    assert len(engine.starts) == 10
    assert 450 in [offset for offset, _ in rig.tags(0, key)]


@pytest.mark.parametrize("hold", [0, 40, 5000])
@pytest.mark.parametrize("chunk", [1, 50, 0])
def test_tags_of_the_stream_stay_on_their_samples(hold, chunk):
    marks = [(channel, tag(at, "mark", float(at + channel))) for at in (0, 1, 99, 500, 999) for channel in (0, 1)]
    rig, _, _ = run(BEGIN + marks, chunk=chunk, hold=hold)
    for channel in (0, 1):
        assert rig.tags(channel, "mark") == [(at, at + channel) for at in (0, 1, 99, 500, 999)]
        assert rig.tags(channel, "rx_freq") == [(0, 1e9)]


def test_what_becomes_unknown_is_a_break_and_is_left_out():
    unknown = [(None, tag(430, "rx_time", pmt.PMT_NIL)), (None, tag(430, "rx_freq", pmt.PMT_NIL))]
    _, engine, counters = run(BEGIN + unknown)
    assert engine.starts == [0, 100, 200, 300, 430, 530, 630, 730, 830]
    assert engine.infos[430]["time"] is None and np.isnan(engine.infos[430]["freq"])
    assert engine.infos[300]["time"] is not None and engine.infos[300]["freq"] == 1e9
    assert counters["breaks"] == 1 and counters["samples_lost"] == 0


def test_a_radio_without_a_clock_says_its_rate_again_after_a_loss():
    clockless = [(None, tag(0, "rx_rate", RATE)), (None, tag(0, "rx_freq", 1e9)), (None, tag(430, "rx_rate", RATE))]
    _, engine, counters = run(clockless)
    assert engine.starts == [0, 100, 200, 300, 430, 530, 630, 730, 830]
    assert counters["breaks"] == 1 and counters["samples_lost"] == counters["samples_lost_estimated"] == 0


@pytest.mark.parametrize("with_time", [False, True])
def test_a_loss_that_the_host_s_clock_told_is_counted_apart(with_time):
    gap = [(None, tag(430, "wfm_gap", pmt.from_uint64(700))), (None, tag(430, "rx_rate", RATE))]
    if with_time:
        gap.append((None, tag(430, "rx_time", (8, 0.4))))  # 0.72 s on: by the same clock, not a second loss
    _, engine, counters = run(BEGIN + gap)
    assert 430 in engine.starts
    assert counters["samples_lost"] == 0 and counters["samples_lost_estimated"] == 700


@pytest.mark.parametrize("with_time", [False, True])
def test_a_loss_that_is_counted_overrules_the_time(with_time):
    gap = [(None, tag(430, "wfm_lost", pmt.from_uint64(50_000)))]
    if with_time:
        gap.append((None, tag(430, "rx_time", (57, 0.68))))
    _, engine, counters = run(BEGIN + gap)
    assert 430 in engine.starts
    assert counters["samples_lost"] == 50_000 and counters["samples_lost_estimated"] == 0
    assert engine.infos[430]["time"] == pytest.approx((57, 0.68)), "the time goes on over what is missing"


def test_a_count_that_nobody_can_have_lost_moves_no_time():
    gap = (None, tag(430, "wfm_lost", pmt.from_uint64(2**64 - 1)))
    _, engine, _ = run([*BEGIN, gap])
    assert engine.infos[430]["time"] == pytest.approx((7, 0.68))


@pytest.mark.parametrize("seconds", [1_700_000_000, 7 + 3601, 2])
def test_a_clock_that_is_set_loses_no_samples(seconds):
    _, engine, counters = run([*BEGIN, (None, tag(430, "rx_time", (seconds, 0.0)))])
    assert counters["samples_lost"] == 0 and counters["breaks"] == 1
    assert engine.infos[430]["time"] == (seconds, 0.0)


STRANGE = [pmt.PMT_T, pmt.from_double(math.nan), pmt.intern("x"), pmt.make_vector(3, pmt.PMT_NIL)]


@pytest.mark.parametrize("key", ["rx_time", "rx_freq", "rx_rate", "wfm_gap", "wfm_lost"])
@pytest.mark.parametrize("value", STRANGE)
def test_tags_that_are_not_as_they_should_be_mean_nothing(key, value):
    _, engine, counters = run([*BEGIN, (None, tag(430, key, value))])
    assert engine.starts == list(range(0, 1000, WINDOW))
    assert counters["breaks"] == counters["samples_lost"] == 0


def test_a_frequency_or_rate_may_be_any_whole_number():
    tags = [(None, tag(0, "rx_freq", pmt.from_uint64(2**63))), (None, tag(500, "rx_rate", pmt.from_uint64(500)))]
    _, engine, _ = run(tags, sample_rate=RATE)
    assert {info["freq"] for info in engine.infos.values()} == {2.0**63}
    assert engine.infos[400]["rate"] == RATE and engine.infos[500]["rate"] == 500.0
