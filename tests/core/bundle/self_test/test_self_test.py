# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle's own question and answer: passed here, refused where the answer is another, absent from older bundles."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from bundle_files import contract_of, make_folder

import wfm_core
from wfm_core.base.errors import WfmError
from wfm_core.base.yaml_text import read_yaml, write_yaml
from wfm_core.bundle import export_bundle, load, parse_contract
from wfm_core.bundle.engines.choose import Choice
from wfm_core.bundle.precision.dtype import has_bf16
from wfm_core.bundle.precision.quantise import has_int8
from wfm_core.bundle.screening.archive import EXTRA_CONTRACT, SELF_TEST, content_sha256, pack, read_archive
from wfm_core.bundle.self_test import FEWER_BITS, INPUT_LIMIT, _values
from wfm_core.cli import doctor

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
CPU = torch.device("cpu")
IMAGE = {
    "input": "image", "modality": "image", "signal": {}, "image": {"channels": 3, "size": [32, 32]},
    "window": None, "sample_rate": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    folder = make_folder(tmp_path_factory.mktemp("model") / "small")
    return export_bundle(folder, folder.parent / "small.wfm.pt")


def members_of(path: Path) -> dict[str, bytes]:
    return read_archive(path.read_bytes(), str(path))


def written(path: Path, members: dict[str, bytes]) -> Path:
    """A bundle of these files, the hash of its content put right: whoever changes a file can do that as well."""
    contract = {**read_yaml(members[EXTRA_CONTRACT], "good"), "content_sha256": content_sha256(members)}
    path.write_bytes(pack({**members, EXTRA_CONTRACT: write_yaml(contract).encode()}).getbuffer())
    return path


def with_test(good: Path, path: Path, change) -> Path:
    """A bundle whose self-test's tensors `change` was given to change."""
    members = members_of(good)
    tensors = safetensors.torch.load(members[SELF_TEST])
    change(tensors)
    return written(path, {**members, SELF_TEST: safetensors.torch.save(tensors)})


def refused(path: Path, reason: str, dtype: str = "fp32") -> None:
    with pytest.raises(WfmError, match=reason) as caught:
        wfm_core.load_bundle(path, "cpu", dtype)
    assert "\n" not in str(caught.value)


def test_what_is_in_it(good):
    tensors = safetensors.torch.load(members_of(good)[SELF_TEST])
    assert {name: (list(value.shape), value.dtype) for name, value in tensors.items()} == {
        "input": ([3, 256, 2], torch.int16),
        "answer.interference": ([3], torch.float32),
        "answer.position": ([3], torch.float32),
        "answer.embedding_iq": ([32], torch.float32),
    }
    assert tensors["input"].float().std() > 1000 and tensors["input"].abs().max() < 32767


@pytest.mark.parametrize("dtype", ["fp32", "bf16", "int8", "auto"])
def test_it_is_passed_in_every_format(good, dtype):
    if not {"bf16": has_bf16, "int8": has_int8}.get(dtype, bool)(CPU):
        pytest.skip(f"this CPU has no {dtype} products")
    loaded = wfm_core.load_bundle(good, "cpu", dtype)
    assert 0 <= loaded.self_test < (1e-5 if loaded.dtype == "fp32" else FEWER_BITS)
    assert (loaded.self_test > 1e-5) == (loaded.dtype != "fp32")


@pytest.mark.parametrize(
    ("name", "by"), [("interference", 0.1), ("position", 1.0), ("embedding_iq", 0.1), ("interference", -0.1)]
)
def test_another_answer_is_refused(good, tmp_path, name, by):
    def change(tensors):
        tensors[f"answer.{name}"][0] += by

    path = with_test(good, tmp_path / "x.wfm.pt", change)
    refused(path, "answers its self-test otherwise here: 0.0.* at most 0.005 is expected, in fp32 by .* on 'cpu'")


def test_an_answer_that_is_a_little_off_is_none(good, tmp_path):
    def change(tensors):
        tensors["answer.interference"][0] += 1e-3

    assert wfm_core.load_bundle(with_test(good, tmp_path / "x.wfm.pt", change), "cpu", "fp32").self_test > 1e-5


def test_other_weights_are_refused(good, tmp_path):
    """By their hash; where that was put right as well, by the answer."""
    other = export_bundle(
        make_folder(tmp_path / "m", tasks={"position": {"kind": "position", "low": [0, 0, 0], "high": [1, 1, 1]}}),
        tmp_path / "m.wfm.pt",
    )
    members = members_of(good)
    data = next(name for name in members if name.startswith("data/") and len(members[name]) == 4 * 32 * 32)
    refused(written(tmp_path / "x.wfm.pt", {**members, data: bytes(4 * 32 * 32)}), "the weights' sha256 is")
    theirs = {**members_of(other), SELF_TEST: safetensors.torch.save(_without_head(members[SELF_TEST]))}
    refused(written(tmp_path / "y.wfm.pt", theirs), "answers its self-test otherwise here")


def _without_head(data: bytes) -> dict[str, torch.Tensor]:
    """The test of the small bundle as that of one with the task position alone."""
    tensors = safetensors.torch.load(data)
    return {name: value for name, value in tensors.items() if name != "answer.interference"}


def test_a_changed_test_does_not_fit_the_hash(good, tmp_path):
    members = members_of(good)
    (tmp_path / "x.wfm.pt").write_bytes(pack({**members, SELF_TEST: members[SELF_TEST][:-1] + b"\1"}).getbuffer())
    refused(tmp_path / "x.wfm.pt", "sha256 of what is in it|answers its self-test otherwise")


def test_a_computer_that_computes_otherwise(good, monkeypatch):
    choose = load.choose_network

    def noisy(*arguments):
        chosen = choose(*arguments)
        return replace(
            chosen, network=lambda window: {key: 1.5 * value for key, value in chosen.network(window).items()}
        )

    monkeypatch.setattr(load, "choose_network", noisy)
    refused(good, "answers its self-test otherwise here: .*use another device, dtype fp32 or engine torchscript")
    silent = Choice(lambda window: {}, "torchscript", "fp32")
    monkeypatch.setattr(
        load, "choose_network", lambda *a: replace(silent, network=lambda w: {k: v * torch.nan for k, v in _run(a, w)})
    )
    refused(good, "answers its self-test otherwise here: nan")


def _run(arguments, window) -> list:
    return list(arguments[0](window).items())


def test_a_bundle_of_before_has_none(good, tmp_path):
    members = members_of(good)
    del members[SELF_TEST]
    path = written(tmp_path / "old.wfm.pt", members)
    assert wfm_core.load_bundle(path, "cpu", "fp32").self_test is None
    found = doctor.bundle(path)
    assert found.status == "warn" and "no self-test" in found.text and "wfm-export" in found.mend


def test_the_doctor_says_it(good, tmp_path):
    found = doctor.bundle(good)
    assert found.status == "ok" and "self-test passed" in found.text
    assert re.search(r"; (torchscript|openvino) (fp32|bf16|int8) on \w+ \(.*openvino .*\); ", found.text)

    def change(tensors):
        tensors["answer.interference"] += torch.tensor([5.0, 0, 0])

    found = doctor.bundle(with_test(good, tmp_path / "x.wfm.pt", change))
    assert found.status == "fail" and "answers its self-test otherwise" in found.text


def test_images_have_one_too(tmp_path):
    contract = {key: value for key, value in IMAGE.items() if value is not None}
    path = export_bundle(make_folder(tmp_path / "m", **{**contract, "window": None}), tmp_path / "m.wfm.pt")
    assert safetensors.torch.load(members_of(path)[SELF_TEST])["input"].shape == (3, 32, 32)
    assert wfm_core.load_bundle(path, "cpu", "fp32").self_test < 1e-5


def test_a_large_input_is_cut_to_fewer_antennas_or_left_out(tmp_path):
    few = parse_contract(contract_of(window={"antennas": 8, "samples": INPUT_LIMIT // 16}), "x")
    assert _values(few).shape == (4, INPUT_LIMIT // 16, 2)
    assert _values(parse_contract(contract_of(window={"antennas": 1, "samples": INPUT_LIMIT}), "x")) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.pop("input"),
        lambda tensors: tensors.pop("answer.position"),
        lambda tensors: tensors.update({"answer.other": torch.zeros(3)}),
        lambda tensors: tensors.update({"other": torch.zeros(3)}),
        lambda tensors: tensors.update({"input": torch.zeros(4, 256, 2, dtype=torch.int16)}),
        lambda tensors: tensors.update({"input": torch.zeros(1, 128, 2, dtype=torch.int16)}),
        lambda tensors: tensors.update({"input": torch.zeros(1, 256, 2)}),
        lambda tensors: tensors.update({"answer.interference": torch.zeros(4)}),
        lambda tensors: tensors.update({"answer.interference": torch.zeros(1, 3)}),
        lambda tensors: tensors.update({"answer.interference": torch.full((3,), torch.nan)}),
        lambda tensors: tensors.update({"answer.interference": torch.zeros(3, dtype=torch.float64)}),
    ],
)
def test_tests_of_another_form_are_refused(good, tmp_path, change):
    refused(with_test(good, tmp_path / "x.wfm.pt", change), "has a self-test with|gives \\[1, 4\\] as interference")


@pytest.mark.parametrize("data", [b"", b"\x80\x04pickle", bytes(100), b"\xff" * 16])
def test_what_is_no_safetensors_is_refused(good, tmp_path, data):
    path = written(tmp_path / "x.wfm.pt", {**members_of(good), SELF_TEST: data})
    refused(path, "its self-test cannot be read as safetensors")


def test_a_test_that_is_too_large_is_not_read(good, tmp_path):
    path = written(tmp_path / "x.wfm.pt", {**members_of(good), SELF_TEST: bytes((4 << 20) + 1)})
    refused(path, "holds 'extra/self_test.safetensors' of 4194305 bytes")


def test_exported_twice_it_is_the_same_file(good, tmp_path):
    again = export_bundle(make_folder(tmp_path / "small"), tmp_path / "small.wfm.pt")
    assert again.read_bytes() == good.read_bytes()
