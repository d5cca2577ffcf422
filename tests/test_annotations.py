# SPDX-License-Identifier: GPL-3.0-or-later
"""Annotations into a recording's metadata: where they go, and that nothing else changes."""

import json
import threading

import pytest
from flowgraph_helpers import noise, write_recording

from wfm_core.data.annotations import Mark, annotate
from wfm_core.data.recording import open_recording
from wfm_core.errors import WfmError

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
    label = 'é 門 "\\ \n ] }'
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
