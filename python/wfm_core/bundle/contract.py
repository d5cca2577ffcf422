# SPDX-License-Identifier: GPL-3.0-or-later
"""`contract.yaml`: what a bundle takes, gives and was made from."""

from dataclasses import dataclass, field, replace

from wfm_core.base.errors import WfmError
from wfm_core.base.rates import RATE_TOLERANCE
from wfm_core.base.yaml_text import read_yaml
from wfm_core.bundle.fields import Fields, shortened
from wfm_core.model import AFFINES, PATCH, POOLINGS, SEGMENT, EncoderConfig

FORMAT = 1
"""The only contract format that this version reads and writes."""

KINDS = ("classification", "position")

MOST = {
    "antennas": 64,
    "samples": 1 << 22,
    "channels": 1024,
    "pixels": 4096,
    "width": 4096,
    "depth": 128,
    "heads": 128,
    "mlp_hidden": 32768,
    "labels": 10_000,
    "tasks": 64,
}
"""Limits of a contract, before anything is allocated for it."""


@dataclass(frozen=True)
class TaskContract:
    """One output. Classification: `labels`, and logits are divided by `temperature`, then `bias` is added; a best
    probability under `open_set_threshold` means "unknown". Position: the scene's corners `low`, `high` in metres.
    `source` is the segment that it comes after, in a contract that has segments.
    """

    name: str
    kind: str
    pooling: str = "cls"
    labels: tuple[str, ...] = ()
    temperature: float = 1.0
    bias: tuple[float, ...] = ()
    open_set_threshold: float = 0.0
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class Segment:
    """Encoder blocks that are computed once for all that comes after; `source` names a stem or an earlier segment."""

    source: str
    blocks: int


@dataclass(frozen=True)
class Contract:
    """A parsed contract. `antennas` (the most), `samples` and the rates (Hz) are of the IQ window; for a bundle
    whose `input` is an image they are 0. `image_size` is (height, width) of what becomes tokens; `input_shape`
    (channels, height, width) of an image as `forward_image` takes it, which `signal` may resize. `affine` is one of
    `wfm_core.model.AFFINES`. `raw` is the mapping it was read from. Without tasks, as of a bare foundation, `embedding`
    says how the embedding that goes out is pooled; else it is "". `content_sha256` is of everything in a bundle file
    beside the contract; a model folder has none ("").

    A bundle of several fine-tuned models is a tree: `stems` are its input sides, each a contract of its own with the
    tasks that hang on it (`antennas` are then those it knows), `segments` the blocks after them. There the fields that
    speak of the network (`modality`, `encoder`, `signal`, `image_*`, `affine`) are those of the first stem. Without
    `stems` the contract is of one model.
    """

    name: str
    input: str
    modality: str
    antennas: int
    samples: int
    sample_rate_min: float
    sample_rate_max: float
    encoder: EncoderConfig
    signal: dict
    image_channels: int
    image_size: tuple[int, int]
    input_shape: tuple[int, int, int]
    affine: str
    tasks: dict[str, TaskContract]
    origin: dict
    weights_sha256: str
    raw: dict
    embedding: str = ""
    content_sha256: str = ""
    stems: dict[str, "Contract"] = field(default_factory=dict)
    segments: dict[str, Segment] = field(default_factory=dict)

    def tokens(self, antennas: int) -> int:
        """Tokens that the encoder sees of one input, the CLS token included; the most of any stem."""
        if self.stems:
            return max(stem.tokens(antennas) for stem in self.stems.values())
        if self.modality == "image":
            return 1 + self.image_size[0] // PATCH * (self.image_size[1] // PATCH)
        return 1 + antennas * self.samples // SEGMENT

    def knows_rate(self, rates):
        """Is a sample rate (Hz), or each of an array of them, within the range of training, but for rounding?"""
        low, high = self.sample_rate_min * (1 - RATE_TOLERANCE), self.sample_rate_max * (1 + RATE_TOLERANCE)
        return (rates >= low) & (rates <= high)


