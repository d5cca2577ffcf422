# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of capacity.py: from what one question and one window cost to what each part of a service takes."""

import math
from dataclasses import dataclass

BEGIN, END = "<!-- made by benchmarks/capacity.py -->", "<!-- until here -->"
"""What the tables stand between on a page."""
NUMBERS = (10, 1_000, 100_000)
"""Of radios, at which the model says what limits."""


@dataclass(frozen=True)
class Figures:
    """What was measured with one bundle. Costs are seconds of one core: `sensor` and `front` (wfm-serve itself) of
    (a question, a window), `replica` of (a batch, a question, a window); `gpu` seconds of one GPU for (a batch, a
    window), None where nobody measured it. `events_a_second`: that one wfm-log commits to SQLite.
    """

    bundle: str
    origin: str
    machine: str
    format: str
    window_bytes: float
    sensor: tuple[float, float]
    front: tuple[float, float]
    replica: tuple[float, float, float]
    gpu: tuple[float, float] | None
    event_bytes: float
    record_bytes: float
    events_a_second: float


@dataclass(frozen=True)
class Service:
    """What is there. `windows`: a second, that one radio asks about, after hop and gate; `link`: bit/s to the server;
    `round_trip`: seconds of the network; `batch` and `wait` (seconds) as in wfm-serve's configuration; `replicas`:
    of one GPU, without GPUs there is one on each core.
    """

    windows: float
    link: float
    cores: int
    gpus: int
    replicas: int
    batch: int
    wait: float
    round_trip: float


class Model:
    """`figures` of a `service`: rates are windows a second of all radios together."""

    def __init__(self, figures: Figures, service: Service):
        self._figures, self._service = figures, service
        batch, self._question, window = figures.replica
        self.on_gpu = service.gpus > 0
        if self.on_gpu and figures.gpu is None:
            raise ValueError("what a GPU computes is not known: measure it, or give it")
        self._batch, self._window = figures.gpu if self.on_gpu else (batch, window)
        self._replicas = service.gpus * service.replicas if self.on_gpu else service.cores

    @property
    def windows_a_question(self) -> float:
        """A radio has one question under way, with the windows that came while the one before was answered."""
        service = self._service
        answer = service.round_trip + service.wait + self._batch + self._question + self._window
        return min(service.batch, max(1.0, service.windows * answer))

    @property
    def _each(self) -> float:
        """Seconds of a replica for one window of a batch, without what the batch itself costs."""
        return self._question / self.windows_a_question + self._window

    def limits(self) -> dict[str, float]:
        """The rate of each part by itself."""
        figures, service = self._figures, self._service
        question, window = figures.front
        return {
            "network": service.link / 8 / figures.window_bytes,
            "wfm-serve": 1 / (question / self.windows_a_question + window),
            "batching": self._rate(1.0),
            self.computing: self._rate(service.batch),
        }

    @property
    def window_bits(self) -> float:
        """On the wire."""
        return 8 * self._figures.window_bytes

    @property
    def computing(self) -> str:
        return "GPUs" if self.on_gpu else "cores"

    def _rate(self, windows: float) -> float:
        """Of all replicas, with so many windows in each batch."""
        rate = self._replicas * windows / (self._batch + windows * self._each)
        return min(rate, self._service.gpus / self._window) if self.on_gpu else rate

    def batch_at(self, rate: float) -> float:
        """Windows of a batch that forms while the one before is computed, at a rate that the replicas keep up with."""
        own = rate / self._replicas
        idle = 1 - own * self._each
        formed = own * (self._service.wait + self._batch) / idle if idle > 0 else math.inf
        return min(self._service.batch, max(self.windows_a_question, formed))

    def shares(self, rate: float) -> dict[str, float]:
        """What of each part a rate takes; 2.0 is twice as much as there is. Batches are as large as they may be."""
        limits = self.limits()
        return {name: rate / limits[name] for name in ("network", "wfm-serve", self.computing)}


def costs_table(figures: Figures) -> str:
    """Markdown: the measured figures."""
    rows = [
        ("a window on the wire", f"{figures.window_bytes:,.0f} bytes ({figures.format})"),
        ("the sensor's core", _cost(figures.sensor)),
        ("a core of `wfm-serve` itself", _cost(figures.front)),
        (f"a core of a replica ({figures.origin})", _cost(figures.replica[1:], figures.replica[0])),
        ("a GPU", "not measured" if figures.gpu is None else _cost((None, figures.gpu[1]), figures.gpu[0])),
        ("an event between programs", f"{figures.event_bytes:,.0f} bytes"),
        ("an event in the record", f"{figures.record_bytes:,.0f} bytes, {figures.events_a_second:,.0f} a second"),
    ]
    return _table(("part", f"{figures.bundle}, {figures.machine}"), rows)


def limits_table(model: Model, service: Service) -> str:
    """Markdown: where each part becomes the limit."""
    said = {
        "network": f"{service.link / 1e9:g} Gb/s to the server",
        "wfm-serve": "the one process that takes all questions",
        "batching": f"{_replicas(service)}, one window at a time: above it only batches keep up",
        model.computing: f"{_replicas(service)}, {service.batch} windows at a time",
    }
    rows = [
        (name, said[name], f"{rate:,.0f}", f"{rate / service.windows:,.0f}") for name, rate in model.limits().items()
    ]
    return _table(("limit", "of", "windows/s", "radios"), rows)


def numbers_table(model: Model, service: Service) -> str:
    """Markdown: what 10, 1,000 and 100,000 radios take."""
    rows = []
    for count in NUMBERS:
        rate = count * service.windows
        shares = model.shares(rate)
        first = max(shares, key=shares.get)
        share = f"{_amount(shares[first])} times what is there" if shares[first] > 1 else f"{shares[first]:.0%} used"
        gbps = f"{_amount(rate * model.window_bits / 1e9)} Gb/s"
        needed = _amount(shares[model.computing] * (service.gpus or service.cores))
        fronts, batch = _amount(shares["wfm-serve"]), f"{model.batch_at(rate):.0f}"
        rows.append((f"{count:,}", f"{rate:,.0f}", gbps, fronts, needed, batch, f"{first}, {share}"))
    needed = ("network", "`wfm-serve` needed", f"{model.computing} needed")
    head = ("radios", "windows/s", *needed, "windows a batch", "first limit")
    return _table(head, rows)


def _amount(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def _replicas(service: Service) -> str:
    if service.gpus:
        return f"{service.gpus} GPUs with {service.replicas} replicas each"
    return f"{service.cores} cores with a replica each"


def _cost(pair: tuple[float | None, float], batch: float | None = None) -> str:
    named = {"a batch": batch, "a question": pair[0], "a window": pair[1]}
    return ", ".join(f"{1e6 * cost:,.0f} µs {what}" for what, cost in named.items() if cost is not None)


def _table(head: tuple, rows: list[tuple]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
