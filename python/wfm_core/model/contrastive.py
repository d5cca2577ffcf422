# SPDX-License-Identifier: GPL-3.0-or-later
"""The contrastive objective for IQ alone: NT-Xent over two views of each window (SimCLR, arXiv 2002.05709)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from wfm_core.base.errors import WfmError
from wfm_core.model.network import WirelessModel


def nt_xent(a: Tensor, b: Tensor, temperature: float) -> Tensor:
    """Normalised temperature-scaled cross-entropy, float32 [], of two views [B, P] whose rows belong together.

    Each of the 2 B views must find its partner among the other 2 B - 1 by cosine similarity. Raises `WfmError`.
    """
    if a.shape != b.shape or a.dim() != 2 or a.size(0) < 2 or temperature <= 0:
        raise WfmError(
            f"views of shape {list(a.shape)} and {list(b.shape)} at temperature {temperature}; expected two equal "
            "[batch, width] with at least two rows and a temperature above 0: use a larger batch"
        )
    with torch.autocast(a.device.type, enabled=False):  # in bf16 a similarity of 1 / 0.1 is good to 0.03 only
        views = functional.normalize(torch.cat([a, b]).float(), dim=1)
        similarity = views @ views.T / temperature
    similarity = similarity.masked_fill(torch.eye(len(views), dtype=torch.bool, device=a.device), -torch.inf)
    partner = torch.arange(len(views), device=a.device).roll(len(a))
    return functional.cross_entropy(similarity, partner)


class ContrastiveModel(nn.Module):
    """A `WirelessModel` with an `iq` side and a projection of its mean-pooled embedding to `projection` numbers.

    The projection (two linear layers) serves the loss only; what is kept is the embedding before it. The negatives
    of a window are the other windows of the batch it comes in.
    """

    def __init__(self, model: WirelessModel, projection: int = 128, temperature: float = 0.1):
        super().__init__()
        if model.iq is None:
            raise WfmError("the contrastive objective is for IQ and this model has no iq side: set modalities: [iq]")
        width = model.cls_token.size(-1)
        self.model = model
        self.temperature = temperature
        self.projection = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, projection))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """The loss, float32 [], of two views of the same windows, preprocessed IQ complex64 [B, A, T] each."""
        projected = self.projection(self.model.embed_iq(torch.cat([a, b]), "mean"))
        return nt_xent(*projected.chunk(2), self.temperature)
