# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of a record as a Parquet file."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import ModuleType

from wfm_core.base.errors import WfmError
from wfm_core.base.files import write_atomically
from wfm_core.base.needs import needed
from wfm_core.record.query import Filter, events
from wfm_core.record.schema import COLUMNS
from wfm_core.record.store import Record

_ROWS_AT_ONCE = 50_000
_NAMES = {"time_ns": "time", "arrival_ns": "arrival"}


def write_parquet(record: Record, wanted: Filter, path: Path) -> int:
    """Write the events to `path`, whole or not at all; returns how many.

    Columns are those of `schema.COLUMNS`; `time_ns` and `arrival_ns` become `time` and `arrival`, timestamps of ns in
    UTC. Raises `WfmError`: the record cannot be read, the file not be written, or pyarrow is not installed.
    """
    arrow, parquet = _library()
    schema = _schema(arrow)
    rows, count = events(record, wanted), 0

    def write(temporary: Path) -> None:
        nonlocal count
        with parquet.ParquetWriter(temporary, schema) as writer:
            for some in _pieces(rows):
                columns = [[row[name] for row in some] for name in COLUMNS]
                arrays = [arrow.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
                writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))
                count += len(some)

    write_atomically(path, write)
    return count


def _library() -> tuple[ModuleType, ModuleType]:
    try:
        return needed("pyarrow", "Parquet (the extra log)"), needed("pyarrow.parquet", "Parquet (the extra log)")
    except ImportError as error:  # it is there, but for another numpy: 25 and newer take numpy 2
        raise WfmError(f"pyarrow does not load ({error}): pip install 'pyarrow<25', or a newer numpy") from error


def _pieces(rows: Iterator[Mapping]) -> Iterator[list[Mapping]]:
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        yield some


def _schema(arrow):
    whole = {"sequence", "sample_start", "sample_count"}
    real = {"score", "duration", "freq_lower_edge", "freq_upper_edge", "rx_freq", "snr_db"}

    def kind(name: str):
        if name in _NAMES:
            return arrow.timestamp("ns", "UTC")
        if name == "radio_time":
            return arrow.bool_()
        return arrow.int64() if name in whole else arrow.float64() if name in real else arrow.string()

    return arrow.schema([(_NAMES.get(name, name), kind(name)) for name in COLUMNS])
