# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions gathered into calls: which go together, when a call is made, and what becomes of those given up."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from wfm_core.base.errors import WfmError
from wfm_core.serving.gather import BusyError, Gatherer
from wfm_core.serving.judge import IQ, Question
from wfm_core.serving.protocol import MOST_DATA

SOON = 0.02


def question(count: int, seed: int = 0, samples: int = 1) -> Question:
    return Question(IQ, np.full((count, 1, samples), seed, np.complex64))


class Replicas:
    """Answers each question with its first sample, once `goes_on` is set; `calls`: windows of each question of each."""

    def __init__(self):
        self.calls, self.cancelled, self.goes_on = [], 0, asyncio.Event()

    async def ask(self, questions):
        self.calls.append([len(one.batch) for one in questions])
        try:
            await self.goes_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return [one.batch.real.flat[0] for one in questions]


def gathered(test, **settings):
    """Runs `test(replicas, judge)`, where `judge(...)` is a task that asks."""
    settings = {"windows": 8, "wait": SOON, "at_once": 1, "most": 100, **settings}

    async def run():
        replicas = Replicas()
        gatherer = Gatherer(replicas.ask, **settings)
        await test(replicas, lambda *of, **more: asyncio.ensure_future(gatherer.judge(question(*of, **more))))

    # in a thread of its own: Playwright, which drives a browser in other tests, leaves its loop running in the main one
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(asyncio.wait_for(run(), 20))).result()


def test_a_question_waits_for_others_but_not_for_long():
    async def test(replicas, judge):
        replicas.goes_on.set()
        assert await asyncio.gather(*(judge(2, seed) for seed in (1, 2, 3))) == [1, 2, 3]
        assert await judge(1, 4) == 4
        assert replicas.calls == [[2, 2, 2], [1]]

    gathered(test)


def test_a_full_call_waits_for_nothing():
    async def test(replicas, judge):
        asked = [judge(count) for count in (4, 4, 8, 3, 3, 3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert replicas.calls == [[4, 4], [8], [3, 3]], "no call has more windows than eight"
        replicas.goes_on.set()
        await asyncio.gather(*asked)
        assert replicas.calls[3:] == [[3]]

    gathered(test, wait=10)


def test_what_would_wait_for_a_call_gathers_meanwhile():
    async def test(replicas, judge):
        asked = [judge(1)]
        await asyncio.sleep(3 * SOON)
        for _ in range(3):
            asked.append(judge(1))
            await asyncio.sleep(2 * SOON)
        assert replicas.calls == [[1]]
        replicas.goes_on.set()
        await asyncio.gather(*asked)
        assert replicas.calls == [[1], [1, 1, 1]]

    gathered(test)


def test_with_two_replicas_two_calls_are_made():
    async def test(replicas, judge):
        asked = []
        for _ in range(3):
            asked.append(judge(1))
            await asyncio.sleep(3 * SOON)
        assert replicas.calls == [[1], [1]]
        replicas.goes_on.set()
        await asyncio.gather(*asked)

    gathered(test, at_once=2)


def test_a_call_has_no_more_bytes_than_a_question_may():
    async def test(replicas, judge):
        replicas.goes_on.set()
        await asyncio.gather(*(judge(1, samples=MOST_DATA // 20) for _ in range(5)))
        assert replicas.calls == [[1, 1], [1, 1], [1]]

    gathered(test)


def test_questions_that_are_given_up_are_not_computed():
    async def test(replicas, judge):
        under_way, beside = judge(2), judge(2)
        await asyncio.sleep(3 * SOON)
        waits, stays = judge(1), judge(3)
        await asyncio.sleep(SOON)
        waits.cancel()
        under_way.cancel()
        await asyncio.sleep(SOON)
        assert replicas.cancelled == 0, "the other question of the call is still asked"
        beside.cancel()
        await asyncio.sleep(3 * SOON)
        assert replicas.cancelled == 1 and replicas.calls == [[2, 2], [3]]
        replicas.goes_on.set()
        assert await stays == 0

    gathered(test)


def test_a_call_that_fails_is_the_failure_of_each_question_in_it_and_of_no_other():
    async def test(replicas, judge):
        answers, calls = replicas.ask, []

        async def ask(questions):
            calls.append(len(questions))
            if len(calls) == 1:
                raise WfmError("a replica has ended")
            return await answers(questions)

        replicas.goes_on.set()
        gatherer = Gatherer(ask, 8, SOON, 1, 100)
        found = await asyncio.gather(*(gatherer.judge(question(1)) for _ in range(3)), return_exceptions=True)
        assert [str(one) for one in found] == 3 * ["a replica has ended"]
        assert await gatherer.judge(question(1, 5)) == 5

    gathered(test)


def test_more_than_may_wait_are_refused():
    async def test(replicas, judge):
        asked = [judge(1) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="3 questions wait"):
            await judge(1)
        replicas.goes_on.set()
        await asyncio.gather(*asked)
        assert await judge(1, 7) == 7, "there is room again"

    gathered(test, most=3)


def test_a_call_that_somebody_else_cancels_leaves_nobody_waiting():
    async def test(replicas, judge):
        async def ask(questions):
            raise asyncio.CancelledError

        gatherer = Gatherer(ask, 8, SOON, 1, 100)
        with pytest.raises(asyncio.CancelledError):
            await gatherer.judge(question(1))

    gathered(test)
