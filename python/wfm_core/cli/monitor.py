# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-monitor: what is heard where, live in the terminal, from one radio or many."""

import argparse
import json
import sys
import time
from dataclasses import dataclass

from wfm_core.cli import command
from wfm_core.messages.events import Message
from wfm_core.messages.sockets import DEFAULT_ADDRESS, EventListener

_REDRAW_SECONDS = 0.5
_MAX_ROWS = 40
_CLEAR = "\x1b[H\x1b[2J"
_HEADER = f"{'radio':16} {'MHz':>11} {'task':16} {'heard':18} {'score':>5} {'dBFS':>6} {'count':>7} {'ago':>6}"


@dataclass
class Row:
    """One thing heard by one radio at one frequency: the latest decision, and how many there were."""

    count: int
    score: float | None
    level: float | None
    heard: float


class Table:
    """Rows by (radio, frequency, task, answer); the longest unheard goes when there are too many."""

    def __init__(self):
        self._rows: dict[tuple, Row] = {}

    def add(self, message: Message, now: float) -> None:
        """Count a decision; `now` in seconds of any steady clock."""
        for task, answer in message.body["tasks"].items():
            heard = answer.get("label", "position")
            key = (message.radio, message.body.get("rx_freq"), task, heard)
            before = self._rows.pop(key, None)
            count = 1 + (before.count if before else 0)
            self._rows[key] = Row(count, answer.get("score"), message.body.get("level"), now)
            if len(self._rows) > _MAX_ROWS:
                del self._rows[next(iter(self._rows))]

    def lines(self, now: float) -> list[str]:
        ordered = sorted(self._rows.items(), key=lambda item: (item[0][0], item[0][1] or 0.0, item[0][2:]))
        return [_HEADER] + [_row(key, row, now) for key, row in ordered]


def _row(key: tuple, row: Row, now: float) -> str:
    radio, freq, task, heard = key
    return (
        f"{printable(radio, 16):16} {_number(freq, 1e-6, '11.4f')} {printable(task, 16):16} "
        f"{printable(heard, 18):18} {_number(row.score, 1.0, '5.2f')} {_number(row.level, 1.0, '6.1f')} "
        f"{row.count:7d} {now - row.heard:4.0f} s"
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
    if "position" in answer:
        return printable(task, 200) + "".join(f" {metres:.2f} m" for metres in answer["position"])
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
    table, next_draw = Table(), 0.0
    while True:
        message = listener.receive(_REDRAW_SECONDS / 5)
        now = time.monotonic()
        if message is not None and message.kind == "decision":
            table.add(message, now)
        if now >= next_draw:
            next_draw = now + _REDRAW_SECONDS
            counts = ", ".join(f"{count} {name}" for name, count in listener.counts().items())
            print(_CLEAR + "\n".join([f"{', '.join(addresses)}: {counts}", *table.lines(now)]), flush=True)


@command
def main(argv: list[str] | None) -> int:
    """The command `wfm-monitor`."""
    parser = argparse.ArgumentParser("wfm-monitor", description=__doc__)
    parser.add_argument(
        "--connect", action="append", metavar="ADDRESS", help=f"a publisher; may be repeated [{DEFAULT_ADDRESS}]"
    )
    parser.add_argument("--json", action="store_true", help="print each message as one JSON line")
    options = parser.parse_args(argv)
    addresses = options.connect or [DEFAULT_ADDRESS]
    listener = EventListener(addresses)
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
