# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done with each recording, in plain values: it goes to every process that does it."""

import hashlib
import json
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, replace
from typing import Protocol, Self

from wfm_core.base.errors import WfmError
from wfm_core.bundle import Bundle, load_bundle
from wfm_core.data.recordings.recording import Recording

Say = Callable[[str], None]
Lines = Generator[dict, None, dict]
"""Lines of a result, and at last what is said of the recording as a whole."""
Do = Callable[[Recording, str, Say], Lines]
"""Called with a recording, its name, and where sentences to the user go. Raises `WfmError`."""


@dataclass(frozen=True)
class Model:
    """A bundle as several processes load it alike; `device`, `dtype` and `engine` as of `load_bundle`.

    sha256: of the bundle; another one of the name, as on another computer, is refused. "": any.
    """

    bundle: str
    device: str = "auto"
    dtype: str = "auto"
    engine: str = "auto"
    sha256: str = ""

    def load(self) -> Bundle:
        """Raises `WfmError`."""
        bundle = load_bundle(self.bundle, device=self.device, dtype=self.dtype, engine=self.engine)
        if self.sha256 and _hash(bundle) != self.sha256:
            raise WfmError(
                f"bundle {self.bundle} has sha256 {_hash(bundle)} in a process that began later, possibly on "
                f"another computer, and had {self.sha256}: use the same bundle everywhere and all the time"
            )
        return bundle

    def settled(self) -> Self:
        """With what `auto` comes to on this computer, and the bundle's hash. Raises `WfmError`."""
        bundle = self.load()
        return replace(self, device=str(bundle.device), dtype=bundle.dtype, engine=bundle.engine, sha256=_hash(bundle))

    def as_before(self, kept: dict) -> Self:
        """`auto` replaced by what it came to for the settings `kept`."""
        before = {name: kept.get(name) for name in ("device", "dtype", "engine") if getattr(self, name) == "auto"}
        return replace(self, **{name: value for name, value in before.items() if isinstance(value, str)})


def _hash(bundle: Bundle) -> str:
    """Of all that a bundle holds; of a model folder of its contract, with the weights' hash and what is set beside
    them."""
    contract = bundle.contract
    text = json.dumps(contract.raw, sort_keys=True, default=str)
    return contract.content_sha256 or hashlib.sha256(text.encode()).hexdigest()


class Work(Protocol):
    """A frozen dataclass."""

    model: Model

    def settings(self) -> dict:
        """All that results depend on beside the model, for JSON."""

    def opened(self) -> Do:
        """Loads the model. Raises `WfmError`."""


def settings_of(work: Work) -> dict:
    """All that results depend on."""
    return {**asdict(work.model), **work.settings()}


@dataclass(frozen=True)
class Unit:
    """A recording, and how it is called in the folder."""

    recording: Recording
    name: str


@dataclass(frozen=True)
class Outcome:
    """Of the unit `name`: `failure` is "" where its result is written; `notes` are sentences for the user, one a line.

    `ends_all`: the same would befall all others.
    """

    name: str
    failure: str = ""
    notes: str = ""
    ends_all: bool = False
