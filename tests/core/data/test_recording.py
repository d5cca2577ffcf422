# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF recordings: every datatype to full scale 1.0, and every fault named in one sentence."""

import hashlib
import json

import numpy as np
import pytest

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.recording import Told, open_recording

RATE = 1e6


def write(folder, data: bytes, datatype="ci16_le", channels=1, captures=None, annotations=(), **fields):
    """A recording in `folder`; a field given as None is left out. Returns the metadata's path."""
    head = {"core:datatype": datatype, "core:version": "1.2.0", "core:sample_rate": RATE, "core:num_channels": channels}
    head |= {"core:" + name: value for name, value in fields.items()}
    metadata = {
        "global": {name: value for name, value in head.items() if value is not None},
        "captures": [{"core:sample_start": 0}] if captures is None else captures,
        "annotations": list(annotations),
    }
    (folder / "x.sigmf-data").write_bytes(data)
    (folder / "x.sigmf-meta").write_text(json.dumps(metadata))
    return folder / "x.sigmf-meta"


# datatype -> numpy type, the components written, what they are at full scale 1.0
INTEGERS = {
    "i8": ([-128, 0, 64, 127], [-1, 0, 0.5, 127 / 128]),
    "u8": ([0, 255, 127, 128], [-1, 1, -0.5 / 127.5, 0.5 / 127.5]),
    "i16": ([-32768, 0, 16384, 32767], [-1, 0, 0.5, 32767 / 32768]),
    "u16": ([0, 65535, 32767, 32768], [-1, 1, -0.5 / 32767.5, 0.5 / 32767.5]),
    "i32": ([-(2**31), 0, 2**30, 1], [-1, 0, 0.5, 2**-31]),
    "u32": ([0, 2**32 - 1, 2**31 - 1, 2**31], [-1, 1, -0.5 / (2**31 - 0.5), 0.5 / (2**31 - 0.5)]),
    "f32": ([-1.5, 0, 0.25, 3], [-1.5, 0, 0.25, 3]),
    "f64": ([-1.5, 0, 0.25, 3], [-1.5, 0, 0.25, 3]),
}
ENDINGS = [(name, "") for name in ("i8", "u8")]
ENDINGS += [(name, end) for name in INTEGERS if not name.endswith("i8") and name != "u8" for end in ("_le", "_be")]


@pytest.mark.parametrize(("name", "ending"), ENDINGS)
def test_every_datatype_is_read_at_full_scale_one(tmp_path, name, ending):
    order = ">" if ending == "_be" else "<"
    stored, wanted = INTEGERS[name]
    data = np.array(stored, f"{order}{name[0]}{int(name[1:]) // 8}").tobytes()
    wanted = np.array(wanted, np.float64)

    samples = open_recording(write(tmp_path, data, "c" + name + ending)).read(0, 2)
    assert samples.dtype == np.complex64
    np.testing.assert_allclose(samples, [wanted[0::2] + 1j * wanted[1::2]], rtol=1e-7)

    path = write(tmp_path, data, "r" + name + ending)
    with pytest.raises(WfmError, match=f"real samples .r{name}.*--real analytic"):
        open_recording(path)
    samples = open_recording(path, Told(real="analytic")).read(0, 4)
    np.testing.assert_allclose(samples.real, [wanted], rtol=1e-7)


def test_channels_are_interleaved_sample_by_sample(tmp_path):
    iq = np.arange(24).reshape(4, 3, 2).astype("<f4")  # [time, channel, part]
    recording = open_recording(write(tmp_path, iq.tobytes(), "cf32_le", channels=3))
    assert (recording.samples, recording.channels) == (4, 3)
    np.testing.assert_array_equal(recording.read(1, 2), (iq[1:3, :, 0] + 1j * iq[1:3, :, 1]).T)
    with pytest.raises(ValueError, match="0 to 4"):
        recording.read(3, 2)


def test_header_trailer_and_another_data_file_name(tmp_path):
    path = write(
        tmp_path, b"", "cf32_le", captures=[{"core:sample_start": 0, "core:header_bytes": 5}],
        dataset="other.bin", trailing_bytes=3,
    )  # fmt: skip
    (tmp_path / "other.bin").write_bytes(b"H" * 5 + np.array([1, 2, 3, 4], "<f4").tobytes() + b"T" * 3)
    recording = open_recording(path)
    assert recording.header_bytes == 5
    np.testing.assert_array_equal(recording.read(0, 2), [[1 + 2j, 3 + 4j]])


def test_offset_annotations_and_the_three_ways_to_name_it(tmp_path):
    captures = [{"core:sample_start": 100}, {"core:sample_start": 150}]
    annotations = [
        {"core:sample_start": 110, "core:sample_count": 20, "core:label": "lte"},
        {"core:sample_start": 120},  # no count: to the end of its capture
    ]
    path = write(tmp_path, bytes(400), captures=captures, annotations=annotations, offset=100)
    for name in ("x.sigmf-meta", "x.sigmf-data", "x"):
        recording = open_recording(tmp_path / name)
        assert recording.meta_path == path
    assert [c.sample_start for c in recording.captures] == [0, 50]
    assert [(a.sample_start, a.sample_count, a.label) for a in recording.annotations] == [(10, 20, "lte"), (20, 30, "")]


