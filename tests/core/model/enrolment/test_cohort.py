# SPDX-License-Identifier: GPL-3.0-or-later
"""Thresholds by a cohort: what of strangers is accepted, on clouds whose distribution is known."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from wfm_core.base.errors import WfmError
from wfm_core.model.enrolment.cohort import Cohort, accepted, read_cohort, thresholds
from wfm_core.model.prototypes import Prototypes

WIDTH = 16
DEVICES = 400


def windows(device: int, count: int, seed: int) -> np.ndarray:
    """Of a device that has its own middle: devices differ little more than the windows of one of them do."""
    middle = np.random.default_rng([1, device]).standard_normal(WIDTH) * 1.2
    return (np.random.default_rng([2, device, seed]).standard_normal((count, WIDTH)) + middle).astype(np.float32)


def strangers(first: int, count: int) -> np.ndarray:
    """One window of each of `count` devices that nobody enrols."""
    return np.concatenate([windows(10_000 + first + device, 1, 0) for device in range(count)])


def enrolled(**options) -> Prototypes:
    prototypes = Prototypes(margin=4.0, **options)
    for device in range(5):
        prototypes.enrol(f"device-{device}", windows(device, 20, 0))
    return prototypes


def share_named(prototypes: Prototypes, rows: np.ndarray) -> float:
    return float(np.mean([decision["index"] >= 0 for decision in prototypes.decide(rows)]))


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.2])
def test_fresh_strangers_are_accepted_at_the_stated_rate(rate):
    fresh, count = strangers(50_000, 2000), 1000
    with_cohort = enrolled(cohort=Cohort(strangers(0, count)), strangers=rate)
    share = share_named(with_cohort, fresh)
    # binomial, of the fresh ones and of where the cohort's order statistic lies
    tolerance = 3 * np.sqrt(rate * (1 - rate) * (1 / len(fresh) + 1 / count))
    print(f"rate {rate}: cohort {with_cohort.strangers_accepted():.4f}, fresh {share:.4f} +- {tolerance:.4f}")
    assert abs(share - rate) < tolerance
    assert with_cohort.strangers_accepted() <= rate
    assert share_named(enrolled(), fresh) > 0.5  # the margin alone lets them in


def test_a_cohort_never_accepts_more_than_the_margin_does():
    far = Cohort(strangers(0, 200) + 100)
    rows = np.concatenate([windows(0, 50, 1), strangers(300, 200)])
    assert enrolled(cohort=far, strangers=0.5).decide(rows) == enrolled().decide(rows)


def test_a_smaller_rate_refuses_more_of_ones_own():
    own = np.concatenate([windows(device, 40, 3) for device in range(5)])
    shares = [
        share_named(enrolled(cohort=Cohort(strangers(0, 400)), strangers=rate), own) for rate in (0.3, 0.05, 0.01)
    ]
    assert shares[0] > shares[1] > shares[2]


def test_the_share_of_the_cohort_itself_is_exact():
    squared = np.random.default_rng(0).chisquare(5, (1000, 3)) * [1, 10, 100]
    for rate in (0.001, 0.05, 0.5):
        assert accepted(squared, thresholds(squared, rate)) == pytest.approx(rate, abs=1e-9)


def test_windows_of_a_cohort_that_are_alike_are_not_accepted_together():
    squared = np.repeat(np.random.default_rng(0).chisquare(5, (4, 1)), 25, axis=0)
    assert accepted(squared, thresholds(squared, 0.1)) == 0.0
    assert accepted(squared, thresholds(squared, 0.3)) == pytest.approx(0.25)


def test_without_a_class_the_cohort_says_the_width():
    prototypes = Prototypes(cohort=Cohort(strangers(0, 100)))
    assert prototypes.width == WIDTH and np.isnan(prototypes.strangers_accepted())
    with pytest.raises(WfmError, match="width 16"):
        prototypes.enrol("x", np.random.default_rng(0).normal(size=(5, 3)))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((1, 4)), "2 to 65536 windows"),
        (np.zeros(4), "2 to 65536 windows"),
        (np.zeros((4, 0)), "2 to 65536 windows"),
        (np.full((4, 4), np.nan), "not finite"),
    ],
)
def test_what_is_no_cohort(values, words):
    with pytest.raises(WfmError, match=words):
        Cohort(values.astype(np.float32))


@pytest.mark.parametrize("rate", [0, 0.6, -0.1, float("nan"), True, "0.1"])
def test_rates_out_of_range(rate):
    with pytest.raises(WfmError, match="strangers is .*share above 0"):
        Prototypes(strangers=rate)


def test_a_rate_that_the_cohort_cannot_tell():
    with pytest.raises(WfmError, match="strangers is 0.01, .*cohort of 50 windows .*100"):
        Prototypes(cohort=Cohort(strangers(0, 50)), strangers=0.01)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64, np.int16])
def test_cohorts_are_read_from_files(tmp_path, dtype):
    values = (strangers(0, 10) * 10).astype(dtype)
    np.savez(tmp_path / "a.npz", cohort=values, other=np.arange(3))
    safetensors.numpy.save_file({"cohort": values}, tmp_path / "a.safetensors")
    for name in ("a.npz", "a.safetensors"):
        assert np.array_equal(read_cohort(tmp_path / name).embeddings, values.astype(np.float32))


def test_files_that_hold_no_cohort(tmp_path):
    np.savez(tmp_path / "other.npz", embeddings=np.zeros((4, 4)))
    np.savez(tmp_path / "objects.npz", cohort=np.array([{}, []], object))
    np.savez(tmp_path / "texts.npz", cohort=np.array([["a"], ["b"]]))
    np.savez(tmp_path / "large.npz", cohort=np.full((4, 4), 1e60))
    (tmp_path / "text.npz").write_text("no file of numpy")
    safetensors.numpy.save_file({"x": np.zeros((4, 4))}, tmp_path / "x.safetensors")
    for path in [*tmp_path.iterdir(), tmp_path / "absent.npz", tmp_path / "absent"]:
        with pytest.raises(WfmError, match="no array|cannot be read|allow_pickle|numbers are expected|not finite"):
            read_cohort(path)


def test_the_cohort_that_comes_with_the_foundation():
    cohort = read_cohort(Path(__file__).parents[4] / "models" / "wfm-base" / "cohort_iq.safetensors")
    assert cohort.embeddings.shape == (512, 256)


def of_two_makes(count: int = 400) -> Cohort:
    """As many strangers of the enrolled make, and of another that is far away."""
    group = np.repeat(np.array([0, 1], np.int64), count)
    return Cohort(np.concatenate([strangers(0, count), strangers(count, count) + 30]), group)


def test_strangers_of_another_make_do_not_make_a_limit_lax():
    fresh, rate = strangers(50_000, 1000), 0.05
    grouped, whole = of_two_makes(), Cohort(of_two_makes().embeddings)
    assert share_named(enrolled(cohort=grouped, strangers=rate), fresh) < 0.08
    assert share_named(enrolled(cohort=whole, strangers=rate), fresh) > 0.08  # half of the cohort is never near


def test_a_rate_is_told_by_the_smallest_group():
    group = np.array([0] * 90 + [1] * 10, np.int64)
    with pytest.raises(WfmError, match="a cohort of 10 windows cannot tell"):
        Prototypes(cohort=Cohort(strangers(0, 100), group), strangers=0.05)


def test_groups_are_saved_and_loaded(tmp_path):
    known = enrolled(cohort=of_two_makes(40), strangers=0.05)
    known.save(tmp_path / "head.safetensors")
    loaded = Prototypes.load(tmp_path / "head.safetensors")
    rows = strangers(70_000, 50)
    assert loaded.decide(rows) == known.decide(rows)
    assert np.array_equal(read_cohort(tmp_path / "head.safetensors").group, known.cohort.group)


def test_groups_of_another_number_are_refused():
    with pytest.raises(WfmError, match="a group for each of the cohort's windows"):
        Cohort(strangers(0, 100), np.zeros(99, np.int64))


def test_unknown_windows_of_one_make_are_clustered_by_that_make(tmp_path):
    radius = Prototypes(cohort=of_two_makes())._metric().radius
    assert radius == pytest.approx(Prototypes(cohort=Cohort(strangers(0, 400)))._metric().radius, rel=0.1)


def test_windows_of_another_day_are_still_named_where_the_drift_is_known():
    drift = np.full(WIDTH, 0.0, np.float32)
    drift[:4] = 64.0
    moved = np.zeros(WIDTH, np.float32)
    moved[:4] = 8.0
    far = strangers(0, 100) + 100  # which leaves the thresholds to the margin
    known, unaware = (enrolled(cohort=Cohort(far, drift=one), strangers=0.5) for one in (drift, None))
    later = np.concatenate([windows(device, 40, 7) for device in range(5)]) + moved
    assert share_named(known, later) > 0.95
    assert share_named(unaware, later) < share_named(known, later)


def test_drift_is_saved_and_checked(tmp_path):
    cohort = Cohort(strangers(0, 100), drift=np.ones(WIDTH, np.float32))
    known = enrolled(cohort=cohort, strangers=0.05)
    known.save(tmp_path / "head.safetensors")
    rows = strangers(70_000, 50)
    assert Prototypes.load(tmp_path / "head.safetensors").decide(rows) == known.decide(rows)
    with pytest.raises(WfmError, match="variances"):
        Cohort(strangers(0, 100), drift=-np.ones(WIDTH, np.float32))
