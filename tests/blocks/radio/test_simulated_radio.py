# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated radio itself, through the real gr-uhd, gr-soapy and gr-osmosdr, without a block of ours."""

import importlib.util
import json
import sys
from types import SimpleNamespace

import pytest
from radio_harness import TESTS, Program, lost_by, rtl_tcp

RATE = 1e6
FLOATS = 1e-6  # s; what a tag's fraction is worth behind libuhd's and SoapySDR's conversions


def raw(source: str, folder, channels=2, samples=600_000) -> SimpleNamespace:
    driver, arguments = source.split(":", 1)
    options = [driver, arguments, channels, RATE, samples]
    program = Program([sys.executable, str(TESTS / "radio_raw.py"), *map(str, options)], source, folder)
    done = program.end(60)
    assert done.returncode == 0, done.stderr
    seen = SimpleNamespace(**json.loads(done.stdout.splitlines()[-1]))
    seen.breaks = [tuple(found) for found in seen.breaks]
    seen.said = [what for _, what in program.journal()]
    return seen


@pytest.mark.parametrize("source", ["uhd:type=soapy,driver=wfmsim,chans=4", "soapy:driver=wfmsim,chans=4"])
def test_the_ramp_comes_without_a_gap_on_all_channels(tmp_path, source):
    seen = raw(source, tmp_path, channels=4)
    assert (seen.samples, seen.first, seen.mismatches) == (600_000, 0, 0)
    # A machine that is busy may make it lose some; then it says so.
    assert seen.breaks == [found for found in lost_by(seen.said) if found[0] < seen.samples]
    assert seen.said[-1] == "closed", "the device is let go of before the program ends"


@pytest.mark.parametrize("source", ["uhd:type=soapy,driver=wfmsim", "soapy:driver=wfmsim"])
def test_an_overflow_loses_what_was_asked_and_where(tmp_path, source):
    seen = raw(f"{source},every=0.2,lose=777", tmp_path, channels=1)
    asked = [(200_000, 777), (400_000, 777)]
    assert [found for found in seen.breaks if found[1] == 777] == asked
    assert seen.breaks == [found for found in lost_by(seen.said) if found[0] < seen.samples]


def test_times_under_libuhd_say_what_was_lost(tmp_path):
    """gr-uhd begins several channels together, and tags the time again behind every overflow."""
    seen = raw("uhd:type=soapy,driver=wfmsim,every=0.2,lose=777", tmp_path)
    assert seen.said.count("start timed") == 1
    times = [(index, value[0] + value[1]) for index, key, value in seen.tags if key == "rx_time"]
    assert [index for index, _ in times] == [0, *(index for index, _ in seen.breaks)]
    lost = 0
    for (index, seconds), (_, ticks) in zip(times[1:], seen.breaks, strict=True):
        lost += ticks
        assert seconds - times[0][1] == pytest.approx((index + lost) / RATE, abs=FLOATS)


def test_without_hardware_time_no_time_is_tagged(tmp_path):
    seen = raw("soapy:driver=wfmsim,hwtime=0", tmp_path, channels=1, samples=100_000)
    assert [key for _, key, _ in seen.tags if key == "rx_time"] == []


@pytest.mark.parametrize(
    "trouble, said", [("dead=0.2", "silent"), ("hang=0.2", "hangs"), ("die=throw,error=0.2", "fails")]
)
def test_trouble_begins_when_asked(tmp_path, trouble, said):
    source = f"soapy:driver=wfmsim,{trouble}"
    options = ["soapy", f"driver=wfmsim,{trouble}", 1, RATE, 10_000_000]
    program = Program([sys.executable, str(TESTS / "radio_raw.py"), *map(str, options)], source, tmp_path)
    try:
        program.wait_until(lambda: program.moment(said), 60)
        assert program.moment(said) - program.moment("start") == pytest.approx(0.2, abs=0.1)
    finally:
        program.kill()


@pytest.mark.skipif(not importlib.util.find_spec("osmosdr"), reason="gr-osmosdr is not installed")
def test_rtl_tcp_gives_the_ramp_and_says_what_it_lost(tmp_path):
    with rtl_tcp("--lose-every", 0.2, "--lose", 333) as server:
        seen = raw(server.source, tmp_path, channels=1)
        said = server.said()
    assert seen.samples == 600_000
    assert f"rate {RATE:.0f}" in [line.split(" before")[0] for line in said]
    told = [int(line.split()[-1]) for line in said if line.startswith("lost ")]
    # gr-osmosdr leaves out what it got before it was started: all breaks are as far too early.
    early = {where - index for where, (index, _) in zip(told, seen.breaks, strict=False)}
    assert len(seen.breaks) >= 1 and {lost for _, lost in seen.breaks} == {333}
    assert len(early) == 1
