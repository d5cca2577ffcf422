# SPDX-License-Identifier: GPL-3.0-or-later
"""Prediction of what a teacher makes of hidden tokens, in place of their values.

The student, which is the encoder that is trained, sees the visible tokens of a window. The teacher has the same network
with an exponential moving average of the student's weights, and sees all tokens. A small predictor gives the teacher's
outputs at the hidden places. I-JEPA (Assran et al., CVPR 2023, arXiv 2301.08243, section 3) does so with images,
data2vec (Baevski et al., ICML 2022, arXiv 2202.03555, section 3) without the predictor. Noise, which nothing visible
tells, need not be predicted then. Nothing but the average and the predictor keeps the outputs of all windows from
becoming the same: `spread` tells.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import get_ema_multi_avg_fn

from wfm_core.model.encoder import Encoder, EncoderConfig
from wfm_core.model.masked import gather_tokens, split_tokens
from wfm_core.model.network import WirelessModel

LOSSES = {"smooth_l1": functional.smooth_l1_loss, "mse": functional.mse_loss}


class PredictiveModel(nn.Module):
    """A `WirelessModel`, its `teacher`, and a predictor that serves all modalities.

    The predictor's tokens have the encoder's positions, and vectors of antennas or channels, brought to its width by a
    linear layer: so whatever windows the encoder takes, of any size, the predictor takes too.
    """

    def __init__(self, model: WirelessModel, predictor: EncoderConfig):
        super().__init__()
        self.model = model
        self.teacher = copy.deepcopy(model).requires_grad_(False)
        width = model.cls_token.size(-1)
        self.to_predictor = nn.Linear(width, predictor.width)
        self.to_place = nn.Linear(width, predictor.width)
        self.mask_token = nn.Parameter(torch.randn(1, 1, predictor.width) * 0.02)
        self.predictor = Encoder(predictor)
        self.from_predictor = nn.Linear(predictor.width, width)
        for linear in (self.to_predictor, self.to_place, self.from_predictor):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    @torch.no_grad()
    def follow(self, decay: float) -> None:
        """A step of the teacher: each weight becomes `decay` of itself and 1 - `decay` of the student's."""
        average = get_ema_multi_avg_fn(decay)
        average(list(self.teacher.parameters()), list(self.model.parameters()), None)

    def begin(self) -> None:
        """Give the teacher the student's weights."""
        self.teacher.load_state_dict(self.model.state_dict())

    @torch.no_grad()
    def outputs(self, modality: str, x: Tensor) -> Tensor:
        """What the teacher makes of all tokens of windows, float32 [B, N, D]: each of mean 0 and variance 1.

        x: images float [B, C, H, W] or IQ complex64 [B, A, T], preprocessed.
        """
        encode = self.teacher.encode_image if modality == "image" else self.teacher.encode_iq
        encoded = encode(x)[:, 1:].float()
        return functional.layer_norm(encoded, encoded.shape[-1:])

    def predict(self, modality: str, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The numbers of the hidden tokens [B, M], ascending, and what is predicted for them, float32 [B, M, D].

        mask: bool [B, N], True = hidden, with equally many hidden in each row (one on the CPU costs a GPU no wait).
        Raises `WfmError`.
        """
        tokens = self.model.image if modality == "image" else self.model.iq
        values, places = tokens.values(x), tokens.places(x)
        visible, hidden = split_tokens(mask, values)
        seen = tokens.place(gather_tokens(values, visible), places[visible])
        encoded = self.model.encode(seen, tokens.place_cls(self.model.cls_token), tokens.about(x))
        encoded = self.to_predictor(encoded)
        positions = self.to_place(places)
        # CLS, which has no position, then the visible tokens, then the hidden ones: the order is free
        sequence = [encoded[:, :1], encoded[:, 1:] + positions[visible], self.mask_token + positions[hidden]]
        predicted = self.predictor(torch.cat(sequence, dim=1))[:, 1 + visible.size(1) :]
        return hidden, self.from_predictor(predicted).float()


def spread(outputs: Tensor) -> Tensor:
    """How much the teacher's `outputs` [B, N, D] differ between windows, float32 []: their variance over the windows at
    one place, mean over places. Their mean square is 1; at 0 all windows look alike, and nothing is learnt."""
    return outputs.var(0, correction=0).mean()
