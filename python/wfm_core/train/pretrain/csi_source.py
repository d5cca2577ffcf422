# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated CSI as a source of pretraining images."""

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.model import CHANNELS
from wfm_core.signal.csi import CsiImage, with_motion
from wfm_core.synth.csi.images import csi_images
from wfm_core.synth.csi.pool import draw_any, most_antennas
from wfm_core.train.pretrain.images import apart, random_channels

HIGHEST = 4.0
"""What an image has as 1: an amplitude of so many times its window's RMS."""
MOTION_GAIN = 3.0
"""Of what moves, over the levels: its deviation over generated windows is a third of theirs."""


class CsiSource:
    """Endless CSI of `synth.csi.pool`, rendered on the generator's device: of some kinds of places, or of all.

    Like a data set of ready images it has a `signal`, which prepares them. With `motion` each antenna gives a second
    channel, what moves (`with_motion`). `most_channels` of a window; `scene`: what the last windows were made of.
    Raises `WfmError` for an unknown kind.
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

    def __init__(self, scenes: list[str] | None = None, motion: bool = False):
        self.scenes, self.motion = scenes, motion
        self.of_antenna = 2 if motion else 1
        self.most_channels = min(self.of_antenna * most_antennas(scenes), CHANNELS)

    def check_image(self, channels: int) -> None:
        """Raises `WfmError` unless images of one channel are asked for: `draw_channels` gives more."""
        if self.motion:
            raise WfmError("generated CSI with motion has several channels: give image.channels, or leave motion out")
        if channels != 1:
            raise WfmError(f"images of {channels} channels are asked for, generated CSI gives 1: ask for that")

    def draw_native(self, count: int, generator: torch.Generator, least: int = 1) -> Tensor:
        """Amplitudes float32 [count, antennas, subcarriers, packets], `least` to 6 antennas; every call has its own
        sizes."""
        self.scene = draw_any(count, generator, self.scenes, least)
        return csi_images(self.scene.csi)

    def draw_channels(self, count: int, channels: int, generator: torch.Generator) -> Tensor:
        """Amplitudes float32 [count, antennas, subcarriers, packets]: random antennas of each window, which may have
        more of them, as many as give `channels` in any choice."""
        images = self.draw_native(count, generator, -(-channels // self.of_antenna))
        return random_channels(images, min(channels, images.size(1)), generator)

    def prepare(self, preprocess: CsiImage, amplitudes: Tensor) -> Tensor:
        """Amplitudes of any number of antennas -> images [n, channels, H, W]: levels over the RMS of the whole window,
        then one mean and deviation for all antennas."""
        images = apart(preprocess.standardise, preprocess.levels(amplitudes))
        if not self.motion:
            return images
        levels, moving = with_motion(images).chunk(2, 1)
        return torch.cat([levels, MOTION_GAIN * moving], 1)

    def draw_image(self, count: int, generator: torch.Generator) -> Tensor:
        """Amplitudes float32 [count, 1, subcarriers, packets] of a random antenna of each window."""
        images = self.draw_native(count, generator)
        antenna = torch.randint(images.shape[1], (count,), generator=generator, device=images.device)
        return images[torch.arange(count, device=images.device), antenna].unsqueeze(1)
