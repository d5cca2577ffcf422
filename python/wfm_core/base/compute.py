# SPDX-License-Identifier: GPL-3.0-or-later
"""The one thread of a process that computes with PyTorch on the CPU beside a running flowgraph.

OpenMP gives every thread that computes in parallel a team of its own, and keeps it. Once the teams together have more
threads than the machine has processors, waiting members sleep in the kernel at each barrier instead of spinning: on
two cores, inference in a flowgraph after a first pass in the main thread fell from 420 to 130 windows a second
(512 samples). So whatever computes, loading and rendering included, does it here, and one team serves all.

A computation that does not end can be given up: whoever waits for it goes on, and so does everybody else, with another
thread.
"""

import atexit
import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError, wait
from functools import partial
from typing import TypeVar

import torch

from wfm_core.base import left_behind
from wfm_core.base.errors import WfmError

Result = TypeVar("Result")

_EXIT_SECONDS = 1.0
"""For a computation under way when the process ends."""


def spare_a_core() -> None:
    """Let PyTorch compute on all processors but one, which is left to the stream and its sinks.

    On two cores a live flowgraph with a display decided in 16 ms (median) on one thread, and fell behind on two.
    """
    run(torch.set_num_threads, max(1, (os.cpu_count() or 1) - 1))


class _Job(Future):
    def __init__(self, call: Callable):
        super().__init__()
        self._call: Callable | None = call
        self.caller = threading.current_thread()
        self.add_done_callback(_Job._forget)

    def do(self) -> Future | None:
        """Compute it; what others still compute for it (`lanes.begin`), which ends it then, is returned."""
        if (call := self._call) is None:
            return None  # it has just ended
        with contextlib.suppress(InvalidStateError):  # given up meanwhile: nobody waits for it
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - it is raised again, where it is waited for
                self.set_exception(error)
                self = None  # the error refers to this frame
            else:
                if isinstance(result, Future):
                    result.add_done_callback(self._take)
                    return result
                self.set_result(result)
        return None

    def _forget(self) -> None:
        """What it was to compute is not kept until the next job comes."""
        self._call = None

    def _take(self, begun: Future) -> None:
        with contextlib.suppress(InvalidStateError):
            if (error := begun.exception()) is None:
                self.set_result(begun.result())
            else:
                self.set_exception(error)


class _Computer:
    """Does jobs in turn. Its thread is a daemon: the interpreter would wait for any other for ever."""

    def __init__(self):
        self._changed = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._under_way: list[_Job] = []
        """The one that the thread is at, and those that its lanes are at."""
        self._thread: threading.Thread | None = None

    def begin(self, function: Callable[..., Result], *arguments, **options) -> "Future[Result]":
        """Call `function` on the compute thread, once what was begun before is done or left to lanes; what it returns
        where that is a `Future`, is waited for by whoever asks for the result.

        The result raises the function's exceptions, and `WfmError` when `give_up` ends the wait.
        """
        job = _Job(partial(function, *arguments, **options))
        with self._changed:
            if self._thread is None:
                self._begin()
            self._jobs.append(job)
            self._changed.notify_all()
        return job

    def run(self, function: Callable[..., Result], *arguments, **options) -> Result:
        """As `begin`, and wait for it. Not from a function that itself runs there: it would wait for itself."""
        job = self.begin(function, *arguments, **options)
        try:
            return job.result()
        finally:
            del job  # its exception refers to this frame

    def give_up(self, caller: threading.Thread, sentence: str) -> threading.Thread | None:
        """End what `caller` has begun, whose results raise `WfmError` with `sentence` from now on.

        Returns the thread that was at it and is left behind, as nothing can end it; another one takes its place, and
        does again what its lanes were at for others. None if `caller` waits for nothing, or its turn had not come.
        """
        error = WfmError(sentence)
        with self._changed:
            for job in [job for job in self._jobs if job.caller is caller]:
                self._jobs.remove(job)
                job.set_exception(error)
            under_way, self._under_way = self._still_under_way(), []
            mine = [job for job in under_way if job.caller is caller]
            if not mine:
                self._under_way = under_way
                return None
            for job in mine:
                with contextlib.suppress(InvalidStateError):  # it has just ended
                    job.set_exception(error)
            self._jobs.extendleft(job for job in reversed(under_way) if job.caller is not caller)
            left = self._thread
            left_behind.remember(left, sentence)
            self._begin()
            self._changed.notify_all()
            return left

    def end(self) -> None:
        """The process ends: what is still under way then is left behind."""
        with self._changed:
            under_way = self._still_under_way()
        if wait(under_way, _EXIT_SECONDS).not_done:
            sentence = f"a computation did not end within {_EXIT_SECONDS:g} s of the program: left behind"
            left_behind.remember(self._thread, sentence)

    def _still_under_way(self) -> list[_Job]:
        return [job for job in self._under_way if not job.done()]

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._work, name="wfm-compute", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        in_lanes: list[Future] = []
        while (job := self._next()) is not None:
            in_lanes = [begun for begun in (*in_lanes, job.do()) if begun is not None and not begun.done()]
            del job  # what it computed is not kept until the next one
        wait(in_lanes)  # left behind: it lasts as long as what is left behind with it

    def _next(self) -> _Job | None:
        with self._changed:
            # Left behind, perhaps before its first job: there is another thread for it.
            self._changed.wait_for(lambda: self._jobs or self._thread is not threading.current_thread())
            if self._thread is not threading.current_thread():
                return None
            self._under_way = [*self._still_under_way(), self._jobs.popleft()]
            return self._under_way[-1]


_computer = _Computer()
begin, run, give_up = _computer.begin, _computer.run, _computer.give_up
atexit.register(_computer.end)
