# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel charts: maps that are learnt from how unlike channels are, without places, and how true they are.

Charting is due to Studer, Medjkouh, Gonultas, Goldstein and Tirkkonen (Channel charting: locating users within the
radio environment using channel state information, IEEE Access 6, 2018). Channels of places near to each other are
alike; those of places far apart are all unlike in the same way. So only the distances to the nearest are trusted, and
others are sums of these along the shortest way (geodesic: Stephan, Euchner and ten Brink, Angle-delay profile-based and
timestamp-aided dissimilarity metrics for channel charting, arXiv 2308.09539, 2023; Tenenbaum, de Silva and Langford,
Isomap, Science 290, 2000).
"""

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, shortest_path
from scipy.spatial.distance import cdist
from sklearn.manifold import trustworthiness

from wfm_core.base.errors import WfmError

CHART = "chart"
"""The task, and the quantity of its answers."""
NEIGHBOURHOOD = 0.05
"""Share of all windows that are a window's neighbours where charts are judged, as in the paper."""
MOST = 4096
"""Windows between all of which distances are kept."""


def some_of(rows: np.ndarray, most: int = MOST) -> np.ndarray:
    """`rows`, or `most` of them, evenly spaced."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def dissimilarities(images: np.ndarray) -> np.ndarray:
    """Prepared images [N, C, H, W] -> float64 [N, N]: distances between their means over the columns, which are
    packets. Of delay profiles in dB: how unlike the power over delays is at all antennas."""
    seen = images.mean(3).reshape(len(images), -1)
    return cdist(seen, seen)


def geodesics(unlike: np.ndarray, neighbours: int) -> np.ndarray:
    """Dissimilarities [N, N] -> float32 [N, N]: lengths of the shortest ways that go from window to window by one of
    the `neighbours` nearest each, with 2 between the farthest two. Raises `WfmError` where there is no such way."""
    count = len(unlike)
    if not 0 < neighbours < count:
        raise WfmError(f"{neighbours} neighbours of {count} windows; expected 1 to {count - 1}: set neighbours")
    nearest = np.argsort(unlike + np.diag(np.full(count, np.inf)), 1, kind="stable")[:, :neighbours].ravel()
    rows = np.repeat(np.arange(count), neighbours)
    lengths = np.maximum(unlike[rows, nearest], 1e-12)  # 0 is no edge
    graph = csr_matrix((lengths, (rows, nearest)), (count, count))
    parts = connected_components(graph, directed=False)[0]
    if parts > 1:
        raise WfmError(
            f"the windows fall into {parts} parts that no neighbours join, expected is 1: set neighbours above "
            f"{neighbours}, or give more windows"
        )
    ways = shortest_path(graph, directed=False)
    return (2 * ways / ways.max()).astype(np.float32)


def flat_chart(ways: np.ndarray) -> np.ndarray:
    """Distances [N, N] -> places [N, 2] by classical scaling; of `geodesics` that is Isomap, a chart without a network
    that knows no places for other windows."""
    squared = np.square(ways.astype(np.float64))
    centred = squared - squared.mean(0) - squared.mean(1, keepdims=True) + squared.mean()
    values, vectors = np.linalg.eigh(-0.5 * centred)
    return vectors[:, -2:] * np.sqrt(values[-2:].clip(min=0))


def chart_figures(chart: np.ndarray, positions: np.ndarray) -> dict[str, float]:
    """Figures of places [N, 2] on a chart against `positions` [N, 2 or 3] in metres, of MOST windows at most.

    trustworthiness: are neighbours on the chart neighbours in space, continuity: the other way round, both 1 at best
    and near 0.5 by chance (Venna and Kaski, Neighborhood preservation in nonlinear projection methods, ICANN 2001), in
    neighbourhoods of NEIGHBOURHOOD of all windows; stress: Kruskal's, of all distances, 0 at best, on the scale that
    suits the chart best. Raises `WfmError` where there are too few windows.
    """
    rows = some_of(np.arange(len(chart)))
    chart, positions = chart[rows], positions[rows]
    nearest = round(NEIGHBOURHOOD * len(rows))
    if nearest < 1:
        raise WfmError(f"{len(rows)} windows to judge a chart by; expected {round(1 / NEIGHBOURHOOD)} or more")
    there, here = cdist(positions, positions), cdist(chart, chart)
    scale = (there * here).sum() / max(np.square(here).sum(), 1e-30)
    return {
        "trustworthiness": float(trustworthiness(positions, chart, n_neighbors=nearest)),
        "continuity": float(trustworthiness(chart, positions, n_neighbors=nearest)),
        "stress": float(np.sqrt(np.square(there - scale * here).sum() / np.square(there).sum())),
    }
