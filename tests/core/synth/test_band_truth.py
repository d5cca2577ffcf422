# SPDX-License-Identifier: GPL-3.0-or-later
"""What a band scene says of its emitters, against the samples: where in frequency, when, how strong."""

import pytest
import torch

from wfm_core.synth.scenes.band import MOST_EMITTERS, ON_STEP, render_band


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_there_is_a_row_for_each_emitter_and_nothing_else():
    band = render_band(40, 512, 1, seeded(1))
    for window, kinds in enumerate(band.kinds):
        there = torch.arange(MOST_EMITTERS) < len(kinds)
        emitters = band.emitters
        for values in (emitters.lower, emitters.upper, emitters.snr_db):
            assert torch.equal(~torch.isnan(values[window]), there)
        assert emitters.on.shape == (40, MOST_EMITTERS, 512 // ON_STEP)
        assert not emitters.on[window, ~there].any()
        assert (emitters.upper > emitters.lower)[window, there].all()


@pytest.mark.parametrize("kind", ["fm", "psk_qam", "chirp"])
def test_the_power_is_between_the_edges(kind):
    """Most of what a strong emitter adds to the noise lies where it is said to be."""
    band = render_band(24, 8192, 1, seeded(2), kind=kind)
    emitters, shares = band.emitters, []
    frequency = torch.fft.fftfreq(8192)
    for window in range(24):
        if emitters.snr_db[window, 0] < 20:
            continue
        power = torch.fft.fft(band.iq[window, 0]).abs().square()
        inside = (frequency >= emitters.lower[window, 0]) & (frequency <= emitters.upper[window, 0])
        shares.append(float(power[inside].sum() / power.sum()))
    assert len(shares) > 4
    assert sorted(shares)[len(shares) // 2] > 0.9, shares


def test_power_comes_when_an_emitter_is_on():
    """Bursts of remotes: the steps that are said to be on have the power, those that are not have the noise's."""
    band = render_band(60, 4096, 1, seeded(3), kind="remote")
    power = band.iq[:, 0].abs().square().unflatten(1, (-1, ON_STEP)).mean(2)
    errors = []
    for window in range(60):
        on = band.emitters.on[window, 0]
        if band.emitters.snr_db[window, 0] > 15 and 20 < on.sum() < len(on) - 20:
            # a step beside a change is partly on
            edge = torch.nn.functional.max_pool1d((on[1:] != on[:-1]).float()[None], 3, 1, 1)[0]
            edge = torch.cat([edge, edge[-1:]]).bool()
            both, noise = power[window][on & ~edge].mean(), power[window][~on & ~edge].mean()
            errors.append(float(10 * (both / noise - 1).log10() - band.emitters.snr_db[window, 0]))
    # spurs and converters of a few bits add to the noise of some windows
    assert len(errors) >= 10 and sorted(map(abs, errors))[len(errors) // 2] < 1.5, errors


def test_the_truth_costs_no_draw():
    """The same seed gives the samples that it gave before the truth was kept (measured then)."""
    sums = [float(render_band(8, 1024, 2, seeded(seed)).iq.abs().sum()) for seed in range(3)]
    assert sums == pytest.approx([2714.76, 4899.74, 3840.79], rel=1e-4)
