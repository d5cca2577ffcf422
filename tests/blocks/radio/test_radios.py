# SPDX-License-Identifier: GPL-3.0-or-later
"""Radios: WFM SDR Source through the real gr-uhd and libuhd, gr-soapy and gr-osmosdr, with simulated devices.

The ramp of the simulated device tells each sample's tick, and its journal what it did, so that every loss and every
retune has a truth to be held against.
"""

import contextlib
import importlib.util
from types import SimpleNamespace

import pytest
from flowgraph_helpers import random_model
from radio_harness import SOAPY, UHD, begin_example, begin_watch, lost_by, retunes_of, rtl_tcp, watch

RATE = 1.92e6
MTU = 4096  # samples of one read, and so of one work call, of the device
SCHEDULING = 2e-3  # s by which a thread of a busy computer may be late to fetch what is there
NEEDS_OSMOSDR = pytest.mark.skipif(not importlib.util.find_spec("osmosdr"), reason="gr-osmosdr is not installed")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """Random weights: what the model says does not matter here."""
    return random_model(tmp_path_factory.mktemp("model"), samples=MTU)


def retune_is_tagged(seen, freq: float, granularity: int) -> None:
    """The frequency's tag stands on all channels at the journal's sample, or at most `granularity` beside it."""
    truths = [tick for _, hertz, tick in retunes_of(seen.said) if hertz == freq]
    assert truths, seen.said
    lost = 0
    for index, samples in seen.breaks:
        lost += samples if index + lost <= truths[-1] else 0
    for channel in seen.tags:
        places = [index for index, key, value in channel if key == "rx_freq" and value == freq]
        assert places, "the new frequency is tagged nowhere"
        # The channels are tuned one after the other.
        assert truths[0] - granularity <= places[0] + lost + seen.first <= truths[-1] + granularity
    before, after = [at for at in seen.tunings if at[1] != freq], [at for at in seen.tunings if at[1] == freq]
    assert len(before) == 1 and len(after) == 1, "windows of the old frequency, then of the new one"


# Samples


@pytest.mark.parametrize("source", [UHD, SOAPY])
def test_the_example_gets_every_sample_of_its_duration(tmp_path, bundle, source):
    program = begin_example(
        "live_interference", f"{source},chans=2", tmp_path, "--duration", 3, "--sample-rate", RATE, "--bundle", bundle
    )
    done = program.end(60)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "5760000 samples a channel" in done.stdout
    assert "samples lost 0" in done.stdout
    assert program.journal()[-1][1] == "closed", "the device is let go of before the program ends"


@pytest.mark.parametrize("channels", [pytest.param(2, marks=pytest.mark.slow), 4])
@pytest.mark.parametrize("source", [UHD, SOAPY])
def test_channels_are_aligned_and_nothing_differs_from_what_was_asked(tmp_path, source, channels):
    seen = watch(f"{source},chans={channels}", tmp_path, channels=channels, seconds=1)
    assert (seen.samples, seen.mismatches, seen.spans) == (RATE, 0, [])
    first = [[tag for tag in tags if tag[0] == 0] for tags in seen.tags]
    assert {key for _, key, _ in first[0]} >= {"rx_time", "rx_rate", "rx_freq"}
    assert all(tags == first[0] for tags in first)
    assert seen.status["differences"] == []


# Overflows: half a second more than whole ones, since a loss at the very end may or may not be heard of.

LENGTHS = [6.5, pytest.param(60.5, marks=pytest.mark.slow)]


def as_told(seen) -> int:
    """What was lost before the last sample that came, of which the ramp and the device's journal say the same."""
    assert seen.breaks == [found for found in lost_by(seen.said) if found[0] < seen.samples]
    assert len(seen.breaks) >= int(seen.samples / RATE)
    return sum(lost for _, lost in seen.breaks)


@pytest.mark.parametrize("seconds", LENGTHS)
@pytest.mark.parametrize("source", [UHD, SOAPY])
def test_losses_of_a_radio_with_a_clock_are_counted_exactly(tmp_path, source, seconds):
    seen = watch(f"{source},every=1,lose=1000", tmp_path, channels=2, seconds=seconds)
    total = as_told(seen)
    assert seen.spans == []
    assert (seen.samples_lost, seen.counters["samples_lost"], seen.status["samples_lost"]) == (total, total, total)
    assert seen.status["lost_is"] == "exact"
    assert seen.status["samples_lost_estimated"] == seen.counters["samples_lost_estimated"] == 0
    assert seen.status["overflows"] == len(seen.breaks)


@pytest.mark.parametrize("seconds", LENGTHS)
@pytest.mark.parametrize("source", [f"{SOAPY},hwtime=0", f"{UHD},hwtime=0"])
def test_without_a_clock_no_window_spans_a_loss_and_it_is_estimated(tmp_path, source, seconds):
    """25,000 samples are 13 ms: more than the 5 ms from which on the computer's clock tells a loss."""
    seen = watch(f"{source},every=1,lose=25000", tmp_path, channels=2, seconds=seconds)
    total = as_told(seen)
    assert seen.spans == []
    assert seen.windows > 0.9 * seen.samples / MTU
    assert seen.status["lost_is"] == "estimated"
    # What is estimated is not in the exact count, and is good for some 5 ms a loss.
    assert seen.samples_lost == seen.status["samples_lost"] == seen.counters["samples_lost"] == 0
    for counts in (seen.status, seen.counters):
        assert abs(counts["samples_lost_estimated"] - total) < 0.005 * RATE * len(seen.breaks)


