# SPDX-License-Identifier: GPL-3.0-or-later
"""How well a masked autoencoder reconstructs scenes it never saw, by kind of scene, beside two baselines.

The baselines are the mean of the training windows at each position, and the best linear predictor from the visible
tokens (wfm_core.evaluate.ridge). All three get the same windows and the same few masks; an error is the mean squared
error over the masked tokens, in the units of the loss. An autoencoder that also gives back the spectra of IQ segments
is judged on those too, and the linear predictor then sees the spectra of the visible segments.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from wfm_core.evaluate.ridge import RidgePredictor, choose_penalty
from wfm_core.model.masked import SPECTRUM, MaskedAutoencoder
from wfm_core.model.masking import hashed, random_masks
from wfm_core.synth.scenes.band import KINDS, render_band

MIXTURE = "mixture"
"""The row of windows drawn as in training, all kinds mixed."""

SETTINGS = {"train_windows": 3000, "held_out": 150, "windows": 64, "masks": 4}
"""Windows that the baselines learn from, how many of those choose the penalty; test windows of a kind; masks."""

TARGETS = ("image", "iq", SPECTRUM)

_STREAMS = 0x7265_636F_6E73  # keeps these windows apart from those that training draws with the same seed
_RENDERED, _FORWARD = 16, 16  # windows at a time

Render = Callable[[int, torch.Generator, str | None], Tensor]
"""(count, generator, kind or None for the mixture) -> IQ windows complex64 [count, antennas, samples]."""


def evaluate_reconstruction(
    autoencoder: MaskedAutoencoder, preprocess: dict[str, nn.Module], settings: dict, seed: int
) -> dict:
    """Errors of each modality in `preprocess` (IQ complex64 [B, A, T] -> what the modality's tokens want,
    on the autoencoder's device).

    settings: for each modality a mapping with `antennas`, `samples` and `ratio` (share of masked tokens), and any
    of `SETTINGS`. Returns a mapping for JSON: seed, settings, and modality -> what `reconstruction_errors` returns.
    """
    counts = {name: settings.get(name, default) for name, default in SETTINGS.items()}
    report = {"seed": seed, "settings": {**counts, **{modality: dict(settings[modality]) for modality in preprocess}}}
    for modality, module in preprocess.items():
        for target in autoencoder.predicted(modality):
            report[target] = reconstruction_errors(
                autoencoder, target, module, _renderer(**settings[modality]), KINDS, seed, settings[modality]["ratio"],
                **counts,
            )  # fmt: skip
    return report


@torch.inference_mode()
def reconstruction_errors(
    autoencoder: MaskedAutoencoder,
    target: str,
    preprocess: nn.Module,
    render: Render,
    kinds: Sequence[str],
    seed: int,
    ratio: float,
    train_windows: int,
    held_out: int,
    windows: int,
    masks: int,
) -> dict:
    """Errors of one target, a modality or SPECTRUM: {"tokens", "masked", "penalty", "kinds": {kind or MIXTURE: row}}.

    A row holds the masked mean squared errors of "model", "mean" and "linear", and "margin": by how much the model
    is below the better baseline, with its standard error over the windows, "margin_error".
    """
    was_training = autoencoder.training
    autoencoder.eval()
    rows = {MIXTURE: None, **{kind: kind for kind in kinds}}
    learnt = _windows(
        lambda iq: _seen_and_wanted(autoencoder, target, preprocess(iq)),
        render, train_windows, None, _generator(autoencoder, seed, 0),
    )  # fmt: skip
    values, targets = learnt[:, 0], learnt[:, -1]
    tests = [
        _windows(preprocess, render, windows, kind, _generator(autoencoder, seed, 1 + row))
        for row, kind in enumerate(rows.values())
    ]
    drawn = random_masks(torch.arange(masks, device=values.device), values.size(1), ratio, seed)
    # the masks are alike, so the first one chooses for all
    penalty = choose_penalty(values, targets, held_out, drawn[0])
    errors = torch.stack(
        [
            _window_errors(autoencoder, target, tests, mask, RidgePredictor(values, targets, mask).fit(penalty))
            for mask in drawn
        ]
    ).mean(0)
    autoencoder.train(was_training)
    return {
        "tokens": values.size(1),
        "masked": int(drawn[0].sum()),
        "penalty": penalty,
        "kinds": {name: _row(*row) for name, row in zip(rows, errors.cpu(), strict=True)},
    }


def format_table(report: dict) -> str:
    """The errors of a report of `evaluate_reconstruction` as text, a line a kind of scene."""
    lines = []
    for target in TARGETS:
        if target not in report:
            continue
        result = report[target]
        lines.append(f"{target}: masked mean squared error, {result['masked']} of {result['tokens']} tokens masked")
        width = max(len(kind) for kind in result["kinds"])
        lines.append(f"  {'kind':{width}}    mean  linear   model  model below the better baseline")
        for kind, row in result["kinds"].items():
            errors = "".join(f"{row[name]:8.4f}" for name in ("mean", "linear", "model"))
            lines.append(f"  {kind:{width}}{errors}  {row['margin']:+.4f} +- {row['margin_error']:.4f}")
    return "\n".join(lines)


def _renderer(antennas: int, samples: int, **_) -> Render:
    return lambda count, generator, kind: render_band(count, samples, antennas, generator, kind=kind).iq


def _generator(autoencoder: MaskedAutoencoder, seed: int, stream: int) -> torch.Generator:
    """On the autoencoder's device, with a seed of its own for each stream of windows."""
    own = hashed(seed, torch.tensor(_STREAMS), torch.tensor(stream))
    return torch.Generator(next(autoencoder.parameters()).device).manual_seed(int(own))


def _windows(
    prepare: Callable[[Tensor], Tensor], render: Render, count: int, kind: str | None, generator: torch.Generator
) -> Tensor:
    """`count` windows, rendered and prepared a few at a time into one tensor [count, ...]."""
    filled = None
    for first in range(0, count, _RENDERED):
        part = prepare(render(min(_RENDERED, count - first), generator, kind))
        if filled is None:
            filled = part.new_empty(count, *part.shape[1:])
        filled[first : first + len(part)] = part
    return filled


def _seen_and_wanted(autoencoder: MaskedAutoencoder, target: str, x: Tensor) -> Tensor:
    """Values of the tokens and the targets, float32 [B, 2, N, P]; [B, 1, N, P] where they are the same."""
    wanted = autoencoder.targets(target, x)
    if target not in autoencoder.normalise_targets:
        return wanted.unsqueeze(1)
    return torch.stack([getattr(autoencoder.model, target).values(x).float(), wanted], dim=1)


def _window_errors(
    autoencoder: MaskedAutoencoder, target: str, tests: list[Tensor], mask: Tensor, linear: RidgePredictor
) -> Tensor:
    """Masked mean squared errors of each window, [kinds, 3, n]: of the model, the mean, the linear predictor."""
    errors = []
    for x in tests:
        pair = _seen_and_wanted(autoencoder, target, x)
        truth = pair[:, -1, mask]
        parts = [autoencoder.reconstruct(target, part, mask.expand(len(part), -1))[0] for part in x.split(_FORWARD)]
        predictions = (torch.cat(parts)[:, mask], linear.mean, linear.predict(pair[:, 0]))
        errors.append(torch.stack([(prediction - truth).square().mean((1, 2)) for prediction in predictions]))
    return torch.stack(errors)


def _row(model: Tensor, mean: Tensor, linear: Tensor) -> dict[str, float]:
    """The errors of one kind from those of its windows [n]."""
    better = mean if mean.mean() < linear.mean() else linear
    margin = better - model
    return {
        "model": float(model.mean()),
        "mean": float(mean.mean()),
        "linear": float(linear.mean()),
        "margin": float(margin.mean()),
        "margin_error": float(margin.std() / len(margin) ** 0.5),
    }
