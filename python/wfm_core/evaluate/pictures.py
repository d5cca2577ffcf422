# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of a pretraining run: reconstructions, loss curves, errors by kind of scene."""

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator
from torch import Tensor

from wfm_core.evaluate.figures.canvas import new_figure, save
from wfm_core.evaluate.reconstruction import TARGETS
from wfm_core.model.masked import MaskedAutoencoder
from wfm_core.model.tokens import PATCH, SEGMENT

_SHOWN = 256  # complex samples of one antenna in a picture of IQ
_COLOURS = {"mean": "#9a9a9a", "linear": "#dd8452", "model": "#3b6fb6"}
_LABELS = {"mean": "mean of the training windows", "linear": "best linear predictor", "model": "masked autoencoder"}
_MOST_COLUMNS = 4
_TARGET_COLOURS = {"image": "#3b6fb6", "iq": "#c44e52"}


def untokenised(modality: str, tokens: Tensor, shape: Sequence[int]) -> Tensor:
    """Values of tokens [B, N, P] -> images float32 [B, C, H, W] or IQ complex64 [B, A, T], of the given shape."""
    if modality == "image":
        batch, channels, height, width = shape
        grid = tokens.view(batch, height // PATCH, width // PATCH, channels, PATCH, PATCH)
        return grid.permute(0, 3, 1, 4, 2, 5).reshape(batch, channels, height, width)
    batch, antennas, samples = shape
    segments = tokens.view(batch, samples // SEGMENT, antennas, SEGMENT, 2).transpose(1, 2)
    return torch.view_as_complex(segments.reshape(batch, antennas, samples, 2).contiguous())


@torch.inference_mode()
def picture_reconstructions(
    path: Path, autoencoder: MaskedAutoencoder, modality: str, x: Tensor, mask: Tensor, titles: Sequence[str]
) -> None:
    """Draw what the autoencoder makes of a few preprocessed windows `x` with `mask` bool [B, N], one title each.

    Targets normalised token by token have no level of their own: their reconstructions are drawn with the mean and
    spread of the true token.
    """
    prediction, _ = autoencoder.reconstruct(modality, x, mask)
    if modality in autoencoder.normalise_targets:
        values = getattr(autoencoder.model, modality).values(x).float()
        variance, mean = torch.var_mean(values, dim=2, keepdim=True)
        prediction = prediction * variance.sqrt() + mean
    reconstructed = untokenised(modality, prediction.float(), x.shape)
    draw_reconstructions(path, modality, x.cpu(), mask.cpu(), reconstructed.cpu(), titles)


def draw_reconstructions(
    path: Path, modality: str, original: Tensor, masked: Tensor, reconstructed: Tensor, titles: Sequence[str]
) -> None:
    """Write a picture of windows before and after.

    original, reconstructed: images float [n, C, H, W] or IQ complex64 [n, A, T]; masked: bool [n, N] by token. Images:
    a row a window, original, masked and reconstructed side by side (channel 0). IQ: I and Q of antenna 0 over time,
    the masked segments shaded and their reconstruction laid over the original.
    """
    if modality == "image":
        figure = _image_figure(original[:, 0].numpy(), masked, reconstructed[:, 0].numpy(), titles)
    else:
        figure = _iq_figure(original, masked, reconstructed[:, 0].numpy(), titles)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, figure)


def _image_figure(original: np.ndarray, masked: Tensor, reconstructed: np.ndarray, titles: Sequence[str]) -> Figure:
    count, height, width = original.shape
    tokens = masked.view(count, height // PATCH, width // PATCH, -1)[..., 0]  # of channel 0, where each has its own
    hidden = tokens.repeat_interleave(PATCH, dim=1).repeat_interleave(PATCH, dim=2).numpy()
    figure = new_figure(8.4, 0.4 + (0.5 + 2.7 * min(height / width, 2.0)) * count)
    axes = figure.subplots(count, 3, squeeze=False)
    for row in range(count):
        low, high = np.percentile(original[row], (1, 99.5))
        shown = (original[row], np.ma.masked_array(original[row], hidden[row]), reconstructed[row])
        for column, picture in enumerate(shown):
            axis = axes[row, column]
            axis.imshow(picture, vmin=low, vmax=max(high, low + 1e-6), cmap="viridis", interpolation="nearest")
            axis.set_facecolor("#d9d9d9")
            axis.set_xticks([])
            axis.set_yticks([])
        error = np.square(reconstructed[row] - original[row])[hidden[row]].mean()
        axes[row, 0].set_ylabel("time, or\nsubcarriers", fontsize=8)
        axes[row, 0].set_title(titles[row], fontsize=9)
        axes[row, 1].set_title(f"{hidden[row].mean():.0%} masked", fontsize=9)
        axes[row, 2].set_title(f"reconstructed, MSE {error:.3f}", fontsize=9)
    for axis in axes[-1]:
        axis.set_xlabel("frequency, or packets of CSI", fontsize=8)
    return figure


def _iq_figure(original: Tensor, masked: Tensor, reconstructed: np.ndarray, titles: Sequence[str]) -> Figure:
    count, antennas, samples = original.shape
    shown = min(_SHOWN, samples)
    # tokens are time-major, antenna-minor
    hidden = masked.view(count, -1, antennas)[:, :, 0].repeat_interleave(SEGMENT, dim=1).numpy()[:, :shown]
    truth = original[:, 0].numpy()
    time = np.arange(shown)
    figure = new_figure(11, 0.6 + 2.4 * count)
    axes = figure.subplots(2 * count, 1, sharex=True)
    for row in range(count):
        guess = np.where(hidden[row], reconstructed[row, :shown], np.nan + 1j * np.nan)
        for offset, (name, part) in enumerate((("I", np.real), ("Q", np.imag))):
            axis = axes[2 * row + offset]
            level = 1.1 * np.abs(part(truth[row, :shown])).max() + 1e-6
            axis.fill_between(time, -level, level, where=hidden[row], step="post", color="#e8e8e8", linewidth=0)
            axis.plot(time, part(truth[row, :shown]), color="#555555", linewidth=0.8, label="original")
            axis.plot(time, part(guess), color=_COLOURS["linear"], linewidth=1.1, label="reconstructed (masked)")
            axis.set_ylim(-level, level)
            axis.set_ylabel(name)
        axes[2 * row].set_title(titles[row], fontsize=9)
    axes[0].legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), fontsize=8, ncols=2, frameon=False)
    axes[-1].set_xlabel("sample of antenna 0")
    axes[-1].set_xlim(0, shown)
    return figure