def parse_contract(source: str | bytes | dict, where: str) -> Contract:
    """Read a contract from YAML text or a mapping; `where` names it in errors. Raises `WfmError`."""
    root = Fields(_mapping(source, where), where, "")
    version = root.get("format")
    if version != FORMAT:
        raise WfmError(
            f"{where}: contract format {shortened(version)}, but this version reads format {FORMAT}; export the model "
            "again with wfm-export of this version"
        )
    return _tree(root) if "stems" in root.values else _model(root)


def _model(root: Fields) -> Contract:
    """The contract of one model."""
    where = root.where
    kind = root.choice("input", ("iq", "image"), "iq")
    modality = root.choice("modality", ("iq", "image"))
    if kind == "image" and modality == "iq":
        raise WfmError(f"{where}: input 'image' cannot feed modality 'iq'; expected modality: image")
    antennas, samples, rates = _window(root) if kind == "iq" else (0, 0, (0.0, 0.0))
    channels, size = _image(root) if modality == "image" else (0, (0, 0))
    signal = root.table("signal", optional=kind == "image").values
    return Contract(
        name=root.text("name"),
        input=kind,
        modality=modality,
        antennas=antennas,
        samples=samples,
        sample_rate_min=rates[0],
        sample_rate_max=rates[1],
        encoder=_encoder(root),
        signal=signal,
        image_channels=channels,
        image_size=size,
        input_shape=_input_image(root) if "input_image" in root.values else (channels, *size),
        affine=root.choice("affine", AFFINES, "before"),
        tasks={} if "embedding" in root.values else _tasks(root),
        embedding=_embedding(root),
        origin=root.table("origin", optional=True).values,
        weights_sha256=root.text("weights_sha256"),
        content_sha256=root.text("content_sha256") if "content_sha256" in root.values else "",
        raw=root.values,
    )


def _tree(root: Fields) -> Contract:
    """The contract of several models that share what is alike."""
    tasks = _tasks(root)
    tables = root.table("segments")
    segments: dict[str, Segment] = {}
    path = {str(name): (str(name), 0) for name in root.table("stems").values}  # -> its stem, blocks so far
    for name in tables.values:
        table = tables.table(name)
        segment = segments[name] = Segment(table.choice("from", tuple(path)), table.count("blocks", MOST["depth"]))
        stem, blocks = path[segment.source]
        path[name] = stem, blocks + segment.blocks
    for name in path:
        if not name.isidentifier():
            raise WfmError(f"{root.where}: stem or segment {name!r}; expected a name such as 'stem0'")
    own: dict[str, list[str]] = {stem: [] for stem in root.table("stems").values}
    for name in tasks:
        own[path[root.table("tasks").table(name).choice("from", tuple(segments))][0]].append(name)
    stems = {name: _stem(root, name, names) for name, names in own.items()}
    for name, task in tasks.items():
        stem, blocks = path[task.source]
        if blocks != stems[stem].encoder.depth:
            raise WfmError(
                f"{root.where}: task {name!r} comes after {blocks} blocks, the encoder of its stem has "
                f"{stems[stem].encoder.depth}; fix segments or encoder"
            )
    return replace(_common(root, stems), tasks=tasks, stems=stems, segments=segments, raw=root.values)


def _common(root: Fields, stems: dict[str, Contract]) -> Contract:
    """The first stem with the window that all of them take."""
    first = next(iter(stems.values()))
    if first.input == "image":
        return first
    antennas, samples, rates = _window(root)
    for name, stem in stems.items():
        if stem.samples != samples or stem.antennas < antennas:
            raise WfmError(
                f"{root.where}: stem {name!r} takes {stem.antennas} antennas of {stem.samples} samples, the bundle "
                f"{antennas} of {samples}; fix window"
            )
    return replace(first, antennas=antennas, samples=samples, sample_rate_min=rates[0], sample_rate_max=rates[1])


def _stem(root: Fields, name: str, tasks: list[str]) -> Contract:
    """The contract of one input side: what the whole says, unless the stem says it, and the tasks on it."""
    common = {key: value for key, value in root.values.items() if key not in ("stems", "segments")}
    own = root.table("stems").table(name).values
    those = {task: root.values["tasks"][task] for task in tasks}
    return _model(Fields({**common, **own, "tasks": those}, f"{root.where}, stem {name!r}", ""))


