# SPDX-License-Identifier: GPL-3.0-or-later
"""Synthetic scenes of interference as what a fine-tuning learns from: endless, seeded, rendered while it runs."""

from collections import deque
from itertools import cycle

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from wfm_core.base.errors import WfmError
from wfm_core.bundle.assemble import fitted
from wfm_core.bundle.export import is_model_folder, read_model_folder
from wfm_core.bundle.find import find_bundle
from wfm_core.bundle.foundation import Foundation, build_model
from wfm_core.configs.finetuning import Scenes
from wfm_core.signal import build_preprocessor
from wfm_core.synth.draws import log_uniform
from wfm_core.synth.scenes.interference import LABELS, NONE, SAMPLE_RATES, InterferenceScenes
from wfm_core.synth.scenes.others import OtherTechnologies
from wfm_core.train.finetune.material import Alarms, Material
from wfm_core.train.finetune.starting import Feed, start_model

ANTENNA_SHARES = {1: 0.35, 2: 0.35, 3: 0.1, 4: 0.2}
"""How often a training batch has so many antennas."""
_KEPT_BATCHES = 400
_STRETCH, _STRETCH_OF_BLOCKS = 10, 3
_BLOCKS = 8
"""Blocks that are drawn at once to validate."""
_RUNS = 5
"""Images of each block of windows, where they are averaged: of the whole block, and of runs of random length in it."""
_VALIDATION_SEED = 7_654_321


class MixedScenes:
    """Cells with and without DSSS, and other technologies, which are NONE: a share `others` of all windows.

    A window here is `windows` of the network's in a row.
    """

    def __init__(self, config: Scenes, generator: torch.Generator, reuse: float = 3.0, windows: int = 1):
        self.generator, self.share = generator, config.others
        samples, stretch = windows * config.window.samples, _STRETCH if windows == 1 else _STRETCH_OF_BLOCKS
        self.cells = InterferenceScenes(samples, generator, reuse=reuse, nr_cells=config.nr_cells, stretch=stretch)
        self.others = OtherTechnologies(samples, generator) if config.others else None

    def draw(self, batch: int, antennas: int) -> tuple[Tensor, Tensor, Tensor]:
        """`batch` windows, complex64 [B, A, T], their labels int64 [B], and which are no cells, bool [B]."""
        if self.others is None:
            windows = self.cells.draw(batch, antennas)
            return windows.iq, windows.label, torch.zeros(batch, dtype=torch.bool)
        count = int((torch.rand(batch, generator=self.generator) < self.share).sum().clamp(1, batch - 1))
        windows = self.cells.draw(batch - count, antennas)
        others = self.others.draw(count, antennas)
        label = torch.cat([windows.label, torch.full((count,), NONE)])
        return torch.cat([windows.iq, others.iq]), label, torch.arange(batch) >= batch - count


