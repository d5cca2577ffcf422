# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-export --from-wavesfm: a checkpoint of the authors' pretraining becomes a foundation."""

import pickle

import pytest
import safetensors.torch
import torch
from wavesfm_states import Payload, pretraining_state, published_state

from wfm_core.bundle.foundation import DECODER, load_foundation
from wfm_core.model.wavesfm.pretraining import convert_wavesfm_pretraining

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
WIDTH = 128  # of their preset micro, which has 4 heads


@pytest.fixture
def file(tmp_path):
    torch.save({"model": pretraining_state(WIDTH), "epoch": 3}, tmp_path / "theirs.pth")
    return tmp_path / "theirs.pth"


@torch.no_grad()
def test_a_foundation_embeds_as_the_checkpoint_does(tmp_path, export, file):
    status, out, error = export("--from-wavesfm", file, "-o", tmp_path, "--sample-rate", 1e6, 2e6)
    assert (status, out.strip()) == (0, str(tmp_path / "theirs")), error
    foundation = load_foundation(tmp_path / "theirs")
    assert foundation.name == "theirs" and foundation.description["sample_rate"] == {"min": 1e6, "max": 2e6}
    assert foundation.encoder == foundation.random(1).encoder
    assert (foundation.encoder.heads, foundation.encoder.norm_eps, foundation.encoder.final_norm_eps) == (4, 1e-6, 1e-5)
    assert foundation.description["modalities"]["image"] == {"channels": 1, "size": [32, 32]}
    theirs = convert_wavesfm_pretraining(pretraining_state(WIDTH), 4, 4).model
    iq, image = torch.randn(2, 2, 64, dtype=torch.complex64), torch.randn(2, 1, 32, 32)
    half = {"rtol": 0, "atol": 5e-3}  # weights of foundations are in half precision
    torch.testing.assert_close(foundation.model.embed_iq(iq), theirs.embed_iq(iq), **half)
    torch.testing.assert_close(foundation.model.embed_image(image), theirs.embed_image(image), **half)
    prepared = torch.view_as_real(foundation.preprocess["iq"](3 * torch.randn(2, 2, 4096, dtype=torch.complex64)))
    assert float(prepared.square().mean()) == pytest.approx(1, abs=1e-4)
    decoder = safetensors.torch.load_file(tmp_path / "theirs" / DECODER)
    assert decoder["decoder.blocks.0.attn.qkv.weight"].shape == (48, 16)


def test_a_bundle_comes_of_that_foundation(tmp_path, export, file):
    assert export("--from-wavesfm", file, "-o", tmp_path / "f", "--signal", "{iq: {kind: iq_rms}}")[0] == 0
    status, _, error = export("--foundation", tmp_path / "f", "-o", tmp_path / "f.wfm.pt")
    assert status == 0 and (tmp_path / "f.wfm.pt").is_file(), error


def refusal(export, *arguments):
    status, _, error = export("--from-wavesfm", *arguments)
    assert status == 1 and error.count("\n") == 1
    return error


def test_what_is_refused(tmp_path, export, file):
    theirs = pretraining_state(WIDTH)
    safetensors.torch.save_file(theirs | {"head.weight": torch.zeros(3, WIDTH)}, tmp_path / "over.safetensors")
    said = refusal(export, tmp_path / "over.safetensors", "-o", tmp_path)
    assert "over.safetensors: the checkpoint has left over head.weight; expected the weights of" in said
    safetensors.torch.save_file(pretraining_state(), tmp_path / "narrow.safetensors")
    said = refusal(export, tmp_path / "narrow.safetensors", "-o", tmp_path)
    assert "width 32 is of no published preset" in said and "give --heads" in said
    assert "5 heads" in refusal(export, file, "--heads", 5, "-o", tmp_path)
    safetensors.torch.save_file(pretraining_state(WIDTH, patch=8), tmp_path / "fine.safetensors")
    assert "8 pixels wide and 16 samples long" in refusal(export, tmp_path / "fine.safetensors", "-o", tmp_path)
    said = refusal(export, file, "--signal", "{kind: iq_rms}", "-o", tmp_path)
    assert "signal for kind; expected a mapping for image, iq or both" in said
    said = refusal(export, file, "--modality", "iq", "--labels", "a,b", "-o", tmp_path)
    assert "of the authors' pretraining, without a task's head; leave out --labels" in said
    assert {path.name for path in tmp_path.iterdir()} == {
        *("theirs.pth", "over.safetensors", "narrow.safetensors", "fine.safetensors")
    }


def test_a_foundation_is_not_overwritten(tmp_path, export, file):
    assert export("--from-wavesfm", file, "-o", tmp_path / "f")[0] == 0
    assert "holds a foundation already" in refusal(export, file, "--name", "f", "-o", tmp_path)


@pytest.mark.parametrize("options", [["--window", "512"], ["--labels", "a,b"], ["--pooling", "cls"]])
def test_options_of_fine_tuned_checkpoints_are_wrong_use(export, file, options):
    with pytest.raises(SystemExit) as wrong_use:
        export("--from-wavesfm", file, *options)
    assert wrong_use.value.code == 2


def test_a_fine_tuned_checkpoint_needs_its_labels(tmp_path, export):
    safetensors.torch.save_file(published_state(), tmp_path / "x.safetensors")
    with pytest.raises(SystemExit) as wrong_use:
        export("--from-wavesfm", tmp_path / "x.safetensors")
    assert wrong_use.value.code == 2


@pytest.mark.parametrize("write", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_a_pickle_payload_is_refused_and_does_not_run(tmp_path, export, write):
    write({"model": pretraining_state(WIDTH), "extra": Payload(tmp_path / "stolen")}, tmp_path / "x.pth")
    assert "could run code that it brings" in refusal(export, tmp_path / "x.pth", "-o", tmp_path)
    assert not (tmp_path / "stolen").exists()
