# SPDX-License-Identifier: GPL-3.0-or-later
"""Where fine-tuning starts: how a foundation is fed with a data set's windows, and the model with its new head."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wfm_core.base.errors import WfmError
from wfm_core.base.quantities import ESTIMATE
from wfm_core.bundle.foundation import Foundation
from wfm_core.configs.finetuning import Finetuning, Scenes
from wfm_core.data.dataset import Dataset
from wfm_core.model import (
    IMAGE_POOLINGS,
    PATCH,
    SEGMENT,
    ChannelImageTokens,
    ClassHead,
    GridHead,
    QuantityHead,
    WirelessModel,
    padded,
    pooled_parts,
)
from wfm_core.model.adapter import fit_images, merge_adapter
from wfm_core.signal import build_preprocessor

MODULATION_IMAGE = "modulation_image"


@dataclass(frozen=True)
class Feed:
    """`signal` prepares raw windows; `shape` is that of a prepared one, (A, T) of IQ or (C, H, W) of an image."""

    modality: str
    signal: dict
    shape: tuple[int, ...]


def raw_windows(dataset: Dataset, rows) -> Tensor:
    """Windows as preprocessing takes them: complex64 [n, A, T], or float32 [n, C, H, W]."""
    return torch.from_numpy(dataset.read_iq(rows) if dataset.kind == "sample" else dataset.read(rows))


def choose_feed(foundation: Foundation, dataset: Dataset, config: Finetuning) -> Feed:
    """How windows of `dataset` get into the foundation. Raises `WfmError` where they do not fit each other."""
    modality = config.modality or ("image" if config.signal == MODULATION_IMAGE else dataset.modality)
    if modality == "iq" and dataset.kind != "sample":
        raise WfmError(f"{dataset.path} holds {dataset.kind}, which cannot feed modality iq; use --modality image")
    if modality == "iq" and config.roll == "height":
        raise WfmError("roll=height shifts images circularly, but IQ windows are fed; use roll=width, which is time")
    if modality not in foundation.modalities:
        raise WfmError(
            f"{dataset.path} feeds modality {modality}, but {foundation.name} was pretrained on "
            f"{', '.join(foundation.modalities)} alone; name another --init, or another --modality where the data allow"
        )
    signal = dict(_signal(foundation, dataset, config, modality))
    settings = foundation.description["modalities"][modality]
    if "size" in signal:
        signal["size"] = list(config.image_size or (padded(dataset.grid) if dataset.dense else settings["size"]))
    try:
        window = build_preprocessor(signal)(raw_windows(dataset, [0]))
    except ValueError as error:
        raise WfmError(f"{dataset.path} and its preprocessing do not fit: {error}; fix `signal` or the set") from error
    feed = Feed(modality, signal, tuple(window.shape[1:]))
    _check_shape(feed, dataset, settings)
    if dataset.dense:
        _check_grid(feed, dataset, config)
    return feed


def _signal(foundation: Foundation, dataset: Dataset, config: Finetuning, modality: str) -> dict:
    """The preprocessing of the one who is to say: `auto` is the foundation for IQ, whose encoder knows its levels."""
    if config.signal == MODULATION_IMAGE:
        if dataset.kind != "sample" or modality != "image":
            raise WfmError(
                f"{dataset.path}: signal={MODULATION_IMAGE} makes images of IQ windows, but {dataset.kind} for "
                f"modality {modality} is asked for; leave it out"
            )
        return {"kind": MODULATION_IMAGE}
    by_foundation = config.signal == "foundation" or (config.signal == "auto" and dataset.kind == "sample")
    if not by_foundation:
        if dataset.modality != modality:
            raise WfmError(
                f"{dataset.path}: its own signal {dataset.signal['kind']!r} makes {dataset.modality}, not {modality}; "
                "leave out signal=dataset"
            )
        return dataset.signal
    settings = foundation.description["modalities"][modality]
    if dataset.kind != "sample" or "signal" not in settings:
        raise WfmError(
            f"{foundation.name} does not say how {dataset.kind} of {dataset.path.name} becomes {modality}; "
            "use signal=dataset"
        )
    return settings["signal"]


def _check_shape(feed: Feed, dataset: Dataset, settings: dict) -> None:
    if feed.modality == "iq":
        antennas, samples = feed.shape
        if samples % SEGMENT or antennas > settings["antennas"]:
            raise WfmError(
                f"{dataset.path}: windows of {antennas} antennas x {samples} samples; expected 1 to "
                f"{settings['antennas']} antennas and a multiple of {SEGMENT} samples: build the set with such a window"
            )
    elif feed.shape[1] % PATCH or feed.shape[2] % PATCH:
        raise WfmError(
            f"images of {feed.shape[1]}x{feed.shape[2]} pixels; expected multiples of {PATCH}: set image_size"
        )
    elif settings.get("per_channel") and feed.shape[0] > settings["channels"]:
        raise WfmError(
            f"{dataset.path}: images of {feed.shape[0]} channels; expected 1 to {settings['channels']}, for which the "
            "foundation has vectors: build the set with fewer"
        )


def _check_grid(feed: Feed, dataset: Dataset, config: Finetuning) -> None:
    """A dense task's labels and the prepared images must lie on each other."""
    where, wanted = f"{dataset.path}: labels of {dataset.grid[0]}x{dataset.grid[1]} pixels", padded(dataset.grid)
    if dataset.kind == "sample" or feed.shape[1:] != wanted:
        raise WfmError(
            f"{where} for {dataset.kind} that becomes {'x'.join(map(str, feed.shape[1:]))}; expected images of "
            f"{wanted[0]}x{wanted[1]}, the grid in whole patches: leave out image_size, or build the set again"
        )
    if config.roll:
        raise WfmError(f"{where} with roll={config.roll}, which would shift the images alone; leave out roll")
    kind = feed.signal["kind"]
    if dataset.dense == ESTIMATE and (kind != "pilot_grid" or dataset.values != feed.shape[0]):
        raise WfmError(
            f"{where}, {dataset.values} planes, with images of {feed.shape[0]} by signal {kind}; expected pilot_grid "
            "and as many planes as it gives: build the set again"
        )


