# SPDX-License-Identifier: GPL-3.0-or-later
"""Events as Parquet and as SigMF metadata."""

import json

import pytest
from record_parts import SHA256, event, rows_of, status

from wfm_core.base.errors import WfmError
from wfm_core.data import open_recording
from wfm_core.data.recordings.sigmf_meta import parse_metadata
from wfm_core.record.parquet import write_parquet
from wfm_core.record.query import Filter
from wfm_core.record.schema import COLUMNS
from wfm_core.record.sigmf import write_sigmf
from wfm_core.record.store import Record


@pytest.fixture
def record(url):
    record = Record(url, write=True)
    yield record
    record.close()


def test_parquet_holds_every_value(record, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    bare = event(1, label="'; --", score=None, rx_time=..., rx_freq=..., freq_lower_edge=..., freq_upper_edge=...)
    rows = rows_of(status(), event(0), bare)
    record.add(rows)
    path = tmp_path / "events.parquet"
    assert write_parquet(record, Filter(), path) == 2
    table = parquet.read_table(path)
    assert str(table.schema.field("time").type) == "timestamp[ns, tz=UTC]"
    rows = sorted(rows, key=lambda row: row["time_ns"])
    for name, column in zip(COLUMNS, table.columns, strict=True):
        values = [value.value for value in column] if name.endswith("_ns") else column.to_pylist()
        assert values == [row[name] for row in rows], name
    assert rows[0]["model_sha256"] == SHA256 and rows[0]["score"] is None


def test_parquet_takes_the_filter_and_nothing_at_all(record, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    record.add(rows_of(*map(event, range(5)), event(5, label="fm")))
    assert write_parquet(record, Filter(labels=("fm",)), tmp_path / "e") == 1
    assert parquet.read_table(tmp_path / "e")["sequence"].to_pylist() == [5]
    assert write_parquet(record, Filter(labels=("am",)), tmp_path / "e") == 0
    assert parquet.read_table(tmp_path / "e").num_rows == 0


def test_sigmf_is_valid_and_says_where_the_events_are(record, tmp_path):
    record.add(rows_of(status(), event(0), event(1, rx_freq=100e6, label="fm\n\x1b"), event(2, rx_freq=100e6)))
    path = tmp_path / "events.sigmf-meta"
    assert write_sigmf(record, Filter(), path) == 3
    metadata = parse_metadata(path.read_bytes(), path)  # by the schema of SigMF
    assert metadata["global"]["core:metadata_only"] is True and metadata["global"]["core:sample_rate"] == 1e6
    assert [(entry["core:sample_start"], entry["core:frequency"]) for entry in metadata["captures"]] == [
        (0, 868.3e6),
        (1_000_000, 100e6),
    ]
    assert metadata["captures"][1]["core:datetime"] == "2026-11-28T12:00:01.250000000Z"
    first, second, _ = metadata["annotations"]
    assert first == {
        "core:sample_start": 0,
        "core:sample_count": 500_000,
        "core:freq_lower_edge": 868.0e6,
        "core:freq_upper_edge": 868.125e6,
        "core:label": "lora",
        "core:comment": f"classification, end, score 0.750, SNR 12.5 dB, model wfm-signals {SHA256}",
        "core:generator": "gr-wfm",
    }
    assert second["core:label"].isprintable()
    with pytest.raises(WfmError, match="metadata_only"):
        open_recording(path)


def test_sigmf_without_times_frequencies_and_rates(record, tmp_path):
    unknown = dict.fromkeys(("rx_time", "rx_freq", "freq_lower_edge", "freq_upper_edge", "duration", "snr_db"), ...)
    record.add(rows_of(event(0, **unknown), event(1, **unknown, sample_count=...), event(2, sample_start=...)))
    path = tmp_path / "events.sigmf-meta"
    assert write_sigmf(record, Filter(), path) == 2
    metadata = json.loads(path.read_text())
    assert "core:sample_rate" not in metadata["global"] and len(metadata["captures"]) == 1
    assert "core:sample_count" not in metadata["annotations"][1]


def test_sigmf_of_several_runs_or_of_nothing_is_refused(record, tmp_path):
    path = tmp_path / "events.sigmf-meta"
    with pytest.raises(WfmError, match="no event with a place"):
        write_sigmf(record, Filter(), path)
    record.add(rows_of(event(0), event(0, run="r2")))
    with pytest.raises(WfmError, match="--site home --radio roof --run r1"):
        write_sigmf(record, Filter(), path)
    with pytest.raises(WfmError, match="ends in .sigmf-meta"):
        write_sigmf(record, Filter(), tmp_path / "events.json")
    assert not path.exists()
    assert write_sigmf(record, Filter(runs=("r2",)), path) == 1
