# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of other technologies: seeded, of every content, at the rates they say, some of them empty in part."""

import pytest
import torch

from wfm_core.synth.scenes.interference import SAMPLE_RATES, InterferenceScenes, random_nr_stretch
from wfm_core.synth.scenes.others import SAMPLE_RATES as OTHER_RATES
from wfm_core.synth.scenes.others import TECHNOLOGIES, OtherTechnologies

SAMPLES = 4096


@pytest.fixture(scope="module")
def drawn():
    others = OtherTechnologies(SAMPLES, torch.Generator().manual_seed(11))
    return [others.draw(64, 1 + number % 2) for number in range(8)]


def test_windows_have_the_shape_and_the_range_of_a_receiver(drawn):
    for number, windows in enumerate(drawn):
        assert windows.iq.shape == (64, 1 + number % 2, SAMPLES) and windows.iq.dtype == torch.complex64
        parts = torch.view_as_real(windows.iq)
        assert torch.isfinite(parts).all() and parts.abs().max() <= 1


def test_there_is_everything_but_the_task_s_own_signals(drawn):
    content = [name for windows in drawn for name in windows.content]
    seen = {part for name in content for part in name.split("+")}
    assert set(TECHNOLOGIES) <= seen and {"noise", "carriers", "gsm", "gsm-traffic"} <= seen
    assert "dsss" not in seen
    assert any("+" in name for name in content), "crowds"
    assert 0.02 < sum(name == "noise" for name in content) / len(content) < 0.2


def test_rates_reach_from_those_of_dongles_to_wide_bands(drawn):
    rates = torch.cat([windows.sample_rate for windows in drawn])
    assert rates.min() < 0.5e6 and rates.max() == max(OTHER_RATES) == 30.72e6


def test_some_windows_begin_or_end_within_a_burst(drawn):
    """Of bluetooth alone, which ends in a window anyway, no matter how many: of continuous broadcast FM."""
    powers = [
        windows.iq[row].abs().square().mean(0).unflatten(-1, (16, -1)).mean(-1)
        for windows in drawn
        for row, name in enumerate(windows.content)
        if name == "fm"
    ]
    steps = torch.stack([power.max() / power.min().clamp(min=1e-12) for power in powers])
    assert (steps > 4).any() and (steps < 2).any()


def test_the_same_seed_gives_the_same_windows():
    first, second = (OtherTechnologies(SAMPLES, torch.Generator().manual_seed(5)).draw(12, 1) for _ in range(2))
    assert torch.equal(first.iq, second.iq) and first.content == second.content


def test_cells_of_5g_can_be_among_the_scenes():
    scenes = InterferenceScenes(SAMPLES, torch.Generator().manual_seed(2), pool=12, nr_cells=0.5)
    windows = scenes.draw(16, 2, sir_db=(-5.0, -5.0), snr_db=(30.0, 30.0), label=torch.full((16,), 1))
    assert windows.iq.shape == (16, 2, SAMPLES) and torch.isfinite(torch.view_as_real(windows.iq)).all()
    assert min(windows.sample_rate) >= min(SAMPLE_RATES)
    stretch = random_nr_stretch(8 * SAMPLES, torch.Generator().manual_seed(3))
    assert stretch.samples.shape == (1, 8 * SAMPLES) and stretch.sample_rate >= 5e6
    assert float(stretch.samples.abs().square().mean()) == pytest.approx(1, rel=1e-3)
