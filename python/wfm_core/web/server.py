# SPDX-License-Identifier: GPL-3.0-or-later
"""The page on a port of this computer, until a signal ends it."""

import signal
import socket
from pathlib import Path

import uvicorn

from wfm_core.base.address import is_loopback, split_host
from wfm_core.base.errors import WfmError
from wfm_core.messages.output import Terminal
from wfm_core.web import DEFAULT_ADDRESS
from wfm_core.web.app import Pages, make_app
from wfm_core.web.board import Board
from wfm_core.web.hearing import Hearing
from wfm_core.web.recordings import Recordings

_LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]
_ANY = ("0.0.0.0", "::")
_END_SECONDS = 2


def serve(address: str, sites: dict[str, list[str]], folder: Path | None, plain: bool) -> None:
    """Serve the page of what the publishers of `sites` say, and of the recordings in `folder`, at HOST:PORT.

    `plain`: others may reach it, though there is neither a password nor encryption.

    Raises:
        WfmError: the address is none, taken, or reached by others without `plain`; no such folder; a publisher's
            address that is none; a site is not heard any more.
    """
    host, port = _checked(address, plain)
    board, faults = Board(), []
    recordings = None if folder is None else Recordings(folder)
    ears: list[Hearing] = []

    def end(sentence: str) -> None:
        faults.append(sentence)
        server.should_exit = True

    def stop(*_) -> None:
        server.should_exit = True

    pages = Pages(board, recordings, lambda: server.should_exit)
    hosts = _LOOPBACK if is_loopback(host) else [f"[{host}]" if ":" in host else host, *_LOOPBACK]
    config = uvicorn.Config(
        make_app(pages, hosts),
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=_END_SECONDS,
    )
    server = uvicorn.Server(config)
    with _bound(host, port) as bound:
        try:
            for site, addresses in sites.items():
                ears.append(Hearing(site, addresses, board, end))
            for ear in ears:
                ear.start()
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, stop)  # while uvicorn runs it has its own, and gives them back at its end
            named = f"[{host}]" if ":" in host else host
            Terminal().say(f"http://{named}:{bound.getsockname()[1]}/ shows {', '.join(sum(sites.values(), []))}")
            server.run(sockets=[bound])
        finally:
            for ear in ears:
                ear.end()
    if faults:
        raise WfmError(faults[0])


def _checked(address: str, plain: bool) -> tuple[str, int]:
    host, port = split_host(address, f"HOST:PORT is expected, such as {DEFAULT_ADDRESS}")
    if host in _ANY:
        raise WfmError(
            f"address {address}: name the one by which browsers reach this computer, such as 192.168.1.5:{port}"
        )
    if not is_loopback(host) and not plain:
        raise WfmError(
            f"address {address}: others could reach the page, which has no password and no encryption; stay on "
            f"{DEFAULT_ADDRESS} behind a tunnel or a proxy with both, or add --plain where the network is yours alone"
        )
    return host, port


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens, so that who reads the address finds somebody there."""
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(place[:2], family=family)
    except OSError as error:
        raise WfmError(
            f"the page cannot be served at {host}:{port} ({error.strerror}): name a free address of this computer, "
            f"such as --web 127.0.0.1:{port + 1 if 0 < port < 65535 else 5731}"
        ) from error
