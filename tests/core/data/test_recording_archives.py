# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF archives and collections: the same windows by every reader, and every fault named."""

import gzip
import hashlib
import io
import json
import tarfile

import numpy as np
import pytest
from gnuradio import blocks, gr, wfm
from recording_readers import FREQ, RATE, capture, check_same, write

from wfm_core.base.errors import WfmError
from wfm_core.cli.dataset import main as wfm_dataset
from wfm_core.data.dataset import open_dataset
from wfm_core.data.recordings.folder import recordings_in
from wfm_core.data.recordings.recording import open_recording
from wfm_core.data.sources import RecordingSource

TIME, SECOND = "2024-02-08T17:50:34Z", 1707414634


def archive(path, members, mode="w"):
    """`members`: (name, bytes) or a TarInfo."""
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, mode) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                tar.addfile(info, io.BytesIO(member[1]))
    return path


def sigmf(samples, name="x", **fields):
    """[(name, bytes)] of a recording."""
    head = {"core:datatype": "cf32_le", "core:sample_rate": RATE, "core:version": "1.2.0", **fields}
    metadata = {"global": head, "captures": [capture(0, FREQ, TIME)], "annotations": []}
    return [
        (f"{name}.sigmf-meta", json.dumps(metadata).encode()),
        (f"{name}.sigmf-data", np.asarray(samples, "<c8").tobytes()),
    ]


VALUES = (np.arange(640) + 1j).astype(np.complex64)


@pytest.mark.parametrize("folder", ["", "x/", "./x/"])
def test_an_archive_is_read_where_it_is(tmp_path, folder):
    members = [(folder + name, content) for name, content in sigmf(VALUES)]
    path = archive(tmp_path / "r" / "x.sigmf", [("README", b"hello"), (folder + "._x.sigmf-meta", b"\0"), *members])
    check_same(path, values=VALUES, rx_time=(SECOND, 0.0))
    assert [entry.name for entry in path.parent.iterdir()] == ["x.sigmf"], "nothing is unpacked"


def test_an_archive_of_several_recordings(tmp_path):
    path = archive(tmp_path / "r" / "x.sigmf", [*sigmf(VALUES, "a"), *sigmf(VALUES[:320], "b")])
    with pytest.raises(WfmError, match=r"holds 2 recordings \(a.sigmf-meta, b.sigmf-meta\).*unpack"):
        open_recording(path)
    assert [r.samples for r in recordings_in(path.parent)] == [640, 320]
    assert [r.samples for r in RecordingSource(path.parent).recordings] == [640, 320]
    out = tmp_path / "d.h5"
    command = ["build", "--from", "sigmf", str(path), "--label", "folder", "--window", "64", "--out", str(out)]
    assert wfm_dataset(command) == 0
    assert sorted(set(open_dataset(out).groups["source"])) == ["a", "b"]


def special(kind, name, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([sigmf(VALUES)[0]], "has no x.sigmf-data beside x.sigmf-meta"),
        ([sigmf(VALUES)[0], special(tarfile.SYMTYPE, "x.sigmf-data", "/etc/passwd")], "has no x.sigmf-data"),
        ([sigmf(VALUES)[0], special(tarfile.LNKTYPE, "x.sigmf-data", "/etc/passwd")], "has no x.sigmf-data"),
        ([*sigmf(VALUES, **{"core:dataset": "../../secret"})], "has no secret beside"),
        ([("hello", b"x")], "holds no recording"),
        ([("x.sigmf-meta", b"{"), ("x.sigmf-data", b"12345678")], "not readable as JSON"),
    ],
)
def test_archives_that_cannot_be_read_are_one_sentence(tmp_path, members, reason):
    path = archive(tmp_path / "x.sigmf", members)
    with pytest.raises(WfmError, match=reason) as caught:
        open_recording(path)
    assert "\n" not in str(caught.value)


