# SPDX-License-Identifier: GPL-3.0-or-later
"""What reaches torch is what was looked at: archives of two readings, short tensors, bombs."""

import io
import math
import pickle
import stat
import struct
import zipfile
from pathlib import Path

import pytest
import torch
import yaml
from bundle_files import contract_of, make_folder, windows

import wfm_core
from wfm_core.base.errors import WfmError
from wfm_core.base.yaml_text import read_yaml
from wfm_core.bundle import export_bundle, weights_sha256
from wfm_core.bundle.screening.archive import FILE_LIMIT, content_sha256, read_archive
from wfm_core.bundle.screening.pickles import DEPTH_LIMIT, screen_pickle

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> dict[str, bytes]:
    """The files of a good bundle, under the names that they have in the archive."""
    folder = tmp_path_factory.mktemp("good")
    with zipfile.ZipFile(export_bundle(make_folder(folder / "m"), folder / "good.wfm.pt")) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, files: dict[str, bytes] | list[tuple], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items() if isinstance(files, dict) else files:
            archive.writestr(name, content)
    return path


def refused(path: Path, reason: str) -> None:
    with pytest.raises(WfmError, match=reason) as caught:
        wfm_core.load_bundle(path, device="cpu", dtype="fp32")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1000


class RunsOnLoading(torch.nn.Module):
    def forward(self, iq: torch.Tensor):
        return {"interference": iq}

    @torch.jit.export
    def __getstate__(self):
        return (torch.zeros(1), self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, bool]):
        torch.ops.aten.save(state[0], "marker")
        self.training = state[1]


@pytest.fixture
def evil(tmp_path, monkeypatch) -> dict[str, bytes]:
    """A TorchScript archive that writes the file "marker" when torch loads it."""
    monkeypatch.chdir(tmp_path)
    buffer = io.BytesIO()
    contract = contract_of(weights_sha256=weights_sha256({}))
    torch.jit.save(torch.jit.script(RunsOnLoading()), buffer, _extra_files={"contract.yaml": yaml.safe_dump(contract)})
    torch.jit.load(io.BytesIO(buffer.getvalue()))
    assert Path("marker").exists()
    Path("marker").unlink()
    with zipfile.ZipFile(buffer) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("end", [".py", "data.pkl", ".pkl", "contract.yaml"])
def test_names_that_differ_in_case_run_nothing(evil, tmp_path, end):
    other = {f"evil/{name[: -len(end)] + end.upper() if name.endswith(end) else name}": evil[name] for name in evil}
    refused(write(tmp_path / "x.wfm.pt", other), "which no bundle may|not TorchScript|without a contract")
    assert not (tmp_path / "marker").exists()


def test_two_names_that_differ_in_case_alone(good, tmp_path):
    code = next(name for name in good if name.endswith(".py"))
    refused(write(tmp_path / "x.wfm.pt", {**good, code.upper(): b""}), "two files of one name|beside its folder")
    folder = code.partition("/")[0]
    refused(write(tmp_path / "x.wfm.pt", {**good, f"{folder}/DATA.PKL": b""}), "two files of one name")


@pytest.mark.parametrize("first", [True, False])
def test_two_folders_run_nothing(good, evil, tmp_path, first):
    """One is for Python's zipfile, the other for torch, which takes the folder of the archive's first file."""
    inside = {name.partition("/")[2]: content for name, content in good.items()}
    members = {f"a/{name}": evil[name] for name in evil} | {f"b/{name}": inside[name] for name in inside}
    both = list(members.items())
    refused(write(tmp_path / "x.wfm.pt", both if first else both[::-1]), "two files of one name|beside its folder")
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize(
    "name",
    ["extra/other.txt", "code/__torch__/../x.py", "code/other.py", "data/1/2", "data/..", "code/__torch__/a b.py"],
)
def test_files_that_no_bundle_has(good, tmp_path, name):
    folder = next(iter(good)).partition("/")[0]
    refused(write(tmp_path / "x.wfm.pt", {**good, f"{folder}/{name}": b""}), "holds the file .*which no bundle may")


def test_a_tensor_file_that_nothing_uses(good, tmp_path):
    folder = next(iter(good)).partition("/")[0]
    refused(write(tmp_path / "x.wfm.pt", {**good, f"{folder}/data/999": b"1234"}), "data/999, which no tensor uses")


