# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings from strangers: read alike by every reader, or refused in one sentence by every one.

`python tests/strange_readers.py FOLDER SEED COUNT` repeats a run, with a number of cases of your own.
"""

import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
from recording_readers import RATE, capture, check_same, write
from strange_readers import all_read
from strange_sigmf import ANNOTATIONS, CAPTURES, GLOBAL, VALUES

from wfm_core.cli import dataset, evaluate
from wfm_core.data.dataset import open_dataset
from wfm_core.data.folder import recordings_in
from wfm_core.data.readers import sigmf_folder
from wfm_core.data.recording import open_recording
from wfm_core.data.sources import RecordingSource
from wfm_core.errors import WfmError

QUICK, LONG = 75, 2000
START_SECONDS, CASE_SECONDS = 120, 2
TESTS = Path(__file__).parent
DEEP = "[" * 65 + "]" * 65
DEEPER = "[" * 100_000


def run(folder: Path, seed: int, count: int) -> list[str]:
    """What does not pass."""
    command = [sys.executable, str(TESTS / "strange_readers.py"), str(folder), str(seed), str(count)]
    with open(folder / "said.txt", "w+") as said:
        limit = START_SECONDS + CASE_SECONDS * count
        status = subprocess.run(command, stdout=said, stderr=subprocess.STDOUT, timeout=limit, cwd=TESTS).returncode
        said.seek(0)
        lines = said.read().splitlines()
    bad = [f"{before}: {line}" for before, line in zip(lines, lines[1:], strict=False) if line.startswith("BAD ")]
    return bad if lines[-1].startswith("DONE") else [*bad, f"it ended with {status}: {' | '.join(lines[-8:])}"]


def test_strange_recordings(tmp_path):
    assert run(tmp_path, 1, QUICK) == []


@pytest.mark.slow
def test_many_strange_recordings(tmp_path):
    assert run(tmp_path, 2, LONG) == []


def recording(folder: Path, change=lambda whole: None, text=str) -> Path:
    """The good recording of `strange_sigmf` with a change of its values, or of its JSON."""
    whole = json.loads(json.dumps({"global": GLOBAL, "captures": CAPTURES, "annotations": ANNOTATIONS}))
    change(whole)
    (folder / "x.sigmf-data").write_bytes(VALUES.tobytes())
    path = folder / "x.sigmf-meta"
    path.write_text(text(json.dumps(whole)))
    return path


def stated(section: str, name: str, value):
    """A change: one field, of the first entry of a list."""

    def change(whole: dict) -> None:
        held = whole[section]
        (held if isinstance(held, dict) else held[0])[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (stated("global", "core:dataset", "."), "name of a file beside it"),
        (stated("global", "core:dataset", "x" * 5000), "name of a file beside it"),
        (stated("global", "core:dataset", "/dev/zero"), "not valid SigMF|missing"),
        (stated("global", "core:dataset", "no\nsuch"), "missing"),
        (stated("global", "core:num_channels", 64.5), "num_channels"),
        (stated("global", "core:num_channels", True), "num_channels"),
        (stated("global", "core:offset", 2**63), "offset"),
        (stated("global", "core:sample_rate", 5e-324), "would last more than"),
        (stated("global", "core:sample_rate", float("nan")), "sample_rate"),
        (stated("global", "core:datatype", "cf32_le\n"), "unknown SigMF datatype"),
        (stated("global", "core:extensions", [{"name": 3}]), "extensions"),
        (stated("global", "core:description", ["x" * 10_000] * 100), "description"),
        (stated("captures", "core:datetime", "2024-02-08T17:50:34.5e3Z"), "core:datetime"),
        (stated("captures", "core:datetime", "2024-02-08T17:50:34+01:00Z"), "core:datetime"),
        (stated("captures", "core:datetime", "2024-02-30T00:00:00Z"), "core:datetime"),
        (stated("captures", "core:global_index", 2**64), "global_index"),
        (stated("captures", "core:sample_start", float("inf")), "sample_start"),
        (stated("captures", "core:frequency", 1e300), "frequency"),
        (stated("annotations", "core:sample_count", 2**63 - 1), "annotation ends"),
        (stated("annotations", "core:label", {"a": [1]}), "label"),
        (lambda whole: whole.update(captures={}), "captures"),
        (lambda whole: whole["captures"].reverse(), "ordering"),
        (lambda whole: whole["captures"].insert(0, []), "captures/0"),
    ],
)
def test_what_is_no_recording_is_one_sentence(tmp_path, change, reason):
    path = recording(tmp_path, change)
    with pytest.raises(WfmError, match=reason) as caught:
        open_recording(path)
    assert str(caught.value).isprintable() and len(str(caught.value)) <= 1500
    assert not all_read(path)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"a recording"', DEEP, "more than 64 arrays or objects"),
        ('"a recording"', DEEPER, "not readable as JSON"),
        ('"global"', '"global": {}, "global"', "two members 'global'"),
        ('"a recording"', '"\\ud800"', "no Unicode"),
        ('"a recording"', "9" * 5000, "not readable as JSON"),
        ('"a recording"', '"', "not readable as JSON"),
    ],
)
def test_what_is_no_json_is_one_sentence(tmp_path, old, new, reason):
    path = recording(tmp_path, text=lambda text: text.replace(old, new))
    with pytest.raises(WfmError, match=reason):
        open_recording(path)
    assert not all_read(path)


@pytest.mark.parametrize(
    "change",
    [
        stated("captures", "core:sample_start", 0.0),
        stated("captures", "core:datetime", "1969-12-31T23:59:58.75Z"),
        stated("captures", "core:datetime", "0001-01-01T00:00:00Z"),
        stated("captures", "core:datetime", "9999-12-31T23:59:59.999999999Z"),
        stated("captures", "core:datetime", "2024-02-08T17:50:34.123456789012Z"),
        stated("captures", "core:datetime", "2024-02-08T17:50:34+05:30"),
        stated("captures", "core:global_index", 2**63 - 1),
        stated("annotations", "core:label", "a\nb\x1b[2J"),
        stated("global", "other:field", None),
    ],
)
def test_what_the_standard_permits_is_read_by_all(tmp_path, change, capfd):
    assert all_read(recording(tmp_path, change))
    assert "BAD" not in capfd.readouterr().out


def test_the_commands_say_one_sentence(tmp_path, capsys):
    path = recording(tmp_path, stated("global", "core:description", "x"), lambda text: text.replace('"x"', DEEPER))
    out = str(tmp_path / "d.h5")
    for main, arguments in (
        (evaluate.main, ["--bundle", "none", "--input", str(path)]),
        (dataset.main, ["build", "--from", "sigmf", str(path), "--label", "core:label", "--window", "8", "--out", out]),
    ):
        assert main(arguments) == 1
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "name", ["", ".", "/", "..", "a" * 5000, "x\0y", "~nobody-has-this-name/x", "\udcff", "\ud800", "x" * 300]
)
@pytest.mark.parametrize("suffix", ["", ".sigmf-meta", ".sigmf", ".sigmf-collection", ".cf32", ".wav"])
def test_names_that_are_none_are_one_sentence(name, suffix):
    with pytest.raises(WfmError) as caught:
        open_recording(name + suffix)
    assert str(caught.value).isprintable()


def test_a_name_that_is_not_utf8_is_a_name(tmp_path, capfd):
    folder = tmp_path / "caf\udce9"
    folder.mkdir()
    path = write(folder, "x\udcff", VALUES.tobytes(), [capture(0)])
    assert all_read(path)
    assert "BAD" not in capfd.readouterr().out
    out = tmp_path / "d.h5"
    command = ["build", "--from", "sigmf", str(folder), "--label", "folder", "--window", "16", "--out", str(out)]
    assert dataset.main(command) == 0


def places_of(folder: Path) -> list[Path]:
    """A pipe, a device, a folder, a link to nowhere and one to itself."""
    made = [folder / name for name in ("pipe", "device", "folder", "nowhere", "itself")]
    os.mkfifo(made[0])
    made[1].symlink_to("/dev/zero")
    made[2].mkdir()
    made[3].symlink_to(folder / "missing")
    made[4].symlink_to(made[4])
    return made


@pytest.mark.parametrize("suffix", [".sigmf-meta", ".sigmf-data", ".sigmf", ".sigmf-collection", ".cf32", ".wav"])
def test_what_is_no_ordinary_file_is_refused_and_not_waited_for(tmp_path, suffix):
    begin = time.monotonic()
    for place in places_of(tmp_path):
        path = recording(tmp_path)
        named = path.with_suffix(suffix)
        named.unlink(missing_ok=True)
        named.symlink_to(place)
        with pytest.raises(WfmError):
            open_recording(named, None)
        named.unlink()
    assert time.monotonic() - begin < 5


def test_data_behind_a_link_are_read(tmp_path):
    """As git-annex keeps them."""
    folder = tmp_path / "r"
    values = ((np.arange(640) + 1) * (1 - 0.5j)).astype(np.complex64)
    path = write(folder, "x", values.tobytes(), [capture(0, 433.92e6)], rate=RATE)
    (tmp_path / "objects").mkdir()
    for file in (path, path.with_suffix(".sigmf-data")):
        file.rename(tmp_path / "objects" / file.name)
        file.symlink_to(tmp_path / "objects" / file.name)
    check_same(path, values=values)
    built = sigmf_folder.read(folder, tmp_path / "d.h5", label="folder", window=64)
    assert open_dataset(built).labels == ("r",)


def test_a_pipe_that_takes_the_place_of_the_data_is_not_waited_for(tmp_path):
    opened = open_recording(recording(tmp_path))
    opened.data_path.unlink()
    os.mkfifo(opened.data_path)
    with pytest.raises(WfmError, match="not an ordinary file"):
        opened.read(0, 8)


def sparse(path: Path, size: int = 8 << 30) -> Path:
    path.touch()
    os.truncate(path, size)
    return path


@pytest.mark.parametrize("name", ["x.sigmf-meta", "x.sigmf", "x.sigmf-collection", "x.wav"])
def test_eight_gigabytes_of_nothing_are_not_read(tmp_path, name):
    (tmp_path / "x.sigmf-data").write_bytes(VALUES.tobytes())
    begin = time.monotonic()
    with pytest.raises(WfmError):
        open_recording(sparse(tmp_path / name))
    assert time.monotonic() - begin < 2


def test_eight_gigabytes_of_samples_are_read_where_they_are_asked_for(tmp_path):
    recording_ = open_recording(sparse(tmp_path / "x_1Msps.cf32"))
    assert recording_.samples == 1 << 30
    assert not recording_.read(recording_.samples - 8, 8).any()


def test_a_stretch_that_is_too_long_to_be_resampled_is_one_sentence(tmp_path):
    folder = tmp_path / "r"
    folder.mkdir()
    sparse(folder / "x_1Msps.cf32")
    with pytest.raises(WfmError, match="1073741824 samples of 1 channels, at most 268435456 in all are resampled"):
        sigmf_folder.read(folder, tmp_path / "d.h5", label="folder", window=1 << 20, hop=1 << 29, resample=5e5)


def header(kind: bytes, size: int, name: str = "x") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_an_archive_s_long_headers_are_not_read(tmp_path, kind):
    path = tmp_path / "x.sigmf"
    path.write_bytes(header(kind, 7 << 30))
    with pytest.raises(WfmError, match="a header of 7516192768 bytes"):
        open_recording(sparse(path))


def test_headers_behind_headers_are_one_sentence(tmp_path):
    path = tmp_path / "x.sigmf"
    path.write_bytes((header(tarfile.GNUTYPE_LONGNAME, 2) + b"y".ljust(512, b"\0")) * 5000)
    with pytest.raises(WfmError, match="cannot be read as a SigMF archive"):
        open_recording(path)


def test_more_than_64_channels_are_one_sentence(tmp_path, capfd):
    path = recording(tmp_path, stated("global", "core:num_channels", 64))
    (tmp_path / "x.sigmf-data").write_bytes(VALUES.tobytes() * 64)
    assert all_read(path) and open_recording(path).channels == 64
    recording(tmp_path, stated("global", "core:num_channels", 128))
    (tmp_path / "x.sigmf-data").write_bytes(VALUES.tobytes() * 128)
    assert not all_read(path)
    with pytest.raises(WfmError, match="128 channels, 64 at most"):
        recordings_in(tmp_path)
    with pytest.raises(WfmError, match="128 channels, 64 at most"):
        RecordingSource(tmp_path)
    assert "BAD" not in capfd.readouterr().out
