# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's server: its own files, a stream of changes, and recordings of one folder. It only answers GET."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from wfm_core.base.errors import WfmError
from wfm_core.web.board import Board
from wfm_core.web.headers import OwnPagesOnly
from wfm_core.web.recordings import Recordings

_STATIC = Path(__file__).parent / "static"
_TICK_SECONDS = 0.25
_BEAT_SECONDS = 2.0
"""At least so often the stream says something, so that a page knows that it is not cut off."""
MOST_PAGES = 32
"""That are open at once."""


class Pages:
    """What the open pages share: the board, the folder of recordings where there is one, and how many they are.

    `over` says whether the server ends.
    """

    def __init__(self, board: Board, recordings: Recordings | None, over: Callable[[], bool]):
        self._board, self._recordings, self._over = board, recordings, over
        self._start = secrets.token_hex(4)
        self._open = 0

    async def changes(self, request: Request) -> Response:
        """Server-sent events: what is there, and then what changes, four times a second at most.

        Nothing waits for a slow page: when it has taken what it was sent it gets what has changed meanwhile. A page
        that comes back names the last change that it has seen.
        """
        if self._open >= MOST_PAGES:
            return PlainTextResponse(f"{MOST_PAGES} pages are open, no more are served: close one\n", 503)
        start, _, seen = request.headers.get("last-event-id", "").partition("-")
        change = int(seen) if start == self._start and seen.isascii() and seen.isdigit() and len(seen) < 19 else 0
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._stream(change), media_type="text/event-stream", headers=headers)

    async def _stream(self, change: int) -> AsyncIterator[str]:
        self._open += 1
        try:
            said, fresh = 0.0, change == 0
            while not self._over():
                new = self._board.since(change)
                if fresh or new["change"] != change or time.monotonic() - said > _BEAT_SECONDS:
                    change, said = new["change"], time.monotonic()
                    text = json.dumps({**new, "now": time.time(), "fresh": fresh})
                    fresh = False
                    yield f"retry: 1000\nid: {self._start}-{change}\ndata: {text}\n\n"
                await asyncio.sleep(_TICK_SECONDS)
        finally:
            self._open -= 1

    def listed(self, request: Request) -> Response:
        """The recordings of the folder; null where none is shown."""
        return JSONResponse({"recordings": None if self._recordings is None else self._recordings.listed()})

    async def recording(self, request: Request) -> Response:
        """One of them, to look at (`part=view`) or to keep (`meta`, `data`)."""
        name, part = request.query_params.get("name", ""), request.query_params.get("part", "view")
        if self._recordings is None or part not in ("view", "meta", "data"):
            return PlainTextResponse("no such recording\n", 404)
        try:
            if part == "view":
                found = await run_in_threadpool(self._recordings.shown, name)
            else:
                found = await run_in_threadpool(self._recordings.path, name, part == "data")
        except WfmError as error:
            return PlainTextResponse(f"{error}\n", 422)
        if found is None:
            return PlainTextResponse("no such recording\n", 404)
        if part == "view":
            return JSONResponse(found)
        return FileResponse(found, media_type="application/octet-stream", filename=found.name)


def make_app(pages: Pages, hosts: list[str]) -> Starlette:
    """`hosts`: names by which browsers may ask; others would be another site's name that leads here."""
    return Starlette(
        routes=[
            Route("/", lambda request: FileResponse(_STATIC / "index.html"), methods=["GET"]),
            Route("/changes", pages.changes, methods=["GET"]),
            Route("/recordings", pages.listed, methods=["GET"]),
            Route("/recording", pages.recording, methods=["GET"]),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[
            Middleware(OwnPagesOnly),
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
        ],
    )
