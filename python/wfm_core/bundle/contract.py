# SPDX-License-Identifier: GPL-3.0-or-later
"""`contract.yaml`: what a bundle takes, gives and was made from."""

import math
from dataclasses import dataclass
from typing import Any

import yaml

from wfm_core.errors import WfmError
from wfm_core.model import PATCH, POOLINGS, SEGMENT, EncoderConfig

FORMAT = 1
"""The only contract format that this version reads and writes."""

KINDS = ("classification", "position")


@dataclass(frozen=True)
class TaskContract:
    """One output. Classification: `labels`, and logits are divided by `temperature`, then `bias` is added; a best
    probability under `open_set_threshold` means "unknown". Position: the scene's corners `low`, `high` in metres.
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


@dataclass(frozen=True)
class Contract:
    """A parsed contract. `antennas` (the most), `samples` and the rates (Hz) are of the IQ window; for a bundle
    whose `input` is an image they are 0. `image_size` is (height, width). `raw` is the mapping it was read from.
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
    tasks: dict[str, TaskContract]
    origin: dict
    weights_sha256: str
    raw: dict

    def tokens(self, antennas: int) -> int:
        """Tokens that the encoder sees of one input, the CLS token included."""
        if self.modality == "image":
            return 1 + self.image_size[0] // PATCH * (self.image_size[1] // PATCH)
        return 1 + antennas * self.samples // SEGMENT


def parse_contract(source: str | bytes | dict, where: str) -> Contract:
    """Read a contract from YAML text or a mapping; `where` names it in errors. Raises `WfmError`."""
    root = _Table(_mapping(source, where), where, "")
    version = root.get("format")
    if version != FORMAT:
        raise WfmError(
            f"{where}: contract format {version!r}, but this version reads format {FORMAT}; export the model "
            "again with wfm-export of this version"
        )
    kind = root.choice("input", ("iq", "image"), "iq")
    modality = root.choice("modality", ("iq", "image"))
    if kind == "image" and modality == "iq":
        raise WfmError(f"{where}: input 'image' cannot feed modality 'iq'; wanted modality: image")
    antennas, samples, rates = _window(root) if kind == "iq" else (0, 0, (0.0, 0.0))
    channels, size = _image(root) if modality == "image" else (0, (0, 0))
    return Contract(
        name=root.text("name"),
        input=kind,
        modality=modality,
        antennas=antennas,
        samples=samples,
        sample_rate_min=rates[0],
        sample_rate_max=rates[1],
        encoder=_encoder(root),
        signal=root.table("signal").values if kind == "iq" else {},
        image_channels=channels,
        image_size=size,
        tasks=_tasks(root),
        origin=root.table("origin", optional=True).values,
        weights_sha256=root.text("weights_sha256"),
        raw=root.values,
    )


def _mapping(source: str | bytes | dict, where: str) -> dict:
    if not isinstance(source, dict):
        try:
            source = yaml.safe_load(source)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise WfmError(f"{where}: the contract is not YAML ({' '.join(str(error).split())})") from error
    if not isinstance(source, dict):
        raise WfmError(f"{where}: the contract is {type(source).__name__}, wanted a mapping of fields")
    return source


def _window(root: "_Table") -> tuple[int, int, tuple[float, float]]:
    window, rate = root.table("window"), root.table("sample_rate")
    antennas, samples = window.count("antennas"), window.count("samples")
    low, high = rate.number("min"), rate.number("max")
    if not 0 < low <= high:
        raise WfmError(f"{root.where}: sample_rate from {low} to {high}; wanted 0 < min <= max, in Hz")
    return antennas, samples, (low, high)


def _image(root: "_Table") -> tuple[int, tuple[int, int]]:
    image = root.table("image")
    height, width = image.numbers("size", 2)
    if height % PATCH or width % PATCH or min(height, width) < PATCH:
        raise WfmError(f"{root.where}: image.size {height:g}x{width:g}; wanted multiples of {PATCH}")
    return image.count("channels"), (int(height), int(width))


def _encoder(root: "_Table") -> EncoderConfig:
    table = root.table("encoder")
    try:
        return EncoderConfig(*(table.count(key) for key in ("width", "depth", "heads", "mlp_hidden")))
    except ValueError as error:
        raise WfmError(f"{root.where}: {error}") from error


def _tasks(root: "_Table") -> dict[str, TaskContract]:
    tables = root.table("tasks")
    if not tables.values:
        raise WfmError(f"{root.where}: no tasks; wanted at least one under tasks:")
    return {name: _task(name, tables.table(name)) for name in tables.values}


def _task(name: str, table: "_Table") -> TaskContract:
    if not str(name).isidentifier() or str(name).startswith("embedding"):
        raise WfmError(f"{table.where}: task name {name!r}; wanted a name such as 'interference'")
    kind, pooling = table.choice("kind", KINDS), table.choice("pooling", POOLINGS, "cls")
    if kind == "position":
        low, high = table.numbers("low", 3), table.numbers("high", 3)
        return TaskContract(name, kind, pooling, low=low, high=high)
    labels = table.get("labels")
    if not isinstance(labels, list) or len(labels) < 2 or len({str(label) for label in labels}) != len(labels):
        raise WfmError(f"{table.where}: {table.path}labels is {labels!r}; wanted a list of two or more names")
    temperature = table.number("temperature", 1.0)
    if temperature <= 0:
        raise WfmError(f"{table.where}: {table.path}temperature is {temperature:g}; wanted a positive number")
    return TaskContract(
        name,
        kind,
        pooling,
        labels=tuple(str(label) for label in labels),
        temperature=temperature,
        bias=table.numbers("bias", len(labels), [0.0] * len(labels)),
        open_set_threshold=table.number("open_set_threshold", 0.0),
    )


class _Table:
    """A mapping of the contract whose fields are read with checks; errors name the field."""

    def __init__(self, values: dict, where: str, path: str):
        self.values, self.where, self.path = values, where, path

    def get(self, key: str, default: Any = None) -> Any:
        value = self.values.get(key, default)
        if value is None:
            raise WfmError(f"{self.where}: the contract has no {self.path}{key}; add it or export the model again")
        return value

    def _wanted(self, key: str, value: Any, wanted: str) -> WfmError:
        return WfmError(f"{self.where}: {self.path}{key} is {value!r}; wanted {wanted}")

    def table(self, key: str, optional: bool = False) -> "_Table":
        value = self.get(key, {} if optional else None)
        if not isinstance(value, dict):
            raise self._wanted(key, value, "a mapping")
        return _Table(value, self.where, f"{self.path}{key}.")

    def text(self, key: str) -> str:
        value = self.get(key)
        if not isinstance(value, str) or not value:
            raise self._wanted(key, value, "a text")
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        value = self.get(key, default)
        if value not in choices:
            raise self._wanted(key, value, f"one of {', '.join(choices)}")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self.get(key, default)
        try:
            # text is taken too: YAML reads 1.92e6, which has no sign in its exponent, as text
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise self._wanted(key, value, "a number")
        return number

    def numbers(self, key: str, count: int, default: list | None = None) -> tuple[float, ...]:
        value = self.get(key, default)
        if not isinstance(value, list) or len(value) != count:
            raise self._wanted(key, value, f"a list of {count} numbers")
        row = _Table(dict(enumerate(value)), self.where, f"{self.path}{key}.")
        return tuple(row.number(index) for index in range(count))

    def count(self, key: str) -> int:
        value = self.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self._wanted(key, value, "a positive whole number")
        return value
