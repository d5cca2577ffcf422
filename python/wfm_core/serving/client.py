# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle that computes at a server, in place of one that computes here."""

import math
import threading
import time
from typing import NamedTuple

import numpy as np
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.base.json_text import read_json
from wfm_core.base.plain import shortened
from wfm_core.bundle.bundle import Bundle
from wfm_core.bundle.contract import Contract
from wfm_core.bundle.outputs import check_outputs
from wfm_core.bundle.parse import parse_contract
from wfm_core.serving import own_version, protocol
from wfm_core.serving.address import parse_address
from wfm_core.serving.line import Breaker, Line
from wfm_core.serving.wire import bytes_of, image_message, iq_message, outputs_of

_OPEN_SECONDS = 5.0
"""For a server to be there when a bundle is opened."""
_MOST_TEXT = 80
_MOST_REASON = 400
_DEVICES = ("cpu", "cuda")
_ROUNDING = 1e-3
"""By which a probability may be above 1."""


class Place(NamedTuple):
    """Where a remote bundle computes, in the place of a `torch.device`: `type` is that of the server's device."""

    type: str
    address: str

    def __str__(self) -> str:
        return self.address


class RemoteBundle(Bundle):
    """A `Bundle` and a `Remote`: `infer` and its like ask the server, all else is done here.

    A call raises `UnansweredError` when there is no answer within `patience` seconds and the address' own timeout.
    `engine`, `dtype` and `replica` are those of the last answer.
    """

    def __init__(self, line: Line, patience: float, contract: Contract, said: protocol.Description):
        path = f"{said.bundle} at {line.address.name}"
        place = Place(said.device.partition(":")[0], line.address.name)
        reason = "".join(sign if sign.isprintable() else " " for sign in said.engine_reason[:_MOST_REASON])
        super().__init__(contract, self._compute, path, place, said.dtype, engine=said.engine, engine_reason=reason)
        self.call_seconds = line.address.timeout + patience
        self.server_version = said.server_version
        self.replica = ""
        self._line, self._breaker, self._patience = line, Breaker(), patience
        self.name, self._sha256 = said.bundle, said.sha256
        self._stages = said.prepared
        self._most_windows = min(said.most_windows, protocol.MAX_WINDOWS)
        self._most_bytes = min(said.most_bytes, protocol.MOST_DATA)
        self._spent = threading.local()

    def beside(self, name: str) -> "RemoteBundle":
        """Another bundle of the same server, over the same line."""
        return _describe(self._line, name, self._patience)

    @property
    def prepared_kind(self) -> str:
        """As of `Bundle`. Images are as exact as cf32, and so are not sent where ci16 was asked for."""
        kind = str(self.contract.signal.get("kind", ""))
        return kind if self._stages and self._line.address.format == "cf32" else ""

    @property
    def runs_on(self) -> bool:
        """Its line has one question at a time."""
        return False

    def windows_at_once(self, antennas: int) -> int:
        """As many as the server takes in a question."""
        return self._most_windows

    def spent(self) -> tuple[float, float]:
        return getattr(self._spent, "seconds", (0.0, 0.0))

    def limit(self, seconds: float | None) -> None:
        self._line.limit(seconds)
        if seconds is None:
            self._breaker.close()

    def _compute(self, batch: Tensor, prepared: bool = False) -> dict[str, np.ndarray]:
        array = batch.numpy()
        kind = self._line.address.format if array.dtype == np.complex64 else "image"
        each = min(self._most_windows, _inputs_in(self._most_bytes, array.shape[1:], kind, self.contract))
        waited = travelled = 0.0
        parts = []
        for first in range(0, len(array), each):
            part = array[first : first + each]
            began = time.monotonic()
            outputs, said = self._ask(part, prepared)
            took = time.monotonic() - began
            at_server = min(said.waited + said.computed, took)
            waited += max(0.0, at_server - said.computed)
            travelled += took - at_server
            parts.append(outputs)
            self._remember(said)
        self._spent.seconds = waited, travelled
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _compute_prepared(self, images: Tensor) -> dict[str, np.ndarray]:
        outputs = self._compute(images, prepared=True)
        for name, moved in self._moved.items():  # the server does not see how many windows are in an image
            shares = outputs[name] * moved.exp().numpy()
            outputs[name] = shares / shares.sum(1, keepdims=True)
        return outputs

    def _remember(self, said: protocol.Judgement) -> None:
        self.replica, self.dtype = said.replica, said.dtype or self.dtype
        if said.engine and said.engine != self.engine:  # another replica's, which may have reasons of its own
            self.engine, self.engine_reason = said.engine, ""

    def _ask(self, array: np.ndarray, prepared: bool) -> tuple[dict[str, np.ndarray], protocol.Judgement]:
        """The outputs, and the answer in which they came."""
        question = protocol.JudgeRequest(bundle=self.name, sha256=self._sha256)
        if array.dtype == np.complex64:
            question.iq.CopyFrom(iq_message(array, self._line.address.format))
        else:
            question.images.CopyFrom(image_message(array, prepared))

        def read(answer: bytes):
            said = protocol.Judgement.FromString(answer)
            outputs = self._shaped(outputs_of(said, len(array)))
            self._check(outputs, len(array))
            seconds = said.waited, said.computed
            if not all(0 <= value < math.inf for value in seconds):
                raise WfmError(f"seconds {shortened(seconds)}, numbers from 0 on are expected")
            by = said.replica, said.engine, said.dtype
            if not all(_is_name(text) for text in by if text):
                raise WfmError(f"computed by {shortened(by)}, names are expected")
            return outputs, said

        return self._line.ask(protocol.JUDGE, question.SerializeToString(), read, self._patience, self._breaker)

    def _shaped(self, outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Rows of numbers as grids, where the contract says that they are; what does not fit is refused later."""
        for name, task in self.contract.tasks.items():
            if name in outputs and outputs[name].shape[1] == math.prod(task.shape):
                outputs[name] = outputs[name].reshape(-1, *task.shape)
        return outputs

    def _check(self, outputs: dict[str, np.ndarray], count: int) -> None:
        check_outputs(outputs, self.contract, count)
        for name, values in outputs.items():
            task = self.contract.tasks.get(name)
            good = np.isfinite(values)
            if task is not None and task.kind == "classification":
                good &= (values >= 0) & (values <= 1 + _ROUNDING)
            if not good.all():
                raise WfmError(f"{name} holds {values[~good][0]:g}, which is none of its values")


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _MOST_TEXT and text.isprintable()


def _inputs_in(most_bytes: int, shape: tuple[int, ...], kind: str, contract: Contract) -> int:
    """How many inputs of this shape a message takes. Raises `WfmError` where it takes none."""
    each = bytes_of(shape, kind)
    if each > most_bytes:
        raise WfmError(
            f"an input of bundle {contract.name!r} takes {each} bytes as {kind}, a message takes {most_bytes}: infer "
            "it where the radio is"
        )
    return most_bytes // each


def open_at(device: str, name: str, patience: float) -> RemoteBundle:
    """See `remote.open_remote`."""
    return _describe(Line(parse_address(device)), name, patience)


def _describe(line: Line, name: str, patience: float) -> RemoteBundle:
    question = protocol.DescribeRequest(bundle=name, client_version=own_version())

    def read(answer: bytes):
        said = protocol.Description.FromString(answer)
        raw = read_json(said.contract.encode(), "its contract")
        texts = (said.sha256, said.device, said.dtype, said.server_version)
        if said.bundle != name or not all(map(_is_name, texts)):
            raise WfmError(f"bundle {shortened(said.bundle)} with {shortened(texts)}, as was not asked for")
        if said.device.partition(":")[0] not in _DEVICES or not said.most_windows or not said.most_bytes:
            raise WfmError(f"device {shortened(said.device)}, {said.most_windows} windows, {said.most_bytes} bytes")
        if said.engine and not _is_name(said.engine):
            raise WfmError(f"engine {shortened(said.engine)}, a name is expected")
        contract = parse_contract(raw, f"{line.address.name}, bundle {name}")
        if contract.sha256 != said.sha256:
            raise WfmError(f"sha256 {said.sha256} of a bundle whose contract has {contract.sha256}")
        image = contract.input == "image"
        shape, kind = (contract.input_shape, "image") if image else ((1, contract.samples), line.address.format)
        _inputs_in(min(said.most_bytes, protocol.MOST_DATA), shape, kind, contract)
        return RemoteBundle(line, patience, contract, said)

    return line.ask(protocol.DESCRIBE, question.SerializeToString(), read, _OPEN_SECONDS, Breaker())
