# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of an encoder whose embeddings tell places apart in sites that it has never seen.

Each episode is another generated site: some points of it are surveyed, and the loss is how far from the truth other
places are located by Gaussian process regression on the embeddings of those points. The regression is in closed form
and its gradient goes through, so the encoder learns what a survey needs, and nothing of any one site (Bertinetto,
Henriques, Torr and Vedaldi, Meta-learning with differentiable closed-form solvers, ICLR 2019).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from wfm_core.base.precision import bf16_is_faster
from wfm_core.bundle.export import save_model_folder
from wfm_core.bundle.foundation import Foundation, save_foundation
from wfm_core.model import WirelessModel
from wfm_core.model.adapter import fit_images
from wfm_core.signal.channels.csi_profile import CsiProfile, csi_parts
from wfm_core.synth.csi.places import ANTENNAS, MARGIN, Site, any_places, csi_at, draw_site, grid_places
from wfm_core.train.fitting import fit
from wfm_core.train.optimizers import weight_groups

NAME = "wfm-position"
SHAPE = (4, 52, 8)
"""Antennas, subcarriers and packets of the bundle's input."""
SIZE = (32, 16)
"""Pixels of an image: delays, packets."""
PACKETS = 8
POOLING = "mean"
TAPS = {"wifi": 2, "srs": 1}
"""Of a transform, over subcarriers: rows are 2 m of way in rooms, 3 m in halls."""
_SPOTS = 2
_POINTS = (12, 48)
_PLACES = 40
_EPISODES = 3  # in a step, of one kind
_KINDS = ("wifi", "srs", "wifi")
_RATE, _KERNEL_RATE = 3e-4, 1e-2
_WEIGHT_DECAY = 0.05
_LEAST = 0.01  # of the spacing: an error below has no slope to speak of


@dataclass(frozen=True)
class Episode:
    """Images [points + places, ANTENNAS, *SIZE]: one at each of the `points` [n, 2], then one at each of the `places`
    [m, 2], in metres; `spacing` of the points, m."""

    images: Tensor
    points: Tensor
    places: Tensor
    spacing: float


def profiles(site: Site, places: Tensor, generator: torch.Generator) -> Tensor:
    """An image [n, ANTENNAS, *SIZE] of a window at each of the places [n, 3]."""
    taps = TAPS[site.kind.name] * len(site.kind.grid)
    return CsiProfile(list(SIZE), taps)(csi_parts(csi_at(site, places, PACKETS, generator, _SPOTS)))


def draw_episode(kind: str, generator: torch.Generator) -> Episode:
    """An episode of another site each time."""
    site = draw_site(kind, generator)
    count = int(torch.randint(_POINTS[0], _POINTS[1] + 1, (), generator=generator))
    area = float((site.size - 2 * MARGIN).prod())
    points = grid_places(site, math.sqrt(area / count))
    places = any_places(site, _PLACES, generator)
    images = profiles(site, torch.cat([points, places]), generator)
    return Episode(images, points[:, :2], places[:, :2], math.sqrt(area / len(points)))


class SurveyLoss(nn.Module):
    """How far off places are located from the embeddings of surveyed points, in spacings of these. The kernel's length
    and noise learn too."""

    def __init__(self, width: int):
        super().__init__()
        self.log_rate = nn.Parameter(torch.tensor(-math.log(width)))
        self.log_noise = nn.Parameter(torch.tensor(-3.0))

    def forward(self, surveyed: Tensor, points: Tensor, asked: Tensor, places: Tensor, spacing: float) -> Tensor:
        """Embeddings [n, D] at points [n, 2] m, and [m, D] at places [m, 2] m."""
        middle = points.mean(0)
        scale = (points - middle).square().sum(1).mean().sqrt()
        noise = self.log_noise.exp() * torch.eye(len(points), device=points.device)
        weights = torch.linalg.solve(self._kernel(surveyed, surveyed) + noise, (points - middle) / scale)
        wrong = middle + scale * (self._kernel(asked, surveyed) @ weights) - places
        return (wrong.square().sum(1) / spacing**2 + _LEAST**2).sqrt().mean()

    def _kernel(self, one: Tensor, other: Tensor) -> Tensor:
        squared = one.square().sum(1, keepdim=True) + other.square().sum(1) - 2 * one @ other.T
        return torch.exp(-squared.clamp_min(0) * self.log_rate.exp())


def train_positions(
    foundation: Foundation, steps: int, seed: int, said: Callable[[int, str, float], None]
) -> WirelessModel:
    """The image side of `foundation`, trained for `steps` steps on episodes drawn from `seed`.

    In each step `said` gets its number, the kind of site and the loss in spacings.
    """
    model = foundation.model
    model.iq = None
    fit_images(model.image, ANTENNAS, SIZE)
    model.requires_grad_(True).train()
    criterion = SurveyLoss(foundation.encoder.width)
    generator = torch.Generator().manual_seed(seed)
    fast = bf16_is_faster("cpu")

    def loss(number: Tensor) -> Tensor:
        kind = _KINDS[int(number) % len(_KINDS)]
        episodes = [draw_episode(kind, generator) for _ in range(_EPISODES)]
        images = torch.cat([episode.images for episode in episodes])
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            embeddings = model.embed_image(images, POOLING)
        parts = embeddings.float().split([len(episode.images) for episode in episodes])
        losses = []
        for episode, part in zip(episodes, parts, strict=True):
            known = len(episode.points)
            losses.append(criterion(part[:known], episode.points, part[known:], episode.places, episode.spacing))
        total = torch.stack(losses).mean()
        said(int(number), kind, float(total.detach()))
        return total

    groups = [
        *weight_groups(model, _WEIGHT_DECAY),
        {"params": list(criterion.parameters()), "weight_decay": 0.0, "lr": _KERNEL_RATE},
    ]
    fit(groups, loss, list(torch.arange(steps)), _RATE, warmup=40, gradient_clip=1.0)
    return model.eval().requires_grad_(False)


def save_positions(out: Path, model: WirelessModel, foundation: Foundation, origin: dict) -> None:
    """Write the model folder `out`, whose bundle takes packets of `SHAPE` as complex parts and gives embeddings; and
    beside it the same weights as a foundation, for CSI of other shapes and for fine-tuning."""
    weights = {name: tensor.half() for name, tensor in model.state_dict().items()}
    sizes = {"encoder": foundation.description["encoder"], "affine": foundation.description["affine"]}
    image = {"channels": ANTENNAS, "size": list(SIZE), "per_channel": True}
    common = {"name": NAME, **sizes, "origin": origin}
    save_foundation(out, {**common, "modalities": {"image": image}}, weights)
    antennas, subcarriers, packets = SHAPE
    contract = {
        **common,
        "input": "image",
        "modality": "image",
        "signal": {"kind": "csi_profile", "size": list(SIZE), "taps": TAPS["wifi"] * subcarriers},
        "image": image,
        "input_image": {"channels": 2 * antennas, "size": [subcarriers, packets]},
        "embedding": POOLING,
    }
    save_model_folder(out, contract, weights)
