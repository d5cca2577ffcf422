# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenes of the simulated radio in which senders take turns."""

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.scenes.simulated import PAUSE, render
from wfm_core.synth.scenes.turns import GATE_DBFS, NOISE_DBFS
from wfm_core.train.turns import WINDOW

SCENES = {"band": (0.6, 4e6), "transmitters": (0.8, 1e6), "modulations": (0.3, 1e6)}


def level_dbfs(samples: torch.Tensor) -> float:
    return float(10 * torch.log10(samples.abs().square().mean()))


@pytest.mark.parametrize("name", SCENES)
def test_truth_covers_the_scene_and_the_gate_lies_between_noise_and_senders(name):
    seconds, rate = SCENES[name]
    scene = render(name, seconds, rate, 1, seed=3)
    assert scene.samples.shape == (1, round(seconds * rate)) and scene.samples.abs().max() < 1
    place = 0
    for segment in scene.truth:
        assert segment.sample_start == place
        place += segment.sample_count
        heard = scene.samples[:, segment.sample_start : place]
        if segment.label == PAUSE:
            assert abs(level_dbfs(heard) - NOISE_DBFS) < 0.5
        else:
            loudest = max(level_dbfs(part) for part in heard.split(WINDOW, 1))
            assert loudest > GATE_DBFS and segment.label in segment.labels.values()
    assert place == scene.samples.shape[1]


def test_scenes_are_seeded():
    first, again, other = (render("modulations", 0.1, 1e6, 1, seed).samples for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize(
    ("name", "rate", "antennas", "sentence"),
    [
        ("city", 1e6, 1, "no scene 'city'.*lte_interference, band"),
        ("band", 1e6, 1, "1 MS/s, 4 to 8"),
        ("transmitters", 2e6, 1, "2 MS/s on 1"),
        ("modulations", 1e6, 2, "on 2 antennas"),
    ],
)
def test_what_cannot_be_heard_is_one_sentence(name, rate, antennas, sentence):
    with pytest.raises(WfmError, match=sentence):
        render(name, 0.1, rate, antennas, 1)
