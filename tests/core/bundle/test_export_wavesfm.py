# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-export --from-wavesfm: a published checkpoint becomes a bundle that infers alike."""

import pickle

import numpy as np
import pytest
import safetensors.torch
import torch
from wavesfm_states import Payload, published_state

import wfm_core
from wfm_core.base.errors import WfmError
from wfm_core.bundle.checkpoints import read_checkpoint

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


def save(path, state):
    safetensors.torch.save_file(state, path)
    return path


def load(path):
    return wfm_core.load_bundle(path, device="cpu", dtype="fp32")


def test_an_iq_checkpoint_live(tmp_path, export):
    state = published_state(rank=2)
    file = tmp_path / "best.pth"
    arguments = {"model": "vit_multi_micro", "lora_alpha": 4.0, "global_pool": "avg"}
    torch.save({"model": state, "epoch": 3, "best_metric": 0.5, "args": arguments}, file)
    status, out, _ = export(
        "--from-wavesfm", file, "--modality", "iq", "--labels", "none, a,b", "--task", "interference",
        "--window", 256, "--antennas", 2, "--sample-rate", 1e6, 2e6, "-o", tmp_path,
    )  # fmt: skip
    assert (status, out.strip()) == (0, str(tmp_path / "best.wfm.pt"))
    bundle = load(tmp_path / "best.wfm.pt")
    assert bundle.contract.tasks["interference"].labels == ("none", "a", "b")
    assert (bundle.contract.antennas, bundle.contract.samples, bundle.contract.affine) == (2, 256, "after")
    assert (bundle.contract.sample_rate_min, bundle.contract.sample_rate_max) == (1e6, 2e6)
    assert bundle.contract.encoder.norm_eps == 1e-6
    x = torch.randn(3, 2, 256, dtype=torch.complex64)
    x /= x.abs().square().mean((1, 2), keepdim=True).sqrt()
    theirs = wfm_core.load_wavesfm(state, "iq", heads=4, pooling="mean", lora_alpha=4)
    with torch.no_grad():
        probabilities, embedding = theirs(x).softmax(1), theirs.embed(x)
    outputs = bundle.infer(x.numpy())
    np.testing.assert_allclose(outputs["interference"], probabilities, atol=1e-5)
    np.testing.assert_allclose(outputs["embedding_iq"], embedding, atol=1e-4)


def test_an_image_checkpoint_with_an_adapter(tmp_path, export):
    state = published_state("image", channels=3)
    file = save(tmp_path / "csi.safetensors", state)
    signal = "{kind: standard_image, size: [32, 48], minimum: 2, maximum: 6, mean: [.5, .4, .3], std: [.1, .2, .3]}"
    common = ("--from-wavesfm", file, "--modality", "image", "--labels", "a,b,c", "--heads", 4, "-o")
    status, _, error = export(*common, tmp_path / "ready.wfm.pt", "--image-size", 32, 48)
    assert status == 0, error
    assert export(*common, tmp_path / "raw.wfm.pt", "--image-size", 32, 48, "--signal", signal)[0] == 0
    raw = torch.rand(2, 3, 32, 48) * 4 + 2
    mean, std = (torch.tensor(values)[:, None, None] for values in ([0.5, 0.4, 0.3], [0.1, 0.2, 0.3]))
    ready = ((raw - 2) / 4 - mean) / std
    with torch.no_grad():
        wanted = wfm_core.load_wavesfm(state, "image", heads=4)(ready).softmax(1)
    for name, image in (("ready", ready), ("raw", raw)):
        outputs = load(tmp_path / f"{name}.wfm.pt").infer_image(image.numpy())
        np.testing.assert_allclose(outputs["classification"], wanted, atol=1e-5)


