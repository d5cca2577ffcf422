# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenes of the simulated radio in which senders take turns, and the starter models that learn from them."""

import pytest
import torch

from wfm_core import load_bundle, starter
from wfm_core.bundle.find import cache_folder
from wfm_core.errors import WfmError
from wfm_core.starter import cache
from wfm_core.starter.recipes import RECIPES, WINDOW, draw
from wfm_core.synth.simulated import PAUSE, render
from wfm_core.synth.turns import BAND_KINDS, GATE_DBFS, NOISE_DBFS, TRANSMITTERS

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


def test_training_windows_are_labelled_and_heard():
    recipe = RECIPES["starter-two-tasks"]
    iq, labels = draw(recipe, 40, seed=5)
    assert iq.shape == (40, 1, WINDOW) and min(level_dbfs(window) for window in iq) > GATE_DBFS
    assert set(labels) == {"fingerprint", "classification"}
    assert all(len(own) == 40 and own.max() < len(recipe.tasks[task]) for task, own in labels.items())


def test_a_starter_is_made_once_and_names_fresh_windows(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    starter.ensure("starter-two-tasks")
    assert "a small one learns 5 transmitters with 3 modulations from generated data" in capsys.readouterr().out
    bundle = load_bundle("starter-two-tasks", device="cpu")
    assert bundle.path == cache_folder() / "starter-two-tasks.wfm.pt"
    assert (bundle.contract.tasks["fingerprint"].labels, len(bundle.contract.segments)) == (TRANSMITTERS, 1)
    iq, labels = draw(RECIPES["starter-two-tasks"], 100, seed=99)
    outputs = bundle.infer(iq.numpy())
    for task, truth in labels.items():
        assert float((torch.from_numpy(outputs[task]).argmax(1) == truth).float().mean()) > 0.7

    made = bundle.path.stat().st_mtime_ns
    starter.ensure("starter-two-tasks")
    assert capsys.readouterr().out == "" and bundle.path.stat().st_mtime_ns == made
    monkeypatch.setattr(cache, "_key", lambda name: "other code")
    monkeypatch.setattr(cache, "_train", lambda name, path: print("made anew"))
    starter.ensure("starter-two-tasks")
    assert "made anew" in capsys.readouterr().out


def test_every_kind_is_taught():
    assert RECIPES["starter-band"].tasks == {"classification": BAND_KINDS}


def test_other_names_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    starter.ensure("wfm-interference")
    starter.ensure(str(tmp_path / "own.wfm.pt"))
    assert not list(tmp_path.iterdir())


def test_a_cache_that_cannot_be_made_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "wfm").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(WfmError, match="set XDG_CACHE_HOME"):
        starter.ensure("wfm-small")
