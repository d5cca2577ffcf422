# SPDX-License-Identifier: GPL-3.0-or-later
import math

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.scenes.interference import (
    GUARD,
    LABELS,
    NONE,
    SAMPLE_RATES,
    InterferenceScenes,
    components,
    random_stretch,
)
from wfm_core.synth.scenes.rendering import render_scene


@pytest.fixture(scope="module")
def scenes():
    return InterferenceScenes(4096, torch.Generator().manual_seed(11), pool=6)


def power_db(x):
    return 10 * torch.log10(x.abs().square().mean((1, 2)))


@pytest.mark.parametrize("antennas", [1, 4])
def test_sir_and_snr_are_what_was_asked(antennas):
    generator = torch.Generator().manual_seed(3)
    batch = 16
    cell = random_stretch(GUARD + 4096, generator).samples[:1].expand(batch, -1, -1)
    rate = torch.full((batch,), 7.68e6)
    sir, snr = torch.linspace(-5, 15, batch), torch.linspace(5, 30, batch)
    label = torch.arange(batch) % 3
    lte, interference, noise = components(cell, rate, label, sir, snr, antennas, generator)
    assert lte.shape == (batch, antennas, 4096)
    heard = power_db(lte) > -15  # below that, in a fade, the reference level stands in
    torch.testing.assert_close((power_db(lte) - power_db(noise))[heard], snr[heard], atol=0.4, rtol=0)
    hit = (label != NONE) & heard
    assert hit.sum() > 5
    torch.testing.assert_close((power_db(lte) - power_db(interference))[hit], sir[hit], atol=0.05, rtol=0)
    assert not interference[label == NONE].abs().any()


def test_a_silent_cell_keeps_a_reference_level():
    generator = torch.Generator().manual_seed(3)
    silent = torch.zeros(1, 1, GUARD + 4096, dtype=torch.complex64)
    one = torch.zeros(1)
    _, interference, _ = components(silent, one + 2e6, torch.tensor([1]), one, one + 10, 1, generator)
    assert float(power_db(interference)) == pytest.approx(10 * math.log10(0.03), abs=0.1)


def test_draws_are_labelled_shaped_and_within_their_ranges(scenes):
    windows = scenes.draw(32, 3, sir_db=(-5, 0), snr_db=(5, 30))
    assert windows.iq.shape == (32, 3, 4096) and windows.iq.dtype == torch.complex64
    assert windows.iq.isfinite().all() and windows.iq.abs().max() < 1.5
    assert torch.equal(windows.sir_db.isnan(), windows.label == NONE)
    known = windows.sir_db[windows.label != NONE]
    assert ((known >= -5) & (known <= 0)).all()
    assert {round(float(rate)) for rate in windows.sample_rate} <= {round(rate) for rate in SAMPLE_RATES}


def test_same_seed_same_windows():
    drawn = [InterferenceScenes(4096, torch.Generator().manual_seed(5), pool=2).draw(4, 2) for _ in range(2)]
    assert torch.equal(drawn[0].iq, drawn[1].iq)


def test_the_pool_is_renewed(scenes):
    before = list(scenes.pool)
    for _ in range(4):
        scenes.draw(32, 1)
    assert any(old is not new for old, new in zip(before, scenes.pool, strict=True))


def test_rendered_scene_matches_its_truth():
    scene = render_scene(seconds=0.9, antennas=2, seed=4)
    assert scene.samples.shape == (2, round(0.9 * 1.92e6))
    assert scene.samples.real.abs().max() <= 1
    assert scene.truth[0].sample_start == 0
    ends = [segment.sample_start + segment.sample_count for segment in scene.truth]
    assert [segment.sample_start for segment in scene.truth[1:]] == ends[:-1] and ends[-1] == scene.samples.shape[1]
    assert {segment.label for segment in scene.truth} <= set(LABELS)
    levels = {}
    for segment in scene.truth:
        span = scene.samples[:, segment.sample_start : segment.sample_start + segment.sample_count]
        levels.setdefault(segment.label == "none", []).append(float(span.abs().square().mean()))
    assert min(levels[False]) > max(levels[True]), "SIR is 0 dB or less: interference doubles the power at least"


def test_unknown_scene_is_named():
    with pytest.raises(WfmError, match="'city' is not known"):
        render_scene("city")
