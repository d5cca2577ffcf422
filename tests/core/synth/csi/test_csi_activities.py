# SPDX-License-Identifier: GPL-3.0-or-later
"""What people do looks like it: heights, speeds, and they stay in their rooms."""

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.csi.activities import ACTIVITIES, EMPTY, known, poses
from wfm_core.synth.csi.body import PARTS, parts

NAMES = list(PARTS)
SECONDS = 6.0
MOMENTS = 600


def bodies(activity, count=24, seed=0):
    """[count, parts, N, 3] in a room of 7 x 6 m."""
    times = torch.linspace(0, SECONDS, MOMENTS).expand(count, -1)
    size = torch.tensor([7.0, 6.0, 3.0]).expand(count, 3)
    label = torch.full((count,), ACTIVITIES.index(activity))
    generator = torch.Generator().manual_seed(seed)
    start = torch.rand(count, 2, generator=generator) * size[:, :2]
    return parts(poses(label, times, size, start, generator))


def speed(body, name):
    """Metres a second, [count, N - 1]."""
    return body[:, NAMES.index(name)].diff(dim=1).norm(dim=-1) * (MOMENTS - 1) / SECONDS


@pytest.mark.parametrize("activity", [name for name in ACTIVITIES if name != EMPTY])
def test_bodies_are_in_the_room_and_move_without_jumps(activity):
    body = bodies(activity)
    assert body.isfinite().all() and body.shape == (24, len(PARTS), MOMENTS, 3)
    assert body[..., 2].min() >= 0.05 and body[..., 2].max() < 2.4
    assert body[..., :2].min() > -0.6 and body[..., 0].max() < 7.6 and body[..., 1].max() < 6.6
    assert max(speed(body, name).max() for name in NAMES) < 16, "no hand or foot of a person is faster"


def test_walks_and_runs_have_their_speeds():
    walk, run = speed(bodies("walk"), "pelvis").median(), speed(bodies("run"), "pelvis").median()
    assert 0.5 < walk < 1.5 and 1.9 < run < 3.8
    feet = speed(bodies("walk"), "left foot")
    hips = speed(bodies("walk"), "pelvis")
    assert feet.quantile(0.95) > 1.5 * hips.quantile(0.95), "feet swing past the body"
    assert feet.quantile(0.05) < 0.5, "and stand while the other one swings"


def test_a_fall_ends_on_the_floor_and_a_seat_does_not():
    head, pelvis = NAMES.index("head"), NAMES.index("pelvis")
    fall, sit, rise = bodies("fall"), bodies("sit"), bodies("stand_up")
    assert (fall[:, head, 0, 2] > 1.2).all() and (fall[:, head, -1, 2] < 0.5).all()
    assert speed(fall, "head").amax(1).min() > 2.0
    lower = sit[:, pelvis, 0, 2] - sit[:, pelvis, -1, 2]
    assert (lower > 0.25).all() and (sit[:, head, -1, 2] > 0.8).all()
    assert (rise[:, pelvis, -1, 2] - rise[:, pelvis, 0, 2] > 0.25).all()
    assert (bodies("lie")[:, head, :, 2] < 0.5).all()


def test_picking_up_reaches_down_and_comes_back():
    body = bodies("pick_up", 64)
    hand = body[:, NAMES.index("right hand"), :, 2]
    assert (hand.amin(1) < hand[:, 0] - 0.2).all() and (hand[:, -1] - hand[:, 0]).abs().median() < 0.05


@pytest.mark.parametrize("activity", ["box", "wave", "circle", "clean"])
def test_gestures_move_hands_more_than_anything_else(activity):
    body = bodies(activity)
    hand = speed(body, "right hand").mean(1)
    assert (hand > 2 * speed(body, "pelvis").mean(1)).all() and hand.median() > 0.5


def test_who_stands_breathes():
    body = bodies("still")
    moved = body[:, NAMES.index("chest"), :, :2]
    travel = (moved.amax(1) - moved.amin(1)).norm(dim=1)
    assert (travel > 0.003).all() and (travel < 0.05).all()


def test_unknown_activity():
    assert known(None) == list(ACTIVITIES) and known(["run"]) == ["run"]
    with pytest.raises(WfmError, match="'fly'.*walk"):
        known(["fly"])
