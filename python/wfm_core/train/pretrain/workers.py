# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that render windows on the host's cores while the training goes on."""

import multiprocessing
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import torch

from wfm_core.base.errors import WfmError
from wfm_core.configs.pretraining import Pretraining
from wfm_core.train.pretrain.causes import Known
from wfm_core.train.pretrain.mixture import Mixture, open_sources
from wfm_core.train.pretrain.rendering import Renderer

_CPU = torch.device("cpu")
_Rendered = tuple[np.ndarray, dict[str, np.ndarray] | None]
"""Windows, and their causes where they are asked for."""
_renderers: dict[str, Renderer] = {}
"""Of this process, where it is a worker: by modality."""


class Workers:
    """`data.workers` processes with one thread each, which open the sources for themselves.

    settings: each modality's, with the statistics that the run has measured. Use it as a context: it ends them.
    """

    def __init__(self, config: Pretraining, settings: dict[str, dict], world: int = 1):
        # not forked: a process that has begun to use a GPU must not be
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(config.data.workers, context, _begin, (config, settings, world))

    def submit(self, modality: str, number: int, slot: int, count: int, rank: int) -> Future:
        """`Renderer.slot`, later."""
        return self._pool.submit(_render, modality, number, slot, count, rank)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def rendered(future: Future, device: torch.device) -> torch.Tensor | Known:
    """What a worker has made, on `device`; waits for it. Raises `WfmError` where the worker has ended."""
    try:
        windows, causes = future.result()
    except BrokenProcessPool as error:
        raise WfmError(
            "a process that renders windows has ended, perhaps for want of memory: give fewer data.workers, and go on "
            "with --resume"
        ) from error
    tensors = torch.from_numpy(windows).to(device)
    if causes is None:
        return tensors
    return Known(tensors, {name: torch.from_numpy(values).to(device) for name, values in causes.items()})


def _begin(config: Pretraining, settings: dict[str, dict], world: int) -> None:
    torch.set_num_threads(1)
    for modality in config.modalities:
        mixture = Mixture(config, modality, open_sources(config), _CPU)
        mixture.use(settings[modality])
        _renderers[modality] = Renderer(config, mixture, world)


def _render(modality: str, number: int, slot: int, count: int, rank: int) -> _Rendered:
    """As arrays: each tensor that goes from process to process would keep a file open, and a set has thousands."""
    windows = _renderers[modality].slot(number, slot, count, rank)
    if isinstance(windows, Known):
        return windows.windows.numpy(), {name: values.numpy() for name, values in windows.causes.items()}
    return windows.numpy(), None
