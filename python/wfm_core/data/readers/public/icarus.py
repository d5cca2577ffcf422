# SPDX-License-Identifier: GPL-3.0-or-later
"""ICARUS: LTE with and without a hidden DSSS signal, one antenna (task `interference`).

Folders whose names hold 5MHz or 10MHz, each with `Metadata/*.csv` and `IQ/<stem>` or `IQ/<stem>.bin`. The CSV has a
header and one row; the samples are interleaved I, Q of a type that nothing states: the file's size against the
expected number of samples tells it.
"""

import csv
import io
import math
import re
from dataclasses import dataclass
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import read_file
from wfm_core.data.dataset import write_dataset
from wfm_core.data.readers.own.folders import common_rate, files_in, provenance
from wfm_core.data.recordings.record import SampleFile
from wfm_core.data.recordings.sample_format import sample_format
from wfm_core.synth.scenes.interference import LABELS

STD = (0.00275, 0.00260)
_CONTENT = "folders named 5MHz or 10MHz, each with Metadata/*.csv and IQ"
_BAND = re.compile(r"(?<![\d.])(5|10)[ _-]?mhz", re.IGNORECASE)
_TYPES = tuple(map(sample_format, ("cf32_le", "ci16_le", "ci8")))
_SLACK = 0.25  # the sizes of two types differ by 2, so a count that is a quarter off still tells them apart
_TABLE_LIMIT_BYTES = 1 << 20
_MOST = 1e18  # of a rate, a duration and a count
_EXACT = 2  # a count that is so few samples over the stated one is cut to it: a rounded duration


@dataclass(frozen=True)
class _Item:
    file: SampleFile
    source: str
    band: str
    label: int
    rate: float
    samples: int


def read(folder: Path, out: Path, *, window: int = 4096) -> Path:
    """The middle `window` samples of every recording, standardised with the published std.

    Groups: `source` (the recording), `band` (MHz: 5 or 10), `sample_rate` in Hz.
    """
    folder, tables = files_in(folder, _CONTENT, "*/Metadata/*.csv")
    if window < 1:
        raise WfmError(f"window of {window} samples: 1 or more is expected")
    items = [_item(folder, table, window) for table in tables]
    return write_dataset(
        out,
        "sample",
        (item.file.read(item.samples // 2 - window // 2, window)[None] for item in items),
        [item.label for item in items],
        labels=LABELS,
        groups={
            "source": [item.source for item in items],
            "band": [item.band for item in items],
            "sample_rate": [f"{item.rate:.12g}" for item in items],
        },
        task="interference",
        signal={"kind": "iq_standard", "mean": [0.0, 0.0], "std": list(STD), "level": "absolute"},
        provenance=provenance("icarus", folder, len(items), window=window),
        sample_rate=common_rate(item.rate for item in items),
    )


def _item(folder: Path, table: Path, window: int) -> _Item:
    batch, row = table.parents[1], _row(table)
    band = _BAND.search(batch.name)
    if band is None:
        raise WfmError(f"{batch}: a name that holds 5MHz or 10MHz is expected; rename the folder or move it away")
    data = _data(batch / "IQ", table)
    rate = _number(table, row, "Sampling_Rate")
    file, samples = _file(data, _expected(table, row, rate))
    if samples < window:
        raise WfmError(f"{data} has {samples} samples, a window takes {window}: take it out or ask for a shorter one")
    source = f"{batch.relative_to(folder).as_posix()}/{table.stem}"
    return _Item(file, source, band[1], _label(table, row), rate, samples)


def _row(table: Path) -> dict[str, str]:
    """The first row under the header, spaces around names and values taken off."""
    try:
        text = read_file(table, _TABLE_LIMIT_BYTES).decode("utf-8-sig")
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        row = next(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True), None)
    except (UnicodeDecodeError, csv.Error) as error:
        raise WfmError(f"{table} is not readable as CSV ({error}): unpack the data set again") from error
    if row is None:
        raise WfmError(f"{table} has no row under its header: unpack the data set again or remove the file")
    return {str(name).strip(): str(value or "").strip() for name, value in row.items()}


def _number(table: Path, row: dict[str, str], name: str) -> float:
    """A number above 0."""
    text = row.get(name, "")
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < _MOST:
        raise WfmError(f"{table}: {name} is {text or 'missing'}, a number above 0 is expected; fix or remove the file")
    return value


def _expected(table: Path, row: dict[str, str], rate: float) -> int:
    if row.get("No_of_Samples"):
        return int(_number(table, row, "No_of_Samples"))
    return round(rate * _number(table, row, "Frameduration"))


def _label(table: Path, row: dict[str, str]) -> int:
    signal = row.get("Signal_Type", "")
    if not signal:
        raise WfmError(f"{table}: Signal_Type is missing, LTE or another name is expected; fix or remove the file")
    if signal.lower() == "lte":
        return 0
    order = _number(table, row, "DSSS_Mod")
    if order not in (2, 4):
        raise WfmError(f"{table}: DSSS_Mod {order:g}, 2 (BPSK) or 4 (QPSK) is expected; fix or remove the file")
    return int(math.log2(order))


def _data(folder: Path, table: Path) -> Path:
    for path in (folder / table.stem, folder / f"{table.stem}.bin"):
        if path.is_file():
            return path
    raise WfmError(
        f"{table} has neither {table.stem} nor {table.stem}.bin in {folder}: unpack the data set again or remove the "
        "CSV file"
    )


def _file(data: Path, expected: int) -> tuple[SampleFile, int]:
    """Samples of the type whose size comes nearest to `expected` samples, and how many there are of it."""
    size = data.stat().st_size
    form = min(_TYPES, key=lambda form: abs(size - form.bytes * expected))
    samples = size // form.bytes
    if abs(samples - expected) > _SLACK * expected:
        sizes = ", ".join(f"{form.bytes * expected} as {form.component.name}" for form in _TYPES)
        raise WfmError(
            f"{data} has {size} bytes, {expected} samples would take {sizes}: it is cut off or its CSV is wrong, "
            "fetch it again"
        )
    return SampleFile(data, form.name, 1, 0), expected if 0 < samples - expected <= _EXACT else samples
