# SPDX-License-Identifier: GPL-3.0-or-later
"""`contract.yaml`: what a bundle takes, gives and was made from."""

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, AliasPath, BeforeValidator, Field, model_validator

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import shortened
from wfm_core.base.quantities import DENSE, ESTIMATE, QUANTITIES, SEGMENTATION
from wfm_core.base.rates import RATE_TOLERANCE
from wfm_core.base.tables import Number, Table, Text, no_bool
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
from wfm_core.model.trees import MOST_LEAVES, TreeSizes
from wfm_core.signal.found import FACTS, IMAGES, IQ_SAMPLES
from wfm_core.signal.found import SAMPLES as OBSERVED

MOST = {
    "antennas": 64,
    "samples": 1 << 22,
    "average": 1024,
    "channels": 1024,
    "pixels": 4096,
    "width": 4096,
    "depth": 128,
    "heads": 128,
    "mlp_hidden": 32768,
    "labels": 10_000,
    "tasks": 64,
    "rounds": 4096,
    "leaves": MOST_LEAVES,
    "tree_depth": 64,
}
"""Limits of a contract, before anything is allocated for it."""

_PIECE_TOKENS = 32
"""A piece that is measured takes about the memory of so many tokens."""


def _count(of: str):
    return Annotated[int, Field(strict=True, gt=0, le=MOST[of])]


def _row(of: Any, least: int, most: int):
    return Annotated[list[of], Field(strict=True, min_length=least, max_length=most), AfterValidator(tuple)]


def _is_name(name: str) -> str:
    if not name.isidentifier() or name.startswith("embedding"):
        raise ValueError(f"stem, segment or task name {shortened(name)}; expected a name such as 'interference'")
    return name


def _of_patches(size: tuple[int, int]) -> tuple[int, int]:
    if any(side % PATCH for side in size):
        raise ValueError(f"expected multiples of {PATCH}, at most {MOST['pixels']}")
    return size


def at(default: Any, *path: str) -> Any:
    """A field that is deeper in the file, and `default` where it is not in it."""
    return Field(default, validation_alias=AliasPath(*path))


AVERAGING = ("cyclic_image",)
"""Kinds of signal that make one image of several windows in a row."""
MEASURES = "measures"
"""In place of a pooling: the head sees no tokens but the numbers that were measured of the window, scaled."""
Name = Annotated[str, AfterValidator(_is_name)]
Antennas, Channels = _count("antennas"), _count("channels")
Flag = Annotated[bool, Field(strict=True)]
Size = _row(Annotated[int, BeforeValidator(no_bool), Field(gt=0, le=MOST["pixels"])], 2, 2)
TokenSize = Annotated[Size, AfterValidator(_of_patches)]
"""Height and width in pixels, of any image and of one that patches fill."""


class TaskContract(Table):
    """One output. Classification: `labels`, and logits are divided by `temperature`, then `bias` is added; a best
    probability under `open_set_threshold` means "unknown"; `average_bias` is the bias of as many windows in one as the
    contract's `average` says, and those between have one in proportion to the logarithm of their number. Of a quantity
    (see `wfm_core.base.quantities`), such as position: `low` and `high` of the scene, in its unit. Of a dense task
    (`wfm_core.base.quantities`) the answer is for every pixel of a `grid` of so many rows and columns: classes of a
    segmentation, `planes` numbers of an estimate. `source` is the segment that it comes after, in a contract that has
    segments.
    """

    name: str
    kind: Literal[("classification", *QUANTITIES, *DENSE)]
    pooling: Literal[(*ALL_POOLINGS, MEASURES, TOKENS)] = "cls"
    labels: _row(Annotated[str, BeforeValidator(str)], 2, MOST["labels"]) = ()
    temperature: Annotated[Number, Field(gt=0.0)] = 1.0
    bias: _row(Number, 0, MOST["labels"]) = Field(default_factory=lambda others: (0.0,) * len(others.get("labels", ())))
    average_bias: _row(Number, 0, MOST["labels"]) = Field(default_factory=lambda others: others.get("bias", ()))
    open_set_threshold: Number = 0.0
    low: _row(Number, 1, 3) = ()
    high: _row(Number, 1, 3) = ()
    grid: Size = (0, 0)
    planes: Annotated[int, Field(strict=True, ge=0, le=MOST["channels"])] = 0
    source: str = Field("", alias="from")

    @model_validator(mode="after")
    def _is_whole(self):
        if self.measures and (self.labels or {len(self.low), len(self.high)} != {self.outputs}):
            raise ValueError(
                f"expected low and high, lists of length {self.outputs}, and no labels; export the model again"
            )
        biased = {len(self.bias), len(self.average_bias)}
        named = self.labels and biased == {len(set(self.labels)), len(self.labels)}
        if self.kind in ("classification", SEGMENTATION) and not named:
            raise ValueError(
                f"labels {shortened(self.labels)}, bias {shortened(self.bias)}; expected names that are all different, "
                "and a number for each"
            )
        dense = (self.pooling == TOKENS, self.grid != (0, 0), self.planes > 0)
        if dense != (self.dense, self.dense, self.kind == ESTIMATE) or (self.kind == ESTIMATE and self.labels):
            raise ValueError(
                f"kind '{self.kind}' with pooling '{self.pooling}', grid {list(self.grid)}, planes {self.planes}; "
                f"expected pooling '{TOKENS}' and a grid of {' and '.join(DENSE)} alone, planes and no labels of the "
                "former"
            )
        return self

    @property
    def dense(self) -> bool:
        """Is there an answer for every pixel?"""
        return self.kind in DENSE

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the answer for a window: (outputs,), or (outputs, rows, columns)."""
        return (self.outputs, *self.grid) if self.dense else (self.outputs,)

    @property
    def measures(self) -> bool:
        """Is the answer of a quantity, and no class?"""
        return self.kind in QUANTITIES

    @property
    def several(self) -> bool:
        """Is the answer of several things of one kind, of which some may not be there?"""
        return self.measures and QUANTITIES[self.kind].several

    @property
    def outputs(self) -> int:
        """How many numbers the task's head gives for a window, or for each pixel."""
        return QUANTITIES[self.kind].values if self.measures else self.planes or len(self.labels)


def _between(task: TaskContract, share: float) -> tuple[float, ...]:
    """The task's bias, moved by that share towards `average_bias`."""
    return tuple(low + share * (high - low) for low, high in zip(task.bias, task.average_bias, strict=True))


class Segment(Table):
    """Encoder blocks that are computed once for all that comes after; `source` names a stem or an earlier segment."""

    source: str = Field(alias="from")
    blocks: _count("depth")


class _Encoder(Table):
    width: _count("width")
    depth: _count("depth")
    heads: _count("heads")
    mlp_hidden: _count("mlp_hidden")
    norm_eps: Number = EncoderConfig.norm_eps
    final_norm_eps: Number = EncoderConfig.final_norm_eps


class _Trees(Table):
    rounds: _count("rounds")
    leaves: Annotated[_count("leaves"), Field(gt=1)]
    depth: _count("tree_depth")


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
    samples: _count("samples") = at(0, "window", "samples")
    average: _count("average") = at(1, "window", "average")
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
    transmitter_width: _count("width") = at(0, "transmitter", "width")
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
        tasks = {name: task.model_copy(update={"bias": _between(task, share)}) for name, task in self.tasks.items()}
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
