# SPDX-License-Identifier: GPL-3.0-or-later
"""Ray while a program lasts: one of its own on this computer, or a cluster that runs."""

import logging
import os
import secrets
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from wfm_core.base.errors import WfmError
from wfm_core.base.needs import needed

LARGEST_CALL = "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH"
"""In the environment of who asks replicas, and in theirs: bytes of a question, or of its answer."""
_MOST_CALL = 32 << 20
"""More than any message of a client. Ray's own limit is 4 MiB, and 13 signals of WFM Signal Classifier are more."""
_LOOK_SECONDS = 2.0
_KNOCK_SECONDS = 5.0


def prepare_ray(cluster: str) -> None:
    """What Ray reads when it is imported, so it goes before that. `cluster`: as of `ray_session`."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray tells its makers how it is used, unless told not to
    # Questions go to replicas by gRPC, over the ports that these have anyway, and not through Ray's store of objects.
    os.environ.setdefault("RAY_SERVE_USE_GRPC_BY_DEFAULT", "1")
    os.environ.setdefault(LARGEST_CALL, str(_MOST_CALL))
    if not cluster:
        # Ray's own ports listen on the network's address: who has not this token is not answered.
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))


@contextmanager
def ray_session(program: str, cluster: str, cpus: int, metrics_port: int | None = None) -> Iterator[None]:
    """Ray is there within.

    `program`: its name, also that of its namespace. `cluster`: address of a Ray cluster that runs ("auto": this
    computer's); "" starts Ray here, for this process alone, with `cpus`, by which Ray places what it runs, and which
    limit nothing. `metrics_port`: where Ray's Prometheus metrics are then; None: any free port. Raises `WfmError`.
    """
    ray = needed("ray", program)
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False, "namespace": program}
    try:
        if cluster:
            _knock(cluster)
            ray.init(address=cluster, **quiet)
        else:
            ray.init(
                address="local", num_cpus=cpus, include_dashboard=False, _metrics_export_port=metrics_port, **quiet
            )
    except Exception as error:  # noqa: BLE001 - of a node that does not start in time it is a plain one
        what = f"the Ray cluster {cluster} cannot be reached" if cluster else "Ray cannot be started here"
        raise WfmError(f"{what} ({str(error)[:300]}); see to it and start again") from error
    watch = _Watch(program)
    watch.start()
    try:
        yield
    finally:
        watch.ended.set()
        ray.shutdown()  # which ends a Ray of our own with all that runs there


def _knock(cluster: str) -> None:
    """Whether anything listens at HOST:PORT; Ray itself would try for ten minutes. Raises `OSError`."""
    host, _, port = cluster.rpartition(":")
    if host and port.isdigit() and "/" not in cluster:
        socket.create_connection((host.strip("[]"), int(port)), _KNOCK_SECONDS).close()


class _Watch(threading.Thread):
    """Ends the program when all of Ray's nodes are gone: calls to Ray would wait for them for ever."""

    def __init__(self, program: str):
        super().__init__(name="wfm-watch", daemon=True)
        self._program = program
        self.ended = threading.Event()

    def run(self) -> None:
        ray = needed("ray", self._program)
        while not self.ended.wait(_LOOK_SECONDS):
            try:
                lives = any(node["Alive"] for node in ray.nodes())
            except (ray.exceptions.RayError, RuntimeError, ConnectionError):
                lives = False
            if not lives and not self.ended.is_set():
                print(f"{self._program}: Ray has ended under it: start again", file=sys.stderr)
                sys.stderr.flush()
                os._exit(1)
