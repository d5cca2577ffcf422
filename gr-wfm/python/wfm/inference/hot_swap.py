# SPDX-License-Identifier: GPL-3.0-or-later
"""Hot swap: a new bundle is tried in a process of its own, loaded and warmed beside the old one, and taken between two
batches.
"""

import threading
from collections.abc import Callable

from wfm_core import load_bundle
from wfm_core.base import compute, left_behind
from wfm_core.base.errors import WfmError
from wfm_core.bundle import Trial, find_bundle
from wfm_core.serving.remote import Remote

_CLOSE_SECONDS = 1.0
"""For a load under way when the flowgraph ends."""


def agreement(contract) -> tuple:
    """What two bundles must have in common to stand in for each other: the input, its shape and the tasks.

    Weights, calibration and the sample-rate range may differ.
    """
    tasks = tuple((name, task.kind, tuple(task.labels or ())) for name, task in contract.tasks.items())
    shape = contract.input_shape if contract.input == "image" else (contract.antennas, contract.samples)
    return contract.input, contract.modality, shape, tasks


class BundleSwap:
    """Holds the bundle in use. `event(kind, text)` is told of each swap and each refusal."""

    def __init__(self, bundle, batch: int, channels: int, event: Callable[[str, str], None]):
        self.current = bundle
        self._next = None
        self._batch, self._channels = batch, channels
        self._event = event
        self._lock = threading.Lock()
        self._loader: threading.Thread | None = None
        self._loading = False
        self._name = ""
        self.trial = Trial()

    def request(self, name_or_path: str) -> None:
        """Try, load and warm `name_or_path` in a thread of its own; raises WfmError while another is being loaded."""
        with self._lock:
            if self._loading:
                raise WfmError(f"model {name_or_path} refused: another one is being loaded, send it again later")
            self._name, self._loading = name_or_path, True
            self._loader = threading.Thread(target=self._load, args=(name_or_path,), name="wfm-load", daemon=True)
            self._loader.start()

    def _load(self, name_or_path: str) -> None:
        bundle, refusal = self._tried(name_or_path)
        self._loading = False  # before anybody is told, who may ask for another one then
        if bundle is None:
            self._event("refused", refusal)
        else:
            self.offer(bundle)

    def _tried(self, name_or_path: str):
        """The bundle, loaded and warmed, or None and why it is refused; nothing of that is kept."""
        try:
            current = self.current
            bundle = current.beside(name_or_path) if isinstance(current, Remote) else self._loaded(name_or_path)
            if bundle.contract.average > 1:
                bundle = bundle.joined(current.contract.samples)
            if agreement(bundle.contract) != agreement(current.contract):
                raise WfmError(
                    f"its contract (input, shape, tasks) is {agreement(bundle.contract)}, "
                    f"the running one is {agreement(current.contract)}"
                )
            bundle.warm(self._batch, self._channels)
        except Exception as error:  # noqa: BLE001 - a bad model must not end the flowgraph, the old one goes on
            return None, f"model {name_or_path} refused, {self.current.contract.name} goes on: {error}"
        return bundle, ""

    def _loaded(self, name_or_path: str):
        path, current = find_bundle(name_or_path), self.current
        # The new bundle's first run is not in this process: one without end would hold up the one in use.
        pin = self.trial.run(path, self._batch, self._channels, current.engine)
        kept = {"device": str(current.device), "dtype": current.dtype, "engine": current.engine}
        return load_bundle(path, sha256=pin, **kept)

    def offer(self, bundle) -> None:
        """Take `bundle`, which is loaded, warmed and agrees with the one in use, for the coming batch."""
        with self._lock:
            self._next = bundle

    def take_next(self):
        """The bundle for the coming batch: the new one as soon as it is ready."""
        with self._lock:
            bundle, self._next = self._next, None
        if bundle is not None:
            self.current = bundle
            self._event("model", f"model {bundle.contract.name} ({bundle.path}) in use")
        return self.current

    def open(self) -> None:
        """Take requests, after `close` as well."""
        self.trial.open()

    def end_trial(self) -> None:
        """End a trial that runs: what was asked for is refused soon then."""
        self.trial.close()

    def close(self) -> str:
        """End a trial that runs, and wait for the loader. Returns "", or a sentence when it had to be left behind."""
        self.end_trial()
        if self.join(_CLOSE_SECONDS):
            return ""
        sentence = f"the loading of model {self._name} did not end within {_CLOSE_SECONDS:g} s: left behind"
        compute.give_up(self._loader, sentence)
        if self.join(_CLOSE_SECONDS / 2):
            return ""
        left_behind.remember(self._loader, sentence)
        return sentence

    def join(self, seconds: float | None = None) -> bool:
        """Wait, at most `seconds`, until nothing is being loaded; whether that is so."""
        if self._loader is not None:
            self._loader.join(seconds)
        return self._loader is None or not self._loader.is_alive()
