# SPDX-License-Identifier: GPL-3.0-or-later
"""`contract.yaml`: what a bundle takes, gives and was made from."""

import math
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import shortened
from wfm_core.base.quantities import ESTIMATE
from wfm_core.base.rates import RATE_TOLERANCE
from wfm_core.base.tables import Number, Table, Text
from wfm_core.bundle.contracts.fields import MOST, Antennas, Channels, Flag, Name, Size, TokenSize, at, count
from wfm_core.bundle.contracts.task import MEASURES, TaskContract, between
from wfm_core.model import (
    AFFINES,
    ALL_POOLINGS,
    IMAGE_POOLINGS,
    PATCH,
    SEGMENT,
    TOKENS,
    EncoderConfig,
    padded,
    pooled_parts,
)
from wfm_core.model.found import MEASURE_TOKENS
from wfm_core.model.transmitter import ANGLES, PIECE
from wfm_core.model.trees import TreeSizes
from wfm_core.signal.found import FACTS, IMAGES, IQ_SAMPLES
from wfm_core.signal.found import SAMPLES as OBSERVED

_PIECE_TOKENS = 32
"""A piece that is measured takes about the memory of so many tokens."""

AVERAGING = ("cyclic_image",)
"""Kinds of signal that make one image of several windows in a row."""


class Segment(Table):
    """Encoder blocks that are computed once for all that comes after; `source` names a stem or an earlier segment."""

    source: str = Field(alias="from")
    blocks: count("depth")


class _Encoder(Table):
    width: count("width")
    depth: count("depth")
    heads: count("heads")
    mlp_hidden: count("mlp_hidden")
    norm_eps: Number = EncoderConfig.norm_eps
    final_norm_eps: Number = EncoderConfig.final_norm_eps


class _Trees(Table):
    rounds: count("rounds")
    leaves: Annotated[count("leaves"), Field(gt=1)]
    depth: count("tree_depth")


class Network(Table):
    """What a bundle's contract and a foundation's description (as errors call them) both say of a network.

    Its inputs (`sides`) are iq with so many `antennas`, image with `image_channels` of `image_size`; with
    `image_per_channel` each of the channels makes tokens of its own by one projection, and a foundation takes as many
    at most and any size. With `iq_measures` tokens of IQ are told what was measured of the window; those of images,
    which are per channel then, are told the `image_measures` numbers that `signal` (csi_motion) gives beside them.
    `weights_sha256` is "" before the weights are written.
    """

    called: ClassVar[str] = "the contract"
    name: Text
    encoder: Annotated[_Encoder, AfterValidator(lambda sizes: EncoderConfig(**dict(sizes)))]
    affine: Literal[AFFINES] = "before"
    origin: dict = {}
    weights_sha256: Text = ""

    @model_validator(mode="after")
    def _has_its_sides(self):
        image = {"image.channels": self.image_channels, "image.size": self.image_size[0]}
        for side, needed in (("iq", {"antennas": self.antennas}), ("image", image)):
            for key, value in needed.items():
                if side in self.sides and not value:
                    raise ValueError(f"{self.called} has no {key}; add it or get the file again")
        return self