def test_a_symbolic_link_in_the_archive(good, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.wfm.pt", "w") as archive:
        for name, content in good.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = (stat.S_IFLNK if name.endswith("data/0") else stat.S_IFREG) << 16
            archive.writestr(member, content)
    refused(tmp_path / "x.wfm.pt", "holds the file 'data/0'")


@pytest.mark.parametrize("cut", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b + b"1234"])
def test_storages_of_another_size_than_stated(good, tmp_path, cut):
    for name in good:
        if "/data/" in name:
            refused(write(tmp_path / "x.wfm.pt", {**good, name: cut(good[name])}), "bytes, .* are stated")


def test_every_stored_byte_is_in_a_hash(good, tmp_path):
    """Buffers too: a position table of zeros loads and runs well, and is wrong."""
    names = [name for name in good if "/data/" in name and any(good[name])]
    assert len(names) > 20
    for name in names:
        path = write(tmp_path / "x.wfm.pt", {**good, name: bytes(len(good[name]))})
        refused(path, "sha256 of what is in it|weights' sha256")
    code = next(name for name in good if name.endswith(".py"))
    refused(write(tmp_path / "x.wfm.pt", {**good, code: good[code] + b"\n"}), "sha256 of what is in it")


def test_a_bundle_without_the_hash_of_all(good, tmp_path):
    name = next(name for name in good if name.endswith("contract.yaml"))
    contract = yaml.safe_load(good[name])
    del contract["content_sha256"]
    refused(write(tmp_path / "x.wfm.pt", {**good, name: yaml.safe_dump(contract)}), "earlier version.*export the model")


def test_another_archive_of_the_same_files_loads(good, tmp_path):
    path = write(tmp_path / "x.wfm.pt", good, zipfile.ZIP_DEFLATED)
    bundle = wfm_core.load_bundle(path, device="cpu", dtype="fp32")
    assert set(bundle.infer(windows())) >= {"interference", "position"}


def test_the_same_model_is_the_same_file(tmp_path):
    folder = make_folder(tmp_path / "m")
    one, other = (export_bundle(folder, tmp_path / f"{name}.wfm.pt").read_bytes() for name in "ab")
    assert content_sha256(read_archive(one, "one")) == content_sha256(read_archive(other, "other"))


def test_bombs_are_refused_before_they_are_inflated(good, tmp_path, monkeypatch):
    name = next(name for name in good if name.endswith("contract.yaml"))
    zeros = write(tmp_path / "a.wfm.pt", {**good, name: b"#" * (64 << 20)}, zipfile.ZIP_DEFLATED)
    refused(zeros, "holds 'extra/contract.yaml' of 67108864 bytes")
    data = bytearray(zeros.read_bytes())
    place = data.rindex(name.encode()) - 46  # the directory then claims what can be read
    assert data[place : place + 4] == b"PK\x01\x02"
    data[place + 24 : place + 28] = struct.pack("<I", 1000)
    (tmp_path / "b.wfm.pt").write_bytes(data)
    refused(tmp_path / "b.wfm.pt", "damaged")
    with open(tmp_path / "c.wfm.pt", "wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(8 << 30)
    refused(tmp_path / "c.wfm.pt", f"has {8 << 30} bytes, at most {FILE_LIMIT}")
    many = [(f"x/data/{number}", b"") for number in range(30_000)]
    refused(write(tmp_path / "d.wfm.pt", [*good.items(), *many]), "files, at most 20000")


def test_a_model_folder_with_bombs(tmp_path):
    folder = make_folder(tmp_path / "m")
    text = (folder / "contract.yaml").read_text()
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10))
    for contract, reason in (
        (bomb + text.replace("name: small", "name: *a9"), "more than 100000 values"),
        ("x: " + "[" * 100_000, "not YAML"),
        ("x: &a [*a]\n", "not YAML"),
        ("x: " + "9" * 100_000 + "\n", "not YAML"),
        ("#" * (1 << 20), "bytes, at most"),
        (text.replace("max: 30720000.0", "max: " + "9" * 400), "sample_rate.max is 9"),
        (text.replace("kind: iq_rms", "kind: {a: 1}"), "signal kind .* is not known"),
        (text.replace("kind: iq_rms", "kind: spectrogram\n  fft_size: 999999999999"), "signal settings .* do not fit"),
        ("x: 2001-99-99\n", "not YAML"),
        ("{a: 1}: 2\n", "not YAML"),
        (text.replace("name: small", f"name: [{'y, ' * 5000}]"), "name is .*expected|name is .*expected"),
        (text.replace("width: 32", "width: 32000000"), "width"),
        (text.replace("width: 32", "width: 4096").replace("hidden: 64", "hidden: 32768"), "do not fit the contract"),
        (text.replace("depth: 2", "depth: 4000000"), "depth"),
        (text.replace("samples: 256", "samples: 25600000000"), "samples"),
        (text.replace("antennas: 3", "antennas: 300000000"), "antennas"),
    ):
        assert contract != text
        (folder / "contract.yaml").write_text(contract)
        refused(folder, reason)
    with open(folder / "contract.yaml", "wb") as file:
        file.truncate(8 << 30)
    refused(folder, "bytes, at most")


