# SPDX-License-Identifier: GPL-3.0-or-later
"""The one thread of a process that computes with PyTorch on the CPU beside a running flowgraph.

OpenMP gives every thread that computes in parallel a team of its own, and keeps it. Once the teams together have more
threads than the machine has processors, waiting members sleep in the kernel at each barrier instead of spinning: on
two cores, inference in a flowgraph after a first pass in the main thread fell from 420 to 130 windows a second
(512 samples). So whatever computes, loading and rendering included, does it here, and one team serves all.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import torch

Result = TypeVar("Result")


def run(function: Callable[..., Result], *arguments, **options) -> Result:
    """Call `function` on the compute thread and wait for it; its exceptions are raised here.

    Not from a function that itself runs there: it would wait for itself.
    """
    return _thread().submit(function, *arguments, **options).result()


def spare_a_core() -> None:
    """Let PyTorch compute on all processors but one, which is left to the stream and its sinks.

    On two cores a live flowgraph with a display decided in 16 ms (median) on one thread, and fell behind on two.
    """
    run(torch.set_num_threads, max(1, (os.cpu_count() or 1) - 1))


@lru_cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="wfm-compute")
