# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of a service: which bundles are served, and what each replica of one gets."""

import os
from typing import Annotated

from pydantic import Field, model_validator

from wfm_core.configs import load_config
from wfm_core.configs.tables import Count, NotNegative, Positive, Table, checked

_MOST_WINDOWS = 1024
_MOST_BUNDLES = 64


class ServedBundle(Table):
    """`replicas`, or `[fewest, most]`, between which their number follows the load. `batch`: most windows that are
    computed together, of all clients; a question waits at most `wait_ms` for others. `queue`: questions that may wait,
    before others are refused. `cpus`, also its threads, and `gpus`, which may be a share, of a replica; without `cpus`
    it has its share of this computer, and one core on a cluster.
    """

    replicas: Count | tuple[Count, Count] = 1
    batch: Annotated[int, Field(gt=0, le=_MOST_WINDOWS)] = 64
    wait_ms: NotNegative = 2.0
    queue: Count = 256
    cpus: Positive | None = None
    gpus: NotNegative = 0.0
    device: str = "auto"
    dtype: str = "auto"

    @model_validator(mode="after")
    def _rises(self):
        if isinstance(self.replicas, tuple) and self.replicas[0] > self.replicas[1]:
            raise ValueError(f"replicas {list(self.replicas)}; expected the fewest, then the most")
        return self

    @property
    def most_replicas(self) -> int:
        return self.replicas[1] if isinstance(self.replicas, tuple) else self.replicas

    def placed(self, cluster: bool) -> "ServedBundle":
        """With its `cpus`, where none were given."""
        cores = 1 if cluster else max(1, (os.cpu_count() or 1) // self.most_replicas)
        return self if self.cpus else self.model_copy(update={"cpus": float(cores)})


class Serving(Table):
    """A service's configuration: `bundles` by name."""

    bundles: Annotated[dict[str, ServedBundle], Field(min_length=1, max_length=_MOST_BUNDLES)]


def read_serving(name: str, bundles: list[str]) -> Serving:
    """The configuration `name` ("" for none), and those of `bundles` that are not in it. Raises `WfmError`."""
    values = load_config(name) if name else {"bundles": {}}
    named = values.get("bundles")
    if isinstance(named, dict):
        named = {key: {} if own is None else own for key, own in named.items()}
        values = {**values, "bundles": {**dict.fromkeys(bundles, {}), **named}}
    return checked(Serving, values, name or "of the command line", "serve.yaml")
