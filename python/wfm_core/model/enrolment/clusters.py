# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows that no class knows, gathered as they come: what was heard before may be worth a name.

Leader clustering (Hartigan 1975, "Clustering algorithms", chapter 3) with means in the leaders' place: a window joins
the nearest cluster that reaches it, or begins one. A cluster of n windows reaches as far as a class does, times
sqrt(1 + 1/n), as its middle is known no better; two clusters whose middles are no further apart than those of one class
may be, sqrt(1/n + 1/m) times as far, become the older one. Number and size are bounded: a new cluster takes the place
of the one that was heard least, of equals of the one that was not heard for longest.
"""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import plain
from wfm_core.model.enrolment.fit import Metric

MOST = 32
KEPT = 256
"""Windows of a cluster that are kept, the last ones."""
_NAME = re.compile(r"unknown-[0-9]{1,15}")


@dataclass
class Cluster:
    """`heard` windows, the last of which are kept; `told`: how many there were when it was last offered to be named."""

    name: str
    heard: int = 0
    last: int = 0
    told: int = 0
    rows: deque[np.ndarray] = field(default_factory=lambda: deque(maxlen=KEPT))
    middle: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def windows(self) -> np.ndarray:
        """Float32 [n, D]."""
        return np.stack(self.rows)

    def keep(self, rows: np.ndarray) -> None:
        """Windows [n, D] behind those that are kept."""
        self.rows.extend(np.array(rows, np.float32))
        self.middle = np.mean(self.rows, axis=0, dtype=np.float64)


class Clusters:
    """Clusters by name, "unknown-1" and so on: a number is never given twice. Not safe for several threads at once."""

    def __init__(self):
        self._clusters: dict[str, Cluster] = {}
        self._clock = 0
        self.made = 0
        """How many there were, those that are gone among them."""

    def __iter__(self):
        return iter(self._clusters.values())

    def __len__(self) -> int:
        return len(self._clusters)

    def __getitem__(self, name: str) -> Cluster:
        if name not in self._clusters:
            raise WfmError(f"no cluster {plain(name)}; heard: {', '.join(self._clusters) or 'none'}")
        return self._clusters[name]

    def hear(self, window: np.ndarray, metric: Metric) -> Cluster:
        """The cluster of `window` [D], which it now is in."""
        found = self._nearest(window, metric)
        if found is None:
            if len(self) >= MOST:
                self.drop(min(self, key=lambda cluster: (cluster.heard, cluster.last)).name)
            self.made += 1
            found = self._clusters[f"unknown-{self.made}"] = Cluster(f"unknown-{self.made}")
        self._clock += 1
        found.heard, found.last = found.heard + 1, self._clock
        found.keep(window[None])
        return self._joined(found, metric)

    def drop(self, name: str) -> None:
        del self._clusters[name]

    def clear(self) -> None:
        self._clusters.clear()

    def drop_known(self, unknown: Callable[[np.ndarray], np.ndarray]) -> None:
        """Drop those of whose windows no more than half are still unknown: `unknown` says it of [n, D] as bool [n]."""
        for cluster in list(self):
            if unknown(cluster.windows).mean() <= 0.5:
                self.drop(cluster.name)

    def restore(self, name: str, heard: int, windows: np.ndarray) -> None:
        """One that was saved, `windows` [n, D]. Raises `ValueError` for what is none."""
        number = int(name.removeprefix("unknown-")) if _NAME.fullmatch(name) else 0
        whole = isinstance(heard, int) and not isinstance(heard, bool)
        if not 0 < number <= self.made or name in self._clusters or len(self) >= MOST:
            raise ValueError(f"cluster {name[:40]!r} of {self.made}")
        if not whole or not 0 < len(windows) <= KEPT or not len(windows) <= heard < 1 << 53:
            raise ValueError(f"cluster {name!r} with {len(windows)} of {heard!r} windows")
        if windows.ndim != 2 or not np.isfinite(windows).all():
            raise ValueError(f"cluster {name!r} with windows that are none")
        self._clock += 1
        self._clusters[name] = Cluster(name, heard, self._clock)
        self._clusters[name].keep(windows)

    def _joined(self, found: Cluster, metric: Metric) -> Cluster:
        """`found` with the nearest of the others, where both are of one class."""
        others = [cluster for cluster in self if cluster is not found]
        if not others:
            return found
        squared = metric.squared(found.middle[None], np.stack([other.middle for other in others]))[0]
        apart = 1 / len(found.rows) + 1 / np.array([len(other.rows) for other in others])
        best = int((squared / apart).argmin())
        if squared[best] > metric.radius**2 * apart[best]:
            return found
        first, second = sorted((found, others[best]), key=lambda cluster: int(cluster.name.removeprefix("unknown-")))
        first.heard, first.last = first.heard + second.heard, self._clock
        first.told = max(first.told, second.told)
        first.keep(second.windows)
        self.drop(second.name)
        return first

    def _nearest(self, window: np.ndarray, metric: Metric) -> Cluster | None:
        clusters = list(self)
        if not clusters:
            return None
        squared = metric.squared(window[None], np.stack([cluster.middle for cluster in clusters]))[0]
        reach = metric.radius**2 * (1 + 1 / np.array([len(cluster.rows) for cluster in clusters]))
        squared[squared > reach] = np.inf
        best = int(squared.argmin())
        return clusters[best] if np.isfinite(squared[best]) else None


def is_cluster_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None
