# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers as processes of this computer. One that is killed is replaced, and its recording done again."""

import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection

from wfm_core.base.errors import WfmError
from wfm_core.batch.results import ResultFolder
from wfm_core.batch.work import Outcome, Unit, Work
from wfm_core.batch.worker import Worker, settled

TRIES = 3
"""Of a recording whose process ended."""
STARTS = 10
"""Of processes, one after another, that end before they have loaded the model."""


class Processes:
    """`count` processes, while its context lasts."""

    def __init__(self, count: int):
        self._end, ours = multiprocessing.Pipe(duplex=False)
        self._ours = ours
        self._slots = [_Slot(self._end) for _ in range(count)]
        self._interrupted, self._handler = False, None

    def __enter__(self) -> "Processes":
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def _interrupt(self, *_) -> None:
        """Ctrl-C ends the processes, and `_check` raises: raised anywhere, KeyboardInterrupt may leave a lock of the
        pools taken, for which they would wait for ever."""
        self._interrupted = True
        self._ours.close()

    def _check(self) -> None:
        if self._interrupted:
            raise KeyboardInterrupt

    def __exit__(self, *_) -> None:
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
        self._ours.close()  # they end, in the midst of a recording if need be
        for slot in self._slots:
            slot.close()
        self._end.close()

    def settled(self, work: Work) -> Work:
        """See `Model.settled`. Raises `WfmError`."""
        for _ in range(STARTS):
            try:
                work, failure = self._slots[0].submit(settled, work).result()
            except BrokenProcessPool:
                self._check()
                self._slots[0].renew()
                continue
            self._check()
            if failure:
                raise WfmError(failure)
            return work
        raise _no_start()

    def outcomes(self, work: Work, results: ResultFolder, units: list[Unit]) -> Iterator[Outcome]:
        """Of each unit, in the order in which they are done. Raises `WfmError` where no process lasts."""
        waiting, deaths, starts = deque(units), Counter(), 0
        under_way: dict[Future, tuple[_Slot, Unit | None]] = {}

        def go_on(slot: _Slot) -> None:
            if waiting and not slot.open:
                under_way[slot.submit(_open, work, results)] = slot, None
            elif waiting:
                unit = waiting.popleft()
                under_way[slot.submit(_do, unit)] = slot, unit

        for slot in self._slots[: len(units)]:
            go_on(slot)
        while under_way:
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                self._check()
                slot, unit = under_way.pop(future)
                try:
                    outcome = future.result()
                except BrokenProcessPool as error:
                    slot.renew()
                    if unit is None:
                        starts += 1
                        if starts == STARTS:
                            raise _no_start() from error
                    else:
                        deaths[unit.name] += 1
                        if deaths[unit.name] < TRIES:
                            waiting.appendleft(unit)
                        else:
                            yield Outcome(unit.name, ended_too_often(unit.name))
                else:
                    if unit is None:
                        slot.open, starts = True, 0
                    else:
                        yield outcome
                go_on(slot)


def ended_too_often(name: str) -> str:
    """The sentence for a recording on which no worker lasts."""
    return f"{name}: the process at work on it ended {TRIES} times, as for lack of memory; see the system's log"


def _no_start() -> WfmError:
    return WfmError(
        f"{STARTS} processes ended before they had loaded the model, as for lack of memory: take fewer (--processes)"
    )


class _Slot:
    """One process at a time, so that it is known which recording it was at when it ended."""

    def __init__(self, end: Connection):
        self._end = end
        self.renew()

    def renew(self) -> None:
        self.open = False
        spawn = multiprocessing.get_context("spawn")  # a fork of a process that computes with threads may hang
        self._pool = ProcessPoolExecutor(1, mp_context=spawn, initializer=_begin, initargs=(self._end,))

    def submit(self, function: Callable, *arguments) -> Future:
        # The terminal sends SIGINT to all. The first process ends the others: they begin with it blocked.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return self._pool.submit(function, *arguments)
        except BrokenProcessPool as error:  # it ended while it was idle
            future = Future()
            future.set_exception(error)
            return future
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def _begin(end: Connection) -> None:
    threading.Thread(target=_end_with, args=(end,), daemon=True).start()


def _end_with(end: Connection) -> None:
    """With the process that began this one, however that ends: nothing is ever sent, so the line is then closed."""
    end.poll(None)
    os._exit(1)


def _open(work: Work, results: ResultFolder) -> None:
    global _worker
    _worker = Worker(work, results)


def _do(unit: Unit) -> Outcome:
    return _worker(unit)
