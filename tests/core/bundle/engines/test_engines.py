# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenVINO gives what PyTorch gives, is taken where it is asked for or faster, and never silently."""

import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from bundle_files import gains, make_folder, needs_openvino, windows, without_openvino
from image_bundles import signal_bundle

import wfm_core
from wfm_core.base import compute
from wfm_core.base.errors import WfmError
from wfm_core.bundle import export_bundle
from wfm_core.bundle.engines import choose
from wfm_core.bundle.engines.openvino import OpenVinoNetwork
from wfm_core.bundle.precision.dtype import AGREEMENT, has_bf16
from wfm_core.bundle.precision.quantise import has_int8
from wfm_core.bundle.self_test import limit

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
CPU = torch.device("cpu")
TOLERANCE = {"fp32": 1e-5, "bf16": AGREEMENT, "int8": limit("int8")}
KINDS = {
    "iq": {},
    "image": {"input": "image", "modality": "image", "image": {"channels": 2, "size": [32, 48]}, "signal": {}},
    "prepared": {
        "window": {"antennas": 2, "samples": 4096}, "signal": {"kind": "cyclic_image"}, "modality": "image",
        "image": {"channels": 5, "size": [32, 64]},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engines")
    return export_bundle(make_folder(folder / "small"), folder / "small.wfm.pt")


def load(path, engine: str, dtype: str = "fp32"):
    return wfm_core.load_bundle(path, device="cpu", dtype=dtype, engine=engine)


def refused(path, reason: str, **options) -> None:
    with pytest.raises(WfmError, match=reason) as caught:
        wfm_core.load_bundle(path, **{"device": "cpu", **options})
    assert "\n" not in str(caught.value)


def random_inputs(contract, batch: int) -> np.ndarray:
    generator = np.random.default_rng(batch)
    if contract.input == "image":
        return generator.random((batch, *contract.input_shape), dtype=np.float32)
    return windows(batch, contract.antennas, contract.samples)


@needs_openvino
@pytest.mark.parametrize("dtype", ["fp32", "bf16", "int8"])
@pytest.mark.parametrize("kind", [*KINDS, "signal"])
def test_answers_agree_with_those_of_pytorch(tmp_path, kind, dtype):
    if not {"bf16": has_bf16, "int8": has_int8}.get(dtype, bool)(CPU):
        pytest.skip(f"this CPU has no {dtype} products")
    path = signal_bundle(tmp_path / "m") if kind == "signal" else make_folder(tmp_path / "m", **KINDS[kind])
    exact, other = load(path, "torchscript"), load(path, "openvino", dtype)
    assert (other.engine, other.dtype, other.engine_reason) == ("openvino", dtype, "asked for")
    assert other.prepared_kind == exact.prepared_kind
    inputs = random_inputs(exact.contract, 2 if kind == "signal" else 24)
    wanted, given = (one.infer_image(inputs) if kind == "image" else one.infer(inputs) for one in (exact, other))
    assert given.keys() == wanted.keys()
    for name, task in exact.contract.tasks.items():
        span = np.array(task.high) - np.array(task.low) if task.kind == "position" else 1.0
        assert np.abs((given[name] - wanted[name]) / span).max() <= TOLERANCE[dtype]
        if task.kind == "classification":
            best = np.sort(wanted[name], 1)
            others = given[name].argmax(1) != wanted[name].argmax(1)
            assert (best[others, -1] - best[others, -2] <= TOLERANCE[dtype]).all(), (
                "labels differ on close scores alone"
            )


@needs_openvino
def test_any_number_of_windows_and_antennas(small):
    exact, other = load(small, "torchscript"), load(small, "openvino")
    for batch, antennas in ((1, 1), (7, 3), (50, 1), (2, 2)):
        iq = windows(batch, antennas)
        np.testing.assert_allclose(other.infer(iq)["interference"], exact.infer(iq)["interference"], atol=1e-5)


@needs_openvino
def test_answers_stay_when_the_next_ones_come(small):
    other = load(small, "openvino")
    first = other.infer(windows(2))
    before = {name: value.copy() for name, value in first.items()}
    other.infer(windows(2) * 1j)
    assert all(np.array_equal(first[name], before[name]) for name in first)


@needs_openvino
def test_it_has_as_many_threads_as_pytorch_and_binds_none(small):
    other = load(small, "openvino")
    before = compute.run(torch.get_num_threads)
    try:
        for threads in (2, 1):
            compute.run(torch.set_num_threads, threads)
            wanted = load(small, "torchscript").infer(windows(1))
            np.testing.assert_allclose(other.infer(windows(1))["interference"], wanted["interference"], atol=1e-5)
            request = list(other._network._requests.values())[-1]
            assert set(other._network.threads) == {threads}, "what was compiled for others is forgotten"
            most = min(threads, len(os.sched_getaffinity(0)))
            assert request.get_compiled_model().get_property("INFERENCE_NUM_THREADS") == most
    finally:
        compute.run(torch.set_num_threads, before)
    bound = {tuple(os.sched_getaffinity(int(thread))) for thread in os.listdir("/proc/self/task")}
    assert bound == {tuple(os.sched_getaffinity(0))}


@needs_openvino
def test_several_windows_are_computed_side_by_side_on_a_thread_each(small):
    other, before = load(small, "openvino"), compute.run(torch.get_num_threads)
    try:
        compute.run(torch.set_num_threads, 2)
        wanted, earlier = load(small, "torchscript").infer(windows(7)), set(other._network._requests)
        for _ in range(5):
            np.testing.assert_allclose(other.infer(windows(7))["interference"], wanted["interference"], atol=1e-5)
    finally:
        compute.run(torch.set_num_threads, before)
    keys = set(other._network._requests) - earlier
    assert {key.threads for key in keys} == {1} and len({key.thread for key in keys}) == len(keys) <= 2


@needs_openvino
def test_auto_takes_it_where_it_is_faster_and_agrees(small, monkeypatch):
    gains(monkeypatch, 3.0)
    bundle = load(small, "auto")
    assert (bundle.engine, bundle.dtype, bundle.origin) == ("openvino", "fp32", "openvino fp32")
    assert bundle.engine_reason.startswith("openvino fp32 is 3 times as fast as torchscript fp32, and ")
    assert bundle.engine_reason.endswith(" from float32")
    gains(monkeypatch, 1.02)
    bundle = load(small, "auto")
    assert (bundle.engine, bundle.origin) == ("torchscript", "torchscript fp32")
    assert bundle.engine_reason == "openvino fp32 is 1 times as fast as torchscript fp32", "not worth another engine"
    gains(monkeypatch, 3.0)
    monkeypatch.setattr("wfm_core.bundle.precision.dtype.AGREEMENT", 0.0)
    bundle = load(small, "auto")
    assert bundle.engine == "torchscript"
    assert "but " in bundle.engine_reason and "at most 0 is expected" in bundle.engine_reason


@needs_openvino
@pytest.mark.skipif(not (has_bf16(CPU) and has_int8(CPU)), reason="this CPU has no bf16 or no 8-bit products")
def test_auto_compares_engines_and_formats(small, monkeypatch):
    """Gains of torchscript bf16 and int8, openvino fp32, bf16 and int8."""
    monkeypatch.setattr("wfm_core.bundle.precision.dtype.AGREEMENT", 0.1)
    for values, chosen in (
        ((2.0, 1.5, 1.2, 2.3, 2.0), "openvino bf16"),
        ((2.0, 1.5, 1.2, 2.05, 1.0), "torchscript bf16"),
        ((1.5, 2.0, 2.1, 2.2, 2.5), "openvino int8"),
        ((1.0, 1.0, 1.2, 1.0, 1.0), "openvino fp32"),
        ((1.0, 1.0, 1.0, 1.0, 1.0), "torchscript fp32"),
    ):
        gains(monkeypatch, *values)
        assert load(small, "auto", "auto").origin == chosen, values
    gains(monkeypatch, 2.0, 2.5, 2.4)
    assert load(small, "openvino", "auto").origin == "openvino bf16"
    gains(monkeypatch, 2.0, 2.1, 2.1)
    assert load(small, "openvino", "auto").origin == "openvino fp32"


@needs_openvino
def test_auto_on_this_machine(small):
    bundle = load(small, "auto", "auto")
    assert bundle.engine in ("torchscript", "openvino") and "openvino fp32 is " in bundle.engine_reason
    assert bundle.self_test is not None and bundle.infer(windows())["interference"].shape == (4, 3)


def test_where_it_is_not_installed(small, monkeypatch):
    without_openvino(monkeypatch)
    said = "openvino is not installed: pip install openvino, or use engine torchscript"
    refused(small, f"engine 'openvino' was asked for, but {said}", engine="openvino")
    bundle = load(small, "auto")
    assert (bundle.engine, bundle.engine_reason) == ("torchscript", said)
    assert load(small, "torchscript").engine_reason == "asked for"


@needs_openvino
def test_layers_that_have_no_groups_of_8_bits(tmp_path):
    """Their answers would come from wide weights, and say that they are int8."""
    if not has_int8(CPU):
        pytest.skip("this CPU has no 8-bit products")
    sizes = {"width": 48, "depth": 1, "heads": 2, "mlp_hidden": 96}
    path = make_folder(tmp_path / "m", encoder=sizes)
    refused(path, r"cannot compute it \(its layers take \[48, 96\] values, a multiple of 32 is expected",
            engine="openvino", dtype="int8")  # fmt: skip


@needs_openvino
def test_what_lies_between_8_bit_products_is_bf16_where_there_is_that(small, monkeypatch):
    other = load(small, "openvino")._network
    for dtype, capabilities, wanted in (
        ("fp32", ["FP32", "BF16"], "f32"),
        ("bf16", ["FP32"], "bf16"),  # never another format than was asked for
        ("int8", ["FP32", "BF16"], "bf16"),
        ("int8", ["FP32"], "f32"),
    ):
        monkeypatch.setattr(other, "_dtype", dtype)
        monkeypatch.setattr(other, "_core", SimpleNamespace(get_property=lambda *_, found=capabilities: found))
        assert other._precision() == wanted


@needs_openvino
def test_windows_have_the_same_8_bits_alone_and_with_others(small):
    if not has_int8(CPU):
        pytest.skip("this CPU has no 8-bit products")
    other, iq = load(small, "openvino", "int8"), windows(6)
    together = other.infer(iq * np.float32([1, 1, 1, 1, 1, 30])[:, None, None])
    for number in range(5):
        alone = other.infer(iq[number : number + 1])
        np.testing.assert_allclose(alone["interference"][0], together["interference"][number], atol=1e-3)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"engine": "steam"}, "engine 'steam' is not known; expected one of auto, torchscript, openvino"),
    ],
)
def test_what_cannot_be_asked_for(small, options, reason):
    refused(small, reason, **options)


