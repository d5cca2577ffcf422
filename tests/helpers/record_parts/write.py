# SPDX-License-Identifier: GPL-3.0-or-later
"""write.py URL FIRST END: writes the events from FIRST to before END, and prints up to which ones are committed."""

import sys
import time

from record_parts import event
from wfm_core.record.rows import RowMaker
from wfm_core.record.store import Record
from wfm_core.record.writer import Writer

MOST_WAITING = 5000


def main(url: str, first: int, end: int) -> None:
    record, maker = Record(url, write=True), RowMaker("home")

    def committed(count: int) -> None:
        print(first + count, flush=True)

    writer = Writer(record, say=lambda text: print(text, file=sys.stderr), on_commit=committed)
    for sequence in range(first, end):
        while writer.waiting >= MOST_WAITING:
            time.sleep(0.001)
        writer.put(maker.rows(event(sequence), time.time_ns()))
    writer.close(60.0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