def test_raw_images_have_their_own_size(tmp_path, export):
    file = save(tmp_path / "csi.safetensors", published_state("image"))
    signal = "{kind: standard_image, size: [32, 32], minimum: 0, maximum: 1, mean: [.5], std: [.5]}"
    options = ("--heads", 4, "--image-size", 114, 50, "--signal", signal, "-o", tmp_path)
    assert export("--from-wavesfm", file, "--modality", "image", "--labels", "a,b,c", *options)[0] == 0
    bundle = load(tmp_path / "csi.wfm.pt")
    assert bundle.contract.input_shape == (1, 114, 50) and bundle.contract.image_size == (32, 32)
    bundle.warm(1, 1)
    assert bundle.infer_image(np.ones((2, 1, 114, 50), np.float32))["classification"].shape == (2, 3)
    with pytest.raises(WfmError, match=r"\[batch, 1, 114, 50\]"):
        bundle.infer_image(np.ones((2, 1, 32, 32), np.float32))


def test_an_image_model_on_iq_windows(tmp_path, export):
    file = save(tmp_path / "s.safetensors", published_state("image"))
    signal = "{kind: spectrogram, fft_size: 64, hop: 32, size: [32, 32], minimum: -60, maximum: 20, mean: .5, std: .2}"
    options = ("--heads", 4, "--window", 2048, "--signal", signal, "-o", tmp_path)
    assert export("--from-wavesfm", file, "--modality", "image", "--labels", "a,b,c", *options)[0] == 0
    bundle = load(tmp_path / "s.wfm.pt")
    assert bundle.infer(np.ones((2, 1, 2048), np.complex64))["classification"].shape == (2, 3)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--labels", "a,b"], "2 labels (a, b); the checkpoint's head has 3 outputs"),
        (["--labels", "a,b,c", "--window", "100"], "windows of 100 samples"),
        (["--labels", "a,b,c", "--antennas", "5"], "5 antennas; expected a multiple of 16, 1 to 4"),
        (["--labels", "a,b,c", "--window", "16384", "--antennas", "2"], "16384 samples at most in all"),
        (["--labels", "a,b,c", "--signal", "iq_rms"], "no mapping; expected such as '{kind: iq_rms}'"),
        (["--labels", "a,b,c", "--signal", "{"], "is not YAML"),
        (["--labels", "a,b,c", "--signal", "{kind: magic}"], "signal kind 'magic' is not known"),
    ],
)
def test_refused_options(tmp_path, export, options, reason):
    file = save(tmp_path / "x.safetensors", published_state())
    status, _, error = export("--from-wavesfm", file, "--modality", "iq", "--heads", 4, "-o", tmp_path, *options)
    assert status == 1 and reason in error and error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["x.safetensors"]


def test_labels_and_modality_are_asked_for(tmp_path, export):
    with pytest.raises(SystemExit) as wrong_use:
        export("--from-wavesfm", tmp_path / "x.pth")
    assert wrong_use.value.code == 2


@pytest.mark.parametrize("write", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_a_pickle_payload_is_refused_and_does_not_run(tmp_path, export, write):
    write({"model": published_state(), "extra": Payload(tmp_path / "stolen")}, tmp_path / "x.pth")
    status, _, error = export("--from-wavesfm", tmp_path / "x.pth", "--modality", "iq", "--labels", "a,b,c")
    assert status == 1 and error.count("\n") == 1
    assert "could run code that it brings" in error and "so it is refused" in error
    assert not (tmp_path / "stolen").exists()


def test_files_that_are_no_checkpoint(tmp_path):
    with pytest.raises(WfmError, match="does not exist"):
        read_checkpoint(tmp_path / "x.pth")
    for name in ("x.pth", "x.safetensors"):
        (tmp_path / name).write_bytes(b"hello")
        with pytest.raises(WfmError, match="refused|cannot be read"):
            read_checkpoint(tmp_path / name)
    with pytest.raises(WfmError, match="not an ordinary file"):
        read_checkpoint(tmp_path)
    torch.save([torch.zeros(1)], tmp_path / "x.pth")
    with pytest.raises(WfmError, match="holds list without a state dict"):
        read_checkpoint(tmp_path / "x.pth")
    torch.save({"model": 3}, tmp_path / "x.pth")
    with pytest.raises(WfmError, match="holds dict without a state dict"):
        read_checkpoint(tmp_path / "x.pth")
