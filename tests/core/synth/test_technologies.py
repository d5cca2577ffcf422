# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene with eight technologies at once."""

import numpy as np
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.scenes.simulated import render
from wfm_core.synth.scenes.technologies import STATIONS

RATE = 2.4e6


@pytest.fixture(scope="module")
def scene():
    return render("air", 0.4, RATE, 2, seed=1)


def test_eight_signals_are_where_the_truth_says(scene):
    assert {segment.label for segment in scene.truth} == {label for label, *_ in STATIONS} and len(STATIONS) == 8
    starts = [segment.sample_start for segment in scene.truth]
    assert starts == sorted(starts) and scene.samples.shape == (2, round(0.4 * RATE))
    assert scene.samples.abs().max() < 1
    samples, frequency = scene.samples[0].numpy(), np.fft.fftfreq(scene.samples.shape[1], 1 / RATE)
    noise = 10 ** (-40 / 10) / RATE  # power a Hz
    for segment in scene.truth:
        lower, upper = segment.edges
        assert segment.sample_start >= 0 and segment.sample_start + segment.sample_count <= len(samples)
        assert abs((lower + upper) / 2) < RATE / 2 and lower < upper
        if segment.sample_count < 0.01 * RATE:
            continue
        heard = np.zeros_like(samples)
        on = slice(segment.sample_start, segment.sample_start + segment.sample_count)
        heard[on] = samples[on]
        power = np.abs(np.fft.fft(heard) / len(samples)) ** 2
        inside = power[(frequency >= lower) & (frequency <= upper)].sum() * len(samples) / segment.sample_count
        assert inside > 5 * noise * (upper - lower), segment.label


@pytest.mark.parametrize("seed", [1, 8])
def test_stations_do_not_overlap(seed):
    """Not with a seed that draws LoRa of 500 kHz first, either."""
    edges = {segment.label: segment.edges for segment in render("air", 0.4, RATE, 1, seed).truth}
    places = sorted(edges.values())
    assert all(one[1] < other[0] for one, other in zip(places[:-1], places[1:], strict=True))


def test_it_is_seeded_and_antennas_have_noise_of_their_own(scene):
    again, other = (render("air", 0.4, RATE, 2, seed).samples for seed in (1, 2))
    assert torch.equal(again, scene.samples) and not torch.equal(other, scene.samples)
    assert not torch.equal(scene.samples[0], scene.samples[1])


def test_a_rate_without_room_is_refused():
    with pytest.raises(WfmError, match="need 2.1 MS/s or more"):
        render("air", 0.1, 1e6, 1, seed=1)
