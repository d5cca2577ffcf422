# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of a pretraining configuration, their types and limits."""

import math
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import BeforeValidator, Field, field_validator, model_serializer, model_validator

from wfm_core.configs import load_config
from wfm_core.configs.tables import Count, Decay, Modality, NotNegative, Number, Positive, Run, Share, Table, checked


class Transformer(Table):
    """Sizes of an encoder or decoder, and eps of the LayerNorms in its blocks and of the final one."""

    width: Count
    depth: Count
    heads: Count
    mlp_hidden: Count
    norm_eps: Positive = 1e-5
    final_norm_eps: Positive = 1e-6

    @model_serializer(mode="wrap")
    def _without_usual_eps(self, plain) -> dict:
        """As configurations, foundations and checkpoints of earlier versions have it where the eps are the usual."""
        usual = {name: type(self).model_fields[name].default for name in ("norm_eps", "final_norm_eps")}
        return {key: value for key, value in plain(self).items() if value != usual.get(key)}

    @model_validator(mode="after")
    def _divides(self):
        if self.width % (4 * self.heads):
            raise ValueError(f"width {self.width} is not a multiple of 4 times the {self.heads} heads")
        return self


class ImageShape(NamedTuple):
    """Of the images of a batch; the sides are in pixels."""

    channels: int
    height: int
    width: int