def _mapping(source: str | bytes | dict, where: str) -> dict:
    if not isinstance(source, dict):
        source = read_yaml(source, f"{where}: the contract")
    if not isinstance(source, dict):
        raise WfmError(f"{where}: the contract is {type(source).__name__}, expected a mapping of fields")
    return source


def _window(root: Fields) -> tuple[int, int, tuple[float, float]]:
    window, rate = root.table("window"), root.table("sample_rate")
    antennas, samples = window.count("antennas", MOST["antennas"]), window.count("samples", MOST["samples"])
    low, high = rate.number("min"), rate.number("max")
    if not 0 < low <= high:
        raise WfmError(f"{root.where}: sample_rate from {low} to {high}; expected 0 < min <= max, in Hz")
    return antennas, samples, (low, high)


def _image(root: Fields) -> tuple[int, tuple[int, int]]:
    image = root.table("image")
    height, width = image.numbers("size", 2)
    if height % PATCH or width % PATCH or not PATCH <= min(height, width) <= max(height, width) <= MOST["pixels"]:
        raise WfmError(
            f"{root.where}: image.size {height:g}x{width:g}; expected multiples of {PATCH}, at most {MOST['pixels']}"
        )
    return image.count("channels", MOST["channels"]), (int(height), int(width))


def _input_image(root: Fields) -> tuple[int, int, int]:
    """What an image bundle's `signal` makes the network's images from, where it is of another shape; any size."""
    table = root.table("input_image")
    height, width = table.numbers("size", 2)
    if not 1 <= min(height, width) <= max(height, width) <= MOST["pixels"]:
        raise WfmError(
            f"{root.where}: input_image.size {height:g}x{width:g}; expected pixels, 1 to {MOST['pixels']} a side"
        )
    return table.count("channels", MOST["channels"]), int(height), int(width)


def _encoder(root: Fields) -> EncoderConfig:
    table = root.table("encoder")
    sizes = [table.count(key, MOST[key]) for key in ("width", "depth", "heads", "mlp_hidden")]
    try:
        return EncoderConfig(*sizes, table.number("norm_eps", EncoderConfig.norm_eps))
    except ValueError as error:
        raise WfmError(f"{root.where}: {error}") from error


def _tasks(root: Fields) -> dict[str, TaskContract]:
    tables = root.table("tasks")
    if not 1 <= len(tables.values) <= MOST["tasks"]:
        seen = len(tables.values) or "no"
        raise WfmError(f"{root.where}: {seen} tasks; expected at least one under tasks:, at most {MOST['tasks']}")
    return {name: _task(name, tables.table(name)) for name in tables.values}


def _embedding(root: Fields) -> str:
    if "embedding" not in root.values:
        return ""
    if root.values.get("tasks"):
        raise WfmError(f"{root.where}: both embedding and tasks, whose heads say the pooling; leave one out")
    return root.choice("embedding", POOLINGS)


def _task(name: str, table: Fields) -> TaskContract:
    if not str(name).isidentifier() or str(name).startswith("embedding"):
        raise WfmError(f"{table.where}: task name {shortened(name)}; expected a name such as 'interference'")
    kind, pooling = table.choice("kind", KINDS), table.choice("pooling", POOLINGS, "cls")
    source = str(table.values.get("from", ""))
    if kind == "position":
        low, high = table.numbers("low", 3), table.numbers("high", 3)
        return TaskContract(name, kind, pooling, low=low, high=high, source=source)
    labels = table.get("labels")
    names = [str(label) for label in labels] if isinstance(labels, list) else []
    if not 2 <= len(names) <= MOST["labels"] or len(set(names)) != len(names):
        raise WfmError(
            f"{table.where}: {table.path}labels is {shortened(labels)}; expected a list of two or more names, at most "
            f"{MOST['labels']}"
        )
    temperature = table.number("temperature", 1.0)
    if temperature <= 0:
        raise WfmError(f"{table.where}: {table.path}temperature is {temperature:g}; expected a positive number")
    return TaskContract(
        name,
        kind,
        pooling,
        labels=tuple(names),
        temperature=temperature,
        bias=table.numbers("bias", len(labels), [0.0] * len(labels)),
        open_set_threshold=table.number("open_set_threshold", 0.0),
        source=source,
    )
