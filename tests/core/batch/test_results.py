# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of results: what is whole, what is not, and what is refused."""

import json
import os
import threading

import pytest
from batch_parts.many_recordings import lines_of, write_recordings

from wfm_core.base.errors import WfmError
from wfm_core.batch.results import ResultFolder, UnwritableError, kept_settings
from wfm_core.data.recordings.folder import recordings_in

SETTINGS = {"bundle": "x", "sha256": "0" * 64, "hop": 3}


def lines(count: int = 2, fails: Exception | None = None):
    for number in range(count):
        yield {"number": number, "level": float("nan")}
    if fails:
        raise fails
    return {"signals": count}


@pytest.fixture
def recording(tmp_path):
    return recordings_in(write_recordings(tmp_path / "recordings", 1))[0]


@pytest.fixture
def results(tmp_path):
    return ResultFolder(tmp_path / "out", SETTINGS)


def test_a_result_is_read_as_it_was_written(results, recording):
    with results.taken():
        assert not results.finished("site0/r000.sigmf-meta", recording)
        results.write("site0/r000.sigmf-meta", recording, lines())
        assert results.finished("site0/r000.sigmf-meta", recording)
    found, last = lines_of(results, "site0/r000.sigmf-meta")
    assert found == [{"number": 0, "level": None}, {"number": 1, "level": None}]
    assert (last["recording"], last["lines"], last["signals"]) == ("site0/r000.sigmf-meta", 2, 2)
    assert kept_settings(results.path) == SETTINGS
    assert sorted(path.name for path in results.path.rglob("*")) == ["r000.sigmf-meta.jsonl", "run.json", "site0"]


@pytest.mark.parametrize("fails", [WfmError("it is cut"), ZeroDivisionError()])
def test_what_fails_midway_leaves_nothing(results, recording, fails):
    with results.taken(), pytest.raises(type(fails)):
        results.write("a", recording, lines(fails=fails))
    assert [path.name for path in results.path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-20],
        lambda data: b"",
        lambda data: b"\0" * len(data),
        lambda data: data + b"[" * 10_000,
        lambda data: data + b"7\n",
        lambda data: data.replace(b'"run": "', b'"run": "z'),
        lambda data: b"\xff\xfe" + os.urandom(1000),
    ],
)
def test_a_result_that_is_not_whole_is_not_finished(results, recording, damage):
    with results.taken():
        results.write("a", recording, lines())
    path = results.path / "a.jsonl"
    path.write_bytes(damage(path.read_bytes()))
    assert not results.finished("a", recording)


def test_a_recording_that_is_another_one_now_is_not_finished(results, recording):
    with results.taken():
        results.write("a", recording, lines())
    os.utime(recording.data_path, ns=(0, 0))
    assert not results.finished("a", recording)
    recording.data_path.unlink()
    assert not results.finished("a", recording)
    with pytest.raises(WfmError, match="cannot be read any more"):
        results.write("a", recording, lines())


def test_other_settings_are_refused_with_the_difference(results, recording, tmp_path):
    with results.taken():
        results.write("a", recording, lines())
    other = ResultFolder(results.path, SETTINGS | {"hop": 4, "pool": 7})
    said = r"other settings \(hop 3, now 4, pool None, now 7\).*name another --out"
    with pytest.raises(WfmError, match=said), other.taken():
        pytest.fail("not taken")
    assert not other.finished("a", recording)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, '"x"'])
def test_settings_that_are_none_are_one_sentence(results, text):
    results.path.mkdir()
    (results.path / "run.json").write_text(text)
    with pytest.raises(WfmError, match="run.json cannot be read"):
        kept_settings(results.path)


def test_a_folder_is_one_run_s_alone(results):
    with results.taken():
        said = []

        def other():
            try:
                with ResultFolder(results.path, SETTINGS).taken():
                    said.append("taken")
            except WfmError as error:
                said.append(str(error))

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(said) == 1 and "another run writes into" in said[0]
    with ResultFolder(results.path, SETTINGS).taken():
        pass


def test_a_folder_that_cannot_be(tmp_path, recording):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "out", tmp_path / "file"):
        with pytest.raises(WfmError, match="name another --out"), ResultFolder(path, SETTINGS).taken():
            pytest.fail("not taken")


def test_a_place_for_a_result_that_is_taken_ends_the_run_and_a_long_name_does_not(results, recording):
    with results.taken():
        (results.path / "site0").write_text("a file where a folder should be")
        with pytest.raises(UnwritableError, match="cannot be written"):
            results.write("site0/a", recording, lines())
        with pytest.raises(WfmError, match="shorter name") as raised:
            results.write("n" * 250, recording, lines())
    assert not isinstance(raised.value, UnwritableError)


def test_a_result_that_cannot_be_read_is_one_sentence(results, recording):
    with results.taken():
        results.write("a", recording, lines())
    path = results.path / "a.jsonl"
    path.write_text('{"number": 0}\n{"num\n{}\n')
    with pytest.raises(WfmError, match="a.jsonl cannot be read .*remove it and start again"):
        lines_of(results, "a")
    assert json.loads((results.path / "run.json").read_text()) == SETTINGS
