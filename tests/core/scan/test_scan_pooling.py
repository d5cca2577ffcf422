# SPDX-License-Identifier: GPL-3.0-or-later
"""Several observations of one signal decide together."""

import numpy as np

from wfm_core.scan.pooling import Pool, pooled


def test_observations_in_one_place_share_their_probabilities_and_others_keep_theirs():
    bands = [(100.0, 200.0), (102.0, 198.0), (-50.0, 50.0), (98.0, 203.0)]
    alone = np.array([[0.6, 0.4], [0.6, 0.4], [0.1, 0.9], [0.2, 0.8]], np.float32)
    together, counts = pooled(bands, alone)
    assert counts == [3, 3, 1, 3]
    np.testing.assert_allclose(together[2], alone[2], rtol=1e-5)
    log = np.log([[0.6, 0.4], [0.6, 0.4], [0.2, 0.8]]).mean(0)
    np.testing.assert_allclose(together[[0, 1, 3]], [np.exp(log) / np.exp(log).sum()] * 3, rtol=1e-5)
    np.testing.assert_allclose(together.sum(1), 1, rtol=1e-5)


def test_a_wide_signal_is_not_the_narrow_one_in_it():
    _, counts = pooled([(0.0, 100.0), (40.0, 60.0)], np.full((2, 3), 1 / 3))
    assert counts == [1, 1]


def test_nothing_is_nothing():
    together, counts = pooled([], np.zeros((0, 4)))
    assert together.shape == (0, 4) and counts == []


def test_observations_are_forgotten_after_their_time_and_beyond_their_number():
    pool, band = Pool(seconds=5.0, most=2), (0.0, 10.0)
    share = np.array([0.9, 0.1])
    assert pool.add(band, share, 0.0).count == 1
    assert pool.add(band, share, 4.0).count == 2
    last = pool.add(band, np.array([0.2, 0.8]), 5.5)
    assert last.count == 2
    expected = np.exp(np.log([[0.9, 0.1], [0.2, 0.8]]).mean(0))
    np.testing.assert_allclose(last.probabilities(), expected / expected.sum(), rtol=1e-6)
    assert pool.add((50.0, 60.0), share, 20.0).count == pool.add(band, share, 20.0).count == 1


def test_many_signals_are_bounded_by_their_time():
    pool = Pool(seconds=1.0, most=4)
    for n in range(2000):
        pool.add((10.0 * n, 10.0 * n + 5), np.array([0.5, 0.5]), n * 0.01)
    assert pool.signals <= 102
