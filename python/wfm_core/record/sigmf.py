# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of one start of one radio as SigMF metadata without samples."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from wfm_core.base.errors import WfmError, one_line
from wfm_core.data.recordings.sigmf_meta import write_metadata
from wfm_core.record.query import Filter, stream_events, streams
from wfm_core.record.store import Record
from wfm_core.record.times import iso_time

SUFFIX = ".sigmf-meta"
_SIGMF_VERSION = "1.2.0"
_GENERATOR = "gr-wfm"
_MOST_CAPTURES = 100_000


def write_sigmf(record: Record, wanted: Filter, path: Path) -> int:
    """Write annotations to `path`, whole or not at all; returns how many.

    They count the samples of the radio's stream, so all must be of one run of one radio. `core:metadata_only` says that
    there are no samples; a capture with the time and the frequency begins at the first event and wherever the radio was
    at another frequency. Events that do not know their place in the stream are left out.

    Raises:
        WfmError: nothing was found, or of more than one run; the name does not end in `.sigmf-meta`; the file cannot
            be written.
    """
    if path.suffix != SUFFIX:
        raise WfmError(f"{path} is no name for SigMF metadata: one that ends in {SUFFIX} is expected")
    found = streams(record, wanted)
    if len(found) > 1:
        named = "; ".join(f"--site {site} --radio {radio} --run {run}" for site, radio, run in found)
        raise WfmError(f"SigMF counts the samples of one run of one radio, and there are several: choose one ({named})")
    captures, rate = _captures(stream_events(record, wanted))
    if not captures:
        raise WfmError("no event with a place in the radio's samples was found: ask for others")
    (site, radio, run) = found[0]
    head = {
        "core:version": _SIGMF_VERSION,
        "core:datatype": "cf32_le",  # SigMF asks for one; of the samples that the model was given
        "core:metadata_only": True,
        "core:recorder": _GENERATOR,
        "core:description": one_line(f"events of radio {radio} at site {site}, run {run}"),
    }
    if rate:
        head["core:sample_rate"] = rate
    count = 0

    def annotations() -> Iterator[dict]:
        nonlocal count
        for row in stream_events(record, wanted):
            count += 1
            yield _annotation(row)

    write_metadata(path, {"global": head, "captures": captures, "annotations": annotations()})
    return count


def _captures(rows: Iterator[Mapping]) -> tuple[list[dict], float | None]:
    """Captures, and the sample rate: of the longest event, whose duration says it best."""
    captures, longest, rate = [], 0, None
    for row in rows:
        if not captures or row["rx_freq"] != captures[-1].get("core:frequency"):
            if len(captures) == _MOST_CAPTURES:
                raise WfmError(f"the radio changed its frequency {_MOST_CAPTURES} times: ask for a shorter time")
            captures.append(_capture(row))
        if row["duration"] and (row["sample_count"] or 0) > longest:
            longest, rate = row["sample_count"], row["sample_count"] / row["duration"]
    return captures, rate


def _capture(row: Mapping) -> dict:
    capture = {"core:sample_start": row["sample_start"], "core:datetime": iso_time(row["time_ns"])}
    return capture if row["rx_freq"] is None else {**capture, "core:frequency": row["rx_freq"]}


def _annotation(row: Mapping) -> dict:
    edges = {f"core:{name}": row[name] for name in ("freq_lower_edge", "freq_upper_edge")}
    said = [row["task"], row["event"]]
    said += [] if row["score"] is None else [f"score {row['score']:.3f}"]
    said += [] if row["snr_db"] is None else [f"SNR {row['snr_db']:.1f} dB"]
    said += [] if row["model"] is None else [f"model {row['model']} {row['model_sha256'] or ''}".rstrip()]
    annotation = {
        "core:sample_start": row["sample_start"],
        "core:sample_count": row["sample_count"],
        **edges,
        "core:label": one_line(row["label"]),
        "core:comment": one_line(", ".join(said)),
        "core:generator": _GENERATOR,
    }
    return {name: value for name, value in annotation.items() if value is not None}