def draw_curves(path: Path, csv_paths: Iterable[Path], baseline: str = "predicting the mean") -> None:
    """Write the losses of a run over its steps, a panel a target, from Lightning's metrics.csv files.

    Columns: `step`, and for each target M the training loss `train_loss_M` (smoothed in the picture), `val_loss_M` on
    held-out windows, and `val_mean_M`, the loss of the `baseline`: a line. A resumed run has several files; of a step
    that occurs in two the later file's value counts.
    """
    curves = read_curves(csv_paths)
    targets = [name.removeprefix("train_loss_") for name in curves if name.startswith("train_loss_")]
    columns = max(1, min(_MOST_COLUMNS, len(targets)))
    rows = max(1, math.ceil(len(targets) / columns))
    figure = new_figure(1.0 + 5.2 * columns, 4 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    for axis in axes[len(targets) :]:
        axis.set_axis_off()
    for axis, target in zip(axes, targets, strict=False):
        colour = _TARGET_COLOURS.get(target, "#6a4c93")
        if train := curves.get(f"train_loss_{target}"):
            axis.plot(list(train), _smooth(list(train.values())), color=colour, alpha=0.45, label="training (smoothed)")
        if val := curves.get(f"val_loss_{target}"):
            axis.plot(list(val), list(val.values()), color=colour, marker=".", markersize=4, label="held-out scenes")
        if mean := curves.get(f"val_mean_{target}"):
            level = list(mean.values())[-1]
            axis.axhline(level, color="#555555", linestyle="--", label=f"{baseline} ({level:.3f})")
        axis.set_yscale("log")
        axis.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        axis.yaxis.set_major_formatter(FuncFormatter(_as_written))
        axis.yaxis.set_minor_formatter(FuncFormatter(_as_written))
        axis.set_title(target)
        axis.set_xlabel("optimizer step")
        axis.set_ylabel("loss")
        axis.grid(alpha=0.3, which="both")
        axis.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, figure)


def _as_written(value: float, _place: int) -> str:
    return f"{value:g}"


def read_curves(csv_paths: Iterable[Path]) -> dict[str, dict[int, float]]:
    """Column -> {step: value}, steps ascending, of several metrics.csv files; empty cells and NaN are left out."""
    curves = {}
    for csv_path in csv_paths:
        with csv_path.open(newline="") as file:
            for row in csv.DictReader(file):
                for name, text in row.items():
                    if name not in ("step", "epoch") and text and math.isfinite(float(text)):
                        curves.setdefault(name, {})[int(row["step"])] = float(text)
    return {name: dict(sorted(curve.items())) for name, curve in curves.items()}


def _smooth(values: list[float]) -> np.ndarray:
    """Centred moving mean over about a fiftieth of the values."""
    width = 2 * (len(values) // 100) + 1
    padded = np.pad(values, width // 2, mode="edge")
    return np.convolve(padded, np.full(width, 1 / width), mode="valid")


def draw_errors(path: Path, report: dict) -> None:
    """Write the errors of `wfm_core.evaluate.reconstruction.evaluate_reconstruction` as bars, a panel a target."""
    results = {target: report[target] for target in TARGETS if target in report}
    figure = new_figure(11, 0.6 + 3.2 * len(results))
    axes = figure.subplots(len(results), 1, squeeze=False)[:, 0]
    for axis, (target, result) in zip(axes, results.items(), strict=True):
        kinds = result["kinds"]
        place = np.arange(len(kinds))
        for offset, (name, colour) in enumerate(_COLOURS.items()):
            heights = [row[name] for row in kinds.values()]
            axis.bar(place + 0.27 * (offset - 1), heights, 0.25, color=colour, label=_LABELS[name])
        axis.set_xticks(place, list(kinds), rotation=25, ha="right")
        axis.set_ylabel("masked mean squared error")
        axis.set_title(f"{target}: {result['masked']} of {result['tokens']} tokens masked", fontsize=10)
        axis.grid(axis="y", alpha=0.3)
        axis.set_axisbelow(True)
    figure.axes[0].legend(fontsize=8, ncols=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, figure)
