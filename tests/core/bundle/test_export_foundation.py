# SPDX-License-Identifier: GPL-3.0-or-later
"""Foundations as bundles without tasks, and the flowgraph that runs one."""

import copy
import sys

import numpy as np
import pytest
import torch
from bundle_files import contract_of
from flowgraph_helpers import flowgraph, noise
from gnuradio import wfm
from gnuradio.wfm.ports import messages
from probe_foundation import DESCRIPTION

from wfm_core import load_bundle
from wfm_core.base.errors import WfmError
from wfm_core.bundle import parse_contract
from wfm_core.bundle.foundation import build_model, load_foundation, save_foundation
from wfm_core.bundle.from_foundation import export_csi_foundation, export_foundation
from wfm_core.bundle.precision.dtype import difference
from wfm_core.cli import export
from wfm_core.signal import build_preprocessor

RATE = {"sample_rate": {"min": 1e5, "max": 1e7}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("foundation") / "tiny"
    torch.manual_seed(0)
    description = copy.deepcopy(DESCRIPTION) | RATE
    description["modalities"]["image"]["samples"] = 1024
    save_foundation(path, description, build_model(description).state_dict())
    return path


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize("modality", ["iq", "image"])
def test_bundle_gives_the_foundations_embedding(folder, tmp_path, modality, pooling):
    path = export_foundation(folder, tmp_path, modality, None, pooling)
    bundle = load_bundle(path, dtype="fp32", device="cpu")
    windows = noise(3, 1024)[:, None]
    outputs = bundle.infer(windows)
    foundation = load_foundation(folder)
    embed = foundation.model.embed_iq if modality == "iq" else foundation.model.embed_image
    wanted = embed(foundation.preprocess[modality](torch.from_numpy(windows)), pooling)
    assert list(outputs) == [f"embedding_{modality}"]
    np.testing.assert_allclose(outputs[f"embedding_{modality}"], wanted.numpy(), atol=1e-4)
    assert bundle.decide(outputs, 0) == {}


@pytest.mark.parametrize(("antennas", "motion"), [(1, False), (3, False), (3, True)])
def test_csi_bundle_gives_the_foundations_embedding(folder, tmp_path, antennas, motion):
    """Amplitudes of any shape, by the one transform; several channels are averaged for a foundation of one."""
    signal = {"kind": "csi_image", "size": [32, 48], "minimum": 0.0, "maximum": 3.0}
    channels = antennas * (1 + motion)
    signal |= {"mean": [0.3] * channels, "std": [0.1] * channels, "motion": motion}
    path = export_csi_foundation(folder, tmp_path, (antennas, 20, 30), signal)
    bundle = load_bundle(path, dtype="fp32", device="cpu")
    amplitudes = abs(noise(5 * antennas, 600)).reshape(5, antennas, 20, 30)
    foundation = load_foundation(folder)
    foundation.model.image.set_size((32, 48))
    images = build_preprocessor(signal)(torch.from_numpy(amplitudes)).mean(1, keepdim=True)
    wanted = foundation.model.embed_image(images, "mean")
    np.testing.assert_allclose(bundle.infer_image(amplitudes)["embedding_image"], wanted.numpy(), atol=1e-4)
    assert bundle.contract.input_shape == (antennas, 20, 30)
    with pytest.raises(WfmError, match="signal and image of the contract do not fit"):
        export_csi_foundation(folder, tmp_path, (antennas + 1, 20, 30), signal)


def test_command_and_flowgraph(folder, tmp_path, monkeypatch, capsys):
    path = tmp_path / "tiny.wfm.pt"
    monkeypatch.setattr(sys, "argv", ["wfm-export", "--foundation", str(folder), "--window", "256", "-o", str(path)])
    assert export.main() == 0 and str(path) in capsys.readouterr().out
    samples = noise(1, 256 * 10 + 100)
    block = wfm.inference(str(path), policy="lossless", hold=0, sample_rate=1e6)
    graph = flowgraph(samples, block)
    graph.top.run()
    assert block.error() == "" and not graph.detects.messages
    read = [messages.read_embedding(pdu) for pdu in graph.embeddings.messages]
    assert len(read) == 10 and {name for _, name, _ in read} == {"embedding_iq"}
    wanted = load_bundle(path).infer(samples[:, :2560].reshape(10, 1, 256))["embedding_iq"]
    np.testing.assert_allclose(np.stack([values for *_, values in read]), wanted, atol=2e-2)


def test_formats_are_compared_by_their_embeddings():
    contract = parse_contract(contract_of(embedding="cls", tasks={}), "test")
    exact = torch.ones(2, 4)
    other = torch.tensor([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.5]])
    assert difference({"embedding_iq": exact}, {"embedding_iq": other}, contract) == pytest.approx(0.25)


def test_what_cannot_be_exported_is_refused(folder, tmp_path):
    with pytest.raises(WfmError, match="multiple of 16"):
        export_foundation(folder, tmp_path, "iq", 100)
    with pytest.raises(WfmError, match="pooling 'rows' of tokens that are of no image; expected cls or mean"):
        export_foundation(folder, tmp_path, "iq", None, "rows")
    bare = tmp_path / "bare"
    save_foundation(bare, DESCRIPTION, build_model(DESCRIPTION).state_dict())
    with pytest.raises(WfmError, match="no sample_rate"):
        export_foundation(bare, tmp_path)


def test_contract_has_tasks_or_an_embedding():
    with pytest.raises(WfmError, match="both embedding and tasks"):
        parse_contract(contract_of(embedding="cls"), "test")
    with pytest.raises(WfmError, match="embedding is 'max'"):
        parse_contract(contract_of(embedding="max", tasks={}), "test")
    assert parse_contract(contract_of(embedding="cls", tasks={}), "test").tasks == {}
