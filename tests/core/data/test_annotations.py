# SPDX-License-Identifier: GPL-3.0-or-later
"""Annotations into a recording's metadata: where they go, and that nothing else changes."""

import fcntl
import json
import threading

import numpy as np
import pytest
from flowgraph_helpers import noise, write_recording

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings import annotations
from wfm_core.data.recordings.annotations import Mark, annotate
from wfm_core.data.recordings.recording import open_recording

CAPTURES = [
    {"core:sample_start": 0, "core:global_index": 1000},
    {"core:sample_start": 400, "core:global_index": 2000, "core:frequency": 2e9},
]


def recording(tmp_path, captures=CAPTURES):
    return write_recording(tmp_path, noise(2, 1000), captures=captures)


def mark(start: int, end: int, label: str = "lte", **fields) -> Mark:
    return Mark(start, end, label, "classification", "0.9", **fields)


def places(path) -> list[tuple[int, int, str]]:
    return [(a.sample_start, a.sample_count, a.label) for a in open_recording(path).annotations]


def test_marks_of_the_recordings_own_samples(tmp_path):
    path = recording(tmp_path)
    before = json.loads(path.read_text())
    written = annotate(
        path, [mark(500, 600, "b"), mark(0, 100, "a"), mark(900, 2000, "c"), mark(1000, 9999, "d")], in_stream=False
    )
    assert written.reach == 1000 and len(written.placed) == 3
    assert places(path) == [(0, 100, "a"), (500, 100, "b"), (900, 100, "c")]
    after = json.loads(path.read_text())
    assert {k: v for k, v in after.items() if k != "annotations"} == {
        k: v for k, v in before.items() if k != "annotations"
    }
    assert after["annotations"][0]["core:comment"] == "classification 0.9"


@pytest.mark.parametrize(
    ("start", "end", "place"),
    [
        (1000, 1010, (0, 10)), (0, 1010, (0, 10)), (1390, 1500, (390, 10)), (1390, 2010, (390, 20)), (1500, 1900, None),
        (1500, 2010, (400, 10)), (2590, 9999, (990, 10)), (2600, 9999, None), (0, 1000, None), (0, 9999, (0, 1000)),
    ],
)  # fmt: skip
def test_marks_of_the_stream_go_where_its_captures_say(tmp_path, start, end, place):
    path = recording(tmp_path)
    written = annotate(path, [mark(start, end)], in_stream=True)
    assert written.reach == 2600
    assert [p[:2] for p in places(path)] == ([] if place is None else [place])


def test_a_mark_that_went_on_takes_the_place_of_the_earlier_one(tmp_path):
    path = recording(tmp_path)
    for end in (50, 80):
        annotate(path, [mark(10, end)], in_stream=False)
    annotate(path, [mark(10, 30, generator="other"), mark(10, 30, "nr")], in_stream=False)
    assert sorted(places(path)) == [(10, 20, "lte"), (10, 20, "nr"), (10, 70, "lte")]


def test_odd_labels_and_foreign_fields_stay(tmp_path):
    path = recording(tmp_path)
    metadata = json.loads(path.read_text())
    metadata["global"]["core:description"] = 'a "quoted" [bracket] {brace} é'
    metadata["annotations"] = [{"core:sample_start": 7, "other:field": [1, {"x": None}]}]
    path.write_text(json.dumps(metadata))
    label = 'é 門 "\\ ] }'
    annotate(path, [mark(5, 6, label)], in_stream=False)
    after = json.loads(path.read_text())
    assert after["global"] == metadata["global"] and after["annotations"][1] == metadata["annotations"][0]
    assert after["annotations"][0]["core:label"] == label


def test_core_offset_counts(tmp_path):
    path = recording(tmp_path, [{"core:sample_start": 5000}])
    metadata = json.loads(path.read_text())
    metadata["global"]["core:offset"] = 5000
    path.write_text(json.dumps(metadata))
    annotate(path, [mark(10, 20)], in_stream=False)
    assert places(path) == [(10, 10, "lte")]
    assert json.loads(path.read_text())["annotations"][0]["core:sample_start"] == 5010


def test_two_writers_lose_nothing_and_readers_see_whole_files(tmp_path):
    path = recording(tmp_path)

    def write(label):
        for k in range(40):
            annotate(path, [mark(k, k + 1, label)], in_stream=False)

    writers = [threading.Thread(target=write, args=(label,)) for label in "ab"]
    for thread in writers:
        thread.start()
    while any(thread.is_alive() for thread in writers):
        open_recording(path)
    assert len(places(path)) == 80
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rec.sigmf-data", "rec.sigmf-meta"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"global": {}}', '{"global": [], "captures": [], "annotations": []}'])
def test_what_is_no_metadata_is_one_sentence_and_left_alone(tmp_path, text):
    path = recording(tmp_path)
    path.write_text(text)
    with pytest.raises(WfmError, match="metadata"):
        annotate(path, [mark(0, 1)], in_stream=False)
    assert path.read_text() == text


