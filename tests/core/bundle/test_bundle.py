# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles: what a good one gives."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from bundle_files import gains, make_folder, windows

import wfm_core
from wfm_core.base.errors import WfmError
from wfm_core.bundle import build_network, export_bundle, read_model_folder
from wfm_core.bundle.precision.dtype import has_bf16
from wfm_core.bundle.precision.pack import pack_linears
from wfm_core.bundle.precision.quantise import has_int8
from wfm_core.cli.export import main
from wfm_core.messages.decisions import decision_json
from wfm_core.model import Encoder, EncoderConfig
from wfm_core.signal import build_preprocessor

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return make_folder(tmp_path_factory.mktemp("model") / "small")


@pytest.fixture(scope="module")
def bundle_file(folder) -> Path:
    return export_bundle(folder, folder.parent / "small.wfm.pt")


def test_outputs_are_the_eager_networks_calibrated(folder, bundle_file):
    bundle = wfm_core.load_bundle(bundle_file, device="cpu", dtype="fp32")
    contract, weights = read_model_folder(folder)
    network = build_network(contract).eval()
    network.load_state_dict(weights)
    iq = windows()
    level = np.sqrt((np.abs(iq) ** 2).mean((1, 2), keepdims=True))
    with torch.no_grad():
        embedding = network.embed_iq(torch.from_numpy(iq / level))
        logits = network.heads["interference"](embedding) / 0.5 + torch.tensor([0.1, 0.2, 0.3])
        position = network.heads["position"](network.embed_iq(torch.from_numpy(iq / level), "mean"))
    outputs = bundle.infer(iq)
    np.testing.assert_allclose(outputs["interference"], logits.softmax(1), atol=1e-5)
    np.testing.assert_allclose(outputs["embedding_iq"], embedding, atol=1e-4)
    metres = torch.tensor([40.0, 0.0, 2.0]) + position * torch.tensor([40.0, 10.0, 1.0])
    np.testing.assert_allclose(outputs["position"], metres, atol=1e-3)
    assert {value.dtype for value in outputs.values()} == {np.dtype(np.float32)}


def test_the_level_of_the_radio_does_not_matter(bundle_file):
    bundle = wfm_core.load_bundle(bundle_file, device="cpu", dtype="fp32")
    loud, quiet = bundle.infer(windows()), bundle.infer(windows() * np.float32(1e-3))
    np.testing.assert_allclose(loud["interference"], quiet["interference"], atol=1e-5)


def test_contract_fields(bundle_file):
    contract = wfm_core.load_bundle(bundle_file, device="cpu", dtype="fp32").contract
    assert (contract.name, contract.antennas, contract.samples) == ("small", 3, 256)
    assert (contract.sample_rate_min, contract.sample_rate_max) == (1.92e6, 30.72e6)
    assert contract.tasks["interference"].labels == ("none", "a", "b")
    assert contract.tasks["interference"].open_set_threshold == 0.2


def test_a_model_folder_has_the_same_hash_each_time(folder, bundle_file):
    """What it is scripted into has not: a served folder would be refused by its own replicas."""
    first, second = (wfm_core.load_bundle(folder, device="cpu", dtype="fp32").contract for _ in range(2))
    assert first.sha256 == second.sha256 == first.weights_sha256 and first.raw == second.raw
    whole = wfm_core.load_bundle(bundle_file, device="cpu", dtype="fp32").contract
    assert whole.sha256 == whole.content_sha256 != ""


def test_decisions_and_their_json(bundle_file):
    bundle = wfm_core.load_bundle(bundle_file, device="cpu", dtype="fp32")
    outputs = {"interference": np.float32([[0.1, 0.6, 0.3]]), "position": np.float32([[1, 2, 3]])}
    known, unknown = bundle.decide(outputs, 0), bundle.decide(outputs, 0, threshold=0.7)
    assert known["interference"]["label"] == "a" and known["interference"]["index"] == 1
    assert unknown["interference"]["label"] == "unknown" and unknown["interference"]["index"] == -1
    assert unknown["interference"]["score"] == pytest.approx(0.6)
    assert known["position"] == {"position": [1.0, 2.0, 3.0]}
    line = json.loads(json.dumps(decision_json(np.int64(512), 256, known, rx_freq=2.1e9)))
    assert line["sample_start"] == 512 and line["rx_freq"] == 2.1e9 and "rx_time" not in line
    assert line["tasks"]["interference"]["probabilities"]["b"] == pytest.approx(0.3)


def test_an_image_bundle(tmp_path):
    changes = {"input": "image", "modality": "image", "image": {"channels": 2, "size": [32, 48]}, "signal": {}}
    bundle = wfm_core.load_bundle(make_folder(tmp_path / "m", **changes), device="cpu", dtype="fp32")
    bundle.warm(2, 1)
    assert bundle.infer_image(np.zeros((2, 2, 32, 48), np.float32))["embedding_image"].shape == (2, 32)
    with pytest.raises(WfmError, match="takes images"):
        bundle.infer(windows())
    with pytest.raises(WfmError, match=r"\[batch, 2, 32, 48\]"):
        bundle.infer_image(np.zeros((2, 3, 32, 48), np.float32))


