# SPDX-License-Identifier: GPL-3.0-or-later
"""Positions from surveyed points, on embeddings that are a smooth function of the place."""

import numpy as np
import pytest
import safetensors.numpy

from wfm_core.base.errors import WfmError
from wfm_core.model.enrolment.regression import _kernel, _squared_distances
from wfm_core.model.survey import LEAST_POINTS, MOST_WINDOWS, Survey

WIDTH = 24
_MIX = np.random.default_rng(0).standard_normal((2, WIDTH))
_TURN = np.random.default_rng(1).random(WIDTH) * 6


def embeddings(places: np.ndarray, seed: int = 0, noise: float = 0.05) -> np.ndarray:
    """Waves over the floor that are some metres long, with noise: places [n, 2] -> [n, WIDTH]."""
    rng = np.random.default_rng(seed)
    waves = np.sin(0.25 * np.asarray(places) @ _MIX + _TURN)
    return (waves + noise * rng.standard_normal((len(places), WIDTH))).astype(np.float32)


def grid(step: float = 2.0, width: float = 8.0) -> np.ndarray:
    axis = np.arange(0, width + step / 2, step)
    return np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)


def surveyed(step: float = 2.0, windows: int = 4, **options) -> Survey:
    survey = Survey(**options)
    for number, point in enumerate(grid(step)):
        survey.enrol([*point, 1.2], embeddings(np.tile(point, (windows, 1)), number + 1))
    return survey


def fresh(count: int = 200) -> np.ndarray:
    return np.random.default_rng(5).random((count, 2)) * 8


def errors(survey: Survey, places: np.ndarray, seed: int = 99) -> np.ndarray:
    found = np.array([one["position"] for one in survey.locate(embeddings(places, seed))])
    assert np.abs(found[:, 2] - 1.2).max() < 1e-6
    return np.linalg.norm(found[:, :2] - places, axis=1)


def test_places_between_the_points_are_found_better_than_by_the_nearest_points():
    survey, places = surveyed(), fresh()
    points = survey.points[:, :2]
    own = np.stack([embeddings(np.tile(p, (4, 1)), n + 1).mean(0) for n, p in enumerate(points)])
    away = np.linalg.norm(embeddings(places, 99)[:, None] - own, axis=2)
    nearest = np.linalg.norm(points[away.argmin(1)] - places, axis=1).mean()
    three = np.linalg.norm(points[np.argsort(away, 1)[:, :3]].mean(1) - places, axis=1).mean()
    assert errors(survey, places).mean() < 0.5 * min(nearest, three)
    assert errors(survey, places).mean() < 0.3


def test_points_are_known_where_nothing_can_be_told_between_them():
    """Each point is two clouds anywhere, as with two devices: no mean of the windows says where it is."""
    rng = np.random.default_rng(3)
    clouds = rng.standard_normal((9, 2, WIDTH)) * 3
    survey = Survey()
    points = grid(4.0)
    for point, pair in zip(points, clouds, strict=True):
        survey.enrol(point, np.repeat(pair, 4, 0) + 0.3 * rng.standard_normal((8, WIDTH)))
    asked = clouds.reshape(-1, WIDTH) + 0.3 * rng.standard_normal((18, WIDTH))
    found = np.array([one["position"][:2] for one in survey.locate(asked)])
    assert np.linalg.norm(found - np.repeat(points, 2, 0), axis=1).max() < 1
    assert survey.left_out_error() > 3


def test_many_windows_are_taken_together():
    survey = surveyed(windows=60)
    assert len(survey._fitted().rows) == 20 * 25 and errors(survey, fresh()).mean() < 0.3


def test_uncertainty_is_how_far_off_positions_are():
    survey, places = surveyed(), fresh()
    wrong = np.sqrt(np.square(errors(survey, places)).mean())
    said = np.array([one["uncertainty"] for one in survey.locate(embeddings(places, 99))])
    assert 0.5 < np.sqrt(np.square(said).mean()) / wrong < 3
    # where no point is for some metres it is larger
    few = Survey()
    for point in grid()[grid()[:, 0] < 5]:
        few.enrol(point, embeddings(np.tile(point, (4, 1)), 3))
    near, far = (np.array([[x, 3.0]]) for x in (3.0, 8.0))
    near, far = (few.locate(embeddings(place))[0]["uncertainty"] for place in (near, far))
    assert far > 2 * near


def test_left_out_error_is_that_of_surveys_without_each_point():
    """The closed form against fits of all others, with the length and noise of the whole."""
    survey = surveyed(step=4.0)
    fitted = survey._fitted()
    points, windows = survey.points, survey._windows
    owner = np.repeat(np.arange(len(points)), [len(rows) for rows in windows])
    kernel = np.linalg.inv(fitted.inverse)
    squared = []
    for out in range(len(points)):
        kept = owner != out
        inverse = np.linalg.inv(kernel[np.ix_(kept, kept)])
        near = _kernel(_squared_distances(windows[out], fitted.rows[kept]), fitted.length)
        targets = ((points - fitted.middle) / fitted.scale)[owner[kept]]
        found = fitted.middle + fitted.scale * (near @ inverse @ targets)
        squared += np.square(found - points[out]).sum(1).tolist()
    assert survey.left_out_error() == pytest.approx(np.sqrt(np.mean(squared)), rel=1e-6)


