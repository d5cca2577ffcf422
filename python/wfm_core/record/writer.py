# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows into a record from a thread of its own: they wait, within limits, while the database cannot take them."""

import threading
import time
from collections import deque
from collections.abc import Callable

from wfm_core.base.errors import WfmError
from wfm_core.record.store import PRUNE_ROWS, Record, RefusedError

CAPACITY = 50_000
"""Rows that wait."""
_BATCH_ROWS = 1000
_BATCH_SECONDS = 0.5
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_PRUNE_SECONDS = 60.0
_DAY_NS = 86_400 * 10**9


class Writer:
    """Commits rows in batches: after `_BATCH_ROWS` rows or `_BATCH_SECONDS`, whichever is first.

    A database that is locked, full or gone is tried again, at growing intervals. `committed` counts the rows that are
    in the database for certain, `duplicates` those of them that were there before, `refused` rows that it does not
    take, `dropped` rows that came while `capacity` waited, or still waited at the end, `pruned` rows that were deleted.

    Args:
        record: opened for writing; the thread alone uses it from now on.
        keep_days: events that arrived longer ago are deleted; None keeps all.
        capacity: rows that wait at most.
        say: is called with one sentence when the database cannot be written, and when it can again.
        on_commit: is called with `committed` after each commit.
    """

    def __init__(
        self,
        record: Record,
        keep_days: float | None = None,
        capacity: int = CAPACITY,
        say: Callable[[str], object] = lambda text: None,
        on_commit: Callable[[int], object] = lambda committed: None,
    ):
        self._record, self._capacity = record, capacity
        self._keep_ns = None if keep_days is None else round(keep_days * _DAY_NS)
        self._say, self._on_commit = say, on_commit
        self.committed = self.duplicates = self.refused = self.dropped = self.pruned = 0
        self.failure = ""
        """Why nothing is written any more, or ""."""
        self._rows: deque[dict] = deque()
        self._in_hand = 0
        self._troubled = False
        self._next_prune = 0.0
        self._deadline: float | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="wfm-record", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return len(self._rows) + self._in_hand

    def put(self, rows: list[dict]) -> None:
        """Never waits. Rows for which there is no room are counted in `dropped`."""
        with self._changed:
            room = max(0, self._capacity - len(self._rows))
            if self._deadline is not None or self.failure:
                room = 0
            self._rows.extend(rows[:room])
            self.dropped += max(0, len(rows) - room)
            self._changed.notify()

    def close(self, seconds: float = 10.0) -> None:
        """Commit what waits, for at most about so many seconds; what is left is counted in `dropped`."""
        with self._changed:
            self._deadline = time.monotonic() + seconds
            self._changed.notify()
        self._thread.join(seconds + 2.0)
        with self._changed:
            self.dropped += self.waiting
            self._rows.clear()
            self._in_hand = 0

    def _run(self) -> None:
        try:
            while True:
                batch = self._take()
                if batch:
                    self._store(batch)
                elif self._deadline is not None:
                    return
                if self._in_hand:
                    return  # no time is left for it
                self._prune_when_due()
        except Exception as error:  # noqa: BLE001 - it must surface, not end the thread without a word
            self.failure = f"events are not stored any more ({type(error).__name__}: {error})"

    def _take(self) -> list[dict]:
        """The next batch; nothing after a while without rows."""
        with self._changed:
            self._changed.wait_for(lambda: self._rows or self._deadline is not None, _BATCH_SECONDS)
            if self._rows:
                self._changed.wait_for(self._has_batch, _BATCH_SECONDS)
            batch = [self._rows.popleft() for _ in range(min(_BATCH_ROWS, len(self._rows)))]
            self._in_hand = len(batch)
            return batch

    def _has_batch(self) -> bool:
        return len(self._rows) >= _BATCH_ROWS or self._deadline is not None

    def _store(self, batch: list[dict]) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                new = self._record.add(batch)
                break
            except RefusedError as error:
                self._divide(batch, error)
                return
            except WfmError as error:
                self._trouble(error)
                if not self._rest(pause):
                    return  # what is in hand is counted by close()
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        if self._troubled:
            self._troubled = False
            self._say("the database takes events again")
        with self._changed:
            self._in_hand -= len(batch)
        self.committed += len(batch)
        self.duplicates += len(batch) - new
        self._on_commit(self.committed)

    def _divide(self, batch: list[dict], error: WfmError) -> None:
        """One row that is refused takes no other with it."""
        if len(batch) == 1:
            if not self.refused:
                self._say(str(error))
            self.refused += 1
            with self._changed:
                self._in_hand -= 1
            return
        middle = len(batch) // 2
        self._store(batch[:middle])
        self._store(batch[middle:])

    def _trouble(self, error: WfmError) -> None:
        if not self._troubled:
            self._troubled = True
            self._say(f"{error}; up to {self._capacity} events wait until it can")

    def _rest(self, seconds: float) -> bool:
        """Before the next try; False when there is no time for one."""
        with self._changed:
            self._changed.wait_for(lambda: self._deadline is not None, seconds)
            if self._deadline is None:
                return True
        left = self._deadline - time.monotonic()
        time.sleep(max(0.0, min(left, _FIRST_PAUSE_SECONDS)))
        return left > 0

    def _prune_when_due(self) -> None:
        """One batch between two of rows, so that deleting holds up nothing."""
        if self._keep_ns is None or time.monotonic() < self._next_prune:
            return
        try:
            deleted = self._record.prune(time.time_ns() - self._keep_ns)
        except WfmError as error:
            self._trouble(error)
            deleted = 0
        self.pruned += deleted
        self._next_prune = 0.0 if deleted == PRUNE_ROWS else time.monotonic() + _PRUNE_SECONDS
