# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged files, one after another from a seed, and what each reader does with them.

    PYTHONPATH=tests/helpers python tests/fuzz/file_mutator.py FOLDER KIND SEED COUNT

A case passes if its file is read, or refused by a WfmError of one line; where a hash can tell, what is read must be
what was there. Prints `CASE number` before each and `BAD text` for one that does not pass; ends with `DONE`. It is run
in a process of its own, since a case may crash it.
"""

import io
import pickle
import random
import resource
import sys
import traceback
import warnings
import zipfile
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import safetensors.torch
import torch
from bundle_files import make_folder, windows
from finetune_sets import tiny_foundation, tones
from player_kinds import PLAYER_KINDS
from recording_kinds import RECORDING_KINDS
from run_kinds import RUN_KINDS

import wfm_core
from wfm_core.base.errors import WfmError
from wfm_core.base.yaml_text import read_yaml, write_yaml
from wfm_core.bundle import export_bundle, parse_contract
from wfm_core.bundle.checkpoints import read_checkpoint
from wfm_core.bundle.foundation import load_foundation
from wfm_core.bundle.screening.archive import EXTRA_CONTRACT, content_sha256, pack, read_archive
from wfm_core.data.dataset import open_dataset, write_dataset
from wfm_core.data.readers.own import hdf5, npz
from wfm_core.data.readers.public import rml22
from wfm_core.data.sources import DatasetSource
from wfm_core.model.enrolment.cohort import Cohort
from wfm_core.model.prototypes import Prototypes
from wfm_core.model.survey import Survey

MEMORY_BYTES = 4 << 30
NUMBERS = [0, 1, 127, 128, 255, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1]
TEXTS = [b"", b"-1", b"1e999", b"nan", b"null", b"[]", b"{}", b"\xff\xfe", b"9" * 400, b"../../x", b"[" * 500, b"*a"]


def damage(data: bytes, draw: random.Random) -> bytes:
    """One to four changes of a kind that files suffer, or that someone makes."""
    changed = bytearray(data)
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        place = draw.randrange(len(changed) + 1)
        kind = draw.randrange(7)
        if kind == 0 and changed:
            changed[place % len(changed)] ^= 1 << draw.randrange(8)
        elif kind == 1:
            del changed[place:]
        elif kind == 2:
            del changed[place : place + draw.randint(1, 64)]
        elif kind == 3:
            size = draw.choice([1, 2, 4, 8])
            changed[place : place + size] = (draw.choice(NUMBERS) % (1 << 8 * size)).to_bytes(size, "little")
        elif kind == 4:
            changed[place : place + draw.randint(0, 8)] = draw.choice(TEXTS)
        elif kind == 5:
            other = draw.randrange(len(changed) + 1)
            changed[place:place] = changed[other : other + draw.randint(1, 256)]
        else:
            changed[place : place + 32] = bytes(draw.randrange(256) for _ in range(32))
    return bytes(changed)


def damage_text(data: bytes, draw: random.Random) -> bytes:
    """YAML with the value of a line changed, or a line doubled, moved or gone; now and then as any file."""
    if draw.random() < 0.25:
        return damage(data, draw)
    lines = data.splitlines()
    for _ in range(draw.choice([1, 1, 2])):
        place = draw.randrange(len(lines))
        kind = draw.randrange(6)
        head = lines[place].partition(b":")[0]
        if kind < 3:
            values = [
                *TEXTS,
                *(str(number).encode() for number in NUMBERS),
                b"small",
                b"{a: 1}",
                b"true",
                b"2001-01-01",
            ]
            lines[place] = head + b": " + draw.choice(values)
        elif kind == 3:
            lines.insert(place, lines[draw.randrange(len(lines))])
        elif kind == 4 and len(lines) > 1:
            del lines[place]
        else:
            lines[place] = b"  " + lines[place]
    return b"\n".join(lines) + b"\n"


def damage_archive(data: bytes, draw: random.Random) -> bytes:
    """A zip file with one of its files damaged, renamed, doubled or gone, its checksums right; or all of it damaged."""
    if draw.random() < 0.25:
        return damage(data, draw)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = [(name, archive.read(name)) for name in archive.namelist()]
    program = [place for place, (name, _) in enumerate(files) if not name.rpartition("/")[2].isdigit()]
    place = draw.choice(program) if draw.random() < 0.6 else draw.randrange(len(files))
    name, content = files[place]
    kind = draw.randrange(8)
    if kind < 5:
        files[place] = name, (damage_text if name.endswith(".yaml") else damage)(content, draw)
    elif kind == 5:
        others = [name.swapcase(), name.replace("/", "/../", 1), f"{name}.py", "x", name[1:]]
        files[place] = draw.choice(others), content
    elif kind == 6:
        files.append((draw.choice([name, name.upper(), f"b/{name}"]), damage(content, draw)))
    else:
        del files[place]
    buffer = io.BytesIO()
    method = draw.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return buffer.getvalue()


class Bundle:
    def __init__(self, folder: Path):
        self.path = export_bundle(make_folder(folder / "m"), folder / "x.wfm.pt")
        self.good, self.damage = self.path.read_bytes(), damage_archive
        self.contract = wfm_core.load_bundle(self.path, device="cpu", dtype="fp32").contract
        self.answer = self.infer()

    def infer(self) -> dict:
        bundle = wfm_core.load_bundle(self.path, device="cpu", dtype="fp32")
        if self.path.is_file() and bundle.contract != self.contract:
            return self.answer  # the contract is text that its owner may change
        return bundle.infer(windows(2))

    def read(self) -> None:
        same(self.infer(), self.answer)


class Forged(Bundle):
    """The hash is made to fit what was changed: nothing tells, and yet nothing may crash."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.damage = self.forge

    def forge(self, data: bytes, draw: random.Random) -> bytes:
        members = read_archive(data, "good")
        name = draw.choice(
            [name for name in members if name != EXTRA_CONTRACT and (members[name] or draw.random() < 0.2)]
        )
        if draw.random() < 0.5:
            name = draw.choice([name for name in members if name.startswith(("code/", "data.pkl"))])
        members[name] = damage(members[name], draw)
        contract = {**read_yaml(members[EXTRA_CONTRACT], "good"), "content_sha256": content_sha256(members)}
        members[EXTRA_CONTRACT] = write_yaml(contract).encode()
        return pack(members).getvalue()

    def read(self) -> None:
        self.infer()


