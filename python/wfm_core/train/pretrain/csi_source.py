# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated CSI as a source of pretraining images."""

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.model import CHANNELS
from wfm_core.signal.csi import CsiImage, CsiLevels, with_motion
from wfm_core.synth.csi.images import csi_images
from wfm_core.synth.csi.pool import draw_any, known_scenes, most_antennas
from wfm_core.synth.draws import uniform
from wfm_core.train.pretrain.images import apart, random_channels

HIGHEST = 4.0
"""What an image has as 1: an amplitude of so many times its window's RMS."""
MOTION_GAIN = 3.0
"""Of what moves, over the levels: its deviation over generated windows is a third of theirs."""

MEAN, SPREAD = 0.9, 0.45
"""Of levels of generated windows, about: those that are standardised over a room are given them."""


class CsiSource:
    """Endless CSI of `synth.csi.pool`, rendered on the generator's device: of some kinds of places, or of all.

    Like a data set of ready images it has a `signal`, which prepares them. With `motion` each antenna gives a second
    channel, what moves (`with_motion`). `one_room`: share of the draws whose windows are all of one receiver in one
    room, and have each subcarrier standardised over all of them, as data sets that were recorded in one place are.
    `most_channels` of a window; `scene`: what the last windows were made of. Raises `WfmError` for an unknown kind, and
    for `one_room` without rooms.
    """

    antennas, sample_rate, ready_images, scene = 0, None, True, None
    signal = {
        "kind": "csi_image",
        "size": [224, 224],
        "scale": "linear",
        "gain": "window",
        "minimum": 0.0,
        "maximum": HIGHEST,
        "mean": [0.0],
        "std": [1.0],
    }

    def __init__(self, scenes: list[str] | None = None, motion: bool = False, one_room: float = 0.0):
        if one_room and "rooms" not in known_scenes(scenes):
            raise WfmError(
                f"one_room {one_room} of {', '.join(scenes)}: expected rooms among the scenes, or no one_room"
            )
        self.scenes, self.motion, self.one_room = scenes, motion, one_room
        self.of_antenna = 2 if motion else 1
        self.most_channels = min(self.of_antenna * most_antennas(scenes), CHANNELS)

    def check_image(self, channels: int) -> None:
        """Raises `WfmError` unless images of one channel are asked for: `draw_channels` gives more."""
        if self.motion:
            raise WfmError("generated CSI with motion has several channels: give image.channels, or leave motion out")
        if channels != 1:
            raise WfmError(f"images of {channels} channels are asked for, generated CSI gives 1: ask for that")

    def draw_native(self, count: int, generator: torch.Generator, least: int = 1, one_room: bool = False) -> Tensor:
        """Amplitudes float32 [count, antennas, subcarriers, packets], `least` to 6 antennas; every call has its own
        sizes."""
        self.scene = draw_any(count, generator, self.scenes, least, one_room)
        return csi_images(self.scene.csi)

    def draw_channels(self, count: int, channels: int, generator: torch.Generator) -> Tensor:
        """Levels float32 [count, antennas, subcarriers, packets], amplitudes over the RMS of their window: random
        antennas of each window, which may have more of them, as many as give `channels` in any choice."""
        least = -(-channels // self.of_antenna)
        one_room = self.one_room > 0 and float(uniform((), 0, 1, generator)) < self.one_room
        images = self.draw_native(count, generator, least, one_room)
        channels = min(channels, images.size(1))
        if not one_room:
            return _levels(random_channels(images, channels, generator))
        same = random_channels(images.transpose(0, 1).flatten(1).unsqueeze(0).unsqueeze(2), channels, generator)
        return _like_others(_levels(same.view(channels, count, *images.shape[2:]).transpose(0, 1)))

    def prepare(self, preprocess: CsiImage, levels: Tensor) -> Tensor:
        """Levels of any number of antennas -> images [n, channels, H, W], one mean and deviation for all antennas."""
        images = apart(preprocess.standardise, levels)
        if not self.motion:
            return images
        levels, moving = with_motion(images).chunk(2, 1)
        return torch.cat([levels, MOTION_GAIN * moving], 1)

    def draw_image(self, count: int, generator: torch.Generator) -> Tensor:
        """Levels float32 [count, 1, subcarriers, packets] of a random antenna of each window."""
        images = self.draw_native(count, generator)
        antenna = torch.randint(images.shape[1], (count,), generator=generator, device=images.device)
        return _levels(images[torch.arange(count, device=images.device), antenna].unsqueeze(1))


def _levels(amplitudes: Tensor) -> Tensor:
    return CsiLevels()(amplitudes)


def _like_others(levels: Tensor) -> Tensor:
    """Each subcarrier with the mean and the spread over all windows that levels have as a whole."""
    std, mean = torch.std_mean(levels, (0, 3), keepdim=True, correction=0)
    return MEAN + SPREAD * (levels - mean) / std.clamp(min=1e-6)
