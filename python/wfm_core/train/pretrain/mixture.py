# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of windows, mixed by weight, and the preprocessing that makes a modality's input of them."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from wfm_core.base.errors import WfmError
from wfm_core.configs.pretraining import ImageShape, Pretraining, Source
from wfm_core.data.recordings.raw import Told
from wfm_core.data.sources import DatasetSource, RecordingSource
from wfm_core.model import SEGMENT
from wfm_core.signal import build_preprocessor
from wfm_core.signal.statistics import iq_statistics, moments, spectrogram_statistics
from wfm_core.synth.scenes.band import KINDS, SAMPLE_RATES, render_band
from wfm_core.train.pretrain.causes import Known, with_causes
from wfm_core.train.pretrain.csi_source import CsiSource
from wfm_core.train.pretrain.images import apart, check_shapes, random_channels
from wfm_core.train.pretrain.link_source import LinkSource

STATISTICS_WINDOWS = 256
_GOLDEN = 0.6180339887498949


class SyntheticSource:
    """Endless scenes of `synth.scenes.band`, rendered on the generator's device: of some kinds, or as a band is.

    `scene` is what the last windows were made of."""

    antennas, ready_images, rates, scene = 16, False, SAMPLE_RATES, None

    def __init__(self, scenes: list[str] | None = None):
        unknown = set(scenes or ()) - set(KINDS)
        if unknown:
            raise WfmError(f"scenes of kind {min(unknown)!r}; expected some of {', '.join(KINDS)}: fix data.sources")
        self.scenes = scenes

    def check(self, antennas: int, samples: int) -> None:
        """Windows of any shape can be rendered."""

    def held(self, samples: int) -> float:
        """Without end."""
        return math.inf

    def draw_iq(self, count: int, antennas: int, samples: int, generator: torch.Generator) -> Tensor:
        """IQ windows complex64 [count, antennas, samples]."""
        self.scene = render_band(count, samples, antennas, generator, self.scenes)
        return self.scene.iq


AnySource = SyntheticSource | LinkSource | RecordingSource | DatasetSource | CsiSource


@dataclass
class _Share:
    name: str
    source: AnySource
    weight: float
    modalities: list[str] | None


def open_sources(config: Pretraining) -> list[_Share]:
    """Open every source of the configuration; raises `WfmError` for one that cannot be used."""
    return [
        _Share(entry.path or entry.kind, _opened(entry), entry.weight, entry.modalities)
        for entry in config.data.sources
    ]


def _opened(entry: Source) -> AnySource:
    if entry.kind == "synthetic":
        return SyntheticSource(entry.scenes)
    if entry.kind == "links":
        return LinkSource(entry.scenes)
    if entry.kind == "csi":
        return CsiSource(entry.scenes, entry.motion, entry.one_room)
    if entry.kind == "dataset":
        return DatasetSource(Path(entry.path))
    return RecordingSource(Path(entry.path), Told(rate=entry.sample_rate, real=entry.real))


def sample_rates(shares: list[_Share]) -> dict[str, float] | None:
    """The lowest and highest sample rate, Hz, of all sources that know theirs."""
    rates: list[float] = []
    for share in shares:
        if isinstance(share.source, SyntheticSource | LinkSource):
            rates += share.source.rates
        elif share.source.sample_rate is not None:
            rates.append(share.source.sample_rate)
    return {"min": min(rates), "max": max(rates)} if rates else None


