# SPDX-License-Identifier: GPL-3.0-or-later
"""Ray Serve behind the service: a deployment a bundle, on this computer or on a cluster."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import ray
from ray import serve
from ray.exceptions import RayActorError, RayError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, RayServeException
from ray.util.metrics import Counter

from wfm_core.base.errors import WfmError
from wfm_core.base.ray_session import LARGEST_CALL, ray_session
from wfm_core.bundle import Contract, parse_contract
from wfm_core.configs.serving import ServedBundle, Serving
from wfm_core.serving.gather import BusyError, Gatherer
from wfm_core.serving.judge import Facts, Judge, Question, Reply
from wfm_core.serving.replica import Replica
from wfm_core.serving.service import GoneError


class RayServed:
    """A `service.Served`."""

    def __init__(self, handle: serve.handle.DeploymentHandle, facts: Facts, contract: Contract, settings: ServedBundle):
        self._handle = handle
        self.facts, self.contract, self.most_windows = facts, contract, settings.batch
        at_once = settings.most_replicas
        most = settings.queue * (at_once + 1)  # what Ray lets wait at the replicas, and before them
        self.judge = Gatherer(self._ask, settings.batch, settings.wait_ms / 1e3, at_once, most).judge
        self._asked = Counter("wfm_serve_questions", "Questions that replicas have answered", ("bundle",))
        self._asked.set_default_tags({"bundle": contract.name})

    async def _ask(self, questions: list[Question]) -> list[Reply]:
        try:
            replies = await self._handle.answer.remote(questions)
        except BackPressureError as error:
            raise BusyError(f"bundle {self.contract.name} has more questions waiting than may") from error
        except (RayActorError, DeploymentUnavailableError) as error:
            raise GoneError(f"a replica of bundle {self.contract.name} has ended; another one is started") from error
        self._asked.inc(len(questions))
        return replies


@contextmanager
def running(serving: Serving, cluster: str, metrics_port: int | None) -> Iterator[dict[str, RayServed]]:
    """The bundles that are served, by name, while Ray runs; `cluster` and `metrics_port` as of `ray_session`.

    Raises `WfmError`.
    """
    # Each bundle is tried before Ray is started: what is wrong with one is a sentence then, and every replica, on
    # whichever computer, must have this very bundle.
    facts = {
        name: Judge(name, 1, one.device if not one.gpus else "cpu").facts() for name, one in serving.bundles.items()
    }
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    bundles = {name: one.placed(bool(cluster)) for name, one in serving.bundles.items()}
    cpus = max(os.cpu_count() or 1, int(sum(one.cpus * one.most_replicas for one in bundles.values())) + 1)
    with ray_session("wfm-serve", cluster, cpus, metrics_port):
        try:
            serve.start(proxy_location="Disabled", logging_config={"log_level": "WARNING"})
            served = {}
            for name, settings in bundles.items():
                handle = _deployed(name, settings, facts[name].sha256)
                seen = _facts(name, handle)
                served[name] = RayServed(handle, seen, parse_contract(seen.contract, f"bundle {name}"), settings)
            yield served
        finally:
            if cluster and ray.is_initialized():
                for name in serving.bundles:
                    serve.delete(name)


def _facts(name: str, handle: serve.handle.DeploymentHandle) -> Facts:
    """What a replica says of its bundle."""
    try:
        facts = Facts(*handle.facts.remote().result())
        handle.answer.remote([]).result()
        return facts
    except (RayError, RayServeException, TypeError) as error:  # what it sends, or can, is not what is known here
        said = str(error).partition("\n")[0][:200]
        raise WfmError(
            f"a replica of bundle {name} does not answer as one of this gr-wfm does ({said}): install the same version "
            "on every computer of the cluster"
        ) from error


def _environment() -> dict:
    """Of replicas, on whichever computer. With OpenMP's own policy all threads would look, after a question of one
    window, for the next one for some milliseconds on the cores that flowgraphs and other replicas have use for."""
    return {"env_vars": {"OMP_WAIT_POLICY": "PASSIVE", LARGEST_CALL: os.environ[LARGEST_CALL]}}


def _deployed(name: str, settings: ServedBundle, sha256: str) -> serve.handle.DeploymentHandle:
    how_many = {"num_replicas": settings.replicas}
    if isinstance(settings.replicas, tuple):
        fewest, most = settings.replicas
        # one at a time: of two calls at a replica one waits
        how_many = {"autoscaling_config": {"min_replicas": fewest, "max_replicas": most, "target_ongoing_requests": 1}}
    deployment = serve.deployment(
        name=name,
        max_ongoing_requests=settings.queue,
        max_queued_requests=settings.queue,
        ray_actor_options={"num_cpus": settings.cpus, "num_gpus": settings.gpus, "runtime_env": _environment()},
        health_check_period_s=2.0,
        health_check_timeout_s=10.0,
        graceful_shutdown_timeout_s=2.0,
        **how_many,
    )(Replica)
    try:
        return serve.run(deployment.bind(name, settings, sha256), name=name, route_prefix=None)
    except (RuntimeError, TimeoutError) as error:
        raise WfmError(f"bundle {name} cannot be served ({' '.join(str(error).split())[-300:]})") from error
