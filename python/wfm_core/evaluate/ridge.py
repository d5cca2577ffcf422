# SPDX-License-Identifier: GPL-3.0-or-later
"""The best linear predictor of masked tokens from visible ones: what a masked autoencoder has to beat.

Ridge regression from all visible values of a window to all masked ones, for one mask. There are far more values
than training windows, so it is solved in its dual form (Hastie, Tibshirani, Friedman: "The Elements of Statistical
Learning", 2nd edition, section 18.3.5): the Gram matrix [n, n] of the training windows takes the place of the
covariance, and a prediction is a weighted sum of training windows.
"""

import torch
from torch import Tensor

PENALTIES = tuple(10.0 ** (exponent / 2) for exponent in range(-6, 9))
"""What `choose_penalty` tries: 0.001 (nearly free) to 10,000 (nearly the mean)."""

_TOKENS = 8  # of a block: a centred copy of it is made, one of everything would double the memory
_WINDOWS = 256


class RidgePredictor:
    """Ridge regression for `mask` (bool [N], True = masked), in float32 on the training windows' device.

    values, targets: float32 [n, N, P] of the training windows' tokens, what is seen of them and what is to be
    predicted (the same tensor where the values themselves are). Both are centred on their means over the training
    windows, position by position.
    """

    def __init__(self, values: Tensor, targets: Tensor, mask: Tensor):
        self.values = values
        self.targets = targets
        self.visible = (~mask).nonzero().squeeze(1)
        self.masked = mask.nonzero().squeeze(1)
        self.centre = values.mean(0)
        self.mean = targets.mean(0)[self.masked]
        self._gram = self.products(values).double()
        self._factor = None

    def fit(self, penalty: float) -> "RidgePredictor":
        """Solve for a penalty, in units of the mean squared length of a training window's visible part."""
        regularised = self._gram.clone()
        # the floor keeps the matrix of windows that are all alike positive definite
        level = self._gram.diagonal().mean().clamp(min=1e-12)
        regularised.diagonal().add_(penalty * level)
        self._factor = torch.linalg.cholesky(regularised)
        return self

    def predict(self, windows: Tensor) -> Tensor:
        """Values [m, N, P] of new windows, whose masked tokens are not looked at -> the masked targets [m, M, P]."""
        return self.predict_from(self.products(windows))

    def predict_from(self, products: Tensor) -> Tensor:
        """As `predict`, from what `products` gives, which is the same for all penalties."""
        shares = torch.cholesky_solve(products.double().T, self._factor).T.float()
        predicted = self.mean.expand(products.size(0), -1, -1).flatten(1).clone()
        for first in range(0, self.targets.size(0), _WINDOWS):
            block = slice(first, first + _WINDOWS)
            centred = self.targets[block, self.masked] - self.mean
            predicted.addmm_(shares[:, block], centred.flatten(1))
        return predicted.unflatten(1, self.mean.shape)

    def products(self, windows: Tensor) -> Tensor:
        """Inner products of the visible parts, [m, n]: `windows` [m, N, P] with the training windows."""
        products = self.values.new_zeros(windows.size(0), self.values.size(0))
        for tokens in self.visible.split(_TOKENS):
            centre = self.centre[tokens]
            ours = (self.values[:, tokens] - centre).flatten(1)
            theirs = ours if windows is self.values else (windows[:, tokens] - centre).flatten(1)
            products.addmm_(theirs, ours.T)
        return products


def choose_penalty(values: Tensor, targets: Tensor, held_out: int, mask: Tensor) -> float:
    """The one of `PENALTIES` with the least squared error on the last `held_out` windows, learnt from the others."""
    predictor = RidgePredictor(values[:-held_out], targets[:-held_out], mask)
    truth = targets[-held_out:, predictor.masked]
    products = predictor.products(values[-held_out:])
    errors = {}
    for penalty in PENALTIES:
        predicted = predictor.fit(penalty).predict_from(products)
        errors[penalty] = float((predicted - truth).square().mean())
    return min(errors, key=errors.get)