class Contract:
    def __init__(self, folder: Path):
        make_folder(folder / "m")
        self.path = folder / "m" / "contract.yaml"
        self.good, self.damage = self.path.read_bytes(), damage_text

    def read(self) -> None:
        parse_contract(self.path.read_bytes(), "contract.yaml")
        wfm_core.load_bundle(self.path.parent, device="cpu", dtype="fp32")


class Weights(Contract):
    def __init__(self, folder: Path):
        super().__init__(folder)
        self.path = folder / "m" / "weights.safetensors"
        self.good, self.damage = self.path.read_bytes(), damage
        self.answer = self.infer()

    def infer(self) -> dict:
        return wfm_core.load_bundle(self.path.parent, device="cpu", dtype="fp32").infer(windows(2))

    def read(self) -> None:
        same(self.infer(), self.answer)


class Foundation:
    def __init__(self, folder: Path):
        self.path = tiny_foundation(folder / "f") / "foundation.yaml"
        self.good, self.damage = self.path.read_bytes(), damage_text

    def read(self) -> None:
        load_foundation(self.path.parent)


class Learned:
    """Prototypes of a task head."""

    def __init__(self, folder: Path):
        self.path = folder / "x.safetensors"
        rows = [np.random.default_rng(seed).normal(seed, 1, (5, 4)).astype(np.float32) for seed in range(12)]
        prototypes = Prototypes(cohort=Cohort(np.concatenate(rows[2:10])))
        for seed in range(2):
            prototypes.enrol(f"class {seed}", rows[seed])
        for row in rows[11]:
            prototypes.hear(row)
        prototypes.save(self.path)
        self.good, self.damage = self.path.read_bytes(), damage

    def read(self) -> None:
        Prototypes.load(self.path)


class Surveyed:
    """Points of a task head."""

    def __init__(self, folder: Path):
        self.path = folder / "x.safetensors"
        survey = Survey()
        for seed in range(5):
            survey.enrol([seed, seed % 2, 1.0], np.random.default_rng(seed).normal(seed, 1, (3, 4)))
        survey.save(self.path)
        self.good, self.damage = self.path.read_bytes(), damage

    def read(self) -> None:
        Survey.load(self.path)


class Checkpoint:
    def __init__(self, folder: Path):
        self.path = folder / "x.pth"
        torch.save({"model": {"a": torch.arange(12.0).view(3, 4), "b": torch.ones(5).half()}, "args": {}}, self.path)
        self.good, self.damage = self.path.read_bytes(), damage_archive

    def read(self) -> None:
        read_checkpoint(self.path)


class Tensors(Checkpoint):
    def __init__(self, folder: Path):
        self.path = folder / "x.safetensors"
        safetensors.torch.save_file({"a": torch.arange(12.0).view(3, 4), "b": torch.ones(5)}, self.path)
        self.good, self.damage = self.path.read_bytes(), damage


