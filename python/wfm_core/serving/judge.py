# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle at the server: what one replica has, and what is asked of it."""

import re
import time
from typing import NamedTuple

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import shortened
from wfm_core.bundle import Bundle, Contract, load_bundle

IQ, IMAGES, PREPARED = "iq", "images", "prepared"
_NAME = re.compile(r"\w[\w.-]{0,99}")


class Question(NamedTuple):
    """`kind`: IQ, complex64 [B, A, T]; IMAGES or PREPARED, float32 [B, C, H, W]."""

    kind: str
    batch: np.ndarray


class Reply(NamedTuple):
    """Float32 [B, K] by name, and the seconds that it took to compute, others' questions of the batch included; which
    replica computed it, by which engine and in which number format."""

    outputs: dict[str, np.ndarray]
    computed: float
    replica: str
    engine: str
    dtype: str


class Facts(NamedTuple):
    """What a client is told of a bundle; `contract` as in its file."""

    sha256: str
    contract: dict
    device: str
    dtype: str
    prepared: bool
    engine: str
    engine_reason: str


class Judge:
    """The bundle `name`, loaded and warmed. Not safe to call from two threads at once.

    Args:
        name: of an installed bundle; a path is refused.
        batch: most windows at once.
        device, dtype: as of `load_bundle`.
        sha256: refuse a bundle whose contents have another hash, as on a computer with another version of it.
        replica: its name among those of the bundle.
    """

    def __init__(
        self, name: str, batch: int, device: str = "auto", dtype: str = "auto", sha256: str = "", replica: str = ""
    ):
        if not _NAME.fullmatch(name) or name.endswith(".pt"):
            raise WfmError(f"bundle {shortened(name)}: the name of an installed bundle is expected, no path")
        self._bundle = load_bundle(name, device=device, dtype=dtype)
        seen = self._bundle.contract.sha256
        if sha256 and seen != sha256:
            raise WfmError(
                f"bundle {name} has sha256 {seen} on this computer and {sha256} where the service was started: install "
                "the same bundle on all"
            )
        self._bundle.warm(batch, max(1, self._bundle.contract.antennas))
        self._by = replica, self._bundle.engine, self._bundle.dtype

    def facts(self) -> Facts:
        bundle = self._bundle
        raw, kind = bundle.contract.raw, str(bundle.device)
        prepared = bool(bundle.prepared_kind)
        return Facts(bundle.contract.sha256, raw, kind, bundle.dtype, prepared, bundle.engine, bundle.engine_reason)

    def answer(self, questions: list[Question]) -> list[Reply]:
        """Those of one kind and shape are computed together. Raises `WfmError`."""
        together: dict[tuple, list[int]] = {}
        for number, (kind, batch) in enumerate(questions):
            together.setdefault((kind, batch.shape[1:]), []).append(number)
        replies: list[Reply | None] = [None] * len(questions)
        for (kind, _), numbers in together.items():
            batches = [questions[number].batch for number in numbers]
            began = time.monotonic()
            outputs = _infer(self._bundle, kind, np.concatenate(batches))
            took = time.monotonic() - began
            first = 0
            for number, batch in zip(numbers, batches, strict=True):
                rows = slice(first, first := first + len(batch))
                replies[number] = Reply({name: values[rows] for name, values in outputs.items()}, took, *self._by)
        return replies


def _infer(bundle: Bundle, kind: str, batch: np.ndarray) -> dict[str, np.ndarray]:
    ways = {IQ: bundle.infer, IMAGES: bundle.infer_image, PREPARED: bundle.infer_prepared}
    return ways[kind](batch)


def check_question(question: Question, contract: Contract, prepared: bool, most: int) -> None:
    """Whether a bundle of this contract takes it; `most` windows at once. Raises `WfmError`."""
    kind, shape = question.kind, question.batch.shape
    known = contract.antennas, contract.samples
    wanted = {
        IQ: (known, contract.input == "iq"),
        IMAGES: (contract.input_shape, contract.input == "image"),
        PREPARED: ((contract.image_channels, *contract.image_size), prepared),
    }
    expected, taken = wanted[kind]
    fewer = kind == IQ and 1 <= shape[1] <= known[0] and contract.takes(shape[2])
    if not taken or (not fewer and shape[1:] != expected):
        raise WfmError(
            f"{kind} of shape {list(shape[1:])}; bundle {contract.name!r} takes {contract.input}"
            + (f" of shape {list(expected)}" if taken else "")
        )
    if shape[0] > most:
        raise WfmError(f"{shape[0]} windows in a request; at most {most} are expected")
