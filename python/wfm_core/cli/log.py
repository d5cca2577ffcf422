# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-log: keep the events of many radios in a database; `wfm-log query` and `wfm-log export` find them again."""

import argparse
import contextlib
import signal
import sys
import threading
import time

from wfm_core.base.errors import WfmError
from wfm_core.cli import command
from wfm_core.cli.sites import add_sites, sites_of
from wfm_core.messages.output import Terminal
from wfm_core.messages.sockets import EventListener

_HEAR_SECONDS = 0.2
_STATUS_SECONDS = 1.0
_FLUSH_SECONDS = 10.0
_WAITING_MESSAGES = 10_000
_LONGEST_DAYS = 36_500.0


class _Ear(threading.Thread):
    """Hears one site. The sockets belong to this thread."""

    def __init__(self, site: str, addresses: list[str], decisions: bool, writer, say):
        from wfm_core.record.rows import RowMaker

        super().__init__(name=f"hears {site[:20]}", daemon=True)
        self._maker = RowMaker(site, decisions)
        kinds = ("event", "status", *(("decision",) if decisions else ()))
        self._listener = EventListener(addresses, _WAITING_MESSAGES, kinds)
        self._writer, self._say = writer, say
        self._ends = threading.Event()
        self._refused = 0
        self._said: set[str] = set()
        self.failure = ""
        """Why nothing is heard any more, or ""."""

    def counts(self) -> tuple[int, int]:
        """Messages that were missed, and those that were refused."""
        return self._listener.missed, self._listener.refused + self._refused

    def run(self) -> None:
        try:
            self._hear()
        except Exception as error:  # noqa: BLE001 - it must surface, not end the thread without a word
            self.failure = f"site {self._maker.site} is not heard any more ({type(error).__name__}: {error})"

    def _hear(self) -> None:
        while not self._ends.is_set():
            message = self._listener.receive(_HEAR_SECONDS)
            if message is not None:
                try:
                    self._writer.put(self._maker.rows(message, time.time_ns()))
                except WfmError as error:
                    self._refused += 1
                    self._say_once("refused", str(error))
            if self._listener.missed:
                self._say_once("missed", f"messages of site {self._maker.site} were missed: their numbers have gaps")
            if self._listener.last_refusal:
                self._say_once("not ours", self._listener.last_refusal)

    def _say_once(self, kind: str, text: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            self._say(text)

    def end(self) -> None:
        self._ends.set()
        if self.is_alive():
            self.join()
        self._listener.close()


@command
def main(argv: list[str] | None) -> int:
    """The command `wfm-log`."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in ("query", "export"):
        from wfm_core.cli import log_read

        return log_read.query(argv[1:]) if argv[0] == "query" else log_read.export(argv[1:])
    options = _arguments(argv)
    from wfm_core.record.store import Record
    from wfm_core.record.writer import Writer

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    record = Record(options.database, write=True)
    writer = Writer(record, options.keep, say=_complain)
    ears: list[_Ear] = []
    try:
        for site, addresses in options.sites.items():
            ears.append(_Ear(site, addresses, options.decisions, writer, _complain))
        for ear in ears:
            ear.start()
        _watch(writer, ears, stop)
    finally:
        for ear in ears:
            ear.end()
        writer.close(_FLUSH_SECONDS)
        record.close()
    Terminal().say(_status(writer, ears))
    if failure := _failure(writer, ears):
        raise WfmError(failure)
    if writer.dropped:
        raise WfmError(f"{writer.dropped} events were not stored: see to the database")
    return 0


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "wfm-log", description=__doc__, epilog="wfm-log query --help and wfm-log export --help describe the others."
    )
    add_sites(parser)
    add_database(parser)
    parser.add_argument("--keep", type=_days, metavar="DAYS", help="delete events that came longer ago")
    parser.add_argument("--decisions", action="store_true", help="keep the decision on each window, too")
    options = parser.parse_args(argv)
    options.sites = sites_of(parser, options)
    return options


def add_database(parser: argparse.ArgumentParser) -> None:
    """--database, which all three take."""
    parser.add_argument(
        "--database", required=True, metavar="URL", help="sqlite:///events.db, or postgresql://USER@HOST/NAME"
    )


def _days(text: str) -> float:
    days = float(text)
    if not 0 < days <= _LONGEST_DAYS:
        raise argparse.ArgumentTypeError(f"{text} days: more than 0 and at most {_LONGEST_DAYS:g} are expected")
    return days


def _complain(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # whoever reads it may have left; the record goes on
        print(f"wfm-log: {text}", file=sys.stderr, flush=True)


def _failure(writer, ears: list[_Ear]) -> str:
    return next((one.failure for one in (writer, *ears) if one.failure), "")


def _watch(writer, ears: list[_Ear], stop: threading.Event) -> None:
    """A line on standard output whenever the counts have changed, until a signal or a failure."""
    terminal, before = Terminal(), ""
    while not stop.wait(_STATUS_SECONDS if before else 0.0) and not _failure(writer, ears):
        status = _status(writer, ears)
        if status != before:
            terminal.say(status)
        before = status


def _status(writer, ears: list[_Ear]) -> str:
    missed, refused = (sum(counts) for counts in zip(*(ear.counts() for ear in ears), strict=True))
    return (
        f"{writer.committed} events committed, {writer.duplicates} of them known before, {writer.waiting} waiting, "
        f"{writer.dropped} dropped, {missed} messages missed, {refused + writer.refused} refused, "
        f"{writer.pruned} deleted"
    )


if __name__ == "__main__":
    sys.exit(main())
