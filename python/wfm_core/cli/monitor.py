# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-monitor: what is heard where, live in the terminal or in a browser, from one radio or many."""

import argparse
import json
import sys
import time

from wfm_core.base.files import user_path
from wfm_core.base.needs import needed
from wfm_core.base.quantities import measured_in, shown
from wfm_core.cli import command
from wfm_core.cli.sites import add_sites, sites_of
from wfm_core.messages.events import TOLD, Message
from wfm_core.messages.heard import HeardTable, Key, Row
from wfm_core.messages.sockets import EventListener
from wfm_core.web import DEFAULT_ADDRESS as WEB_ADDRESS

_REDRAW_SECONDS = 0.5
_MAX_ROWS = 40
_WEB_NEEDS = "wfm-monitor --web (the extra web: starlette and uvicorn)"
_CLEAR = "\x1b[H\x1b[2J"
_HEADER = f"{'radio':16} {'MHz':>11} {'task':16} {'heard':18} {'score':>5} {'dBFS':>6} {'count':>7} {'ago':>6}"


def table(heard: HeardTable, now: float) -> list[str]:
    """The lines of the table; `now` by the clock by which decisions were added."""
    return [_HEADER] + [_row(key, row, now) for key, row in heard.rows()]


def _row(key: Key, row: Row, now: float) -> str:
    return (
        f"{printable(key.radio, 16):16} {_number(key.freq, 1e-6, '11.4f')} {printable(key.task, 16):16} "
        f"{printable(key.heard, 18):18} {_number(row.score, 1.0, '5.2f')} {_number(row.level, 1.0, '6.1f')} "
        f"{row.count:7d} {now - row.at:4.0f} s"
    )


def _number(value: float | None, scale: float, form: str) -> str:
    return " " * (int(form.split(".")[0]) - 1) + "-" if value is None else format(value * scale, form)


def printable(text: str, width: int) -> str:
    """Names come from the network: no control sequence reaches the terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:width]


def event_line(message: Message) -> str:
    """One message on one line, for logs and pipes."""
    if message.kind != "decision":
        return f"{printable(message.radio, 200)} {message.kind} {json.dumps(message.body)}"
    freq = _number(message.body.get("rx_freq"), 1e-6, "11.4f")
    parts = [_answer(task, answer) for task, answer in message.body["tasks"].items()]
    return f"{printable(message.radio, 200)} {freq} MHz  " + ", ".join(parts)


def _answer(task: str, answer: dict) -> str:
    if measured_in(answer):
        return f"{printable(task, 200)} {shown(answer)}"
    return f"{printable(task, 200)} {printable(answer['label'], 200)} {answer['score']:.2f}"


def _json_line(message: Message) -> str:
    return json.dumps(vars(message))


def _watch(listener: EventListener, line) -> None:
    """One line a message, for ever."""
    while True:
        message = listener.receive(_REDRAW_SECONDS)
        if message is not None:
            print(line(message), flush=True)


def _draw(listener: EventListener, addresses: list[str]) -> None:
    """The table, redrawn for ever."""
    heard, next_draw = HeardTable(_MAX_ROWS), 0.0
    while True:
        message = listener.receive(_REDRAW_SECONDS / 5)
        now = time.monotonic()
        if message is not None and message.kind == "decision":
            heard.add(message, now)
        if now >= next_draw:
            next_draw = now + _REDRAW_SECONDS
            counts = ", ".join(f"{count} {name}" for name, count in listener.counts().items())
            print(_CLEAR + "\n".join([f"{', '.join(addresses)}: {counts}", *table(heard, now)]), flush=True)


def _serve(options: argparse.Namespace, sites: dict[str, list[str]]) -> int:
    needed("starlette", _WEB_NEEDS)
    needed("uvicorn", _WEB_NEEDS)
    from wfm_core.web.server import serve

    folder = None if options.recordings is None else user_path(options.recordings)
    serve(options.web, sites, folder, options.plain)
    return 0


@command
def main(argv: list[str] | None) -> int:
    """The command `wfm-monitor`."""
    parser = argparse.ArgumentParser("wfm-monitor", description=__doc__)
    add_sites(parser)
    parser.add_argument("--json", action="store_true", help="print each message as one JSON line")
    web = parser.add_argument_group("a page for browsers")
    web.add_argument(
        "--web",
        nargs="?",
        const=WEB_ADDRESS,
        metavar="HOST:PORT",
        help=f"serve a page instead, and print where it is [{WEB_ADDRESS}]",
    )
    web.add_argument("--recordings", metavar="FOLDER", help="SigMF recordings that the page shows")
    web.add_argument("--plain", action="store_true", help="allow an address that others reach without a password")
    options = parser.parse_args(argv)
    sites = sites_of(parser, options)
    if options.web is not None and options.json:
        parser.error("argument --json: not with --web")
    if options.web is not None:
        return _serve(options, sites)
    for name in ("site", "recordings", "plain"):
        if getattr(options, name):
            parser.error(f"argument --{name}: only with --web")
    addresses = sum(sites.values(), [])
    listener = EventListener(addresses, kinds=TOLD)
    try:
        if options.json:
            _watch(listener, _json_line)
        elif sys.stdout.isatty():
            _draw(listener, addresses)
        else:
            _watch(listener, event_line)
    except KeyboardInterrupt:
        return 0
    finally:
        listener.close()
        print(", ".join(f"{count} {name}" for name, count in listener.counts().items()), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
