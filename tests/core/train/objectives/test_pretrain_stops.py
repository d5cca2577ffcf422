# SPDX-License-Identifier: GPL-3.0-or-later
"""A loss that is not finite ends a run: with the weights of before, the step, and the source of the windows."""

import re

import pytest
import torch
from pretrain_recipe import CPU, tiny_config, tiny_file

from wfm_core.base.errors import WfmError
from wfm_core.cli.pretrain import main
from wfm_core.configs.pretraining import load_pretraining
from wfm_core.train.checkpoints import read_checkpoint
from wfm_core.train.objectives.pretraining import NotFinite
from wfm_core.train.pretrain.csi_source import CsiSource
from wfm_core.train.pretrain.sets import Batches, WindowSets
from wfm_core.train.pretrain.stopped import stopped


class Chunks:
    """Stands for a mixture: a window is its chunk's number and its antennas, and so is the name of its source."""

    device = CPU

    def __init__(self, modality, options):
        self.modality, self.options, self.held = modality, options, 1000

    def draw(self, chunk, count, antennas, generator):
        return torch.tensor([[chunk, antennas]]).expand(count, -1)

    def source_of(self, chunk, antennas):
        return f"{chunk} {antennas}"


@pytest.mark.parametrize("world", [1, 2])
def test_the_source_of_each_window_is_known_in_every_pass(tmp_path, world):
    config = tiny_config(tmp_path, "data.windows=200", "batch=40", "data.passes=2", "epochs=4")
    for rank in range(world):
        sets = {
            "image": WindowSets(config, Chunks("image", [1]), rank, world),
            "iq": WindowSets(config, Chunks("iq", [1, 2]), rank, world),
        }
        batches = Batches(sets, config)
        for step, (windows, _) in enumerate(batches):
            expected = {m: [f"{chunk} {antennas}" for chunk, antennas in x.tolist()] for m, x in windows.items()}
            assert batches.sources(step) == expected, step


def test_what_is_said_without_a_window_of_its_own_and_without_a_checkpoint(tmp_path):
    config = tiny_config(tmp_path)
    batches = Batches({"iq": WindowSets(config, Chunks("iq", [1, 2]))}, config)
    error = stopped(NotFinite(3, {}, {}), batches, tmp_path)
    assert isinstance(error, WfmError) and str(error) == (
        "step 3: the gradient is not finite, though it is finite for each window of the batch alone (sources: 1 2); no "
        "checkpoint was written before that: start again, without that source or with a lower base_learning_rate"
    )


@pytest.mark.parametrize("objective", ["masked", "{masked: 1.0, predictive: 1.0}"])
def test_a_window_that_is_not_finite_stops_the_run_and_the_last_checkpoint_goes_on(
    tmp_path, monkeypatch, capsys, objective
):
    rendered, native = 0, CsiSource.draw_native

    def broken(self, count, generator, *more):
        """A CSI source that breaks after its statistics and a few sets; one value of one window is NaN."""
        nonlocal rendered
        rendered += 1
        images = native(self, count, generator, *more)
        if rendered > 22:
            images[3, 0, 0, 0] = torch.nan
        return images

    monkeypatch.setattr(CsiSource, "draw_native", broken)
    threads, out = torch.get_num_threads(), tmp_path / "run"
    recipe = tiny_file(tmp_path, "modalities: [image]\ndata: {sources: [{kind: synthetic}, {kind: csi}], passes: 1}")
    settings = [f"objective={objective}", "epochs=12", "checkpoint_minutes=0.0001", "precision=32-true"]
    assert main(["--config", str(recipe), "--out", str(out), *settings]) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if "the loss of" in line]
    name = "image" if objective == "masked" else "masked_image is nan, the loss of predictive_image"
    found = re.search(rf"step (\d+): the loss of {name} is nan, for 1 of 8 image windows \(1 from csi\); ", said[-1])
    assert found and len(said) == 1
    step = int(found[1])
    assert f"last.ckpt is of step {step} and good: go on from it with --resume, without that source" in said[-1]
    checkpoint = read_checkpoint(out / "checkpoints" / "last.ckpt", load_pretraining(str(out / "config.yaml")))
    assert checkpoint["global_step"] == step > 0
    assert all(torch.isfinite(weight).all() for weight in checkpoint["state_dict"].values())
    monkeypatch.undo()
    assert main(["--out", str(out), "--resume"]) == 0
    torch.set_num_threads(threads)
