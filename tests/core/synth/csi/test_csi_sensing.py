# SPDX-License-Identifier: GPL-3.0-or-later
"""Links that sense: labels are right about what moves, and receivers are unsteady without becoming motion."""

import torch

from wfm_core.signal.motion import NAMES, CsiMotion
from wfm_core.synth.csi.activities import ACTIVITIES
from wfm_core.synth.csi.grids import find_grid
from wfm_core.synth.csi.sensing import AT_REST, NAMED, ONCE, UNKNOWN, draw_sensed, named

GRID = find_grid("intel5300-20")


def draw(count: int, shares: dict, seed: int = 1, **more):
    return draw_sensed(count, GRID, 256, (90.0, 110.0), shares, torch.Generator().manual_seed(seed), **more)


def usual(amplitude: torch.Tensor) -> torch.Tensor:
    return CsiMotion()(amplitude)[1][:, NAMES.index("usual8")]


def test_shapes_and_seed():
    one, other = (draw(3, {"walk": 0.5, "empty": 0.5}, receivers=2) for _ in range(2))
    assert one.amplitude.shape == (6, 1, 30, 256) and one.amplitude.min() >= 0
    assert torch.equal(one.amplitude, other.amplitude)
    assert torch.equal(one.activity[::2], one.activity[1::2]), "two receivers hear one person"
    assert not torch.equal(one.amplitude[0], one.amplitude[1]), "each with its own flaws"


def test_who_walks_moves_and_nobody_does_not():
    walking, nobody = draw(12, {"walk": 1.0}), draw(12, {"empty": 1.0})
    assert (walking.motion == 1).all() and (nobody.motion == 0).all() and walking.whole.all() and nobody.whole.all()
    assert usual(walking.amplitude).median() > usual(nobody.amplitude).max()


def test_breath_is_neither():
    assert (draw(4, {"still": 1.0}).motion == UNKNOWN).all()


def test_changes_are_in_the_labels():
    """Of walks that begin or end within the window some are over, or not yet there, in its last packets."""
    drawn = draw(64, {"walk": 1.0}, changes=True)
    over = drawn.motion == 0
    assert over.any() and (drawn.motion == 1).any() and not drawn.whole[over].any() and drawn.whole.any()
    found = usual(drawn.amplitude)
    assert found[over].median() < found[drawn.motion == 1].median()


def test_what_is_over_soon_has_no_label_of_motion():
    assert (draw(8, dict.fromkeys(ONCE, 0.25)).motion == UNKNOWN).all()


def test_names():
    activity = torch.arange(len(ACTIVITIES))
    assert [NAMED[n] for n in named(activity).tolist() if n >= 0] == [name for name in ACTIVITIES if name in NAMED]
    assert named(torch.tensor([ACTIVITIES.index("lie")])).tolist() == [UNKNOWN] and "lie" in AT_REST
