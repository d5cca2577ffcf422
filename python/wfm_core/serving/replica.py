# SPDX-License-Identifier: GPL-3.0-or-later
"""One replica of a served bundle under Ray Serve, which gathers the questions of all clients into batches."""

import asyncio

import torch
from ray import serve

from wfm_core.configs.serving import ServedBundle
from wfm_core.serving.judge import Facts, Judge, Question, Reply


def _windows(questions: list[Question]) -> int:
    return sum(len(question.batch) for question in questions)


class Replica:
    """The bundle `name` with the hash `sha256`: another one on this computer is refused."""

    def __init__(self, name: str, settings: ServedBundle, sha256: str):
        torch.set_num_threads(max(1, int(settings.cpus)))
        replica = serve.get_replica_context().replica_id.unique_id
        self._judge = Judge(name, settings.batch, settings.device, settings.dtype, sha256, replica)
        self._together.set_max_batch_size(settings.batch)
        self._together.set_batch_wait_timeout_s(settings.wait_ms / 1e3)

    async def judge(self, question: Question) -> Reply:
        return await self._together(question)

    async def facts(self) -> Facts:
        return self._judge.facts()

    @serve.batch(batch_size_fn=_windows)
    async def _together(self, questions: list[Question]) -> list[Reply]:
        """In a thread: the replica answers Ray's questions after its health meanwhile."""
        return await asyncio.to_thread(self._judge.answer, questions)
