# SPDX-License-Identifier: GPL-3.0-or-later
"""From the command line: pretraining on images of several shapes, a foundation, and bundles of other shapes from it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from finetune_sets import FAST, spots
from pretrain_recipe import fresh_training, tiny_config, tiny_file

import wfm_core
from wfm_core.base.errors import WfmError
from wfm_core.bundle import build_network, read_model_folder
from wfm_core.bundle.foundation import load_foundation
from wfm_core.cli import export, finetune
from wfm_core.data.dataset import open_dataset, write_dataset
from wfm_core.data.generated_csi import write_generated_csi
from wfm_core.signal import build_preprocessor
from wfm_core.synth.csi.grids import find_grid
from wfm_core.synth.csi.windows import draw_windows
from wfm_core.train.pretrain.evaluation import evaluate
from wfm_core.train.pretrain.starting import start_from

VARIED = """
encoder: {depth: 1}
image: {sizes: [[32, 16], [16, 64]], channels: [1, 2, 3]}
data: {windows: 48, passes: 2, held_out: 48, sources: [{kind: csi, scenes: [rooms]}, {kind: synthetic, weight: 2}]}
deterministic: true
precision: 32-true
epochs: 4
checkpoint_minutes: 0.001
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """`whole` is a run, `killed` the same one that was killed and went on."""
    folder = tmp_path_factory.mktemp("varied")
    recipe = str(tiny_file(folder, VARIED))
    stopped = [sys.executable, str(Path(__file__).parents[1] / "pretrain_stopped.py"), "killed", "killed", recipe]
    assert subprocess.run(stopped, cwd=folder, capture_output=True, timeout=600).returncode == -9
    command = [sys.executable, "-m", "wfm_core.cli.pretrain", "--out"]
    for arguments in (["killed", "--resume"], ["whole", "--config", recipe]):
        done = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr[-2000:]
    return folder


def test_a_killed_run_ends_with_the_same_weights(runs):
    killed, whole = (
        torch.load(runs / name / "checkpoints/last.ckpt", weights_only=True) for name in ("killed", "whole")
    )
    assert killed["global_step"] == whole["global_step"] == 24
    assert all(torch.equal(weight, killed["state_dict"][name]) for name, weight in whole["state_dict"].items())
    for name in ("autoencoder.decoder_channel", "autoencoder.model.image.channel"):
        assert whole["state_dict"][name].shape[0] == 8
    for picture in ("curves", "reconstructions_image", "reconstructions_iq"):
        assert (runs / "whole" / "pictures" / f"{picture}.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((runs / "whole" / "figures.json").read_text()).keys() >= {"val_loss_image", "val_mean_image"}


def test_the_foundation_says_what_it_takes(runs):
    description = yaml.safe_load((runs / "whole" / "foundation.yaml").read_text())["modalities"]["image"]
    assert (description["channels"], description["per_channel"], description["size"]) == (8, True, [32, 32])
    foundation = load_foundation(runs / "whole")
    assert foundation.model.embed_image(torch.randn(2, 8, 16, 80)).shape == (2, 32)
    iq = torch.randn(2, 2, 1024, dtype=torch.complex64)
    assert foundation.model.embed_image(foundation.preprocess["image"](iq)).shape == (2, 32)


def test_how_well_it_reconstructs_can_be_asked(runs, tmp_path, capsys):
    assert evaluate(["--run", str(runs / "whole"), "--out", str(tmp_path), "--train-windows", "200"]) == 0
    assert "image: masked mean squared error, 3 of 4 tokens masked" in capsys.readouterr().out


def test_a_run_with_one_token_for_all_channels_does_not_go_on_from_it(runs, tmp_path):
    config = tiny_config(tmp_path, "encoder.depth=1", f"init={runs / 'whole'}")
    training = fresh_training(config, yaml.safe_load((runs / "whole" / "statistics.yaml").read_text()))
    with pytest.raises(WfmError, match=r"makes tokens of each channel of an image, .*set image.channels, as \[1\]"):
        start_from(config, training)
    config = tiny_config(tmp_path, "encoder.depth=1", f"init={runs / 'whole'}", "image.channels=[2]")
    training = fresh_training(config, yaml.safe_load((runs / "whole" / "statistics.yaml").read_text()))
    start_from(config, training)
    assert torch.equal(training.model.image.channel, load_foundation(runs / "whole").model.image.channel)


def pitches(path):
    """Images of one channel, 10x40 pixels, with stripes: wide ones and narrow ones."""
    generator = np.random.default_rng(2)
    label = np.arange(48) % 2
    stripes = np.sin(np.arange(40) * np.where(label == 0, 0.4, 1.3)[:, None] + generator.uniform(0, 6, (48, 1)))
    images = np.repeat(stripes[:, None, None], 10, axis=2) + generator.normal(0, 0.1, (48, 1, 10, 40))
    signal = {
        "kind": "standard_image",
        "size": [224, 224],
        "minimum": -1.0,
        "maximum": 1.0,
        "mean": [0.5],
        "std": [0.3],
    }
    return write_dataset(
        path, "image", images.astype(np.float32), label, labels=["wide", "narrow"], task="classification",
        signal=signal, provenance={"reader": "test"},
    )  # fmt: skip


def people(path):
    """Generated CSI of 3 antennas: somebody is there or not."""

    def draw(number):
        generator = torch.Generator().manual_seed(number)
        return draw_windows(16, find_grid("intel5300-20"), 32, (1, 3), generator, activities=["empty", "walk"])

    return write_generated_csi(path, draw, 3, label="activity")


@pytest.mark.parametrize(
    ("data", "task", "size", "shape"),
    [
        (spots, "activity", [32, 48], (3, 20, 24)),
        (pitches, "classification", [16, 80], (1, 10, 40)),
        (people, "activity", [32, 32], (3, 30, 32)),
    ],
    ids=["three channels", "one channel", "CSI of three antennas"],
)
def test_a_bundle_of_other_channels_and_size(runs, tmp_path, data, task, size, shape):
    path, out = data(tmp_path / "set.h5"), tmp_path / "run"
    given = ["--data", str(path), "--init", str(runs / "whole"), "--out", str(out), "--task", task, "--regime", "lp"]
    options = ["--split", "stratified", f"image_size={size}", "epochs=2", "pooling=mean"]
    assert finetune.main([*given, *options, *FAST]) == 0
    bundle_file = tmp_path / "model.wfm.pt"
    assert export.main(["--run", str(out), "-o", str(bundle_file)]) == 0
    bundle = wfm_core.load_bundle(str(bundle_file), device="cpu", dtype="fp32")
    assert bundle.contract.input_shape == shape
    assert bundle.contract.raw["image"] == {"channels": shape[0], "size": size, "per_channel": True}
    pixels = open_dataset(path).read([0, 1, 2])
    contract, weights = read_model_folder(out)
    network = build_network(contract)
    network.load_state_dict(weights)
    prepared = build_preprocessor(contract.signal)(torch.from_numpy(pixels))
    logits = network.heads[task](network.embed_image(prepared, "mean")) / contract.tasks[task].temperature
    np.testing.assert_allclose(bundle.infer_image(pixels)[task], logits.softmax(1).detach().numpy(), atol=1e-5)