class Image(Table):
    """Spectrograms: `samples` of one antenna, transforms of `fft_size` every `hop` samples, resized to `size`.

    With `sizes` or `channels` each channel of an image makes tokens of its own, and batches take turns in both.
    """

    samples: Count
    fft_size: Count
    hop: Count
    size: tuple[Count, Count]
    sizes: Annotated[list[tuple[Count, Count]], Field(min_length=1)] | None = None
    channels: Annotated[list[Count], Field(min_length=1)] | None = None

    @model_serializer(mode="wrap")
    def _without_what_is_not_asked_for(self, plain) -> dict:
        """As configurations and checkpoints of earlier versions have it where images have one size and channel."""
        return {key: value for key, value in plain(self).items() if value is not None}

    @property
    def per_channel(self) -> bool:
        """Whether each channel makes tokens of its own."""
        return self.sizes is not None or self.channels is not None

    @property
    def shapes(self) -> list[ImageShape]:
        """Every size with every number of channels, once; from one to the next both change where they can."""
        sizes, channels = self.sizes or [self.size], self.channels or [1]
        turns = math.lcm(len(sizes), len(channels))
        return [
            ImageShape(channels[(turn + turn // turns) % len(channels)], *sizes[turn % len(sizes)])
            for turn in range(len(sizes) * len(channels))
        ]

    @model_validator(mode="after")
    def _fits(self):
        if self.samples < self.fft_size:
            raise ValueError(f"samples {self.samples} is less than fft_size {self.fft_size}: ask for longer windows")
        return self


class Iq(Table):
    """IQ windows: `tokens` tokens of 16 samples shared out among the antennas; batches take turns in `antennas`.

    With `measures` every token is told what was measured of the window: moments and lines of its spectra.
    """

    tokens: Count
    antennas: Annotated[list[Count], Field(min_length=1)]
    measures: bool = False

    @model_serializer(mode="wrap")
    def _without_what_is_not_asked_for(self, plain) -> dict:
        """As configurations and checkpoints of earlier versions have it where nothing is measured."""
        return {key: value for key, value in plain(self).items() if value is not False}

    @model_validator(mode="after")
    def _divides(self):
        odd = [count for count in self.antennas if self.tokens % count]
        if odd:
            raise ValueError(f"{self.tokens} tokens cannot be shared out equally among {odd[0]} antennas")
        return self


class Contrastive(Table):
    """NT-Xent: width of the projection head's output, temperature of the similarities."""

    projection: Count
    temperature: Annotated[float, Field(gt=0)]


class Predictive(Table):
    """A teacher whose outputs at hidden places are predicted: sizes of the predictor; the average's decay at the first
    and at the last step; the loss; the shares of all places that the masks' blocks have; whose weights are kept."""

    predictor: Transformer = Transformer(width=128, depth=4, heads=8, mlp_hidden=512)
    teacher_decay: tuple[Decay, Decay] = (0.996, 1.0)
    loss: Literal["smooth_l1", "mse"] = "smooth_l1"
    blocks: tuple[Share, Share] = (0.15, 0.3)
    keep: Literal["teacher", "student"] = "teacher"

    @model_validator(mode="after")
    def _ascend(self):
        if self.blocks[0] > self.blocks[1]:
            raise ValueError(f"blocks {list(self.blocks)}: expected the lower share first")
        return self


class Causes(Table):
    """Known causes of generated windows: weights of single ones among them; others have 1, 0 leaves one out."""

    weights: dict[str, NotNegative] = {}


class Source(Table):
    """Where windows come from, and how large a share of all windows; `scenes`: kinds of generated ones, else all.

    `modalities`: those that it serves, else all that it can. `motion`: images of CSI have what moves in them as further
    channels; `one_room`: a share of them that is standardised as data sets of one room are. `sample_rate` (Hz) and
    `real` ("analytic") say of raw recordings what they do not say themselves.
    """

    kind: Literal["synthetic", "links", "csi", "recordings", "dataset"]
    path: str | None = None
    scenes: Annotated[list[str], Field(min_length=1)] | None = None
    weight: Annotated[float, Field(gt=0)] = 1.0
    modalities: Annotated[list[Modality], Field(min_length=1)] | None = None
    motion: bool = False
    one_room: Annotated[float, Field(ge=0, le=1)] = 0.0
    sample_rate: Annotated[float, Field(gt=0)] | None = None
    real: Literal["refuse", "analytic"] = "refuse"

    @field_validator("kind", mode="before")
    @classmethod
    def _is_no_cache(cls, kind):
        if kind == "cache":
            raise ValueError(
                "caches gave way to the files of wfm-dataset, kind dataset: bring an old one in with wfm-dataset build "
                "--from hdf5 CACHE.h5 --array iq --kind sample (or --array image --kind image) --out FILE.h5"
            )
        return kind

    @model_validator(mode="after")
    def _has_path(self):
        generated = self.kind in ("synthetic", "links", "csi")
        if (self.path is None) != generated:
            raise ValueError(f"a source of kind {self.kind} with path {self.path}: only the other kinds need one")
        if (self.sample_rate or self.real != "refuse") and self.kind != "recordings":
            raise ValueError(f"a source of kind {self.kind} with sample_rate or real: only recordings have them")
        if (self.motion or self.one_room) and self.kind != "csi":
            raise ValueError(f"a source of kind {self.kind} with motion or one_room: only csi has them")
        if self.scenes and not generated:
            raise ValueError(
                f"a source of kind {self.kind} with scenes: only synthetic, links and csi have kinds of scenes"
            )
        return self


def _known_passes(value):
    counts = value if isinstance(value, dict) else {"image": value}
    if not counts or not set(counts) <= {"image", "iq"} or any(type(n) is not int or n < 1 for n in counts.values()):
        raise ValueError("expected a whole number above 0, or one for each modality, such as {image: 2, iq: 1}")
    return value


Passes = Annotated[int | dict[str, int], BeforeValidator(_known_passes)]


class Data(Table):
    """`windows` of each modality make a set; after `passes` epochs, which may be others for each modality, a fresh set
    takes its place. `workers`: processes that render them beside the training."""

    sources: Annotated[list[Source], Field(min_length=1)]
    windows: Count
    passes: Passes
    held_out: Count
    workers: Annotated[int, Field(ge=0, le=256)] = 0

    def passes_of(self, modality: str) -> int:
        """Epochs that a set of the modality serves: 1 where only the others' are given."""
        return self.passes.get(modality, 1) if isinstance(self.passes, dict) else self.passes


OBJECTIVES = ("masked", "contrastive", "predictive", "causes")


def _known_objectives(value):
    weights = {value: 1.0} if isinstance(value, str) else value if isinstance(value, dict) else {}
    if not weights or not set(weights) <= set(OBJECTIVES):
        raise ValueError(f"expected one of {', '.join(OBJECTIVES)}, or several of them with their weights")
    apart = [weight if isinstance(weight, dict) else {"image": weight} for weight in weights.values()]
    if not all(weight and set(weight) <= {"image", "iq"} for weight in apart):
        raise ValueError("expected a weight for each objective, or one for each modality, such as {image: 1, iq: 0.5}")
    odd = [
        weight
        for one in apart
        for weight in one.values()
        if type(weight) not in (int, float) or not 0 < weight < math.inf
    ]
    if odd:
        raise ValueError(f"weight {odd[0]}: expected a positive number")
    return value


Objective = Annotated[str | dict[str, float | dict[str, float]], BeforeValidator(_known_objectives)]


class Pretraining(Run):
    """A whole configuration; the recipes in this folder say what each key is for."""

    CHECKPOINT_KEY: ClassVar[str] = "wfm_architecture"
    FIXED: ClassVar[str] = "architecture"
    EARLIER: ClassVar[dict] = {"separate_decoders": False, "encoder_rate_factor": 1.0}

    name: str
    objective: Objective
    modalities: Annotated[list[Modality], Field(min_length=1)]
    init: str | None
    encoder: Transformer
    decoder: Transformer
    affine: Literal["before", "after"]
    mask_ratio: dict[Modality, Share]
    iq_mask: Literal["tokens", "antenna"] = "tokens"
    normalise_targets: list[Modality]
    spectrum_weight: NotNegative
    decoder_antennas: bool
    separate_decoders: bool = False
    contrastive: Contrastive
    predictive: Predictive = Predictive()
    causes: Causes = Causes()
    image: Image
    iq: Iq
    data: Data
    equal_exposure: bool = True
    epochs: Count
    warmup_epochs: Number
    base_learning_rate: Positive
    encoder_rate_factor: Positive = 1.0
    optimizer: Literal["adam", "muon"] = "adam"
    pcgrad: bool = False
    betas: tuple[Share, Share]
    deterministic: bool
    compile: bool = False
    devices: Count
    hosts: Count

    @model_validator(mode="after")
    def _agree(self):
        if "contrastive" in self.objectives and self.modalities != ["iq"]:
            raise ValueError(f"objective contrastive with modalities {self.modalities}: it is for iq alone")
        if self.pcgrad and len(set(self.modalities)) < 2:
            raise ValueError(
                f"pcgrad with objective {self.objective} and modalities {self.modalities}: it is for the conflicts "
                "between the two modalities of an objective"
            )
        if self.data.windows % self.batch:
            raise ValueError(f"data.windows {self.data.windows} is not a multiple of batch {self.batch}")
        if self.steps_per_epoch < len(self.iq.antennas):
            raise ValueError(f"data.windows {self.data.windows} is less than a batch for each of iq.antennas")
        shapes = len(self.image.shapes)
        if "image" in self.modalities and self.steps_per_epoch < shapes:
            raise ValueError(
                f"data.windows {self.data.windows} is less than a batch for each of the {shapes} shapes of image.sizes "
                "and image.channels"
            )
        if idle := set(self.modalities) - {modality for weights in self.objectives.values() for modality in weights}:
            raise ValueError(
                f"objective {self.objective} has no weight for {idle.pop()}: give one, or change modalities"
            )
        missing = set(self.modalities) - set(self.mask_ratio)
        if missing:
            raise ValueError(f"mask_ratio has nothing for {missing.pop()}")
        return self

    @property
    def objectives(self) -> dict[str, dict[str, float]]:
        """The objectives and their weights, by modality, in the sum that is minimised."""
        given = {self.objective: 1.0} if isinstance(self.objective, str) else self.objective
        return {
            name: {
                modality: weight[modality] if isinstance(weight, dict) else weight
                for modality in self.modalities
                if not isinstance(weight, dict) or modality in weight
            }
            for name, weight in given.items()
        }

    def asks_causes(self, modality: str) -> bool:
        """Whether windows of the modality are asked what made them."""
        return modality in self.objectives.get("causes", ())

    def served_by(self, objective: str) -> "Pretraining":
        """The same with those modalities alone that the objective has a weight for."""
        return self.model_copy(update={"modalities": list(self.objectives[objective])})

    @property
    def steps_per_epoch(self) -> int:
        return self.data.windows // self.batch

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole run."""
        return self.epochs * self.steps_per_epoch

    @property
    def learning_rate(self) -> float:
        """The peak rate: the base rate is for a batch of 256 (paper: linear scaling)."""
        return self.base_learning_rate * self.batch / 256

    def fixed_settings(self) -> dict:
        """What decides the network and what it is fed."""
        network = {"objective", "modalities", "encoder", "decoder", "affine", "decoder_antennas", "spectrum_weight"}
        fixed = self.model_dump(include=network | {"contrastive", "image", "iq"} | set(self.EARLIER), mode="json")
        if not isinstance(self.objective, str):
            fixed["objective"] = sorted(  # the weights may change
                name if len(weights) == len(self.modalities) else f"{name} of {', '.join(weights)}"
                for name, weights in self.objectives.items()
            )
        if "predictive" in self.objectives:
            fixed["predictor"] = self.predictive.predictor.model_dump(mode="json")
        if "causes" in self.objectives:
            fixed["causes_left_out"] = sorted(name for name, weight in self.causes.weights.items() if not weight)
        return fixed


def load_pretraining(name: str, overrides: list[str] = ()) -> Pretraining:
    """Read and check the configuration `name` with `key=value` overrides. Raises `WfmError`, naming the key."""
    return checked(Pretraining, load_config(name, overrides), name, "pretrain_paper.yaml")