def test_a_radio_that_says_nothing_of_a_loss_is_caught_by_the_clock(tmp_path):
    seen = watch(f"{SOAPY},hwtime=0,deaf=1,every=1,lose=50000", tmp_path, seconds=4.5)
    assert seen.status["lost_is"] == "estimated"
    total = as_told(seen)
    assert abs(seen.status["samples_lost_estimated"] - total) < 0.25 * total
    # Every loss was noticed: the estimates stand in the stream, one a loss, before the next one.
    gaps = [index for index, key, _ in seen.tags[0] if key == "wfm_gap"]
    assert len(gaps) == len(seen.breaks)
    assert all(0 <= gap - index < RATE for gap, (index, _) in zip(gaps, seen.breaks, strict=True))


# Retunes


@pytest.mark.parametrize("how", ["call", "message"])
@pytest.mark.parametrize("source", [UHD, SOAPY])
def test_a_retune_is_tagged_on_its_sample(tmp_path, source, how):
    """At 480 kS/s a work call of the device is 8.5 ms, more than a scheduler of a busy computer adds."""
    call = {"call": "set_center_freq", "arguments": [806e6]}
    action = call if how == "call" else {"post": {"freq": 806e6}}
    seen = watch(source, tmp_path, channels=2, sample_rate=480e3, seconds=3, actions=[[1.5, action]])
    retune_is_tagged(seen, 806e6, MTU + round(SCHEDULING * 480e3))


def test_a_timed_retune_is_tagged_on_the_very_sample(tmp_path):
    seen = watch(UHD, tmp_path, channels=2, seconds=3, actions=[[1.0, {"retune": 806e6, "after": 0.5}]])
    assert len([what for what in seen.said if what.endswith("timed")]) >= 2, "both channels, at a time of the device"
    retune_is_tagged(seen, 806e6, 2)
    assert seen.status["late_commands"] == 0


@NEEDS_OSMOSDR
def test_rtl_tcp_gives_samples_and_tags_its_retunes(tmp_path):
    actions = [[1.0, {"call": "set_center_freq", "arguments": [101e6]}], [2.0, {"post": {"freq": 102e6}}]]
    with rtl_tcp() as server:
        seen = watch(
            server.source, tmp_path, sample_rate=1e6, seconds=3, ramp=False, actions=actions, center_freq=100e6
        )
        said = [line.split(" before")[0] for line in server.said()]
    assert seen.samples == 3_000_000
    tags = [(index, value) for index, key, value in seen.tags[0] if key == "rx_freq"]
    assert tags[0] == (0, 100e6), "the first sample knows its frequency"
    # A loss, if the computer was too slow, tags the frequency again.
    assert list(dict.fromkeys(freq for _, freq in tags)) == [100e6, 101e6, 102e6]
    assert [line for line in said if line.startswith("freq 10")][-2:] == ["freq 101000000", "freq 102000000"]


# What was asked and what was got


@pytest.mark.parametrize("source", [UHD, SOAPY])
def test_what_was_not_got_as_asked_is_one_line_each(tmp_path, source):
    seen = watch(f"{source},offset_rate=0.5,clip_gain=50", tmp_path, sample_rate=2e6, seconds=1, gain=900.0)
    assert seen.sample_rate == 1e6
    assert seen.samples == 1_000_000, "seconds go by the rate that was got"
    assert len(seen.status["differences"]) == 2, seen.status["differences"]
    rate, gain = sorted(seen.status["differences"], key=lambda line: "900" in line)
    assert "rate" in rate and "gain" in gain and "50" in gain
    assert "gain 0 LNA 30" in seen.said and "gain 0 VGA 20" in seen.said, "the highest there is, not none"


@pytest.mark.parametrize("source", [f"{UHD},chans=1", f"{SOAPY},chans=1", "rtl_tcp"])
def test_a_radio_with_fewer_channels_repeats_its_last_and_says_so(tmp_path, source):
    with rtl_tcp() if source == "rtl_tcp" else contextlib.nullcontext(SimpleNamespace(source=source)) as radio:
        if source == "rtl_tcp":
            pytest.importorskip("osmosdr", reason="gr-osmosdr is not installed")
        seen = watch(radio.source, tmp_path, channels=2, sample_rate=1e6, seconds=1, center_freq=100e6, gain=20.0)
    assert (seen.samples, seen.mismatches) == (1_000_000, 0)
    assert seen.status["differences"] == ["channels: asked for 2, the radio has 1 channel: the last one is repeated"]


def test_antennas_of_the_wrong_number_are_refused(tmp_path):
    done = begin_watch(UHD, tmp_path, channels=2, antennas=["RX", "RX", "RX2"]).end(60)
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if line.startswith("radio_watch.py: ")]
    assert len(said) == 1 and "antenna" in said[0]


def test_settings_reach_the_device(tmp_path):
    seen = watch(
        SOAPY, tmp_path, channels=2, seconds=0.5, antennas=["RX", "RX2"], gains="LNA=12,VGA=7", settings="biastee=true",
        bandwidth=5e6, center_freq=[1e9, 1.1e9],
    )  # fmt: skip
    assert {"antenna 0 RX", "antenna 1 RX2", "setting biastee true", "bandwidth 0 5e+06"} <= set(seen.said)
    assert {"gain 0 LNA 12", "gain 0 VGA 7", "freq 1 1100000000 tick 0"} <= set(seen.said)
