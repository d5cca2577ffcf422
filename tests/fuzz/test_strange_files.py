# SPDX-License-Identifier: GPL-3.0-or-later
"""What is no ordinary file, or larger than it should be, in place of a recording: one sentence, at once."""

import json
import os
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
from gnuradio import wfm
from gnuradio.wfm.radio.drivers import file as file_driver
from recording_readers import RATE, capture, check_same, write
from strange_readers import all_read
from strange_sigmf import VALUES, recording

from wfm_core.base.errors import WfmError
from wfm_core.cli import dataset
from wfm_core.data.dataset import open_dataset
from wfm_core.data.readers.own import sigmf_folder
from wfm_core.data.recordings.recording import Told, open_recording


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


@pytest.mark.parametrize("suffix", [".sigmf-meta", ".sigmf-data", ".sigmf", ".sigmf-collection", ".cf32", ".wav"])
def test_a_file_that_may_not_be_read_is_one_sentence(tmp_path, monkeypatch, suffix):
    path = recording(tmp_path).with_suffix(suffix)
    if not path.exists():
        path.write_bytes(VALUES.tobytes())
    whole = os.open

    def forbidding(name, *arguments, **options):
        if str(name) == str(path):
            raise PermissionError(13, "Permission denied", name)
        return whole(name, *arguments, **options)

    monkeypatch.setattr(os, "open", forbidding)
    with pytest.raises(WfmError, match="Permission denied"):
        open_recording(path, Told(rate=1e6)).read(0, 8)
    metadata = json.loads((tmp_path / "x.sigmf-meta").read_text())
    metadata["global"]["core:sha512"] = "0" * 128
    (tmp_path / "x.sigmf-meta").write_text(json.dumps(metadata))
    if suffix == ".sigmf-data":
        with pytest.raises(WfmError, match="Permission denied"):
            open_recording(path)


def test_data_that_go_before_they_are_played_are_one_sentence(tmp_path, monkeypatch):
    path = recording(tmp_path)
    opened = open_recording(path)
    opened.data_path.unlink()
    monkeypatch.setattr(file_driver, "open_recording", lambda *_: opened)
    with pytest.raises(WfmError, match="cannot be played .*No such file"):
        wfm.sdr_source(f"file:{path}")
    os.mkfifo(opened.data_path)
    with pytest.raises(WfmError, match="cannot be played .*not a regular file"):
        wfm.sdr_source(f"file:{path}")
