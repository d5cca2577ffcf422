# SPDX-License-Identifier: GPL-3.0-or-later
"""Radios that fail, and programs that are to end: one sentence, exit status 1, within ten seconds; Ctrl-C within two.

Through the real gr-uhd and libuhd, gr-soapy and gr-osmosdr, with simulated devices.
"""

import importlib.util
import os
import signal

import pytest
from flowgraph_helpers import random_model
from radio_harness import SOAPY, UHD, begin_example, begin_watch, rtl_tcp

NEEDS_OSMOSDR = pytest.mark.skipif(not importlib.util.find_spec("osmosdr"), reason="gr-osmosdr is not installed")


def begin_rtl_tcp(server, folder, bundle):
    """An example with one antenna."""
    options = ["--bundle", bundle, "--sample-rate", 1e6, "--center-freq", 100e6]
    return begin_example("detection_display", server.source, folder, *options)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """Random weights: what the model says does not matter here."""
    return random_model(tmp_path_factory.mktemp("model"), samples=4096)


def seconds(most: float) -> float:
    """`most` where the computer has a core for each thing that it does; longer, in proportion, where it has not.

    What is bounded is waiting, but the two seconds that a program takes to end are work.
    """
    return most + 2 * max(0.0, os.getloadavg()[0] / os.cpu_count() - 1)


def sentence_of(done, program="live_interference.py") -> str:
    """The one sentence of a program that could not."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    said = [line for line in done.stderr.splitlines() if line.startswith(f"{program}: ")]
    assert len(said) == 1, done.stderr
    return said[0]


BROKEN = [
    f"{UHD},die=throw",
    f"{SOAPY},die=eof",
    pytest.param(f"{SOAPY},die=throw", marks=pytest.mark.slow),
    pytest.param(f"{UHD},die=eof", marks=pytest.mark.slow),
    pytest.param(f"{UHD},error=1", marks=pytest.mark.slow),
    pytest.param(f"{SOAPY},error=1", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(
    "sources",
    [
        (f"{UHD},dead=1", f"{SOAPY},hang=1"),
        pytest.param((f"{SOAPY},dead=1", f"{UHD},hang=1"), marks=pytest.mark.slow),
    ],
)
def test_a_radio_that_falls_silent_or_hangs_ends_the_program(tmp_path, bundle, sources):
    """Two at once: most of their time they wait."""
    programs = [
        begin_example("live_interference", source, tmp_path / str(number), "--bundle", bundle)
        for number, source in enumerate(sources)
    ]
    try:
        for program in programs:
            sentence_of(program.end(90))
            began = program.moment("silent") or program.moment("hangs")
            assert program.ended_at - began < seconds(10)
    finally:
        for program in programs:
            program.kill()


@pytest.mark.parametrize("source", BROKEN)
def test_a_radio_that_breaks_ends_the_program(tmp_path, bundle, source):
    program = begin_example("live_interference", source, tmp_path, "--bundle", bundle)
    sentence_of(program.end(60))
    assert program.ended_at - program.moment("fails") < seconds(10)


@pytest.mark.parametrize(
    "source, setter",
    [
        (UHD, "rate"),
        (SOAPY, "freq"),
        (UHD, "gain"),
        pytest.param(SOAPY, "rate", marks=pytest.mark.slow),
        pytest.param(UHD, "freq", marks=pytest.mark.slow),
        pytest.param(SOAPY, "gain", marks=pytest.mark.slow),
    ],
)
def test_a_refused_setting_is_one_sentence(tmp_path, source, setter):
    done = begin_watch(f"{source},refuse={setter}", tmp_path).end(60)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("radio_watch.py: ")]
    # The device's own reason, beside its arguments.
    assert len(said) == 1 and f"refuses its {setter}" in said[0], done.stderr


def test_a_refused_antenna_is_one_sentence(tmp_path):
    done = begin_watch(f"{UHD},refuse=antenna", tmp_path, antennas=["RX2"]).end(60)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("radio_watch.py: ")]
    assert len(said) == 1 and "refuses its antenna" in said[0], done.stderr


@pytest.mark.parametrize("source", [UHD, pytest.param(SOAPY, marks=pytest.mark.slow)])
def test_a_rate_that_is_out_of_reach_is_one_sentence_of_the_example(tmp_path, bundle, source):
    options = ["--bundle", bundle, "--sample-rate", 10e6]
    done = begin_example("live_interference", f"{source},maxrate=5e6", tmp_path, *options).end(60)
    sentence = sentence_of(done).replace(f"{source},maxrate=5e6", "")
    assert "rate" in sentence or "samples/s" in sentence


@NEEDS_OSMOSDR
@pytest.mark.parametrize("knob, said", [("--stall", ""), ("--die", "dies")])
def test_an_rtl_tcp_server_that_stalls_or_dies_ends_the_program(tmp_path, bundle, knob, said):
    with rtl_tcp(knob, 1) as server:
        program = begin_rtl_tcp(server, tmp_path, bundle)
        program.wait_until(lambda: "client 1" in server.said(), 60)
        sentence_of(program.end(60), "detection_display.py")
        assert said in server.said() or not said


# Ctrl-C


@pytest.mark.parametrize("source", [UHD, SOAPY, f"{UHD},hang=1", f"{SOAPY},hang=1"])
def test_ctrl_c_ends_within_two_seconds(tmp_path, bundle, source):
    program = begin_example("live_interference", source, tmp_path, "--bundle", bundle)
    hangs = "hang" in source
    program.wait_until(lambda: program.moment("hangs") if hangs else "dBFS" in program.stdout, 60)
    pressed = program.interrupt()
    done = program.end(30)
    assert program.ended_at - pressed < seconds(2)
    assert done.returncode in ((0, 1) if hangs else (0,)), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("source", [f"{UHD},slow_open=20", f"{SOAPY},slow_open=20"])
def test_ctrl_c_ends_a_program_whose_radio_is_still_being_opened(tmp_path, bundle, source):
    program = begin_example("live_interference", source, tmp_path, "--bundle", bundle)
    program.wait_until(lambda: program.moment("opening"), 60)
    pressed = program.interrupt()
    done = program.end(30)
    assert program.ended_at - pressed < seconds(2)
    assert done.returncode == -signal.SIGINT and done.stderr == ""


@NEEDS_OSMOSDR
def test_ctrl_c_ends_rtl_tcp_within_two_seconds(tmp_path, bundle):
    with rtl_tcp() as server:
        program = begin_rtl_tcp(server, tmp_path, bundle)
        # More than the sockets hold: the flowgraph runs.
        program.wait_until(lambda: "sent 8000000" in server.said(), 60)
        pressed = program.interrupt()
        done = program.end(30)
    assert program.ended_at - pressed < seconds(2)
    assert done.returncode == 0 and "Traceback" not in done.stderr
