# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads that listen to publishers for the page, one a site."""

import contextlib
import threading
import time
from collections.abc import Callable

from wfm_core.base.errors import WfmError
from wfm_core.messages.sockets import EventListener
from wfm_core.web.board import Board

_HEAR_SECONDS = 0.2
_WAITING_MESSAGES = 10_000


class Hearing(threading.Thread):
    """Puts what the publishers at `addresses` say on the board. The sockets belong to this thread.

    `on_end` is called with a sentence if it ends by itself.

    Raises:
        WfmError: an address is not one.
    """

    def __init__(self, site: str, addresses: list[str], board: Board, on_end: Callable[[str], None]):
        super().__init__(name=f"hears {site[:20]}", daemon=True)
        self._site, self._board, self._on_end = site, board, on_end
        self._listener = EventListener(addresses, _WAITING_MESSAGES)
        self._ends = threading.Event()

    def run(self) -> None:
        try:
            self._board.set_counts(self._site, self._listener.counts())
            while not self._ends.is_set():
                self._hear()
        except Exception as error:  # noqa: BLE001 - it must surface, not end the thread without a word
            self._on_end(f"site {self._site} is not heard any more ({type(error).__name__}: {error})")

    def _hear(self) -> None:
        message = self._listener.receive(_HEAR_SECONDS)
        if message is not None:
            with contextlib.suppress(WfmError):  # the board has counted it, and the page shows the count
                self._board.add(self._site, message, time.time())
        self._board.set_counts(self._site, self._listener.counts())

    def end(self) -> None:
        """Also of one that was not started."""
        self._ends.set()
        if self.is_alive():
            self.join()
        self._listener.close()