class Mixture:
    """Windows of one modality: `draw` chooses a source by weight, and preprocesses what it gives.

    `settings` holds the `signal:` mapping of each way in: "signal" for windows of IQ, and one per source of ready
    images, under a data set's path or "csi". They are computed once a run, by `measure`, for images of the configured
    `size`, and prepare those of all sizes.
    """

    def __init__(self, config: Pretraining, modality: str, shares: list[_Share], device: torch.device):
        self.config, self.modality, self.device = config, modality, device
        self.shares = [share for share in shares if self._serves(share)]
        if not self.shares:
            names = ", ".join(share.name for share in shares)
            raise WfmError(f"none of the sources ({names}) gives {modality} windows; add one, or change modalities")
        self.settings: dict[str, dict] = {}
        self._preprocess: dict[tuple[str, tuple[int, int] | None], nn.Module] = {}

    def use(self, settings: dict[str, dict]) -> None:
        """Preprocess with these settings from now on."""
        self.settings = settings
        sizes = {_size_of(option) for option in self.options}
        self._preprocess = {
            (key, size): build_preprocessor(values | ({"size": list(size)} if size else {})).to(self.device)
            for key, values in settings.items()
            for size in sizes
        }

    def measure(self, seed: int) -> dict[str, dict]:
        """Settings with the statistics of STATISTICS_WINDOWS training windows of each way in."""
        settings = {}
        for number, (key, shares) in enumerate(self._ways().items()):
            generator = self._generator(seed, number)
            parts = [
                self._raw(self._pick(shares, chunk), 16, self.options[chunk % len(self.options)], generator)
                for chunk in range(STATISTICS_WINDOWS // 16)
            ]
            settings[key] = self._describe(shares[0], parts)
        return settings

    def draw(self, chunk: int, count: int, option: int | ImageShape, generator: torch.Generator) -> Tensor:
        """`count` preprocessed windows from the source whose turn it is at `chunk`, one after another by weight.

        option: one of `options`."""
        share = self._turn(chunk, option)
        preprocess = self._preprocess[self._way(share), _size_of(option)]
        raw = self._raw(share, count, option, generator)
        if not isinstance(option, ImageShape):
            return preprocess(raw)
        return random_channels(_images(share, preprocess, raw), option.channels, generator)

    def draw_known(self, chunk: int, count: int, option: int | ImageShape, generator: torch.Generator) -> Known:
        """The windows of `draw` with their causes."""
        windows = self.draw(chunk, count, option, generator)
        return with_causes(self.modality, windows, getattr(self._turn(chunk, option).source, "scene", None))

    def source_of(self, chunk: int, option: int | ImageShape) -> str:
        """The name of the source whose turn it is at `chunk`."""
        return self._turn(chunk, option).name

    def check(self) -> None:
        """Raises `WfmError` when some window shape that will be asked for cannot be had."""
        if self._per_channel:
            check_shapes(self.config.image)
        for share in self.shares:
            if share.source.ready_images:
                if not self._per_channel:
                    share.source.check_image(channels=1)
                continue
            for option in self.options:
                if self._has_channels(share, option):
                    share.source.check(_channels_of(option), self._samples(_channels_of(option)))
        asked = self.config.asks_causes(self.modality)
        if asked and not any(hasattr(share.source, "scene") for share in self.shares):
            names = ", ".join(share.name for share in self.shares)
            raise WfmError(
                f"objective causes with {self.modality} windows of {names} alone, which do not know theirs; expected a "
                "source of kind synthetic, links or csi: add one"
            )
        for option in self.options:
            if not any(self._has_channels(share, option) for share in self.shares):
                most = max(_most_channels(share) for share in self.shares)
                what, key = ("channels", "image.channels") if self._per_channel else ("antennas", "iq.antennas")
                raise WfmError(
                    f"{self.modality} windows of {_channels_of(option)} {what} are asked for, the sources have {most} "
                    f"at most; leave that number out of {key} or add a source"
                )

    @property
    def held(self) -> float:
        """How many windows of this modality all sources hold; infinite with a synthetic one."""
        samples = self._samples(_channels_of(self.options[0]))
        return sum(share.source.held(samples) for share in self.shares)

    @property
    def options(self) -> list[int] | list[ImageShape]:
        """What batches take turns in: numbers of antennas, or shapes of images where each channel makes tokens."""
        if self._per_channel:
            return self.config.image.shapes
        return self.config.iq.antennas if self.modality == "iq" else [1]

    @property
    def _per_channel(self) -> bool:
        return self.modality == "image" and self.config.image.per_channel

    def _samples(self, antennas: int) -> int:
        return self.config.image.samples if self.modality == "image" else self.config.iq.tokens // antennas * SEGMENT

    def _serves(self, share: _Share) -> bool:
        asked = share.modalities is None or self.modality in share.modalities
        return asked and (self.modality == "image" or not share.source.ready_images)

    def _has_channels(self, share: _Share, option: int | ImageShape) -> bool:
        if share.source.ready_images and not self._per_channel:
            return True
        return _most_channels(share) >= _channels_of(option)

    def _way(self, share: _Share) -> str:
        return share.name if share.source.ready_images else "signal"

    def _ways(self) -> dict[str, list[_Share]]:
        ways: dict[str, list[_Share]] = {}
        for share in self.shares:
            ways.setdefault(self._way(share), []).append(share)
        return ways

    def _turn(self, chunk: int, option: int | ImageShape) -> _Share:
        return self._pick([share for share in self.shares if self._has_channels(share, option)], chunk)

    def _pick(self, shares: list[_Share], chunk: int) -> _Share:
        """Golden-ratio steps through the weights: every stretch of chunks has nearly the expected proportions."""
        place = (0.5 + chunk * _GOLDEN) % 1.0 * sum(share.weight for share in shares)
        for share in shares:
            place -= share.weight
            if place < 0:
                return share
        return shares[-1]

    def _raw(self, share: _Share, count: int, option: int | ImageShape, generator: torch.Generator) -> Tensor:
        able = min(_channels_of(option), _most_channels(share))
        if isinstance(share.source, CsiSource) and self._per_channel:
            return share.source.draw_channels(count, able, generator).to(self.device)
        if share.source.ready_images:
            return share.source.draw_image(count, generator).to(self.device)
        return share.source.draw_iq(count, able, self._samples(_channels_of(option)), generator).to(self.device)

    def _describe(self, share: _Share, parts: list[Tensor]) -> dict:
        if self.modality == "iq":
            # windows of any number of antennas have the same number of samples in all
            return {"kind": "iq_standard", **iq_statistics(torch.cat([part.flatten(1).unsqueeze(1) for part in parts]))}
        size = list(self.config.image.size)
        if share.source.ready_images:
            # as its data set prepares them, with the statistics of this size
            channels = len(share.source.signal["mean"])
            unscaled = share.source.signal | {"size": size, "mean": [0.0] * channels, "std": [1.0] * channels}
            prepare = build_preprocessor(unscaled).to(self.device)
            if isinstance(share.source, CsiSource) and self._per_channel:
                images = (share.source.prepare(prepare, part).flatten(0, 1).unsqueeze(1) for part in parts)
                return unscaled | moments(images, (0, 2, 3))
            return unscaled | moments(map(prepare, parts), (0, 2, 3))
        shape = {"fft_size": self.config.image.fft_size, "hop": self.config.image.hop, "size": size}
        unscaled = build_preprocessor(
            {"kind": "spectrogram", **shape, "minimum": 0.0, "maximum": 1.0, "mean": 0.0, "std": 1.0}
        ).to(self.device)
        if self._per_channel:
            parts = [part.flatten(0, 1).unsqueeze(1) for part in parts]
        decibels = torch.cat([unscaled.decibels(part) for part in parts])
        return {"kind": "spectrogram", **shape, **spectrogram_statistics(decibels, size)}

    def _generator(self, seed: int, number: int) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(seed * 1_000_003 + 7919 * number + len(self.modality))


def _channels_of(option: int | ImageShape) -> int:
    """Antennas, or channels, of the windows of a batch."""
    return option.channels if isinstance(option, ImageShape) else option


def _size_of(option: int | ImageShape) -> tuple[int, int] | None:
    """Pixels of the images of a batch; None: what the settings say."""
    return (option.height, option.width) if isinstance(option, ImageShape) else None


def _most_channels(share: _Share) -> int:
    """Of any window: antennas, or channels of ready images."""
    source = share.source
    return source.most_channels if source.ready_images else source.antennas


def _images(share: _Share, preprocess: nn.Module, raw: Tensor) -> Tensor:
    """Images [n, C, H, W] of all channels that a window has."""
    if isinstance(share.source, CsiSource):
        return share.source.prepare(preprocess, raw)
    return preprocess(raw) if share.source.ready_images else apart(preprocess, raw)
