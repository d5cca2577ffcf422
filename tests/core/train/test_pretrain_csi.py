# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated CSI among the sources of pretraining."""

import pytest
import torch
from pretrain_recipe import CPU, measured_mixtures, tiny_config, tiny_file

from wfm_core.base.errors import WfmError
from wfm_core.cli.pretrain import main
from wfm_core.signal import build_preprocessor
from wfm_core.train.pretrain.csi_source import MEAN, MOTION_GAIN, SPREAD, CsiSource
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


def test_a_source_can_be_kept_to_one_modality(tmp_path):
    sources = "data.sources=[{kind: links, modalities: [iq]}, {kind: synthetic}, {kind: csi}]"
    shares = open_sources(tiny_config(tmp_path, sources))
    served = {modality: Mixture(tiny_config(tmp_path), modality, shares, CPU).shares for modality in ("image", "iq")}
    assert [share.name for share in served["image"]] == ["synthetic", "csi"]
    assert [share.name for share in served["iq"]] == ["links", "synthetic"]


def test_what_moves_are_channels_of_their_own():
    source, plain = CsiSource(["rooms"], motion=True), CsiSource(["rooms"])
    assert (source.most_channels, plain.most_channels) == (8, 6)
    for channels, antennas in ((1, 1), (2, 2), (5, 3), (8, 4)):
        drawn = source.draw_channels(2, channels, torch.Generator().manual_seed(4))
        assert antennas <= drawn.shape[1] <= channels
    images = build_preprocessor(CsiSource.signal | {"size": [32, 64], "mean": [0.2], "std": [0.1]})
    both, levels = source.prepare(images, drawn), plain.prepare(images, drawn)
    count = drawn.shape[1]
    assert both.shape == (2, 2 * count, 32, 64) and torch.equal(both[:, :count], levels)
    moving = both[:, count:]
    assert moving.mean(3).abs().max() < 1e-4
    torch.testing.assert_close(moving, MOTION_GAIN * (levels - levels.mean(3, keepdim=True)))


def test_windows_of_one_room_are_standardised_as_a_data_set_of_it_is():
    source = CsiSource(motion=True, one_room=1.0)
    drawn = source.draw_channels(12, 3, torch.Generator().manual_seed(2))
    assert drawn.shape[0] == 12 and 1 <= drawn.shape[1] <= 3
    torch.testing.assert_close(drawn.mean((0, 3)), torch.full(drawn.shape[1:3], MEAN), atol=1e-4, rtol=0)
    spread = drawn.std((0, 3), correction=0)
    sent = spread > 0  # nothing is on the subcarrier of the carrier, and of guards
    assert sent.float().mean() > 0.8 and (spread[sent] - SPREAD).abs().max() < 1e-3
    causes = source.scene.causes
    assert (causes["size"] == causes["size"][0]).all() and (causes["snr_db"] == causes["snr_db"][0]).all()
    assert len(causes["position"][:, 0].unique()) > 2, "but somebody else does something else somewhere else"


def test_a_share_of_the_draws_is_of_one_room():
    source = CsiSource(one_room=0.5)
    generator = torch.Generator().manual_seed(3)
    rooms = [source.draw_channels(4, 1, generator) is not None and _one_room(source.scene) for _ in range(40)]
    assert 10 < sum(rooms) < 30
    plain = CsiSource().draw_channels(4, 1, torch.Generator().manual_seed(3))
    assert torch.equal(plain, CsiSource(one_room=0.0).draw_channels(4, 1, torch.Generator().manual_seed(3)))


def test_cells_have_no_room():
    with pytest.raises(WfmError, match="one_room 0.5 of cells: expected rooms among the scenes"):
        CsiSource(["cells"], one_room=0.5)


def _one_room(scene):
    return len(scene.causes["size"][:, 0].unique()) == 1


def test_motion_needs_channels(tmp_path):
    moving = "data.sources=[{kind: csi, motion: true}]"
    config = tiny_config(tmp_path, moving, "modalities=[image]")
    with pytest.raises(WfmError, match="with motion has several channels: give image.channels"):
        Mixture(config, "image", open_sources(config), CPU).check()
    with pytest.raises(WfmError, match="kind synthetic with motion or one_room: only csi has them"):
        tiny_config(tmp_path, "data.sources=[{kind: synthetic, motion: true}]")
    config = tiny_config(tmp_path, moving, "modalities=[image]", "image.channels=[1, 8]")
    mixture = measured_mixtures(config)["image"]
    for option in config.image.shapes:
        assert mixture.draw(0, 4, option, torch.Generator().manual_seed(1)).shape == (4, option.channels, 32, 32)


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
