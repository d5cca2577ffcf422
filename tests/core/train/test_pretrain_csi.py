# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated CSI among the sources of pretraining."""

import pytest
import torch
from pretrain_recipe import CPU, tiny_config, tiny_file

from wfm_core.base.errors import WfmError
from wfm_core.cli.pretrain import main
from wfm_core.train.pretrain.csi_source import CsiSource
from wfm_core.train.pretrain.mixture import Mixture, open_sources

CSI = "data.sources=[{kind: csi, weight: 3}, {kind: synthetic}]"


def test_images_have_the_configured_size_and_are_standardised(tmp_path):
    config = tiny_config(tmp_path, "data.sources=[{kind: csi}]", "image.size=[32, 128]", "modalities=[image]")
    mixture = Mixture(config, "image", open_sources(config), CPU)
    mixture.check()
    mixture.use(mixture.measure(config.seed))
    assert mixture.settings["csi"]["kind"] == "csi_image" and mixture.settings["csi"]["size"] == [32, 128]
    drawn = torch.cat([mixture.draw(chunk, 8, 1, torch.Generator().manual_seed(chunk)) for chunk in range(40)])
    assert drawn.shape == (320, 1, 32, 128)
    assert drawn.mean().abs() < 0.15 and abs(drawn.std() - 1) < 0.2
    again = mixture.draw(7, 8, 1, torch.Generator().manual_seed(7))
    assert torch.equal(again, drawn[56:64]), "a function of the seed"


def test_native_sizes_are_there_for_who_takes_them():
    source = CsiSource(["rooms"])
    drawn = [source.draw_native(2, torch.Generator().manual_seed(seed)) for seed in range(12)]
    assert len({images.shape for images in drawn}) > 6 and {images.shape[1] for images in drawn} > {1, 3}
    assert all(images.dtype == torch.float32 and (images >= 0).all() for images in drawn)
    with pytest.raises(WfmError, match="3 channels are asked for"):
        source.check_image(3)


def test_it_serves_images_and_iq_goes_on_without_it(tmp_path):
    config = tiny_config(tmp_path, CSI)
    shares = open_sources(config)
    assert [share.name for share in Mixture(config, "iq", shares, CPU).shares] == ["synthetic"]
    assert [share.name for share in Mixture(config, "image", shares, CPU).shares] == ["csi", "synthetic"]


def test_what_is_wrong_is_named(tmp_path):
    config = tiny_config(tmp_path, "data.sources=[{kind: csi, scenes: [rooms, cars]}]")
    with pytest.raises(WfmError, match="CSI of kind 'cars': expected some of rooms, cells"):
        open_sources(config)
    for wrong in ("{kind: csi, path: here}", "{kind: csi, sample_rate: 1e6}"):
        with pytest.raises(WfmError, match="kind csi with"):
            tiny_config(tmp_path, f"data.sources=[{wrong}]")


def test_a_run_on_it_leaves_a_foundation(tmp_path):
    recipe = str(tiny_file(tmp_path))
    assert main(["--config", recipe, "--out", str(tmp_path / "run"), CSI, "epochs=2"]) == 0
    assert (tmp_path / "run" / "weights.safetensors").exists()
