# SPDX-License-Identifier: GPL-3.0-or-later
"""A body as points that scatter: from a pose to where its parts are.

Proportions of the limbs to the stature are those of Winter, Biomechanics and Motor Control of Human Movement, 4th ed.,
figure 4.1. The radar cross-sections sum to 1 m^2, of which the trunk has most: what an upright cylinder of a trunk's
radius reflects out of one Fresnel zone at these distances, and what measurements of people near there find.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

PARTS = {
    "head": 0.08,
    "chest": 0.34,
    "pelvis": 0.22,
    "left elbow": 0.04,
    "right elbow": 0.04,
    "left hand": 0.04,
    "right hand": 0.04,
    "left knee": 0.06,
    "right knee": 0.06,
    "left foot": 0.04,
    "right foot": 0.04,
}
"""Radar cross-section of each part, m^2."""
CHEST = list(PARTS).index("chest")

_HIP, _SHOULDER, _HEAD = 0.530, 0.288, 0.40  # of the stature: hip over ground; shoulder and head over the hip
_HALF_HIPS, _HALF_SHOULDERS = 0.0955, 0.1295
_LOWEST = 0.08


@dataclass
class Pose:
    """`bodies` M at N moments; metres, radians.

    `place` [M, N, 2] on the floor; `heading` [M, N], azimuth of the front; `crouch` [M, N], 0 upright to 1 squatting;
    `lean` [M, N], of the trunk forward; `tilt` [M, N], of everything about the feet, pi/2 is lying, with its azimuth
    `fall` [M] from the front; `stride` [M, N], how far the left foot is before the hips (the right one behind);
    `lift` [M, N, 2], of the feet off the ground; `hands` [M, N, 2, 3], left and right, from the shoulder: forward,
    to the left, up; `breath` [M, N], of the chest forward; `stature` [M].
    """

    place: Tensor
    heading: Tensor
    crouch: Tensor
    lean: Tensor
    tilt: Tensor
    fall: Tensor
    stride: Tensor
    lift: Tensor
    hands: Tensor
    breath: Tensor
    stature: Tensor


def parts(pose: Pose) -> Tensor:
    """Where the `PARTS` are, [M, parts, N, 3] in metres."""
    tall = pose.stature.unsqueeze(1)
    zero = torch.zeros_like(pose.lean)
    hip = _HIP * tall * (1 - 0.5 * pose.crouch)
    # squatting moves the hips back and the knees forward
    pelvis = torch.stack([-0.15 * tall * pose.crouch, zero, hip], -1)
    up = torch.stack([pose.lean.sin(), zero, pose.lean.cos()], -1)
    front = torch.stack([pose.lean.cos(), zero, -pose.lean.sin()], -1)
    chest = pelvis + up * (0.2 * tall).unsqueeze(-1) + front * pose.breath.unsqueeze(-1)
    head = pelvis + up * (_HEAD * tall).unsqueeze(-1)
    elbows, hands, knees, feet = [], [], [], []
    for side, sign in enumerate((1.0, -1.0)):
        across = torch.stack([zero, (sign * _HALF_SHOULDERS * tall).expand_as(zero), zero], -1)
        shoulder = pelvis + up * (_SHOULDER * tall).unsqueeze(-1) + across
        hand = shoulder + pose.hands[:, :, side]
        hands.append(hand)
        elbows.append((shoulder + hand) / 2 - 0.05 * front)
        foot = torch.stack([sign * pose.stride, sign * _HALF_HIPS * tall + zero, 0.05 + pose.lift[..., side]], -1)
        feet.append(foot)
        bent = torch.stack([0.2 * tall * pose.crouch + 0.3 * pose.lift[..., side], zero, zero], -1)
        knees.append((pelvis + foot) / 2 + bent)
    body = torch.stack([head, chest, pelvis, *elbows, *hands, *knees, *feet], 1)
    return _placed(_tilted(body, pose), pose)


def _tilted(body: Tensor, pose: Pose) -> Tensor:
    """Everything turned by `tilt` about the place on the floor, falling towards `fall`."""
    towards = torch.stack([pose.fall.cos(), pose.fall.sin()], 1)[:, None, None]
    along = (body[..., :2] * towards).sum(-1)
    height = body[..., 2]
    cosine, sine = pose.tilt.cos().unsqueeze(1), pose.tilt.sin().unsqueeze(1)
    moved = along * cosine + height * sine - along
    flat = body[..., :2] + towards * moved.unsqueeze(-1)
    return torch.cat([flat, (height * cosine - along * sine).clamp_min(_LOWEST).unsqueeze(-1)], -1)


def _placed(body: Tensor, pose: Pose) -> Tensor:
    """From the body's own front, left and up to the room's x, y and z."""
    cosine, sine = pose.heading.cos().unsqueeze(1), pose.heading.sin().unsqueeze(1)
    x = body[..., 0] * cosine - body[..., 1] * sine + pose.place[:, None, :, 0]
    y = body[..., 0] * sine + body[..., 1] * cosine + pose.place[:, None, :, 1]
    return torch.stack([x, y, body[..., 2]], -1)
