# SPDX-License-Identifier: GPL-3.0-or-later
"""What other systems and programs leave: files in folders, byte order marks, rates that differ by rounding."""

import codecs
import json

import numpy as np
import pytest
from flowgraph_helpers import contract
from gnuradio import wfm
from public_layouts import icarus, powder, read
from recording_readers import capture, write

from wfm_core.base.errors import WfmError
from wfm_core.base.rates import same_rate
from wfm_core.bundle import parse_contract
from wfm_core.configs import load_config
from wfm_core.data.dataset import open_dataset
from wfm_core.data.readers.own import sigmf_folder
from wfm_core.data.recordings.annotations import Mark, annotate
from wfm_core.data.recordings.folder import recordings_in
from wfm_core.data.recordings.recording import open_recording
from wfm_core.data.sources import RecordingSource

VALUES = (np.arange(256) + 1j).astype("<c8")
LEFT = [
    "._a.sigmf-meta", ".DS_Store", "Thumbs.db", "thumbs.db", "desktop.ini", "Desktop.ini", "__MACOSX/._a.sigmf-meta",
    "__MACOSX/a.sigmf-meta", ".Trashes/a.sigmf-meta", "@eaDir/a.sigmf-meta", ".hidden/deep/a.sigmf-meta",
    "System Volume Information/a.sigmf-meta", "$RECYCLE.BIN/a.sigmf-meta", "deep/._a.sigmf", "._b.cu8",
    "._all.sigmf-collection",
]  # fmt: skip


def litter(folder):
    for name in LEFT:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x00\x05\x16\x07 not what it is called")


def folder_of_two(folder, rates=(1e6, 1e6)):
    for name, rate in zip("ab", rates, strict=True):
        write(folder / name, name, VALUES.tobytes(), [capture(0, 1e9)], rate)
    return folder


def built(folder, **options):
    return open_dataset(sigmf_folder.read(folder, folder.parent / "d.h5", label="folder", window=64, **options))


def test_files_that_systems_leave_in_folders(tmp_path):
    folder = folder_of_two(tmp_path / ".cache" / "r")  # a hidden folder that the user names is not passed over
    litter(folder)
    assert [r.meta_path.name for r in recordings_in(folder)] == ["a.sigmf-meta", "b.sigmf-meta"]
    assert len(RecordingSource(folder).recordings) == 2
    assert built(folder).groups["source"].tolist() == ["a/a"] * 4 + ["b/b"] * 4


def test_a_folder_with_nothing_else_holds_no_recordings(tmp_path):
    litter(tmp_path / "r")
    for reader in (RecordingSource, built):
        with pytest.raises(WfmError, match="holds no recordings"):
            reader(tmp_path / "r")


def test_public_sets_with_such_files(tmp_path):
    powder(tmp_path / "p", "a", "bes", VALUES[:64] * (1 - 1j))
    powder(tmp_path / "p", "b", "browning", VALUES[:64] * (1 - 1j))
    for path in ("._a.json", "__MACOSX/a.json", ".DS_Store"):
        (tmp_path / "p" / path).parent.mkdir(exist_ok=True)
        (tmp_path / "p" / path).write_bytes(b"\0")
    assert read("powder", tmp_path / "p", window=32).count == 4


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, b""])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_metadata_with_a_byte_order_mark(tmp_path, mark, encoding):
    path = write(tmp_path / "r", "a", VALUES.tobytes(), [capture(0, 1e9)], description="größer")
    mark = mark and {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, mark)
    if encoding == "utf-32-le":
        mark = mark and codecs.BOM_UTF32_LE
    path.write_bytes(mark + json.dumps(json.loads(path.read_text()), ensure_ascii=False).encode(encoding))
    assert open_recording(path).samples == 256
    assert built(path.parent).count == 4
    assert len(RecordingSource(path.parent).recordings) == 1
    assert wfm.source_rate(f"file:{path}", 1.0) == 1e6
    annotate(path, [Mark(0, 9, "lte", "classification", "")], in_stream=False)
    assert open_recording(path).annotations[0].label == "lte"


def test_a_collection_a_config_and_csv_with_a_byte_order_mark(tmp_path):
    write(tmp_path / "r", "a", VALUES.tobytes(), [])
    path = tmp_path / "r" / "all.sigmf-collection"
    path.write_text(json.dumps({"collection": {"core:streams": [{"name": "a"}]}}), encoding="utf-8-sig")
    assert open_recording(path).channels == 1
    (tmp_path / "c.yaml").write_bytes(codecs.BOM_UTF8 + b"base: pretrain_smoke.yaml\nname: mine\n")
    assert load_config(str(tmp_path / "c.yaml"))["name"] == "mine"
    table = "\ufeffSampling_Rate,Frameduration,No_of_Samples,Signal_Type,DSSS_Mod\n7.68e6,,64,LTE,\n"
    icarus(tmp_path / "i" / "5MHz", "a", "LTE", "", np.ones(64), table=table)
    assert read("icarus", tmp_path / "i", window=32).count == 1


@pytest.mark.parametrize("other", [1000000.0002, 999999.9999, 1e6 * (1 + 6e-8), np.float32(1e6).item() + 0.5])
def test_rates_that_differ_by_rounding_are_one(tmp_path, other):
    folder = folder_of_two(tmp_path / "r", (1e6, other))
    assert RecordingSource(folder).sample_rate == 1e6
    assert built(folder).count == 8
    assert same_rate(other, 1e6)
    known = parse_contract(contract(), "test")  # of 1 to 4 MHz
    assert known.knows_rate(other) and known.knows_rate(np.array([other, 4e6 + 1])).all()


def test_rates_that_really_differ_are_not(tmp_path):
    folder = folder_of_two(tmp_path / "r", (1e6, 1.0001e6))
    for reader in (RecordingSource, built):
        with pytest.raises(WfmError, match="mixed sample rates"):
            reader(folder)
    assert not parse_contract(contract(), "test").knows_rate(0.9999e6)
