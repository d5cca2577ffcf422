# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters of what is unknown: gathered, bounded, named."""

import numpy as np
import pytest

from wfm_core.base.errors import WfmError
from wfm_core.model.enrolment.clusters import KEPT, MOST, Clusters
from wfm_core.model.enrolment.cohort import Cohort
from wfm_core.model.enrolment.fit import Metric
from wfm_core.model.prototypes import Prototypes

WIDTH = 12


def windows(device: int, count: int, seed: int = 0) -> np.ndarray:
    middle = np.random.default_rng([1, device]).standard_normal(WIDTH) * 8
    return (np.random.default_rng([2, device, seed]).standard_normal((count, WIDTH)) + middle).astype(np.float32)


def enrolled(**options) -> Prototypes:
    prototypes = Prototypes(**options)
    for device in range(3):
        prototypes.enrol(f"device-{device}", windows(device, 20))
    return prototypes


def heard(prototypes: Prototypes, rows: np.ndarray) -> list[str]:
    return [prototypes.hear(row).name for row in rows]


def test_each_stranger_has_a_cluster_of_its_own():
    prototypes = enrolled()
    order = [5, 6, 5, 7, 6, 5] * 10
    rows = [windows(device, 60, 1)[number] for number, device in enumerate(order)]
    names = heard(prototypes, np.stack(rows))
    right = dict(zip(order, names, strict=False))
    assert len(set(right.values())) == 3
    assert np.mean([right[device] == name for device, name in zip(order, names, strict=True)]) > 0.9
    assert max(cluster.heard for cluster in prototypes.clusters) >= 25


def test_a_named_cluster_is_a_class():
    prototypes = enrolled()
    names = heard(prototypes, windows(5, 14))
    name = max(set(names), key=names.count)
    count = prototypes.name(name, "garage door")
    assert count == names.count(name) and name not in {cluster.name for cluster in prototypes.clusters}
    fresh = [decision["label"] for decision in prototypes.decide(windows(5, 100, 2))]
    assert fresh.count("garage door") > 80


def test_a_cluster_joins_the_class_of_that_name():
    prototypes = enrolled()
    heard(prototypes, windows(5, 20))
    before = len(prototypes.names)
    name = max(prototypes.clusters, key=lambda cluster: cluster.heard).name
    prototypes.name(name, "device-0")
    assert len(prototypes.names) == before and prototypes.modes_of()["device-0"] == 2
    labels = [decision["label"] for device in (0, 5) for decision in prototypes.decide(windows(device, 50, 2))]
    assert labels.count("device-0") > 85


def test_an_enrolled_class_takes_its_windows_out_of_the_clusters():
    prototypes = enrolled()
    heard(prototypes, windows(5, 20))
    heard(prototypes, windows(6, 20))
    prototypes.enrol("five", windows(5, 20, 1))
    left = np.concatenate([cluster.windows for cluster in prototypes.clusters])
    assert 15 <= len(left) <= 22 and np.linalg.norm(left - windows(6, 20).mean(0), axis=1).max() < 10


def test_numbers_are_bounded_and_names_are_not_given_twice():
    clusters, metric = Clusters(), Metric(np.eye(2), 1.0)
    for number in range(3 * MOST):
        for _ in range(1 + number % 3):
            clusters.hear(np.array([10.0 * number, 0.0]), metric)
    assert len(clusters) == MOST and clusters.made == 3 * MOST
    assert len({cluster.name for cluster in clusters}) == MOST
    assert sorted(cluster.heard for cluster in clusters)[1:] == [3] * (MOST - 1)  # those heard least made room


def test_a_cluster_keeps_its_last_windows():
    clusters, metric = Clusters(), Metric(np.eye(2), 10.0)
    for number in range(KEPT + 50):
        found = clusters.hear(np.array([number / 1000, 0.0]), metric)
    assert found.heard == KEPT + 50 and found.windows.shape == (KEPT, 2)
    assert found.windows[0, 0] == np.float32(0.05) and found.middle[0] == pytest.approx(found.windows[:, 0].mean())


def test_a_window_reaches_as_far_as_its_cluster_is_known():
    """The first window is the middle itself, which is known as badly as the window."""
    clusters, metric = Clusters(), Metric(np.eye(1), 1.0)
    clusters.hear(np.array([0.0]), metric)
    assert clusters.hear(np.array([1.41]), metric).name == "unknown-1"
    clusters = Clusters()
    clusters.hear(np.array([0.0]), metric)
    assert clusters.hear(np.array([1.42]), metric).name == "unknown-2"


def test_a_cohort_alone_is_enough_to_gather():
    rows = np.concatenate([windows(100 + device, 1) for device in range(300)])
    prototypes = Prototypes(cohort=Cohort(rows))
    names = heard(prototypes, np.concatenate([windows(5, 20), windows(6, 20)]))
    assert max(names.count(name) for name in names[:20]) > 15 and not set(names[:20]) & set(names[20:])


def test_without_class_and_cohort_nothing_is_gathered():
    assert Prototypes().hear(np.zeros(4, np.float32)) is None


def test_what_cannot_be_named_changes_nothing():
    prototypes = enrolled()
    heard(prototypes, windows(5, 2))
    cluster = next(iter(prototypes.clusters)).name
    before = [(one.name, one.heard) for one in prototypes.clusters]
    for bad in ("", " ", "unknown", "unknown-3", 7, None):
        with pytest.raises(WfmError, match="class name"):
            prototypes.name(cluster, bad)
    with pytest.raises(WfmError, match="no cluster 'unknown-99'"):
        prototypes.name("unknown-99", "x")
    with pytest.raises(WfmError, match="at least 3"):
        prototypes.name(cluster, "x")
    assert [(one.name, one.heard) for one in prototypes.clusters] == before and len(prototypes.names) == 3


def test_embeddings_that_are_not_finite_are_refused():
    for prototypes in (enrolled(), Prototypes()):
        for value in (np.nan, np.inf):
            with pytest.raises(WfmError, match="not finite"):
                prototypes.decide(np.full((1, WIDTH), value))


def test_clusters_of_another_encoder_are_forgotten():
    prototypes = enrolled()
    heard(prototypes, windows(5, 5))
    for name in prototypes.names:
        prototypes.forget(name)
    prototypes.enrol("new", np.random.default_rng(0).normal(size=(5, 4)))
    assert not len(prototypes.clusters)


def test_clusters_that_turn_out_to_be_one_become_one():
    clusters, metric = Clusters(), Metric(np.eye(1), 1.0)
    names = [clusters.hear(np.array([place]), metric).name for place in (0.0, 1.5, 0.4, 1.0, 0.6, 0.7, 0.8)]
    assert names[:2] == ["unknown-1", "unknown-2"] and names[-1] == "unknown-1"
    assert [(one.name, one.heard) for one in clusters] == [("unknown-1", 7)]