class SceneBatches(IterableDataset):
    """Endless (prepared windows, classes) batches.

    Every fresh batch is followed by `replays` earlier ones: rendering a window costs more than a step on it.
    The scenes are a function of `seed`, the worker and the number of batches, so a run resumed at `first_batch` sees
    scenes it has not seen before.
    """

    def __init__(self, config: Scenes, first_batch: int = 0):
        self.config = config
        self.first_batch = first_batch

    def __iter__(self):
        torch.set_num_threads(1)
        worker = get_worker_info()
        stream = worker.id if worker else 0
        generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + self.first_batch * 101 + stream)
        scenes = [MixedScenes(self.config, generator)]
        if self.config.average > 1:
            scenes.append(MixedScenes(self.config, generator, windows=self.config.average))
        preprocess = build_preprocessor(self.config.signal)
        shares = torch.tensor(list(ANTENNA_SHARES.values()))
        kept = deque(maxlen=_KEPT_BATCHES)
        for source in cycle(scenes):
            antennas = list(ANTENNA_SHARES)[torch.multinomial(shares, 1, generator=generator)]
            if source is scenes[0]:
                iq, label, _ = source.draw(self.config.batch, antennas)
                kept.append((preprocess(iq), label))
            else:
                iq, label, _ = source.draw(self.config.batch // _RUNS, antennas)
                runs = random_runs(iq, self.config.window.samples, _RUNS - 1, generator)
                kept.append((torch.cat([preprocess(run) for run in (iq, *runs)]), label.repeat(_RUNS)))
            yield kept[-1]
            for _ in range(self.config.replays):
                yield kept[int(torch.randint(len(kept), (), generator=generator))]


def random_runs(iq: Tensor, samples: int, count: int, generator: torch.Generator) -> list[Tensor]:
    """`count` runs of whole windows of `samples` samples, of log-uniform lengths, out of blocks complex64 [B, A, T]."""
    windows = iq.size(-1) // samples
    lengths = log_uniform((count,), 1, windows + 1, generator).long().clamp(1, windows)
    firsts = [int(torch.randint(windows - length + 1, (), generator=generator)) for length in lengths.tolist()]
    return [
        iq[..., first * samples : (first + length) * samples]
        for first, length in zip(firsts, lengths.tolist(), strict=True)
    ]


def gather(config: Scenes) -> Material:
    """The scenes, and a network for them with fresh weights, or those of the model that the run starts from.

    Raises `WfmError` where that model is another network than the configuration's.
    """
    foundation = _fresh(config)
    image, window = config.image, config.window
    shape = (image.channels, *image.size) if config.modality == "image" else (window.antennas, window.samples)
    feed = Feed(config.modality, config.signal, shape)
    model = start_model(foundation, feed, LABELS, config)
    origin = {"data": "synthetic"}
    if config.init is not None:
        origin["init"], begun = _weights_of(config.init, config)
        model.load_state_dict(begun)
    mixed_in = None
    if config.mix_share:
        origin["mix_with"], mixed_in = _weights_of(config.mix_with, config)
    validation, other = _validation_batches(config, config.validation_windows, 1)
    label = torch.cat([label for _, label in validation]).numpy()
    alarms = [(~other, config.false_alarms)] + ([(other, config.other_alarms)] if other.any() else [])
    held_out = DataLoader(validation, batch_size=None)

    def batches(first: int) -> DataLoader:
        endless = SceneBatches(config, first)
        return DataLoader(endless, None, num_workers=config.workers, prefetch_factor=8 if config.workers else None)

    return Material(
        name=config.name,
        kind="sample",
        shape=(2, window.antennas, window.samples),
        sample_rate=None,
        labels=LABELS,
        foundation=foundation,
        feed=feed,
        model=model,
        batches=batches,
        per_epoch=1,
        log_every=50,
        validation=held_out,
        validation_label=label,
        test=held_out,
        label=label,
        units=np.arange(len(label)),
        windows={"train": config.steps * config.batch, "validation": len(label), "test": len(label)},
        split="fresh scenes, the same windows validate and test",
        data={
            "file": "endless scenes",
            "provenance": {"source": "wfm_core.synth.scenes.interference", "synthetic": True},
            "real": False,
        },
        origin=origin,
        half=True,
        alarms=tuple(alarms),
        mixed_in=mixed_in,
        mixed_share=config.mix_share,
        average=config.average,
        blocks=_blocks(config) if config.average > 1 else None,
    )


def _fresh(config: Scenes) -> Foundation:
    is_image = config.modality == "image"
    shape = config.image.model_dump(mode="json") if is_image else {"antennas": config.window.antennas}
    description = {
        "name": "fresh weights",
        "encoder": config.encoder.model_dump(),
        "affine": "before",
        "sample_rate": {"min": min(SAMPLE_RATES), "max": max(SAMPLE_RATES)},
        "modalities": {config.modality: {**shape, "signal": config.signal}},
    }
    return Foundation(description, build_model(description), {})


def _weights_of(name: str, config: Scenes) -> tuple[str, dict[str, Tensor]]:
    """Name with sha256, and weights of the model folder `name`. Raises `WfmError` where it is another network."""
    folder = find_bundle(name)
    if not is_model_folder(folder):
        raise WfmError(
            f"{name!r} is a bundle file, which does not train; give a model folder, with weights.safetensors and "
            "contract.yaml"
        )
    contract, weights = read_model_folder(folder)
    there = {key: contract.raw.get(key) for key in ("encoder", "modality", "signal")}
    expected = {"encoder": config.encoder.model_dump(), "modality": config.modality, "signal": config.signal}
    task = contract.tasks.get(config.task)
    if there != expected or task is None or tuple(task.labels) != LABELS:
        raise WfmError(
            f"{folder} is another network: {there} with the tasks {list(contract.tasks)}; expected {expected} with the "
            f"task {config.task}: change the configuration, or name another model"
        )
    return f"{contract.name} {contract.weights_sha256}", fitted(contract, weights, str(folder)).state_dict()


def _blocks(config: Scenes) -> Alarms:
    """Fixed blocks of as many windows as an image averages over, and what of them may be called interference."""
    drawn, other = _validation_batches(config, config.validation_blocks, config.average)
    label = torch.cat([label for _, label in drawn])
    groups = [group for group in (~other, other) if group.any()]
    return Alarms(DataLoader(drawn, batch_size=None), label, tuple((group, config.block_alarms) for group in groups))


def _validation_batches(config: Scenes, count: int, windows: int) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
    """Fixed blocks of `windows` windows, of scenes that training never sees, a quarter for each of 1 to 4 antennas, and
    which of them are no cells."""
    generator = torch.Generator().manual_seed(_VALIDATION_SEED)
    scenes = MixedScenes(config, generator, reuse=1, windows=windows)
    preprocess = build_preprocessor(config.signal)
    batch = config.batch if windows == 1 else _BLOCKS
    rounds = max(1, count // (4 * batch))
    drawn = (scenes.draw(batch, antennas) for _ in range(rounds) for antennas in (1, 2, 3, 4))
    with torch.inference_mode():
        prepared = [(preprocess(iq), label, other) for iq, label, other in drawn]
    return [(image, label) for image, label, _ in prepared], torch.cat([other for *_, other in prepared])