def test_a_missing_recording_is_one_sentence(tmp_path):
    with pytest.raises(WfmError, match="name an existing"):
        annotate(tmp_path / "nothing", [], in_stream=False)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"start": -1}, "start -1 of a mark: a whole number from 0"),
        ({"start": 1.0}, "start 1.0 of a mark"),
        ({"start": True}, "start True of a mark"),
        ({"start": None}, "start None of a mark"),
        ({"end": 2**63}, "end 9223372036854775808 of a mark"),
        ({"end": "5"}, "end '5' of a mark"),
        ({"end": float("nan")}, "end nan of a mark"),
        ({"start": 9, "end": 8}, "samples 9 to 8"),
        ({"label": None}, "label None of a mark: a text is expected"),
        ({"label": "x" * 1001}, "has 1001 bytes, 1000 at most"),
        ({"label": "a\nb"}, "control characters"),
        ({"label": "\x1b[2J"}, "control characters"),
        ({"label": "\ud800"}, "control characters"),
        ({"task": ["t"]}, "task .* of a mark: a text"),
        ({"comment": 0.9}, "comment 0.9 of a mark: a text"),
        ({"generator": b"g"}, "generator b'g' of a mark: a text"),
    ],
)
def test_marks_that_are_none_are_one_sentence(fields, reason):
    usual = {"start": 1, "end": 8, "label": "lte", "task": "classification", "comment": "0.9"}
    with pytest.raises(WfmError, match=reason) as caught:
        Mark(**usual | fields)
    assert "\n" not in str(caught.value)


def test_samples_may_be_of_numpys_kinds(tmp_path):
    path = recording(tmp_path)
    annotate(path, [mark(np.int64(5), np.uint32(9))], in_stream=False)
    assert places(path) == [(5, 4, "lte")]


@pytest.mark.parametrize(
    ("section", "entry"),
    [
        ("captures", 3), ("captures", {"core:sample_start": "0"}), ("captures", {"core:sample_start": -1}),
        ("captures", {"core:sample_start": 0, "core:global_index": []}), ("annotations", []),
        ("captures", {"core:sample_start": 0, "core:header_bytes": None}), ("annotations", {}),
        ("annotations", {"core:sample_start": 0.5}), ("annotations", {"core:sample_start": 2, "other:x": float("inf")}),
    ],
)  # fmt: skip
def test_metadata_that_cannot_be_annotated_are_left_alone(tmp_path, section, entry):
    path = recording(tmp_path)
    metadata = json.loads(path.read_text())
    metadata[section] = [entry]
    path.write_text(json.dumps(metadata))
    before = path.read_bytes()
    with pytest.raises(WfmError):
        annotate(path, [mark(1000, 1010)], in_stream=True)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("core:num_channels", 0), ("core:num_channels", "2"), ("core:datatype", ["cf32_le"]), ("core:offset", 2000),
     ("core:dataset", ["x"]), ("core:dataset", "."), ("core:trailing_bytes", {})],
)  # fmt: skip
def test_fields_that_cannot_be_read_are_one_sentence(tmp_path, name, value):
    path = recording(tmp_path)
    metadata = json.loads(path.read_text())
    metadata["global"][name] = value
    path.write_text(json.dumps(metadata))
    with pytest.raises(WfmError):
        annotate(path, [mark(0, 1)], in_stream=False)


def test_annotations_of_others_may_hold_anything(tmp_path):
    path = recording(tmp_path)
    metadata = json.loads(path.read_text())
    others = [{"core:sample_start": 7, "core:comment": 3, "core:label": ["lte"]}, {"core:sample_start": 9.0}]
    path.write_text(json.dumps({**metadata, "annotations": others}))
    annotate(path, [mark(5, 6)], in_stream=False)
    assert json.loads(path.read_text())["annotations"][1:] == others


def test_who_keeps_the_lock_is_waited_for_five_seconds(tmp_path, monkeypatch):
    monkeypatch.setattr(annotations, "PATIENCE_SECONDS", 0.2)
    path = recording(tmp_path)
    with open_recording(path).data_path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(WfmError, match="is locked by another program for 0.2 s"):
            annotate(path, [mark(0, 1)], in_stream=False)


def test_lost_samples_do_not_move_marks_of_the_stream(tmp_path):
    captures = [
        {"core:sample_start": 0, "core:global_index": 1000},
        {"core:sample_start": 400, "core:global_index": 1900, "wfm:stream_index": 1400},
    ]
    path = recording(tmp_path, captures)
    assert open_recording(path).timeline.lost == {400: 500}
    written = annotate(path, [mark(1390, 1410)], in_stream=True)
    assert written.reach == 2000 and places(path) == [(390, 20, "lte")]