def test_time_and_frequency_count_on_and_break_where_they_jump(tmp_path):
    captures = [
        {"core:sample_start": 0, "core:frequency": 1e9, "core:datetime": "2026-01-31T12:00:00.9999999Z"},
        {"core:sample_start": 10, "core:frequency": 1e9, "core:datetime": "2026-01-31T12:00:01.0000099Z"},  # on time
        {"core:sample_start": 20, "core:frequency": 2e9},  # retuned
        {"core:sample_start": 30},  # says nothing
        {"core:sample_start": 40, "core:datetime": "2026-01-31T12:00:02Z"},  # one second later
    ]
    recording = open_recording(write(tmp_path, bytes(4 * 50), captures=captures))
    assert recording.breaks == [20, 30, 40]
    assert [recording.center_freq_at(sample) for sample in (19, 20, 30, 45)] == [1e9, 2e9, None, None]
    assert recording.rx_time_at(20) is None, "captures inherit nothing"
    seconds, fraction = recording.rx_time_at(5)
    assert seconds == recording.captures[0].rx_time[0] + 1
    assert fraction == pytest.approx(4.9e-6, abs=1e-9)
    assert recording.rx_time_at(42) == (recording.captures[4].rx_time[0], pytest.approx(2e-6))


def test_what_appears_after_the_first_sample_is_a_break(tmp_path):
    captures = [
        {"core:sample_start": 0},
        {"core:sample_start": 10, "core:frequency": 1e9},
        {"core:sample_start": 20, "core:frequency": 1e9, "core:datetime": "2026-01-31T12:00:00Z"},
        {"core:sample_start": 30, "core:frequency": 1e9, "core:datetime": "2026-01-31T12:00:00.00001Z"},
    ]
    assert open_recording(write(tmp_path, bytes(4 * 50), captures=captures)).breaks == [10, 20]


def test_a_recording_that_knows_no_time_and_no_frequency(tmp_path):
    recording = open_recording(write(tmp_path, bytes(40), captures=[]))
    assert (recording.rx_time_at(3), recording.center_freq_at(3), recording.breaks) == (None, None, [])


def test_a_right_hash_passes_and_a_wrong_one_is_named(tmp_path):
    data = bytes(range(80))
    open_recording(write(tmp_path, data, sha512=hashlib.sha512(data).hexdigest()))
    with pytest.raises(WfmError, match="sha512"):
        open_recording(write(tmp_path, data[:40], sha512=hashlib.sha512(data).hexdigest()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"datatype": None}, "core:datatype"),
        ({"sample_rate": None}, "core:sample_rate"),
        ({"version": None}, "core:version"),
        ({"sample_rate": 0}, "core:sample_rate"),
        ({"datatype": "ci12_le"}, "unknown SigMF datatype 'ci12_le'"),
        ({"datatype": "ci16"}, "unknown SigMF datatype 'ci16'"),
        ({"channels": 3}, "not a multiple of 12"),
        ({"channels": 0}, "num_channels"),
        ({"data": b""}, "holds no samples"),
        ({"data": bytes(41)}, "not a multiple of 4"),
        ({"metadata_only": True}, "metadata_only"),
        ({"captures": [{"core:sample_start": 11}]}, "capture starts at sample 11"),
        ({"captures": [{"core:sample_start": 3}], "offset": 5}, "core:offset"),
        ({"captures": [{}]}, "core:sample_start"),
        ({"captures": [{"core:sample_start": 0, "core:datetime": "yesterday"}]}, "datetime"),
        ({"captures": [{"core:sample_start": 0}, {"core:sample_start": 2, "core:header_bytes": 4}]}, "header"),
        ({"annotations": [{"core:sample_start": 4, "core:sample_count": 7}]}, "annotation ends at sample 11"),
    ],
)
def test_each_fault_is_named(tmp_path, change, said):
    arguments = {"data": bytes(40)} | change
    with pytest.raises(WfmError, match=said):
        open_recording(write(tmp_path, arguments.pop("data"), **arguments))


def test_files_that_are_not_there_or_not_sigmf(tmp_path):
    with pytest.raises(WfmError, match="no SigMF metadata"):
        open_recording(tmp_path / "nothing.sigmf-meta")
    with pytest.raises(WfmError, match="no file .*archive"):
        open_recording(tmp_path / "x.sigmf")
    (tmp_path / "x.bin").write_bytes(bytes(8))
    with pytest.raises(WfmError, match="suffix tells no kind of recording"):
        open_recording(tmp_path / "x.bin")
    path = write(tmp_path, bytes(40))
    (tmp_path / "x.sigmf-data").unlink()
    with pytest.raises(WfmError, match="data file .* is missing"):
        open_recording(path)
    path.write_text('{"global": {}, "captures": []')
    with pytest.raises(WfmError, match="JSON"):
        open_recording(path)
    path.write_text('{"global": {}, "captures": []}')
    with pytest.raises(WfmError, match="annotations"):
        open_recording(path)
    path.write_text("[1]")
    with pytest.raises(WfmError, match="list"):
        open_recording(path)


def test_whole_numbers_may_be_written_with_a_point(tmp_path):
    captures = [{"core:sample_start": 0.0}, {"core:sample_start": 10.0, "core:frequency": 1e9}]
    annotations = [{"core:sample_start": 5.0, "core:sample_count": 2.0, "core:label": "a"}]
    path = write(tmp_path, bytes(4 * 50), captures=captures, annotations=annotations, trailing_bytes=40.0)
    recording = open_recording(path)
    assert (recording.samples, recording.breaks) == (40, [10])
    assert recording.read(5, 2).shape == (1, 2) and recording.annotations[0].sample_count == 2


@pytest.mark.parametrize("name", [".", "..", "a" * 5000, "x\0y"])
def test_a_dataset_that_is_no_file_name_is_one_sentence(tmp_path, name):
    with pytest.raises(WfmError, match="core:dataset .*: the name of a file beside it is expected"):
        open_recording(write(tmp_path, bytes(40), dataset=name))