def test_what_is_from_elsewhere_is_told():
    survey = surveyed()
    known = [one["distance"] for one in survey.locate(embeddings(fresh(), 99))]
    assert np.mean(np.array(known) <= 1) > 0.95
    strange = np.random.default_rng(7).standard_normal((50, WIDTH)).astype(np.float32) * 2
    assert min(one["distance"] for one in survey.locate(strange)) > 1
    strict = [one["distance"] for one in surveyed(margin=0.5).locate(embeddings(fresh(), 99))]
    assert np.mean(strict) > np.mean(known)


def test_a_point_is_replaced_and_forgotten():
    survey = surveyed()
    count = len(survey)
    before = survey.locate(embeddings(np.array([[4.0, 4.0]])))[0]["position"]
    survey.enrol([4.004, 4.0, 1.2], embeddings(np.array([[8.0, 0.0]] * 3), 50))
    assert len(survey) == count and survey.points[12][0] == 4.004
    assert survey.locate(embeddings(np.array([[4.0, 4.0]])))[0]["position"] != before
    survey.forget([4.0, 4.0, 1.2])
    assert len(survey) == count - 1 and not np.isclose(survey.points[:, 0], 4.004).any()
    with pytest.raises(WfmError, match=r"no surveyed point at 4, 4, 1.2 m to forget"):
        survey.forget((4, 4, 1.2))


def test_few_points_are_not_enough():
    survey = Survey()
    assert np.isnan(survey.left_out_error()) and survey.width == 0 and survey.points.shape == (0, 3)
    for number in range(LEAST_POINTS):
        assert not survey.ready
        with pytest.raises(WfmError, match=f"{number} surveyed points, {LEAST_POINTS} or more"):
            survey.locate(embeddings(np.zeros((1, 2))))
        survey.enrol([2.0 * number, number % 2], embeddings(np.array([[2.0 * number, number % 2]])))
    assert survey.ready and np.isfinite(survey.left_out_error()) and survey.width == WIDTH
    assert survey.points[1].tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    "point",
    [
        "door",
        [1.0],
        [1, 2, 3, 4],
        [1, 2, float("nan")],
        [1, 2, 1e9],
        [1, "2", 3],
        [1, 2j, 3],
        [[1, 2, 3]],
        None,
        [True, 1, 2],
    ],
)
def test_what_is_no_point_is_refused(point):
    with pytest.raises(WfmError, match="x, y and z in metres"):
        Survey().enrol(point, embeddings(np.zeros((3, 2))))


def test_windows_that_do_not_fit_are_refused():
    survey = surveyed()
    for values, said in (
        (np.zeros((0, WIDTH)), "1 to"),
        (np.zeros(WIDTH), "1 to"),
        (np.zeros((MOST_WINDOWS + 1, WIDTH)), "1 to"),
        (np.full((2, WIDTH), np.nan), "not finite"),
        (np.zeros((2, WIDTH + 1)), f"width {WIDTH} is expected"),
        (survey._windows[3], "those of another point"),
    ):
        with pytest.raises(WfmError, match=said):
            survey.enrol([50, 50, 1], values)
    for values, said in ((np.full((1, WIDTH), np.inf), "not finite"), (np.zeros((1, 3)), "width")):
        with pytest.raises(WfmError, match=said):
            survey.locate(values)
    assert len(survey) == len(grid())
    for margin in (0, -1, float("nan"), float("inf")):
        with pytest.raises(WfmError, match="margin"):
            Survey(margin)


def test_a_file_keeps_it(tmp_path):
    survey = surveyed(margin=1.5)
    survey.save(tmp_path / "room.safetensors")
    loaded = Survey.load(tmp_path / "room.safetensors")
    assert loaded.margin == 1.5 and np.array_equal(loaded.points, survey.points)
    assert loaded.locate(embeddings(fresh(), 99)) == survey.locate(embeddings(fresh(), 99))
    with pytest.raises(WfmError, match="cannot write"):
        survey.save(tmp_path / "nowhere" / "room.safetensors")
    Survey().save(tmp_path / "empty.safetensors")
    assert len(Survey.load(tmp_path / "empty.safetensors")) == 0


@pytest.mark.parametrize(
    "notes",
    [
        {},
        {"wfm_survey": "7"},
        {"wfm_survey": "1"},
        {"wfm_survey": "1", "margin": "x", "points": "[]"},
        {"wfm_survey": "1", "margin": "2", "points": "{"},
        {"wfm_survey": "1", "margin": "2", "points": "[[1, 2, 3], [4, 5, 6]]"},
        {"wfm_survey": "1", "margin": "2", "points": '["here"]'},
        {"wfm_survey": "1", "margin": "2", "points": "3"},
    ],
    ids=str,
)
def test_a_damaged_file_is_refused(tmp_path, notes):
    path = tmp_path / "room.safetensors"
    safetensors.numpy.save_file({"0": np.zeros((2, WIDTH), np.float32)}, path, metadata=notes)
    with pytest.raises(WfmError, match="survey|point"):
        Survey.load(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(WfmError, match="no survey"):
        Survey.load(path)
