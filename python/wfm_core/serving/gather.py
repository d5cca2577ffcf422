# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions of many clients gathered into calls: what a call costs beside its windows is paid once for several."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from wfm_core.base.errors import WfmError
from wfm_core.serving.judge import Question, Reply
from wfm_core.serving.protocol import MOST_DATA


class BusyError(WfmError):
    """More is asked than can wait."""


class _Asked(NamedTuple):
    question: Question
    answer: asyncio.Future


class Gatherer:
    """Takes questions, in one event loop, and makes calls of one or more of them, in the order in which they came.

    A call is made when it is full, and, while fewer than `at_once` are under way, when its first question has waited
    for others long enough: a call that would only wait for another one gathers questions meanwhile.

    Args:
        ask: makes a call: the replies to the questions, in their order.
        windows: of a full call; `MOST_DATA` bytes are one, too.
        wait: seconds that a question waits for others.
        at_once: calls that can be computed at the same time.
        most: questions that may wait or be computed; further ones are refused.
    """

    def __init__(
        self,
        ask: Callable[[list[Question]], Awaitable[list[Reply]]],
        windows: int,
        wait: float,
        at_once: int,
        most: int,
    ):
        self._ask = ask
        self._windows, self._wait, self._at_once, self._most = windows, wait, at_once, most
        self._open = 0
        self._waiting: list[_Asked] = []
        self._timer: asyncio.TimerHandle | None = None
        self._calls: set[asyncio.Task] = set()

    async def judge(self, question: Question) -> Reply:
        """Its reply, or what the call raised. A question that is cancelled before its call is not in it, and a call
        whose questions all are is cancelled. Raises `BusyError`."""
        if self._open >= self._most:
            raise BusyError(f"{self._open} questions wait, no more may")
        asked = _Asked(question, asyncio.get_running_loop().create_future())
        self._open += 1
        try:
            self._add(asked)
            return await asked.answer
        finally:
            self._open -= 1

    def _add(self, asked: _Asked) -> None:
        if not self._fits(asked):
            self._call()
        self._waiting.append(asked)
        if not self._fits(asked):
            self._call()
        elif self._timer is None and self._is_free():
            self._timer = asyncio.get_running_loop().call_later(self._wait, self._call)

    def _fits(self, asked: _Asked) -> bool:
        """Whether one more like it has room in a call with those that wait."""
        together = [one.question.batch for one in (*self._waiting, asked)]
        return sum(map(len, together)) <= self._windows and sum(batch.nbytes for batch in together) <= MOST_DATA

    def _is_free(self) -> bool:
        return len(self._calls) < self._at_once

    def _call(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        group = [one for one in self._waiting if not one.answer.done()]
        self._waiting.clear()
        if not group:
            return
        call = asyncio.create_task(self._answer(group))
        self._calls.add(call)
        call.add_done_callback(self._ended)
        for one in group:
            one.answer.add_done_callback(lambda _: self._give_up(call, group))

    async def _answer(self, group: list[_Asked]) -> None:
        try:
            replies = await self._ask([one.question for one in group])
            for one, reply in zip(group, replies, strict=True):
                if not one.answer.done():
                    one.answer.set_result(reply)
        except Exception as error:  # noqa: BLE001 - it is that of each of them
            for one in group:
                if not one.answer.done():
                    one.answer.set_exception(error)
        finally:
            for one in group:
                one.answer.cancel()  # where the call was, too

    def _give_up(self, call: asyncio.Task, group: list[_Asked]) -> None:
        if all(one.answer.cancelled() for one in group):
            call.cancel()

    def _ended(self, call: asyncio.Task) -> None:
        self._calls.discard(call)
        if self._timer is None and self._is_free():  # what waits now has waited for this call
            self._call()