def test_aliases_that_stand_for_little_are_read():
    assert read_yaml("{a: &x [1, 2], b: *x}", "test") == {"a": [1, 2], "b": [1, 2]}


def pickled(body: bytes) -> bytes:
    return b"\x80\x02" + body + b"."


FLOAT = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x04tQ"
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n(" + FLOAT + b"K%c(%st(%st\x89ccollections\nOrderedDict\n)RtR"


def tensor(offset: int, size: list[int], stride: list[int]) -> bytes:
    numbers = [b"".join(b"J" + struct.pack("<i", number) for number in numbers) for numbers in (size, stride)]
    return pickled(TENSOR % (bytes([offset]), *numbers))


def screen(data: bytes) -> set[str]:
    return screen_pickle({"data.pkl": data, "data/0": bytes(16)}, "data", "x.wfm.pt")


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        (0, [5], [1]), (1, [4], [1]), (0, [2, 2], [3, 1]), (0, [1 << 30], [0]), (0, [-4], [1]), (0, [2], [-1]),
        (0, [4, 1], [1]),
    ],
)  # fmt: skip
def test_tensors_that_reach_beyond_their_storage(offset, size, stride):
    with pytest.raises(WfmError, match="damaged data.pkl"):
        screen(tensor(offset, size, stride))


@pytest.mark.parametrize(
    ("offset", "size", "stride"), [(0, [4], [1]), (3, [1], [9]), (0, [2, 2], [1, 2]), (4, [0], [1])]
)
def test_tensors_that_are_stored(offset, size, stride):
    assert math.prod(size) <= 4 and screen(tensor(offset, size, stride)) == {"data/0"}


@pytest.mark.parametrize(
    "body",
    [
        b"Nr\xff\xff\xff\x7f",  # remembered at place 2^31: torch would make room for it
        b"h\x05",
        b"]q\0h\0a",  # a list in itself
        b"]" * 1000 + b"a" * 999,
        b"(" * 1000,
        b"K\0)R",  # torch keeps globals as numbers: a number called as one
        b"Nb", b"K\x01K\x02", b")\x85\x86", b"", b"t", b"}K\x01s", b"(lp0\n", b"c__torch__.torch.classes.x\nY\n)\x81",
        b"c__torch__\nX\n)\x81Nb", b"ctorch._utils\n_rebuild_parameter\n)R", b"ctorch.jit._pickle\nbuild_intlist\n)R",
    ],
)  # fmt: skip
def test_pickles_that_torch_does_not_write(body):
    with pytest.raises(WfmError, match="damaged data.pkl|no bundle may"):
        screen(pickled(body))


def test_nesting_and_sharing_have_limits():
    assert screen(pickled(b"N" + b"\x85" * DEPTH_LIMIT)) == set()
    with pytest.raises(WfmError, match="inside each other"):
        screen(pickled(b"N" + b"\x85" * (DEPTH_LIMIT + 1)))
    shared = b"N" + b"".join(b"q%ch%c\x86" % (number, number) for number in range(40))
    with pytest.raises(WfmError, match="inside each other, or"):
        screen(pickled(shared))


def test_protocols_of_python_are_refused():
    with pytest.raises(WfmError, match="another protocol"):
        screen(pickle.dumps([1], protocol=4))


@pytest.mark.parametrize(
    "line",
    [
        b"  return " + b"(" * 100_000 + b"x" + b")" * 100_000,
        b"  return " + b"-" * 100_000 + b"x",
        b"  return " + b"+".join([b"x"] * 100_000),
        b"  return (" + b"\n+".join([b"x"] * 100_000) + b")",
        b"  return " + b"not " * 100_000 + b"x",
        b"  return x" + b".a" * 100_000,
        b"\n".join(b" " * depth + b"if x:" for depth in range(1, 1000)),
        b'  y = """a\n""" ' + b"+x" * 100_000 + b' """\n"""',
        b'  y = "a\\\n" ' + b"+x" * 100_000 + b' "b"',
    ],
)
def test_sources_that_would_overflow_the_compiler(good, tmp_path, line):
    code = next(name for name in good if name.endswith(".py"))
    changed = good[code] + b"\ndef f(x: int) -> int:\n" + line + b"\n"
    refused(write(tmp_path / "x.wfm.pt", {**good, code: changed}), "too many parts|text over several lines")
