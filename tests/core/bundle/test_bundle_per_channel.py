# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles and foundations whose image side makes tokens of each channel."""

import numpy as np
import pytest
import torch
from bundle_files import contract_of, make_folder, needs_bf16, windows
from multitask_runs import CSI, IMAGE, tuned

from wfm_core import load_bundle
from wfm_core.base.errors import WfmError
from wfm_core.bundle import build_network, export_bundle, export_tasks, parse_contract, read_model_folder
from wfm_core.bundle.foundation import build_model, load_foundation, save_foundation
from wfm_core.bundle.from_foundation import export_csi_foundation, export_foundation
from wfm_core.model import ChannelImageTokens
from wfm_core.signal import build_preprocessor

APART = {"channels": 3, "size": [32, 48], "per_channel": True}
CSI_IMAGE = {"kind": "csi_image", "size": [32, 48], "minimum": 0.0, "maximum": 3.0, "mean": [0.3], "std": [0.1]}
DESCRIPTION = {
    "name": "tiny",
    "encoder": {"width": 16, "depth": 1, "heads": 2, "mlp_hidden": 32},
    "affine": "before",
    "sample_rate": {"min": 1e5, "max": 1e7},
    "modalities": {
        "image": {"channels": 8, "per_channel": True, "size": [32, 32], "samples": 1024, "signal": IMAGE["signal"]}
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("foundation") / "tiny"
    torch.manual_seed(0)
    save_foundation(path, DESCRIPTION, build_model(DESCRIPTION).state_dict())
    return path


def images(count: int, antennas: int) -> np.ndarray:
    return np.random.default_rng(7).random((count, antennas, 20, 30), dtype=np.float32)


@pytest.mark.parametrize("dtype", ["fp32", pytest.param("bf16", marks=needs_bf16)])
def test_a_bundle_computes_what_its_network_does(tmp_path, dtype):
    signal = CSI_IMAGE | {"mean": [0.3] * 3, "std": [0.1] * 3}
    csi = {"input": "image", "modality": "image", "image": APART, "signal": signal}
    model = make_folder(tmp_path / "model", **csi, input_image={"channels": 3, "size": [20, 30]})
    contract, weights = read_model_folder(model)
    assert contract.tokens(1) == 1 + 2 * 3 * 3 and weights["image.channel"].shape == (3, 32)
    network = build_network(contract)
    network.load_state_dict(weights)
    bundle = load_bundle(export_bundle(model, tmp_path), device="cpu", dtype=dtype)
    bundle.warm(2, 1)
    seen = bundle.infer_image(images(5, 3))["embedding_image"]
    wanted = network.embed_image(build_preprocessor(signal)(torch.from_numpy(images(5, 3))))
    np.testing.assert_allclose(seen, wanted.detach().numpy(), atol=1e-5 if dtype == "fp32" else 0.1)
    with pytest.raises(WfmError, match=r"takes float32 \[batch, 3, 20, 30\]"):
        bundle.infer_image(images(5, 2))


def test_weights_of_the_other_kind_do_not_fit(tmp_path):
    network = build_network(parse_contract(contract_of(modality="image", image=APART), "test"))
    assert isinstance(network.image, ChannelImageTokens)
    folder = make_folder(tmp_path, modality="image", image=APART, signal={**CSI_IMAGE, "size": [32, 48]})
    text = (folder / "contract.yaml").read_text()
    (folder / "contract.yaml").write_text(text.replace("per_channel: true", "per_channel: false"))
    with pytest.raises(WfmError, match="the weights do not fit the contract"):
        load_bundle(folder)


def test_a_foundation_takes_every_number_of_channels_and_any_size(folder):
    foundation = load_foundation(folder)
    for channels in range(1, 9):
        assert foundation.model.embed_image(torch.randn(1, channels, 16 * channels, 32)).shape == (1, 16)
    assert isinstance(foundation.random(1).model.image, ChannelImageTokens)


def test_spectrograms_of_windows_are_images_of_one_channel(folder, tmp_path):
    bundle = load_bundle(export_foundation(folder, tmp_path, "image"), device="cpu", dtype="fp32")
    assert bundle.contract.raw["image"] == {"channels": 1, "size": [32, 32], "per_channel": True}
    foundation = load_foundation(folder)
    iq = windows(2, 1, 1024).astype(np.complex64)
    image = foundation.preprocess["image"](torch.from_numpy(iq))
    wanted = foundation.model.embed_image(image, "mean").numpy()
    np.testing.assert_allclose(bundle.infer(iq)["embedding_image"], wanted, atol=1e-4)
    np.testing.assert_allclose(bundle.infer_prepared(image.numpy())["embedding_image"], wanted, atol=1e-4)


@pytest.mark.parametrize(("antennas", "motion"), [(1, False), (3, False), (4, True)])
def test_csi_of_several_antennas_needs_no_adapter(folder, tmp_path, antennas, motion):
    channels = antennas * (1 + motion)
    signal = CSI_IMAGE | {"mean": [0.3] * channels, "std": [0.1] * channels, "motion": motion}
    path = export_csi_foundation(folder, tmp_path, (antennas, 20, 30), signal)
    bundle = load_bundle(path, dtype="fp32", device="cpu")
    foundation = load_foundation(folder)
    prepared = build_preprocessor(signal)(torch.from_numpy(images(5, antennas)))
    wanted = foundation.model.embed_image(prepared, "channels")
    seen = bundle.infer_image(images(5, antennas))["embedding_image"]
    np.testing.assert_allclose(seen, wanted.numpy(), atol=1e-4)
    width = foundation.description["encoder"]["width"]
    assert bundle.contract.embedding == "channels" and seen.shape == (5, channels * width)


def test_more_channels_than_vectors_are_named(folder, tmp_path):
    signal = CSI_IMAGE | {"mean": [0.3] * 9, "std": [0.1] * 9}
    with pytest.raises(WfmError, match="images of 9 channels; expected 1 to 8, for which the model has vectors"):
        export_csi_foundation(folder, tmp_path, (9, 20, 30), signal)


def test_tasks_with_frozen_inputs_share_their_stem(tmp_path):
    apart = {**CSI, "image": {**CSI["image"], "per_channel": True}}
    runs = {name: tuned(tmp_path / name, name, "lp", **apart) for name in ("activity", "room")}
    bundle = load_bundle(export_tasks(runs, tmp_path / "both.wfm.pt", "both"), device="cpu", dtype="fp32")
    assert len(bundle.contract.stems) == 1 and bundle.contract.stems["stem0"].image_per_channel
    ready = np.random.default_rng(3).random((2, 2, 32, 32), dtype=np.float32)
    outputs = bundle.infer_image(ready)
    for name, run in runs.items():
        alone = load_bundle(str(run), device="cpu", dtype="fp32").infer_image(ready)[name]
        np.testing.assert_allclose(outputs[name], alone, atol=1e-5)
