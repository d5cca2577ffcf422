# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are no good bundle: each is refused with its reason, and nothing of it runs."""

import io
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
import yaml
from bundle_files import contract_of, make_folder, rewrite

import wfm_core
from wfm_core.base.errors import WfmError
from wfm_core.bundle import build_network, export_bundle, parse_contract, save_model_folder, weights_sha256
from wfm_core.bundle.export import CONTRACT

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


@pytest.fixture(scope="module")
def bundle_file(tmp_path_factory) -> Path:
    folder = make_folder(tmp_path_factory.mktemp("model") / "small")
    return export_bundle(folder, folder.parent / "small.wfm.pt")


def refused(path: Path, reason: str):
    with pytest.raises(WfmError, match=reason) as caught:
        wfm_core.load_bundle(path, device="cpu")
    assert "\n" not in str(caught.value)


def test_files_that_are_no_bundle(bundle_file, tmp_path):
    path = tmp_path / "x.wfm.pt"
    path.write_text("hello")
    refused(path, "not a bundle")
    path.write_bytes(b"")
    refused(path, "not a bundle")
    path.write_bytes(pickle.dumps({"a": 1}))
    refused(path, "not a bundle")
    torch.save({"a": torch.zeros(1)}, path)
    refused(path, "zip file but not TorchScript")
    torch.jit.script(torch.nn.Linear(1, 1)).save(str(path))
    refused(path, "without a contract.yaml")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated(bundle_file, tmp_path, share):
    data = bundle_file.read_bytes()
    path = tmp_path / "cut.wfm.pt"
    path.write_bytes(data[: int(len(data) * share)])
    refused(path, "truncated or damaged")


def test_a_flipped_bit(bundle_file, tmp_path):
    data = bytearray(bundle_file.read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / "flipped.wfm.pt"
    path.write_bytes(data)
    refused(path, "damaged")


def with_contract(bundle_file: Path, target: Path, **changes) -> Path:
    with zipfile.ZipFile(bundle_file) as archive:
        name = next(name for name in archive.namelist() if name.endswith(CONTRACT))
        contract = yaml.safe_load(archive.read(name))
    return rewrite(bundle_file, target, {CONTRACT: yaml.safe_dump({**contract, **changes}).encode()})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, "contract format 2, but this version reads format 1"),
        ({"weights_sha256": "0" * 64}, "weights' sha256 is"),
        ({"weights_sha256": None}, "no weights_sha256"),
        ({"window": {"antennas": 0, "samples": 256}}, "window.antennas is 0; expected a positive whole number"),
        ({"sample_rate": {"min": 2, "max": 1}}, "sample_rate from 2.0 to 1.0"),
        ({"modality": "smell"}, "modality is 'smell'; expected one of iq, image"),
        ({"affine": "sideways"}, "affine is 'sideways'; expected one of before, after"),
        ({"tasks": {"x": {"kind": "classification", "labels": ["one"]}}}, "tasks.x.labels is"),
        ({"tasks": {}}, "no tasks"),
    ],
)
def test_contracts_that_do_not_hold(bundle_file, tmp_path, changes, reason):
    refused(with_contract(bundle_file, tmp_path / "x.wfm.pt", **changes), reason)


def test_weights_that_do_not_fit_the_contract(tmp_path):
    contract = contract_of(encoder={"width": 32, "depth": 3, "heads": 4, "mlp_hidden": 64})
    shallow = build_network(parse_contract(contract_of(), "test")).state_dict()
    save_model_folder(tmp_path / "m", contract, shallow)
    with pytest.raises(WfmError, match="do not fit the contract"):
        export_bundle(tmp_path / "m", tmp_path)


class Saves(torch.nn.Module):
    def forward(self, iq: torch.Tensor):
        torch.ops.aten.save(iq, "stolen")
        return {"interference": iq}


class Reads(torch.nn.Module):
    def forward(self, iq: torch.Tensor):
        return {"interference": torch.from_file("/etc/passwd", size=4, dtype=torch.uint8)}


class Hides(torch.nn.Module):
    """The forbidden operator is in a branch of an exported method of a submodule."""

    def __init__(self):
        super().__init__()
        self.inner = Inner()

    def forward(self, iq: torch.Tensor):
        return {"interference": iq}


class Inner(torch.nn.Module):
    def forward(self, x: torch.Tensor):
        return x

    @torch.jit.export
    def later(self, x: torch.Tensor):
        if x.sum() > 0:
            for _ in range(3):
                helper(x)
        return x


def helper(x: torch.Tensor):
    torch.ops.aten.save(x, "stolen")


class Forks(torch.nn.Module):
    def forward(self, iq: torch.Tensor):
        return {"interference": torch.jit.wait(torch.jit.fork(torch.neg, iq))}


class Prints(torch.nn.Module):
    def forward(self, iq: torch.Tensor):
        print(iq)
        return {"interference": iq}


class Remembers(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.count = 0

    def forward(self, iq: torch.Tensor):
        self.count += 1
        return {"interference": iq}


class RunsOnLoading(torch.nn.Module):
    def forward(self, iq: torch.Tensor):
        return {"interference": iq}

    @torch.jit.export
    def __getstate__(self):
        return (torch.zeros(1), self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, bool]):
        torch.ops.aten.save(state[0], "stolen")
        self.training = state[1]


class Packed(torch.nn.Module):
    """A registered C++ class as an attribute: its own restoring code would run."""

    def __init__(self):
        super().__init__()
        self.linear = torch.ao.nn.quantized.dynamic.Linear(4, 4)

    def forward(self, iq: torch.Tensor):
        return {"interference": self.linear(iq)}


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (Saves, "operator aten::save"),
        (Reads, "operator aten::from_file"),
        (Hides, "operator aten::save"),
        (Forks, "operator (prim::fork|aten::wait)"),
        (Prints, "operator prim::Print"),
        (Remembers, "operator prim::SetAttr"),
        (RunsOnLoading, "__(set|get)state__"),
        (Packed, "runs on loading|torch.classes"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_forbidden_programs_are_refused_and_never_run(module, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    contract = contract_of(weights_sha256=weights_sha256({}))
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(module()), buffer, _extra_files={CONTRACT: yaml.safe_dump(contract)})
    path = tmp_path / "evil.wfm.pt"
    path.write_bytes(buffer.getvalue())
    (tmp_path / "stolen").unlink(missing_ok=True)
    refused(path, reason)
    assert not (tmp_path / "stolen").exists()


def test_a_pickle_that_names_a_function_is_refused(bundle_file, tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("run",))

    for protocol in (2, 4):
        changed = {"/data.pkl": pickle.dumps(Evil(), protocol=protocol)}
        refused(rewrite(bundle_file, tmp_path / "x.wfm.pt", changed), "a pickled (__builtin__|builtins) print")


def test_two_files_of_one_name_are_refused(bundle_file, tmp_path):
    path = tmp_path / "x.wfm.pt"
    path.write_bytes(bundle_file.read_bytes())
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(next(name for name in archive.namelist() if name.endswith("data/0")), b"other")
    refused(path, "two files of one name")
