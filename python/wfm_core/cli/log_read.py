# SPDX-License-Identifier: GPL-3.0-or-later
"""What `wfm-log query` and `wfm-log export` do: events of a record on the terminal, as JSON lines and as files."""

import argparse
import contextlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping

from wfm_core.base.files import user_path
from wfm_core.cli.log import add_database
from wfm_core.cli.log_filters import add_filters, filter_of
from wfm_core.cli.monitor import printable

_MOST_LINES = 100
_HEADER = (
    f"{'time (UTC)':27} {'site':12} {'radio':12} {'MHz':>23} {'task':16} {'label':18} {'score':>5} {'seconds':>9} event"
)


def query(argv: list[str]) -> int:
    """Print events: a table, or JSON lines."""
    parser = argparse.ArgumentParser("wfm-log query", description="Print events of a record, the latest last.")
    _add_common(parser)
    parser.add_argument(
        "--limit", type=_whole, default=_MOST_LINES, metavar="N", help=f"the latest N events, 0: all [{_MOST_LINES}]"
    )
    parser.add_argument("--json", action="store_true", help="print each event as one JSON line")
    options = parser.parse_args(argv)
    from wfm_core.record.query import event_json, events, latest_events

    with _opened(options) as record:
        wanted = filter_of(options)
        cut = False
        if options.limit:
            rows: Iterable[Mapping] = latest_events(record, wanted, options.limit + 1)
            cut = len(rows) > options.limit
            rows = rows[-options.limit :]
        else:
            rows = events(record, wanted)
        if not options.json:
            print(_HEADER)
        for row in rows:
            print(json.dumps(event_json(row)) if options.json else _line(row))
    if cut:
        print(f"only the latest {options.limit} events are shown: --limit 0 shows all", file=sys.stderr)
    return 0


def export(argv: list[str]) -> int:
    """Write events to a file."""
    parser = argparse.ArgumentParser("wfm-log export", description="Write events of a record to a file.")
    _add_common(parser)
    form = parser.add_mutually_exclusive_group(required=True)
    form.add_argument("--parquet", metavar="FILE", help="a table with a row an event")
    form.add_argument("--sigmf", metavar="FILE.sigmf-meta", help="annotations; of one run of one radio")
    options = parser.parse_args(argv)
    with _opened(options) as record:
        wanted, path = filter_of(options), user_path(options.parquet or options.sigmf)
        if options.parquet:
            from wfm_core.record.parquet import write_parquet

            count = write_parquet(record, wanted, path)
        else:
            from wfm_core.record.sigmf import write_sigmf

            count = write_sigmf(record, wanted, path)
    print(f"{count} events in {path}")
    return 0


def _add_common(parser: argparse.ArgumentParser) -> None:
    add_database(parser)
    add_filters(parser)


@contextlib.contextmanager
def _opened(options: argparse.Namespace) -> Iterator:
    from wfm_core.record.store import Record

    record = Record(options.database, write=False)
    try:
        yield record
    finally:
        record.close()


def _whole(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**31:
        raise argparse.ArgumentTypeError(f"{text}: 0 or more is expected")
    return number


def _line(row: Mapping) -> str:
    from wfm_core.record.times import iso_time

    texts = [f"{printable(row[name], width):{width}}" for name, width in (("site", 12), ("radio", 12))]
    named = [f"{printable(row[name], width):{width}}" for name, width in (("task", 16), ("label", 18))]
    time = iso_time(row["time_ns"])[:26] + ("Z" if row["radio_time"] else "~")  # ~: by the computer's clock
    score = "    -" if row["score"] is None else f"{row['score']:5.2f}"
    lasts = "        -" if row["duration"] is None else f"{row['duration']:9.3f}"
    return " ".join([time, *texts, _band(row), *named, score, lasts, row["event"]])


def _band(row: Mapping) -> str:
    lower, upper = row["freq_lower_edge"], row["freq_upper_edge"]
    if lower is None or upper is None:
        return f"{'-' if row['rx_freq'] is None else format(row['rx_freq'] / 1e6, '.4f'):>23}"
    return f"{lower / 1e6:11.4f}-{upper / 1e6:<11.4f}"
