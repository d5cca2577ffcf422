# SPDX-License-Identifier: GPL-3.0-or-later
"""What a flowgraph asks of a bundle that computes elsewhere. Without gRPC, which only the bundle itself takes."""

import os
from typing import Protocol, runtime_checkable

from wfm_core.base.errors import WfmError
from wfm_core.base.needs import needed


class UnansweredError(WfmError):
    """A server gave no answer, or none that can be used. The same question may be answered later.

    `passes`: it may be in a moment, without anybody doing anything about it.
    """

    def __init__(self, sentence: str, passes: bool = False):
        super().__init__(sentence)
        self.passes = passes


class OtherBundleError(UnansweredError):
    """The server has another bundle under this name than the one that was opened."""


@runtime_checkable
class Remote(Protocol):
    """A bundle whose `infer` asks a server, and raises `UnansweredError` when there is no answer."""

    name: str
    """Under which the server has it."""
    call_seconds: float
    """What a call may take at most, unless its run is to end."""
    server_version: str
    replica: str
    """Of the server's replicas the one that gave the last answer, "" before the first."""

    def spent(self) -> tuple[float, float]:
        """Of this thread's last answer: seconds that it waited at the server, and that it was on the way."""

    def beside(self, name: str) -> "Remote":
        """Another bundle of the same server. Raises `WfmError`."""

    def limit(self, seconds: float | None) -> None:
        """The run ends: no call, those under way included, lasts longer than so many seconds from now. None: a new run
        begins."""


def open_remote(name: str, device: str, patience: float):
    """The bundle `name` of the server at `device`, an address (`address.parse_address`): a `Bundle` and a `Remote`.

    `patience`: seconds for which a question without an answer is asked again. Raises `WfmError`; `UnansweredError` when
    the server is not there within some seconds.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # it writes each lost connection to stderr, which is told anyway
    what = f"device {device} (the extra remote)"
    needed("grpc", what, "grpcio")
    needed("google.protobuf", what, "protobuf")
    needed("pybreaker", what)
    from wfm_core.serving.client import open_at

    return open_at(device, name, patience)


def is_remote(device: str) -> bool:
    """Whether a `device` names a server."""
    return device.startswith(("grpc://", "grpcs://"))
