# SPDX-License-Identifier: GPL-3.0-or-later
"""What WFM Inference and WFM Image Inference share: the engine behind their ports, and its settings."""

from gnuradio import gr

from wfm_core import load_bundle
from wfm_core.base import compute
from wfm_core.base.errors import WfmError
from wfm_core.base.plain import shortened
from wfm_core.bundle.bundle import Bundle
from wfm_core.serving.remote import is_remote, open_remote

from ..ports import keys, messages
from ..ports.block import keep_alive
from .engine import engine
from .outage import PATIENCE_SECONDS
from .window_source import WindowSource

ON_ERROR = ("stop", "bypass")
_SLOTS_PER_BATCH = 8
_LEAST_SLOTS = 16


class inference_base(gr.hier_block2):
    """Message ports out: `detects`, `embeddings`, `status`, `events`; in: `control`; all are the engine's."""

    def _add_engine(
        self, source: WindowSource, bundle, channels: int, batch: int, threshold: float, tasks: str, ahead: bool = False
    ):
        """See `engine`. Raises `WfmError` for tasks that the bundle has not."""
        try:
            messages.read_tasks(tasks, bundle.contract.tasks)
        except ValueError as error:
            raise WfmError(f"bundle {bundle.contract.name}: {error}") from error
        self._source = source
        self.engine = engine(source, bundle, channels, batch, threshold, tasks, ahead)
        keep_alive(self, self.engine)
        for port in ("detects", "embeddings", "status", "events"):
            self.message_port_register_hier_out(port)
            self.msg_connect(self.engine, port, self, port)
        self.message_port_register_hier_in("control")
        self.msg_connect(self, "control", self.engine, "control")

    def status(self) -> dict:
        """Counters, coverage, latency percentiles in ms, the bundle in use, the error if any.

        Of images a sample is what their sample_start counts, of CSI a packet; they have `images_refused` as well.
        """
        return self.engine.status()

    def error(self) -> str:
        """Why inference ended early, or ""."""
        return self.engine.error()

    def finish(self) -> None:
        """End as if the stream had ended, or no more images came: what waits is still decided.

        What makes images goes on; those that still come are dropped and counted.
        """
        self._source.end(drain=True)

    def set_threshold(self, threshold: float) -> None:
        self.engine.control(keys.THRESHOLD, threshold)

    def set_tasks(self, tasks: str) -> None:
        self.engine.control(keys.TASKS, tasks)

    def set_bundle(self, name_or_path: str) -> None:
        """Swap the model while the flowgraph runs; a refusal is an event, and the old one goes on."""
        self.engine.control(keys.MODEL, name_or_path)


def open_bundle(bundle, policy: str, device: str, dtype: str, engine: str, on_error: str):
    """The bundle, loaded where it is a name or a path; a live one leaves a core to the flowgraph.

    Where `device` is a server's address, the bundle of that name there: see `wfm_core.serving`. `on_error` is one of
    `ON_ERROR`. Raises `WfmError`.
    """
    if on_error not in ON_ERROR:
        raise WfmError(f"on_error is {on_error!r}, one of {', '.join(ON_ERROR)} is expected")
    if is_remote(device):
        if not isinstance(bundle, str) or dtype != "auto":
            raise WfmError(
                f"device {device} is a server, with the bundle {shortened(bundle)} and dtype {shortened(dtype)}: the "
                "name of a bundle that is served, and auto, are expected"
            )
        if engine != "auto":
            raise WfmError(f"device {device} is a server, which chooses its engine, not {shortened(engine)}: use auto")
        return open_remote(bundle, device, 0.0 if on_error == "bypass" else PATIENCE_SECONDS)
    if policy == "live":
        compute.spare_a_core()
    return load_bundle(bundle, device=device, dtype=dtype, engine=engine) if isinstance(bundle, str) else bundle


def batch_of(batch: int, bundle, antennas: int, room: int) -> int:
    """Most windows at once: `batch`, but beyond 16 no more than the bundle gains by, and than have `room`, as those
    that wait for their decisions do. Raises `WfmError` for less than one.
    """
    if batch < 1:
        raise WfmError(f"batch is {batch}, at least 1 window is expected")
    if batch <= _LEAST_SLOTS:
        return batch
    gains = bundle.windows_at_once(antennas) if isinstance(bundle, Bundle) else batch
    return max(_LEAST_SLOTS, min(batch, gains, room))


def slots_of(batch: int) -> int:
    """How many windows may wait for the worker."""
    return max(_LEAST_SLOTS, _SLOTS_PER_BATCH * batch)