@pytest.mark.skipif(not has_bf16(torch.device("cpu")), reason="this CPU has no bf16 products")
def test_dtype_auto_is_bf16_only_where_it_agrees_and_is_faster(bundle_file, monkeypatch):
    monkeypatch.setattr("wfm_core.bundle.precision.dtype.has_bf16", lambda device: True)
    monkeypatch.setattr("wfm_core.bundle.precision.dtype.has_int8", lambda device: False)
    gains(monkeypatch, 2.0)
    bundle = wfm_core.load_bundle(bundle_file, device="cpu", engine="torchscript")
    assert bundle.dtype == "bf16"
    exact = wfm_core.load_bundle(bundle_file, device="cpu", dtype="fp32").infer(windows())
    np.testing.assert_allclose(bundle.infer(windows())["interference"], exact["interference"], atol=1e-2)
    gains(monkeypatch, 0.6)
    assert wfm_core.load_bundle(bundle_file, device="cpu", engine="torchscript").dtype == "fp32"
    gains(monkeypatch, 2.0)
    monkeypatch.setattr("wfm_core.bundle.precision.dtype.AGREEMENT", 0.0)
    assert wfm_core.load_bundle(bundle_file, device="cpu", engine="torchscript").dtype == "fp32"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_packed_linears_give_the_same_results():
    torch.manual_seed(4)
    encoder = Encoder(EncoderConfig(32, 2, 4, 64)).eval().requires_grad_(False)
    frozen = torch.jit.freeze(torch.jit.script(encoder))
    packed = pack_linears(frozen, "forward")
    assert packed == (8 if torch.backends.mkldnn.is_available() else 0)
    x = torch.randn(2, 9, 32)
    for _ in range(3):  # the third call runs the optimised graph
        torch.testing.assert_close(frozen(x), encoder(x))


def test_dtype_auto_on_this_machine(bundle_file):
    bundle = wfm_core.load_bundle(bundle_file, device="cpu")
    cpu = torch.device("cpu")
    assert {"fp32": True, "bf16": has_bf16(cpu), "int8": has_int8(cpu)}[bundle.dtype]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"device": "cuda:99"}, "'cuda:99' was asked for, but"),
        ({"device": "abacus"}, "expected auto, cpu, cuda"),
        ({"dtype": "fp4"}, "expected one of auto, fp32, bf16, int8"),
        ({"sha256": "0" * 64}, "0000 was asked for"),
    ],
)
def test_refused_options(bundle_file, options, reason):
    with pytest.raises(WfmError, match=reason):
        wfm_core.load_bundle(bundle_file, **{"device": "cpu", **options})


def test_bf16_is_refused_where_the_processor_has_none(bundle_file, monkeypatch):
    monkeypatch.setattr("wfm_core.bundle.precision.dtype.has_bf16", lambda device: False)
    with pytest.raises(WfmError, match="'bf16' was asked for, but device 'cpu' .* has no bf16 products .* use auto"):
        wfm_core.load_bundle(bundle_file, device="cpu", dtype="bf16")


def test_a_pinned_hash_that_fits(bundle_file):
    pin = hashlib.sha256(bundle_file.read_bytes()).hexdigest()
    wfm_core.load_bundle(bundle_file, device="cpu", dtype="fp32", sha256=pin.upper())


@pytest.mark.parametrize(
    ("iq", "reason"),
    [
        (windows(antennas=4), "4 antennas; .* knows 1 to 3"),
        (windows(samples=128), "128 samples; .* takes 256"),
        (windows()[0], "expected complex64"),
        (windows().astype(np.complex128), "expected complex64"),
    ],
)
def test_refused_windows(bundle_file, iq, reason):
    with pytest.raises(WfmError, match=reason):
        wfm_core.load_bundle(bundle_file, device="cpu", dtype="fp32").infer(iq)


def test_lookup_by_name(bundle_file, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WfmError, match="no bundle 'small' in .*share/wfm/bundles"):
        wfm_core.load_bundle("small")
    with pytest.raises(WfmError, match="neither a bundle file nor a model folder"):
        wfm_core.load_bundle("no/such.wfm.pt")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "small").symlink_to(folder)
    assert wfm_core.load_bundle("small", device="cpu", dtype="fp32").path == tmp_path / "models" / "small"
    monkeypatch.setenv("WFM_BUNDLES", f"{tmp_path}:{bundle_file.parent}")
    assert wfm_core.load_bundle("small", device="cpu", dtype="fp32").path == bundle_file


