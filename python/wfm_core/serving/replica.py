# SPDX-License-Identifier: GPL-3.0-or-later
"""One replica of a served bundle under Ray Serve."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import torch
from ray import serve

from wfm_core.configs.serving import ServedBundle
from wfm_core.serving.judge import Facts, Judge, Question, Reply


class Replica:
    """The bundle `name` with the hash `sha256`: another one on this computer is refused."""

    def __init__(self, name: str, settings: ServedBundle, sha256: str):
        torch.set_num_threads(max(1, int(settings.cpus)))
        replica = serve.get_replica_context().replica_id.unique_id
        self._judge = Judge(name, settings.batch, settings.device, settings.dtype, sha256, replica)
        self._thread = ThreadPoolExecutor(1)

    async def answer(self, questions: list[Question]) -> list[Reply]:
        """In a thread, a call after the other: the replica answers Ray's questions after its health meanwhile, and a
        call that is cancelled while it waits is not computed."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._judge.answer, questions)

    async def facts(self) -> Facts:
        return self._judge.facts()
