# SPDX-License-Identifier: GPL-3.0-or-later
"""The service without Ray: the same servicer and judges behind the same server, in a thread or as a process.

As a program: server.py ADDRESS BUNDLE..., which prints `listening PORT`; the bundles are found as everywhere.
"""

import asyncio
import sys
import threading
import time

from wfm_core.bundle import parse_contract
from wfm_core.serving.judge import Judge, Question, Reply
from wfm_core.serving.server import Access, start_server
from wfm_core.serving.service import Service

BATCH = 64


class LocalServed:
    """A bundle that is judged in this process, one question at a time, after `pause` seconds.

    `claims`: what its answers say instead of their own `replica`, `engine` and `dtype`.
    """

    most_windows = BATCH

    def __init__(self, name: str):
        self._judge = Judge(name, 1, replica=f"{name}-1")
        self.facts = self._judge.facts()
        self.contract = parse_contract(self.facts.contract, name)
        self.pause = 0.0
        self.asked = 0
        self.claims: dict[str, str] = {}
        self._lock = threading.Lock()

    async def judge(self, question: Question) -> Reply:
        self.asked += 1
        return await asyncio.to_thread(self._answer, question)

    def _answer(self, question: Question) -> Reply:
        time.sleep(self.pause)
        with self._lock:
            return self._judge.answer([question])[0]._replace(**self.claims)


class ServerThread:
    """A server at a free port of this computer, or at `port`; `service` has a `handler`, as `Service` has."""

    def __init__(self, service, access: Access | None = None, port: int = 0):
        self._service, self._access, self.port = service, access or Access(), port
        self._server = None

    def __enter__(self):
        self.start()
        return self

    def start(self) -> None:
        """Again after `stop` as well, at the same port."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        starting = start_server(self._service, f"127.0.0.1:{self.port}", self._access)
        self._server, self.port = self._do(starting)

    def __exit__(self, *_):
        self.stop()

    def stop(self) -> None:
        if self._server is None:
            return
        self._do(self._server.stop(0))
        self._server = None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    @property
    def device(self) -> str:
        return f"grpc://127.0.0.1:{self.port}"


async def _serve(address: str, names: list[str]) -> None:
    served = {name: LocalServed(name) for name in names}
    server, port = await start_server(Service(served), address, Access())
    print("listening", port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.argv[2:]))