class Contract(Network):
    """A parsed contract. `antennas` (the most), `samples` and the rates (Hz) are of the IQ window; for a bundle
    whose `input` is an image they are 0. Up to `average` windows in a row may be given as one, whose image is of all of
    them; `blocks` names the bundle that judges those in place of this one, if there is another.
    `image_size` is (height, width) of what becomes tokens; `input_shape` (channels, height, width) of an image as
    `forward_image` takes it, which `signal` may resize. `trees`: of a model of
    single signals. `transmitter_width`: of the embedding of a model of transmitters, which has no encoder, and whether
    `carrier_offset` is in it. `affine` is one of
    `wfm_core.model.AFFINES`. `raw` is the mapping it was read from. Without tasks, as of a bare foundation, `embedding`
    says how the embedding that goes out is pooled; else it is "". `content_sha256` is of everything in a bundle file
    beside the contract; a model folder has none ("").

    A bundle of several fine-tuned models is a tree: `stems` are its input sides, each a contract of its own with the
    tasks that hang on it (`antennas` are then those it knows), `segments` the blocks after them. There the fields that
    speak of the network (`modality`, `encoder`, `signal`, `image_*`, `affine`) are those of the first stem. Without
    `stems` the contract is of one model.
    """

    input: Literal["iq", "image"] = "iq"
    encoder: Annotated[_Encoder, AfterValidator(lambda sizes: EncoderConfig(**dict(sizes)))] | None = None
    modality: Literal["iq", "image", "signal", "transmitter"]
    antennas: Antennas = at(0, "window", "antennas")
    samples: count("samples") = at(0, "window", "samples")
    average: count("average") = at(1, "window", "average")
    sample_rate_min: Number = at(0.0, "sample_rate", "min")
    sample_rate_max: Number = at(0.0, "sample_rate", "max")
    image_channels: Channels = at(0, "image", "channels")
    image_size: TokenSize = at((0, 0), "image", "size")
    image_per_channel: Flag = at(False, "image", "per_channel")
    image_measures: Annotated[int, Field(strict=True, ge=0, le=MOST["channels"])] = at(0, "image", "measures")
    iq_measures: Flag = at(False, "iq", "measures")
    input_channels: Channels = at(0, "input_image", "channels")
    input_size: Size = at((0, 0), "input_image", "size")
    signal: dict = {}
    transmitter_width: count("width") = at(0, "transmitter", "width")
    carrier_offset: Flag = at(True, "transmitter", "carrier_offset")
    trees: Annotated[_Trees, AfterValidator(lambda sizes: TreeSizes(**dict(sizes)))] | None = None
    blocks: Text = ""
    embedding: Literal[ALL_POOLINGS] = ""
    tasks: Annotated[dict[Name, TaskContract], Field(max_length=MOST["tasks"])] = {}
    content_sha256: Text = ""
    raw: dict
    stems: dict[str, "Contract"] = {}
    segments: dict[str, Segment] = {}

    @model_validator(mode="before")
    @classmethod
    def _filled_in(cls, values: dict) -> dict:
        tasks = values.get("tasks", {})
        if isinstance(tasks, dict):
            tasks = {name: {**task, "name": name} if isinstance(task, dict) else task for name, task in tasks.items()}
        window = dict.fromkeys(("window", "sample_rate")) if values.get("input") == "image" else {}
        return {"input_image": values.get("image"), **values, **window, "tasks": tasks, "raw": values}

    @model_validator(mode="after")
    def _agrees(self):
        low, high = self.sample_rate_min, self.sample_rate_max
        if self.input == "image" and self.modality != "image":
            raise ValueError(f"input 'image' cannot feed modality '{self.modality}'; expected modality: image")
        if self.modality == "signal" and self.samples != OBSERVED:
            raise ValueError(f"window.samples {self.samples}; expected {OBSERVED}, of an observation of a found signal")
        if self.encoder is None and self.modality != "transmitter":
            raise ValueError("the contract has no encoder; add it or export the model again")
        if self.modality == "transmitter" and (self.transmitter_width <= ANGLES or self.samples % PIECE or self.tasks):
            raise ValueError(
                f"transmitter.width {self.transmitter_width}, window.samples {self.samples}, {len(self.tasks)} tasks; "
                f"expected more than {ANGLES}, a multiple of "
                f"{PIECE}, and none"
            )
        if self.trees and (self.modality != "signal" or len(self.tasks) != 1):
            raise ValueError(f"trees, modality '{self.modality}' and {len(self.tasks)} tasks; expected signal and 1")
        if self.input == "iq" and not (self.antennas and self.samples and self.signal):
            raise ValueError("input 'iq' has no window.antennas, window.samples or signal; add them")
        if self.average > 1 and self.signal.get("kind") not in AVERAGING:
            raise ValueError(
                f"window.average {self.average} with signal kind {shortened(self.signal.get('kind'))}; expected 1, or "
                f"one of {', '.join(AVERAGING)}"
            )
        if self.modality == "image" and not (self.input_channels and self.input_size[0]):
            raise ValueError("input_image has no channels or no size; add them or export the model again")
        if self.input == "iq" and not 0 < low <= high:
            raise ValueError(f"sample_rate from {low} to {high}; expected 0 < min <= max, in Hz")
        if self.embedding and self.tasks:
            raise ValueError("both embedding and tasks, whose heads say the pooling; leave one out")
        poolings = {self.embedding, *(task.pooling for task in self.tasks.values())}
        if self.modality != "image" and not self.stems and (odd := poolings.intersection(IMAGE_POOLINGS)):
            raise ValueError(f"pooling '{min(odd)}' of tokens that are of no image; expected cls or mean")
        if MEASURES in poolings and not self.image_measures:
            raise ValueError(f"pooling '{MEASURES}' without image.measures; add these, or choose another pooling")
        if self.image_measures and not (self.image_per_channel and self.input == self.modality == "image"):
            raise ValueError("image.measures of a network that is not fed with images, each channel of its own tokens")
        for task in self.tasks.values():
            self._agrees_with(task)
        if not self.embedding and not self.tasks:
            raise ValueError(f"no tasks; expected at least one under tasks:, at most {MOST['tasks']}")
        return self

    def _agrees_with(self, task: TaskContract) -> None:
        """What a dense task asks of the network."""
        if not task.dense:
            return
        if self.input != "image" or self.image_measures or padded(task.grid) != self.image_size:
            raise ValueError(
                f"task '{task.name}' of kind '{task.kind}', grid {list(task.grid)}, input '{self.input}', image.size "
                f"{list(self.image_size)}; expected images of {list(padded(task.grid))}, the grid in whole patches"
            )
        kind = self.signal.get("kind")
        if task.kind == ESTIMATE and (kind != "pilot_grid" or task.planes != self.image_channels):
            raise ValueError(
                f"task '{task.name}' with planes {task.planes}, signal kind {shortened(kind)}, image.channels "
                f"{self.image_channels}; expected pilot_grid, and as many planes as channels, to which they are added"
            )

    @property
    def sides(self) -> tuple[str, ...]:
        """See `Network`."""
        return (self.modality,) if self.modality in ("iq", "image") else ()

    def takes(self, samples: int) -> bool:
        """Is that the length of a window, or of up to `average` windows in a row?"""
        return samples % self.samples == 0 and 1 <= samples // self.samples <= self.average

    def joined(self, samples: int) -> "Contract":
        """The same of windows of `samples` samples, each of several in a row. Raises `WfmError` where there is none."""
        if not self.takes(samples):
            longer = f" or a multiple, up to {self.average * self.samples}" if self.average > 1 else ""
            raise WfmError(
                f"windows of {samples} samples; bundle {self.name!r} takes {self.samples}{longer}: cut windows of that "
                "length"
            )
        share = math.log(samples / self.samples) / math.log(self.average) if self.average > 1 else 0.0
        tasks = {name: task.model_copy(update={"bias": between(task, share)}) for name, task in self.tasks.items()}
        return self.model_copy(update={"samples": samples, "average": 1, "tasks": tasks})

    @property
    def sha256(self) -> str:
        """Of all that a bundle holds, or of the weights of a model folder."""
        return self.content_sha256 or self.weights_sha256

    @property
    def embedding_widths(self) -> dict[str, int]:
        """The numbers of an embedding that goes out, by its name: of the first task of each modality."""
        widths = {f"embedding_{self.modality}": self.pooled_width(self.embedding)} if self.embedding else {}
        for name, task in self.tasks.items():
            part = self.part(name)
            widths.setdefault(f"embedding_{part.modality}", part.pooled_width(task.pooling))
        return widths

    def part(self, task: str) -> "Contract":
        """The contract of the network that the task hangs on: a stem's, or this one."""
        return next((stem for stem in self.stems.values() if task in stem.tasks), self)

    def pooled_width(self, pooling: str) -> int:
        """The numbers of what a head sees."""
        if self.modality == "transmitter":
            return self.transmitter_width
        if pooling == MEASURES:
            return self.image_measures
        if pooling == TOKENS:
            return self.encoder.width  # their mean goes out as the embedding
        return self.encoder.width * pooled_parts(
            pooling, self.image_size[0] // PATCH, self.columns, self.token_channels
        )

    @property
    def columns(self) -> int:
        """Of patches in an image."""
        return self.image_size[1] // PATCH

    @property
    def token_channels(self) -> int:
        """How many channels of an image have tokens of their own at each place."""
        return self.image_channels if self.image_per_channel else 1

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a ready image."""
        return (self.input_channels, *self.input_size)

    def tokens(self, antennas: int) -> int:
        """Tokens that the encoder sees of one input, the CLS token included; the most of any stem."""
        if self.stems:
            return max(stem.tokens(antennas) for stem in self.stems.values())
        if self.modality == "signal":
            images = sum(rows * columns for _, rows, columns in IMAGES) // PATCH**2
            return 1 + images + IQ_SAMPLES // SEGMENT + FACTS + MEASURE_TOKENS + (self.trees is not None)
        if self.modality == "transmitter":
            return _PIECE_TOKENS * self.samples // PIECE
        if self.modality == "image":
            places = self.image_size[0] // PATCH * (self.image_size[1] // PATCH)
            return 1 + places * (self.image_channels if self.image_per_channel else 1)
        return 1 + antennas * self.samples // SEGMENT

    def knows_rate(self, rates):
        """Is a sample rate (Hz), or each of an array of them, within the range of training, but for rounding?"""
        low, high = self.sample_rate_min * (1 - RATE_TOLERANCE), self.sample_rate_max * (1 + RATE_TOLERANCE)
        return (rates >= low) & (rates <= high)