def start_model(
    foundation: Foundation,
    feed: Feed,
    labels: tuple[str, ...],
    config: Finetuning | Scenes,
    values: int = 0,
    grid: tuple[int, int] = (0, 0),
) -> WirelessModel:
    """The foundation's network with the one input side that is fed and a new head, of `values` numbers that are
    measured where there are no `labels`; with a `grid`, of an answer for each pixel of it.

    Nothing is frozen yet.

    Channels that the foundation does not know start with their mean; with `channels` apart each gets a projection of
    its own, which can part from the others'. Where each channel has tokens of its own there is nothing to adapt, and as
    many of the channels' vectors as there are channels are kept. Fresh weights are drawn from the configuration's seed:
    the head's, and all of them in regime scratch. Raises `WfmError` for an image's pooling of IQ windows.
    """
    if config.regime == "scratch":
        foundation = foundation.random(config.seed)
    model = copy.deepcopy(foundation.model).train()
    if feed.modality == "image":
        model.iq = None
        fit_images(model.image, feed.shape[0], feed.shape[1:])
        if config.channels == "apart":
            merge_adapter(model.image)
    else:
        model.image = None
        antennas = feed.shape[0]
        model.iq.antenna = nn.Parameter(model.iq.antenna.detach()[:antennas].clone())
        model.iq.max_antennas = antennas
    width = foundation.description["encoder"]["width"]
    if feed.modality == "image":
        channels = feed.shape[0] if isinstance(model.image, ChannelImageTokens) else 1
        if not any(grid):
            width *= pooled_parts(config.pooling, feed.shape[1] // PATCH, feed.shape[2] // PATCH, channels)
    elif config.pooling in IMAGE_POOLINGS:
        raise WfmError(
            f"pooling {config.pooling} of {feed.modality} windows, whose tokens are of no image; expected cls or mean"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        if any(grid):
            head = GridHead(width, len(labels) or values, grid, channels)
        else:
            head = ClassHead(width, len(labels)) if labels else QuantityHead(width, values)
    model.heads = nn.ModuleDict({config.task: head})
    return model
