# SPDX-License-Identifier: GPL-3.0-or-later
"""The 8-bit encoder on the CPU: what it may differ by, and where it is refused."""

from pathlib import Path
from types import FunctionType

import numpy as np
import pytest
import torch
import yaml
from bundle_files import gains, make_folder, needs_bf16, windows

import wfm_core
from wfm_core.base.errors import WfmError
from wfm_core.bundle import export_bundle
from wfm_core.bundle.precision import quantise
from wfm_core.bundle.precision.dtype import DTYPES
from wfm_core.bundle.precision.quantise import has_int8, quantise_weight
from wfm_core.cli import evaluate

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def bundle_file(tmp_path_factory) -> Path:
    folder = make_folder(tmp_path_factory.mktemp("model") / "small")
    return export_bundle(folder, folder.parent / "small.wfm.pt")


def emulated_product(
    whole: torch.Tensor, packed: torch.Tensor, scale: torch.Tensor, zeros: torch.Tensor, correction: torch.Tensor
) -> torch.Tensor:
    return torch.matmul(whole.to(torch.float32), packed.to(torch.float32).t()) * scale + correction


def with_emulated_product(layer: FunctionType) -> FunctionType:
    """A function of its own: TorchScript keeps what it made of the other one."""
    return FunctionType(layer.__code__, {**layer.__globals__, "_product": emulated_product}, layer.__name__)


@pytest.fixture(scope="module", params=["emulated", "processor"])
def products(request):
    """8-bit products in plain floating point, which every CPU has; then this processor's own, where it has them."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "emulated":
            patch.setattr(quantise, "_packed", lambda whole: whole)
            patch.setattr(quantise, "packed_constant", lambda graph, packed: graph.insertConstant(packed))
            for name in ("_linear", "_gelu_linear"):
                patch.setattr(quantise, name, with_emulated_product(getattr(quantise, name)))
            patch.setattr("wfm_core.bundle.precision.dtype.has_int8", lambda device: device.type == "cpu")
        elif not has_int8(torch.device("cpu")):
            pytest.skip("this CPU has no 8-bit products")
        yield


@pytest.fixture(scope="module")
def int8(bundle_file, products):
    return wfm_core.load_bundle(bundle_file, device="cpu", dtype="int8")


def test_agrees_with_fp32(bundle_file, int8):
    exact = wfm_core.load_bundle(bundle_file, device="cpu", dtype="fp32").infer(windows(32))
    assert int8.dtype == "int8"
    for _ in range(3):  # the third call runs the optimised graph
        outputs = int8.infer(windows(32))
        np.testing.assert_allclose(outputs["interference"], exact["interference"], atol=1e-2)
        np.testing.assert_allclose(outputs["position"] / [80, 20, 2], exact["position"] / [80, 20, 2], atol=1e-2)
    assert not np.allclose(outputs["embedding_iq"], exact["embedding_iq"], atol=1e-4)  # it is the other format


@pytest.mark.parametrize("batch", [1, 2, 5, 16])
def test_a_window_does_not_depend_on_its_batch(int8, batch):
    iq = windows(16)
    iq[1::2] *= np.linspace(0, 1e4, iq.shape[2])  # neighbours of another shape
    whole = int8.infer(iq)
    for start in range(0, len(iq), batch):
        part = int8.infer(iq[start : start + batch])
        for name, values in part.items():
            np.testing.assert_allclose(values, whole[name][start : start + batch], atol=1e-5, rtol=1e-6)


def test_a_silent_window_gives_numbers(int8):
    assert all(np.isfinite(values).all() for values in int8.infer(np.zeros_like(windows())).values())


def test_weights_lose_half_a_step_at_most():
    weight = torch.randn(8, 32) * torch.logspace(-3, 3, 8)[:, None]
    weight[0] = 0
    whole, scale = quantise_weight(weight)
    assert ((whole * scale[:, None] - weight).abs() <= 0.501 * scale[:, None]).all()


@needs_bf16
@pytest.mark.parametrize(("values", "chosen"), [((1.2, 1.9), "int8"), ((1.9, 1.2), "bf16"), ((1.0, 1.0), "fp32")])
def test_auto_takes_the_fastest(bundle_file, products, monkeypatch, values, chosen):
    monkeypatch.setattr("wfm_core.bundle.precision.dtype.has_bf16", lambda device: True)
    monkeypatch.setattr("wfm_core.bundle.precision.dtype.AGREEMENT", 0.1)
    gains(monkeypatch, *values)
    assert wfm_core.load_bundle(bundle_file, device="cpu", engine="torchscript").dtype == chosen


def test_where_it_is_not_there(bundle_file, monkeypatch):
    monkeypatch.setattr("wfm_core.bundle.precision.dtype.has_int8", lambda device: False)
    gains(monkeypatch, 2.0)
    assert wfm_core.load_bundle(bundle_file, device="cpu", engine="torchscript").dtype != "int8"
    with pytest.raises(WfmError, match="'int8' was asked for, but device 'cpu' .* use auto or fp32"):
        wfm_core.load_bundle(bundle_file, device="cpu", dtype="int8")


def test_an_older_pytorch_or_cpu_has_none(monkeypatch):
    cpu = torch.device("cpu")
    assert not has_int8.__wrapped__(torch.device("cuda"))
    monkeypatch.setattr("wfm_core.bundle.precision.quantise.try_operators", lambda: torch.ops.onednn.no_such_operator)
    assert not has_int8.__wrapped__(cpu)
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    assert not has_int8.__wrapped__(cpu)


def test_the_option_is_offered(capsys):
    with pytest.raises(SystemExit):
        evaluate.parse(["--help"])
    assert "fp32, bf16 or int8" in capsys.readouterr().out
    block = yaml.safe_load((REPOSITORY / "grc" / "wfm_inference.block.yml").read_text())
    (option,) = [parameter for parameter in block["parameters"] if parameter["id"] == "dtype"]
    assert tuple(option["options"]) == DTYPES