def test_archives_that_are_damaged_or_compressed(tmp_path):
    path = archive(tmp_path / "x.sigmf", sigmf(VALUES))
    whole = path.read_bytes()
    for content, reason in (
        (whole[:4000], "truncated|cannot be read"),
        (gzip.compress(whole), "uncompressed tar"),
        (b"hello", "uncompressed tar"),
        (b"", "uncompressed tar"),
    ):
        path.write_bytes(content)
        with pytest.raises(WfmError, match=reason):
            open_recording(path)


def collection(folder, samples, **changes):
    """A collection `folder/all` of one recording a row; `changes` are the second's fields. Returns its path."""
    for number, row in enumerate(samples):
        options = {"captures": [capture(0, FREQ, TIME)], "rate": RATE, **(changes if number else {})}
        write(folder, f"c{number}", np.asarray(row, "<c8").tobytes(), **options)
    names = [f"c{number}" for number in range(len(samples))]
    hashes = [hashlib.sha512((folder / f"{name}.sigmf-meta").read_bytes()).hexdigest() for name in names]
    streams = [{"name": name, "hash": digest} for name, digest in zip(names, hashes, strict=True)]
    path = folder / "all.sigmf-collection"
    path.write_text(json.dumps({"collection": {"core:version": "1.2.0", "core:streams": streams}}))
    return path


def test_a_collection_s_recordings_are_channels(tmp_path):
    rows = [VALUES, 2 * VALUES, 3 * VALUES]
    path = collection(tmp_path / "r", rows)
    check_same(path, values=VALUES, rx_time=(SECOND, 0.0))
    assert open_recording(path).channels == 3
    source = wfm.sdr_source(f"file:{path}", channels=3)
    top, sinks = gr.top_block(), [blocks.vector_sink_c() for _ in rows]
    for channel, sink in enumerate(sinks):
        top.connect((source, channel), sink)
    top.run()
    np.testing.assert_array_equal([sink.data() for sink in sinks], rows)
    for recordings in (recordings_in(path.parent), RecordingSource(path.parent).recordings):
        assert [r.channels for r in recordings] == [3], "not each of its recordings again"
    names = [*(f"c{n}.sigmf-{part}" for n in range(3) for part in ("meta", "data")), path.name]
    inside = archive(tmp_path / "a" / "x.sigmf", [(name, (path.parent / name).read_bytes()) for name in names])
    np.testing.assert_array_equal(open_recording(inside).read(0, 640), rows)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rate": 1e6}, r"differ in sample rate \(250000 and 1000000 Hz\)"),
        ({"captures": [capture(0, 1e9, TIME)]}, "differ in frequency at sample 0"),
        ({"captures": [capture(0, FREQ, "2024-02-08T17:50:35Z")]}, "differ in time at sample 0"),
        ({"captures": [capture(0, FREQ)]}, "whether the time at sample 0 is known"),
        ({"captures": [capture(0, FREQ, TIME), capture(9, FREQ, "2024-02-08T17:50:35Z")]}, "where they break"),
    ],
)
def test_recordings_that_are_no_channels_of_one_receiver(tmp_path, change, reason):
    with pytest.raises(WfmError, match=reason):
        open_recording(collection(tmp_path, [VALUES, VALUES], **change))


def test_collections_that_are_not_whole(tmp_path):
    path = collection(tmp_path, [VALUES, VALUES[:320]])
    with pytest.raises(WfmError, match=r"differ in length \(640 and 320 samples\)"):
        open_recording(path)
    meta = tmp_path / "c1.sigmf-meta"
    meta.write_text(meta.read_text() + " ")
    with pytest.raises(WfmError, match="metadata of c1 has sha512"):
        open_recording(path)
    meta.unlink()
    with pytest.raises(WfmError, match="no SigMF metadata at .*c1"):
        open_recording(path)
    path.write_text('{"collection": {"core:streams": [{"name": "../../etc/passwd"}]}}')
    with pytest.raises(WfmError, match="no SigMF metadata at .*/passwd.sigmf-meta") as caught:
        open_recording(path)
    assert "etc" not in str(caught.value)
    path.write_text('{"collection": {}}')
    with pytest.raises(WfmError, match="names no recordings"):
        open_recording(path)
