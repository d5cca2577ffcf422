# SPDX-License-Identifier: GPL-3.0-or-later
"""Training for positions: episodes, the loss of a survey, and the folder that it leaves."""

import numpy as np
import pytest
import torch
from finetune_sets import tiny_foundation

from wfm_core import load_bundle
from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import load_foundation
from wfm_core.bundle.from_foundation import export_csi_profiles
from wfm_core.cli.doctor import bundle as bundle_finding
from wfm_core.cli.export import main as export
from wfm_core.signal.channels.csi_profile import csi_parts
from wfm_core.train.positions import PACKETS, SHAPE, SIZE, SurveyLoss, draw_episode, save_positions, train_positions

IMAGE = {"channels": 8, "per_channel": True, "size": [32, 32]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny foundation, trained for two steps; and what was said meanwhile."""
    path = tmp_path_factory.mktemp("positions")
    foundation, told = load_foundation(tiny_foundation(path / "tiny", modalities={"image": IMAGE})), []
    before = foundation.model.image.projection.weight.clone()
    model = train_positions(foundation, 2, 1, lambda *said: told.append(said))
    assert [said[:2] for said in told] == [(0, "wifi"), (1, "srs")] and all(said[2] > 0 for said in told)
    assert not torch.equal(before, model.image.projection.weight)
    save_positions(path / "model", model, foundation, {"data": "synthetic"})
    return path / "model"


@pytest.mark.parametrize("kind", ["wifi", "srs"])
def test_an_episode_has_an_image_for_each_place(kind):
    episode = draw_episode(kind, torch.Generator().manual_seed(1))
    count = len(episode.points) + len(episode.places)
    assert episode.images.shape == (count, 4, *SIZE) and episode.points.shape[1] == episode.places.shape[1] == 2
    again = draw_episode(kind, torch.Generator().manual_seed(1))
    assert torch.equal(again.images, episode.images)


def test_the_loss_is_small_where_embeddings_are_places():
    generator = torch.Generator().manual_seed(0)
    points = torch.cartesian_prod(torch.arange(5.0), torch.arange(5.0))
    places = 4 * torch.rand(30, 2, generator=generator)
    loss = SurveyLoss(16)
    mixed = torch.randn(2, 16, generator=generator)
    good = loss(points @ mixed, points, places @ mixed, places, 1.0)
    noise = torch.randn(55, 16, generator=generator)
    bad = loss(noise[:25], points, noise[25:], places, 1.0)
    assert good < 0.3 * bad and good.item() == pytest.approx(
        2 * loss(points @ mixed, points, places @ mixed, places, 2.0).item(), rel=0.05
    )


def test_the_folder_is_a_bundle_and_a_foundation(folder):
    bundle, foundation = load_bundle(folder, dtype="fp32", device="cpu"), load_foundation(folder)
    antennas, subcarriers, packets = SHAPE
    assert bundle.contract.input_shape == (2 * antennas, subcarriers, packets) and not bundle.contract.tasks
    csi = torch.randn(3, antennas, subcarriers, packets, dtype=torch.complex64)
    seen = bundle.infer_image(csi_parts(csi).numpy())["embedding_image"]
    assert seen.shape == (3, foundation.encoder.width)
    assert foundation.modalities == ("image",) and foundation.weights_sha256 == bundle.contract.weights_sha256


def test_the_doctor_says_what_it_takes_and_gives(folder):
    found = bundle_finding(folder)
    assert found.status in ("ok", "warn") and "embeddings; images of 8 x 52 x 8; " in found.text


def test_csi_of_another_shape_is_exported(folder, tmp_path):
    path = export_csi_profiles(folder, tmp_path, (3, 30, PACKETS))
    bundle = load_bundle(path, dtype="fp32", device="cpu")
    assert bundle.contract.input_shape == (6, 30, PACKETS) and bundle.contract.signal["taps"] == 60
    assert bundle.infer_image(np.ones((2, 6, 30, PACKETS), np.float32))["embedding_image"].shape[0] == 2
    export(["--foundation", str(folder), "--csi", "1", "64", "16", "--taps", "64", "-o", str(tmp_path / "esp.wfm.pt")])
    assert load_bundle(tmp_path / "esp.wfm.pt").contract.signal["taps"] == 64
    with pytest.raises(WfmError, match="images of 5 channels; expected 1 to 4"):
        export_csi_profiles(folder, tmp_path, (5, 30, PACKETS))
    for shape in ((0, 30, 8), (1, 1, 8)):
        with pytest.raises(WfmError, match="CSI of shape"):
            export_csi_profiles(folder, tmp_path, shape)
    with pytest.raises(WfmError, match="profile of size"):
        export_csi_profiles(folder, tmp_path, (1, 64, 8), taps=8)


def test_csi_needs_a_foundation():
    with pytest.raises(SystemExit):
        export(["models/wfm-interference", "--csi", "1", "64", "16"])