def test_export_command(folder, tmp_path, monkeypatch, capsys):
    def export(*arguments) -> int:
        monkeypatch.setattr(sys, "argv", ["wfm-export", *map(str, arguments)])
        return main()

    assert export("--run", folder, "-o", tmp_path) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "small.wfm.pt")
    assert [entry.name for entry in tmp_path.iterdir()] == ["small.wfm.pt"]  # nothing half-written is left
    wfm_core.load_bundle(tmp_path / "small.wfm.pt", device="cpu", dtype="fp32")
    assert export(tmp_path, "-o", tmp_path / "x") == 1
    assert "has no contract.yaml" in capsys.readouterr().err
    with pytest.raises(SystemExit) as wrong_use:
        export()
    assert wrong_use.value.code == 2


def test_preprocessing_that_gives_another_image_is_refused(tmp_path):
    changes = {"modality": "image", "image": {"channels": 9, "size": [64, 64]}}
    signal = {"window": {"antennas": 2, "samples": 4096}, "signal": {"kind": "cyclic_image"}}
    with pytest.raises(WfmError, match=r"image \[9, 64, 64\]"):
        export_bundle(make_folder(tmp_path / "m", **changes, **signal), tmp_path)


def test_images_can_be_made_elsewhere(tmp_path):
    """What comes after the preprocessing of a bundle of IQ windows, alone; one of IQ tokens has no such way in."""
    image = {"modality": "image", "signal": {"kind": "cyclic_image"}, "image": {"channels": 5, "size": [32, 64]}}
    raw = {**image, "window": {"antennas": 2, "samples": 4096}}
    bundle = wfm_core.load_bundle(make_folder(tmp_path / "image", **raw), device="cpu")
    assert bundle.prepared_kind == "cyclic_image"
    iq = torch.randn(5, 2, 4096, dtype=torch.complex64)
    made = build_preprocessor({"kind": "cyclic_image"})(iq)
    whole, prepared = bundle.infer(iq), bundle.infer_prepared(made)
    for name, values in whole.items():
        np.testing.assert_allclose(prepared[name], values, atol=1e-5)
    with pytest.raises(WfmError, match=r"images of shape \[5, 4, 32, 64\] .* takes float32 \[batch, 5, 32, 64\]"):
        bundle.infer_prepared(made[:, :4])


IMAGES = {"modality": "image", "signal": {"kind": "cyclic_image"}, "image": {"channels": 5, "size": [32, 64]}}


def averaging(folder: Path):
    """A bundle of windows of 4096, up to four in one, whose bias of `none` falls from 3 to -1."""
    labels = {"kind": "classification", "labels": ["none", "a"], "bias": [3.0, 0.0], "average_bias": [-1.0, 0.0]}
    window = {"antennas": 2, "samples": 4096, "average": 4}
    raw = {**IMAGES, "window": window, "tasks": {"interference": labels}}
    return wfm_core.load_bundle(make_folder(folder, **raw), device="cpu", dtype="fp32")


def test_windows_in_a_row_are_judged_as_one(tmp_path):
    """By the image of all, with a bias between that of one and that of as many as there may be."""
    bundle = averaging(tmp_path / "model")
    iq = torch.randn(3, 2, 4 * 4096, dtype=torch.complex64)
    for count, bias in ((1, 3.0), (2, 1.0), (4, -1.0)):
        part = iq[..., : count * 4096]
        image = build_preprocessor({"kind": "cyclic_image"})(part)
        unbiased = np.log(bundle.infer_prepared(image)["interference"]) - [3.0, 0.0]
        wanted = np.exp(unbiased + [bias, 0.0])
        wanted /= wanted.sum(1, keepdims=True)
        joined = bundle.joined(count * 4096)
        assert joined.contract.samples == count * 4096 and bundle.contract.samples == 4096
        for answer in (bundle.infer(part), joined.infer(part), joined.infer_prepared(image)):
            np.testing.assert_allclose(answer["interference"], wanted, atol=1e-4)


@pytest.mark.parametrize("samples", [0, 2048, 6144, 5 * 4096])
def test_other_lengths_are_refused(tmp_path, samples):
    bundle = averaging(tmp_path / "model")
    expected = rf"windows of {samples} samples; bundle 'small' takes 4096 or a multiple, up to 16384"
    with pytest.raises(WfmError, match=expected):
        bundle.infer(torch.zeros(1, 1, samples, dtype=torch.complex64))
    with pytest.raises(WfmError, match=expected):
        bundle.joined(samples)


def test_tokens_of_samples_are_not_averaged(tmp_path):
    with pytest.raises(
        WfmError, match=r"window.average 4 with signal kind 'iq_rms'; expected 1, or one of cyclic_image"
    ):
        make_folder(tmp_path / "m", window={"antennas": 2, "samples": 256, "average": 4})


def test_a_bundle_of_tokens_takes_no_images_made_elsewhere(bundle_file):
    bundle = wfm_core.load_bundle(bundle_file, device="cpu", dtype="fp32")
    assert bundle.prepared_kind == ""
    with pytest.raises(WfmError, match="takes no images made of its windows; use infer"):
        bundle.infer_prepared(np.zeros((1, 5, 32, 64), np.float32))
