# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings from others: read alike by every reader, or refused in one sentence by every one.

`python tests/fuzz/fuzz.py --only strange-recordings --seed N --count N` repeats a run.
"""

from pathlib import Path

import pytest
from case_runner import run_cases
from strange_readers import all_read
from strange_sigmf import VALUES, recording

from wfm_core.base.errors import WfmError
from wfm_core.cli import dataset, evaluate
from wfm_core.data.recordings.folder import recordings_in
from wfm_core.data.recordings.recording import open_recording
from wfm_core.data.sources import RecordingSource

QUICK, LONG, PIECE = 75, 2000, 250
"""Cases; of a piece in a process of its own: each flowgraph that WFM Inference was in keeps its buffers."""
DEEP = "[" * 65 + "]" * 65
DEEPER = "[" * 100_000


def run(folder: Path, seed: int, count: int, first: int = 0) -> list[str]:
    """What does not pass."""
    return run_cases(folder, count, "strange_readers.py", folder, seed, count, first)


def test_strange_recordings(tmp_path):
    assert run(tmp_path, 1, QUICK) == []


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, LONG, PIECE))
def test_many_strange_recordings(tmp_path, first):
    assert run(tmp_path, 2, PIECE, first) == []


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
