# SPDX-License-Identifier: GPL-3.0-or-later
"""Ray Serve behind the service: a deployment a bundle, on this computer or on a cluster."""

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import ray
from ray import serve
from ray.exceptions import RayActorError, RayError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError

from wfm_core.base.errors import WfmError
from wfm_core.bundle import Contract, parse_contract
from wfm_core.configs.serving import ServedBundle, Serving
from wfm_core.serving.judge import Facts, Judge, Question, Reply
from wfm_core.serving.replica import Replica
from wfm_core.serving.service import BusyError, GoneError

_NAMESPACE = "wfm-serve"
_LOOK_SECONDS = 2.0


class RayServed:
    """A `service.Served`."""

    def __init__(self, handle: serve.handle.DeploymentHandle, facts: Facts, contract: Contract, most_windows: int):
        self._handle = handle
        self.facts, self.contract, self.most_windows = facts, contract, most_windows

    async def judge(self, question: Question) -> Reply:
        try:
            return await self._handle.judge.remote(question)
        except BackPressureError as error:
            raise BusyError(f"bundle {self.contract.name} has more questions waiting than may") from error
        except (RayActorError, DeploymentUnavailableError) as error:
            raise GoneError(f"a replica of bundle {self.contract.name} has ended; another one is started") from error


@contextmanager
def running(serving: Serving, cluster: str, metrics_port: int | None) -> Iterator[dict[str, RayServed]]:
    """The bundles that are served, by name, while Ray runs.

    `cluster`: address of a Ray cluster that runs ("auto": this computer's); "" starts Ray here, for this process alone.
    `metrics_port`: where Ray's Prometheus metrics are then; None: any free port. Raises `WfmError`.
    """
    # Each bundle is tried before Ray is started: what is wrong with one is a sentence then, and every replica, on
    # whichever computer, must have this very bundle.
    facts = {
        name: Judge(name, 1, one.device if not one.gpus else "cpu").facts() for name, one in serving.bundles.items()
    }
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    _connect(serving, cluster, metrics_port)
    watch = _Watch()
    watch.start()
    try:
        serve.start(proxy_location="Disabled", logging_config={"log_level": "WARNING"})
        served = {}
        for name, settings in serving.bundles.items():
            handle = _deployed(name, settings, facts[name].sha256)
            seen = Facts(*handle.facts.remote().result())
            served[name] = RayServed(handle, seen, parse_contract(seen.contract, f"bundle {name}"), settings.batch)
        yield served
    finally:
        watch.ended.set()
        if cluster and ray.is_initialized():
            for name in serving.bundles:
                serve.delete(name)
        ray.shutdown()  # which ends a Ray of our own with all that runs there


class _Watch(threading.Thread):
    """Ends the program when all of Ray's nodes are gone: calls to Ray would wait for them for ever."""

    def __init__(self):
        super().__init__(name="wfm-watch", daemon=True)
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(_LOOK_SECONDS):
            try:
                lives = any(node["Alive"] for node in ray.nodes())
            except (RayError, RuntimeError, ConnectionError):
                lives = False
            if not lives and not self.ended.is_set():
                print("wfm-serve: Ray has ended under it, and no bundle is served: start again", file=sys.stderr)
                sys.stderr.flush()
                os._exit(1)


def _connect(serving: Serving, cluster: str, metrics_port: int | None) -> None:
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False, "namespace": _NAMESPACE}
    try:
        if cluster:
            ray.init(address=cluster, **quiet)
            return
        needed = sum(one.cpus * one.most_replicas for one in serving.bundles.values())
        cores = max(os.cpu_count() or 1, int(needed) + 1)  # a count by which Ray places replicas, not a limit
        ray.init(address="local", num_cpus=cores, include_dashboard=False, _metrics_export_port=metrics_port, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"to the cluster {cluster}" if cluster else "here"
        raise WfmError(
            f"Ray cannot be reached or started {where} ({str(error)[:300]}); see to it and start again"
        ) from error


def _deployed(name: str, settings: ServedBundle, sha256: str) -> serve.handle.DeploymentHandle:
    how_many = {"num_replicas": settings.replicas}
    if isinstance(settings.replicas, tuple):
        fewest, most = settings.replicas
        how_many = {"autoscaling_config": {"min_replicas": fewest, "max_replicas": most}}
    deployment = serve.deployment(
        name=name,
        max_ongoing_requests=settings.queue,
        max_queued_requests=settings.queue,
        ray_actor_options={"num_cpus": settings.cpus, "num_gpus": settings.gpus},
        health_check_period_s=2.0,
        health_check_timeout_s=10.0,
        graceful_shutdown_timeout_s=2.0,
        **how_many,
    )(Replica)
    try:
        return serve.run(deployment.bind(name, settings, sha256), name=name, route_prefix=None)
    except (RuntimeError, TimeoutError) as error:
        raise WfmError(f"bundle {name} cannot be served ({' '.join(str(error).split())[-300:]})") from error