class Arrays:
    CHOSEN = {"array": "csi", "kind": "csi", "label": "activity", "size": 8}

    def __init__(self, folder: Path):
        self.path, self.out = folder / "x.npz", folder / "out.h5"
        csi = np.random.default_rng(0).random((6, 5, 4, 2)).astype(np.float32)
        np.savez(self.path, csi=csi, activity=np.array(["a", "b"] * 3))
        self.good, self.damage = self.path.read_bytes(), damage_archive

    def read(self) -> None:
        npz.read(self.path, self.out, **self.CHOSEN)


class Table(Arrays):
    def __init__(self, folder: Path):
        super().__init__(folder)
        self.path = folder / "x.h5"
        with h5py.File(self.path, "w") as file:
            file["csi"] = np.random.default_rng(0).random((6, 5, 4, 2)).astype(np.float32)
            file["activity"] = [0, 1] * 3
        self.good, self.damage = self.path.read_bytes(), damage

    def read(self) -> None:
        hdf5.read(self.path, self.out, **self.CHOSEN)


class Pickled:
    def __init__(self, folder: Path):
        self.path, self.out = folder / "RML22.01A", folder / "out.h5"
        frames = np.random.default_rng(0).random((3, 2, 8)).astype(np.float32)
        self.good = pickle.dumps({(name, snr): frames + snr for name in ("QPSK", "BPSK") for snr in (-20, 0)}, 2)
        self.damage = damage

    def read(self) -> None:
        rml22.read(self.path.parent, self.out)


class DataSet:
    def __init__(self, folder: Path):
        self.path = folder / "x.h5"
        tones(self.path, sources=2, windows=2, samples=32)
        self.good, self.damage = self.path.read_bytes(), damage

    def read(self) -> None:
        dataset = open_dataset(self.path)
        dataset.read(range(dataset.count))


class Unlabelled:
    def __init__(self, folder: Path):
        self.path = folder / "x.h5"
        iq, facts = np.ones((4, 2, 64), np.complex64), {"task": "custom", "signal": {"kind": "iq_rms"}}
        write_dataset(self.path, "sample", iq, None, provenance={}, sample_rate=1e6, **facts)
        self.good, self.damage = self.path.read_bytes(), damage

    def read(self) -> None:
        DatasetSource(self.path).draw_iq(2, 1, 32, torch.Generator().manual_seed(0))


KINDS = {
    kind.__name__.lower(): kind
    for kind in (
        Bundle,
        Forged,
        Contract,
        Weights,
        Foundation,
        Learned,
        Surveyed,
        Checkpoint,
        Tensors,
        Arrays,
        Table,
        Pickled,
        DataSet,
        Unlabelled,
    )
}
KINDS |= {kind.__name__.lower(): partial(kind, damage=damage) for kind in [*RECORDING_KINDS, *PLAYER_KINDS]}
KINDS |= {kind.__name__.lower(): partial(kind, damages=(damage_archive, damage_text)) for kind in RUN_KINDS}


def same(outputs: dict, wanted: dict) -> None:
    for name, values in wanted.items():
        np.testing.assert_allclose(outputs[name], values, atol=1e-5, err_msg="read with other values, unnoticed")


def damaged(case, kind: str, seed: int, number: int) -> bytes:
    return case.damage(case.good, random.Random(f"{kind} {seed} {number}"))


def save_case(folder: str, kind: str, seed: str, number: str) -> None:
    """Write the damaged file of one case, beside the files that it needs, into `folder`."""
    case = KINDS[kind](Path(folder))
    case.path.write_bytes(damaged(case, kind, int(seed), int(number)))


def main() -> None:
    folder, kind, seed, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    case = KINDS[kind](folder)
    own = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (own + MEMORY_BYTES, own + MEMORY_BYTES))
    case.path.write_bytes(case.good)
    case.read()
    read = 0
    for number in range(count):
        print(f"CASE {number}", flush=True)
        case.path.write_bytes(damaged(case, kind, seed, number))
        try:
            case.read()
            read += 1
        except WfmError as error:
            if "\n" in str(error) or len(str(error)) > 2000:
                print(f"BAD a long message: {str(error)[:300]!r}", flush=True)
        except BaseException:  # noqa: BLE001 - whatever it is, it is what is looked for
            print(f"BAD {' | '.join(traceback.format_exc().splitlines()[-6:])}", flush=True)
    print(f"DONE {read} of {count} were read", flush=True)


if __name__ == "__main__":
    main()
