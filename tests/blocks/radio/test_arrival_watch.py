# SPDX-License-Identifier: GPL-3.0-or-later
"""arrival_watch: losses that no driver tells, from when the other samples arrive."""

import numpy as np
import pytest
from gnuradio.wfm.wfm_python import arrival_watch

RATE = 1e6


def deliver(watch, seconds, buffer=0.01, start=0.0, count=0, speed=1.0, late=None, seed=0):
    """Buffers of `buffer` seconds from `start` on, each late by up to 2 ms. Returns time, count and what was found."""
    rng, found = np.random.default_rng(seed), 0
    steps = round(seconds / buffer)
    for step in range(1, steps + 1):
        now = start + step * buffer / speed
        count += round(buffer * RATE)
        delay = 2e-3 * rng.random() + (late(step / steps) if late else 0)
        found += watch.arrived(now + delay, count)
    return start + steps * buffer / speed, count, found


@pytest.mark.parametrize("buffer", [1e-3, 0.01, 0.064, 0.3])
def test_late_buffers_are_no_loss(buffer):
    watch = arrival_watch(RATE)
    assert deliver(watch, 20.0, buffer)[2] == 0 and watch.missing() == 0


@pytest.mark.parametrize("speed", [1 - 100e-6, 1 + 100e-6])
def test_a_clock_that_is_off_by_a_hundred_ppm_is_no_loss(speed):
    watch = arrival_watch(RATE)
    assert deliver(watch, 300.0, speed=speed)[2] == 0 and watch.missing() == 0


@pytest.mark.parametrize("lost", [10_000, 25_000, 400_000])
@pytest.mark.parametrize("buffer", [1e-3, 0.01, 0.064])
def test_a_silent_loss_is_found_within_a_second(lost, buffer):
    watch = arrival_watch(RATE)
    now, count, _ = deliver(watch, 5.0, buffer)
    _, _, found = deliver(watch, 1.5, buffer, start=now + lost / RATE, count=count, seed=1)
    assert found == pytest.approx(lost, abs=2500)
    assert watch.missing() == pytest.approx(lost, abs=2500)


def test_a_small_loss_is_taken_for_drift():
    watch = arrival_watch(RATE)
    now, count, _ = deliver(watch, 5.0)
    assert deliver(watch, 5.0, start=now + 1e-3, count=count)[2] == 0


def test_a_host_that_was_busy_for_a_second_and_catches_up_lost_nothing():
    watch = arrival_watch(RATE)
    now, count, _ = deliver(watch, 5.0)
    now, count, _ = deliver(watch, 1.0, start=now, count=count, late=lambda part: 0.05)
    deliver(watch, 3.0, start=now, count=count)
    assert watch.missing() == 0


def test_losses_that_are_told_add_up_to_what_was_lost():
    """Each is reported at once, with the delay of one buffer for an error, and measured afterwards."""
    watch = arrival_watch(RATE)
    now, count, _ = deliver(watch, 3.0)
    told = 0
    for loss in range(20):
        now += 1000 / RATE
        told += watch.told(now + 0.01 + 1e-3, count + 10_000)
        now, count, found = deliver(watch, 1.0, start=now, count=count, seed=loss)
        assert found == 0, "a loss that was told is not found again"
    assert watch.missing() == pytest.approx(20_000, abs=3000)
    assert told == pytest.approx(20_000, abs=3000)


def test_another_rate_is_no_loss():
    watch = arrival_watch(RATE)
    now, count, _ = deliver(watch, 3.0)
    watch.set_rate(RATE / 2)
    found = 0
    for step in range(1, 300):
        found += watch.arrived(now + step * 0.02, count + step * 10_000)
    assert found == 0 and watch.missing() == 0
