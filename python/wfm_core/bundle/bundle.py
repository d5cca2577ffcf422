# SPDX-License-Identifier: GPL-3.0-or-later
"""A loaded bundle: arrays in, probabilities and decisions out."""

import copy
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wfm_core.base import compute, lanes
from wfm_core.base.errors import WfmError
from wfm_core.base.quantities import SEGMENTATION
from wfm_core.bundle.contract import Contract
from wfm_core.bundle.contracts.task import TaskContract
from wfm_core.bundle.outputs import check_outputs
from wfm_core.bundle.running import Stages, raised_in

CPU_TOKENS = 600
"""Tokens at once on a CPU where nothing was measured: in larger batches activations leave the L2 cache of many."""

_MANY = 1024

WARM_RUNS = 3
"""TorchScript profiles the first calls with a new shape and compiles on the next."""


class Bundle:
    """What `load_bundle` returns. `infer` may be called from any thread; the GIL is free during the forward pass.

    `contract`, `path`; `device` (torch.device); `dtype` of the encoder ("fp32", "bf16" or "int8"); `engine` that
    computes it ("torchscript" or "openvino"), and why that one, `engine_reason`; `self_test`, by how much its answer to
    its self-test differed (`wfm_core.bundle.self_test`), None where it has none; `tokens_at_once`, that go through the
    encoder in one call on a CPU: larger batches are computed in parts, as many at once as PyTorch has threads. That
    number is the caller's to set, and OpenVINO takes as many.
    """

    def __init__(
        self,
        contract: Contract,
        network: Callable,
        path: Path,
        device: torch.device,
        dtype: str,
        self_test: float | None = None,
        engine: str = "torchscript",
        engine_reason: str = "",
        tokens_at_once: int = CPU_TOKENS,
    ):
        self.contract = contract
        self.path = path
        self.device = device
        self.dtype = dtype
        self.self_test = self_test
        self.engine = engine
        self.engine_reason = engine_reason
        self.tokens_at_once = tokens_at_once
        self._network = network
        self._moved: dict[str, Tensor] = {}  # by task: what is added to the logits of windows that are joined

    def infer(self, iq: np.ndarray | Tensor) -> dict[str, np.ndarray]:
        """IQ windows complex64 [B, A, T] -> per task probabilities [B, K], or metres [B, 3] or degrees [B, 1]; of a
        dense task probabilities [B, K, H, W], or an estimate [B, planes, H, W] in the input's units; `embedding_*`
        [B, D].

        All float32. A in 1..contract.antennas, T == contract.samples or as many windows in a row as the contract's
        `average` says, else `WfmError`.
        """
        tensor, bundle = self._windows(iq)
        return bundle._compute(tensor)

    def begin(self, iq: np.ndarray | Tensor) -> "Answer":
        """As `infer`, on a CPU, but it is not waited for: the windows stay as they are until the answer is there."""
        tensor, bundle = self._windows(iq)
        return bundle._begin(tensor, bundle._network)

    def infer_image(self, image: np.ndarray | Tensor) -> dict[str, np.ndarray]:
        """Images float32 [B, C, H, W], for a bundle whose input is an image -> as `infer`."""
        tensor = torch.as_tensor(image)
        wanted = self.contract.input_shape
        if self.contract.input != "image":
            raise WfmError(f"bundle {self.contract.name!r} takes IQ windows, not images; use infer")
        if tensor.dim() != 4 or tuple(tensor.shape[1:]) != wanted or tensor.dtype != torch.float32:
            raise WfmError(
                f"image of shape {list(tensor.shape)} and {tensor.dtype}; bundle {self.contract.name!r} takes "
                f"float32 [batch, {wanted[0]}, {wanted[1]}, {wanted[2]}]"
            )
        return self._compute(tensor)

    def joined(self, samples: int) -> "Bundle":
        """The same for windows of `samples` samples, each of several in a row: see `Contract.joined`."""
        other = copy.copy(self)
        other.contract = self.contract.joined(samples)
        for name, task in other.contract.tasks.items():
            moved = np.subtract(task.bias, self.contract.tasks[name].bias)
            if moved.any():
                other._moved = {**other._moved, name: torch.tensor(moved, dtype=torch.float32)}
        return other

    @property
    def origin(self) -> str:
        """What its decisions come from: engine and number format, such as "torchscript bf16"; the engine is left out
        where a server does not say it.
        """
        return f"{self.engine} {self.dtype}".lstrip()

    @property
    def prepared_kind(self) -> str:
        """The kind of signal whose images `infer_prepared` takes; "" where there is no such way into the bundle."""
        return str(self.contract.signal.get("kind", "")) if isinstance(self._network, Stages) else ""

    def infer_prepared(self, image: np.ndarray | Tensor) -> dict[str, np.ndarray]:
        """Images float32 [B, C, H, W] that were made of IQ windows as the contract's `signal` says -> as `infer`."""
        return self._compute_prepared(self._prepared(image))

    def begin_prepared(self, image: np.ndarray | Tensor) -> "Answer":
        """As `infer_prepared` and `begin`."""
        return self._begin(self._prepared(image), self._network.network)

    def _prepared(self, image: np.ndarray | Tensor) -> Tensor:
        tensor = torch.as_tensor(image)
        wanted = (self.contract.image_channels, *self.contract.image_size)
        if not self.prepared_kind:
            raise WfmError(f"bundle {self.contract.name!r} takes no images made of its windows; use infer")
        if tensor.dim() != 4 or tuple(tensor.shape[1:]) != wanted or tensor.dtype != torch.float32:
            raise WfmError(
                f"images of shape {list(tensor.shape)} and {tensor.dtype}; bundle {self.contract.name!r} takes float32 "
                f"[batch, {wanted[0]}, {wanted[1]}, {wanted[2]}]"
            )
        return tensor

    @property
    def runs_on(self) -> bool:
        """Whether `begin` is there: others may ask while it computes."""
        return self.device.type == "cpu"

    def windows_at_once(self, antennas: int) -> int:
        """How many inputs of so many antennas have to be given at once, so that more gain nothing; of a GPU that is not
        known.
        """
        if self.device.type != "cpu":
            return _MANY
        per_lane = max(1, self.tokens_at_once // self.contract.tokens(antennas))
        return per_lane * compute.run(torch.get_num_threads)

    def warm(self, batch: int, antennas: int) -> None:
        """Run silent windows of the shape that will come, so that the first real one is not slow.

        Raises `WfmError` where the outputs are not what the contract says.
        """
        # numpy's zeros: a large torch.zeros would already start an OpenMP team in this thread
        blank = np.zeros((batch, antennas, self.contract.samples), np.complex64)
        if self.contract.input == "image":
            blank = np.zeros((batch, *self.contract.input_shape), np.float32)
        for _ in range(WARM_RUNS):
            outputs = self._compute(torch.from_numpy(blank))
        check_outputs(outputs, self.contract, batch)

    def decide(self, outputs: dict[str, np.ndarray], i: int, threshold: float | None = None) -> dict[str, dict]:
        """The decisions of every task on window `i` of `infer`'s outputs, as plain Python values; dense tasks make
        none.

        A best probability under `threshold` (None: each task's own) gives the label "unknown", index -1.
        """
        return decide(self.contract, outputs, i, threshold)

    def _windows(self, iq: np.ndarray | Tensor) -> tuple[Tensor, "Bundle"]:
        """IQ that was checked, and the bundle for windows of its length."""
        tensor = torch.as_tensor(iq)
        self._check_iq(tensor)
        return tensor, self if tensor.size(2) == self.contract.samples else self.joined(tensor.size(2))

    def _check_iq(self, iq: Tensor) -> None:
        contract = self.contract
        if contract.input != "iq":
            raise WfmError(f"bundle {contract.name!r} takes images, not IQ windows; use infer_image")
        if iq.dim() != 3 or iq.dtype != torch.complex64:
            raise WfmError(f"IQ of shape {list(iq.shape)} and {iq.dtype}; expected complex64 [batch, antenna, sample]")
        if not 1 <= iq.size(1) <= contract.antennas:
            raise WfmError(
                f"windows of {iq.size(1)} antennas; bundle {contract.name!r} knows 1 to {contract.antennas}: "
                "use fewer channels or another bundle"
            )
        if iq.size(2) != contract.samples:
            contract.joined(iq.size(2))  # raises where it takes no such windows

    def _compute_prepared(self, images: Tensor) -> dict[str, np.ndarray]:
        return self._compute(images, self._network.network)

    def _compute(self, batch: Tensor, network: Callable | None = None) -> dict[str, np.ndarray]:
        network = network or self._network
        if self.device.type == "cpu":
            return self._begin(batch, network).result()
        with raised_in(f"bundle {self.contract.name!r}"):
            return self._answer(network, batch)

    def _begin(self, batch: Tensor, network: Callable) -> "Answer":
        return Answer(compute.begin(self._run, batch, network), self.contract.name)

    def _run(self, batch: Tensor, network: Callable) -> "list[dict] | Future[list[dict]]":
        return lanes.begin(partial(self._answer, network), batch.split(self._micro_batch(batch)))

    @torch.inference_mode()
    def _answer(self, network: Callable, part: Tensor) -> dict[str, np.ndarray]:
        outputs = network(part.to(self.device))
        for name, task in self.contract.tasks.items():
            classes = task.kind in ("classification", SEGMENTATION)
            if classes and name in outputs:  # one that is missing is found by warm
                logits = outputs[name]
                outputs[name] = (logits + self._moved[name].to(logits) if name in self._moved else logits).softmax(1)
        return {name: value.cpu().numpy() for name, value in outputs.items()}

    def _micro_batch(self, batch: Tensor) -> int:
        """How many inputs of a batch go through the network at once: as many for each lane, if enough are there."""
        most, threads = max(1, self.tokens_at_once // self.contract.tokens(batch.size(1))), torch.get_num_threads()
        if len(batch) < threads:
            return most  # all threads at one
        return -(-len(batch) // (threads * -(-len(batch) // (threads * most))))


class Answer:
    """What a bundle is still computing."""

    def __init__(self, parts: "Future[list[dict[str, np.ndarray]]]", name: str):
        self._parts, self._name = parts, name

    def result(self) -> dict[str, np.ndarray]:
        """The outputs, once they are there. Raises `WfmError`."""
        with raised_in(f"bundle {self._name!r}"):
            parts = self._parts.result()
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def decide(contract: Contract, outputs: dict[str, np.ndarray], i: int, threshold: float | None) -> dict[str, dict]:
    """See `Bundle.decide`."""
    return {
        name: {task.kind: [float(value) for value in outputs[name][i] if not (task.several and np.isnan(value))]}
        if task.measures
        else classify(task, outputs[name][i], threshold)
        for name, task in contract.tasks.items()
        if not task.dense
    }


def classify(task: TaskContract, probabilities: np.ndarray, threshold: float | None) -> dict:
    """The decision on probabilities [K]; a best one under `threshold` (None: the task's own) is "unknown"."""
    index = int(probabilities.argmax())
    score = float(probabilities[index])
    known = score >= (task.open_set_threshold if threshold is None else threshold)
    return {
        "label": task.labels[index] if known else "unknown",
        "index": index if known else -1,
        "score": score,
        "probabilities": dict(zip(task.labels, map(float, probabilities), strict=True)),
    }