def test_a_gpu_is_pytorchs(monkeypatch):
    assert "the device is 'cuda:0': use device cpu" in choose._obstacle(torch.device("cuda:0"))


@needs_openvino
@pytest.mark.parametrize("engine", ["auto", "openvino"])
def test_a_refused_bundle_never_comes_to_it(small, tmp_path, monkeypatch, engine):
    def touched(*_):
        raise AssertionError("OpenVINO was given a bundle that is refused")

    monkeypatch.setattr(choose, "OpenVinoNetwork", touched)
    data = bytearray(small.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "x.wfm.pt").write_bytes(data)
    refused(tmp_path / "x.wfm.pt", ".", engine=engine)
    refused(small, "0000 was asked for", engine=engine, sha256="0" * 64)


@needs_openvino
def test_answers_that_differ_are_refused(small, monkeypatch):
    encode = OpenVinoNetwork._encode
    monkeypatch.setattr(OpenVinoNetwork, "_encode", lambda *given: [value * 1.5 for value in encode(*given)])
    refused(small, "it answers otherwise than PyTorch in float32: .* apart, .*; use engine torchscript",
            engine="openvino", dtype="fp32")  # fmt: skip
    gains(monkeypatch, 3.0)
    assert load(small, "auto").engine == "torchscript"
    monkeypatch.setattr(OpenVinoNetwork, "_encode", lambda *given: [value * np.nan for value in encode(*given)])
    refused(small, "in float32: nan apart", engine="openvino", dtype="fp32")
    assert "but nan from float32" in load(small, "auto").engine_reason


@needs_openvino
def test_a_program_that_it_cannot_compute(small, monkeypatch):
    def fails(*_):
        raise RuntimeError("no conversion rule\nfor it")

    monkeypatch.setattr("wfm_core.bundle.engines.openvino._converted", fails)
    said = r"OpenVINO [\d.]+ cannot compute it \(no conversion rule for it\); use engine torchscript"
    refused(small, said, engine="openvino", dtype="fp32")
    bundle = load(small, "auto")
    assert bundle.engine == "torchscript" and "cannot compute it (no conversion rule" in bundle.engine_reason
