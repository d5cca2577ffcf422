# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the time of WFM Inference goes, window by window: a table, and a picture with --picture.

One antenna of noise, lossless, the full encoder with random weights, computed by PyTorch. What the engine does around
the network is timed in the flowgraph, whose other threads run beside it; here the network waits meanwhile, which it
otherwise does not where the stream waits. Its time is divided as PyTorch's profiler divides it on one of the threads
that compute side by side, in a loop of its own.

With --levels the same on fewer instructions than the processor has, each in a process of its own: oneDNN and ATen are
held down by ONEDNN_MAX_CPU_ISA and ATEN_CPU_CAPABILITY. A level that the processor does not reach changes nothing.

python benchmarks/profile_inflow.py [--windows 512 4096] [--levels avx512_bf16 avx512 avx2] [--picture profile.png]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from gnuradio import wfm
from gnuradio.wfm.ports import answers
from inflow import WINDOWS, windows_per_second
from random_model import ENCODER, noise, write_model
from result import machine

import wfm_core
from wfm_core.base import compute

BATCH = 16
LEVELS = {
    "all": {},
    "avx512_bf16": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16", "ATEN_CPU_CAPABILITY": "avx512"},
    "avx512": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE", "ATEN_CPU_CAPABILITY": "avx512"},
    "avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"},
}
"""What holds the instruction set down, by the name of the level that is left."""
NETWORK = ("tokens", "attention", "MLP", "norms", "heads", "copies and sums")
PARTS = ("ring", "copy", *NETWORK, "decisions", "PMTs", "tags")
PMTS = ("tags_of", "publish_detects", "publish_embeddings")


class Stopwatch:
    """Seconds by part."""

    def __init__(self):
        self.seconds: dict[str, float] = defaultdict(float)

    def around(self, call: Callable, part: str) -> Callable:
        def timed(*arguments, **options):
            start = time.perf_counter()
            try:
                return call(*arguments, **options)
            finally:
                self.seconds[part] += time.perf_counter() - start

        return timed

    def on(self, owner: object, name: str, part: str) -> None:
        setattr(owner, name, self.around(getattr(owner, name), part))


def around_the_network(bundle, window: int, seconds: float) -> dict[str, float]:
    """Seconds a window of what the engine does, by part; `network` is what `infer` takes."""
    watch, block = Stopwatch(), wfm.inference(bundle=bundle, channels=1, policy="lossless", batch=BATCH)
    engine, source = block.engine, block.engine._source
    take, counted = watch.around(source.take, "ring"), []

    def taken(*arguments):
        windows = take(*arguments)
        if windows is None or windows.count == 0:
            return windows
        counted.append(windows.count)
        return replace(windows, copy_to=watch.around(windows.copy_to, "copy"))

    source.take = taken
    engine._ahead = False  # nothing else is done while the network computes
    watch.on(source, "infer", "network")
    watch.on(source, "complete", "tags")
    watch.on(bundle, "decide", "decisions")
    watch.on(engine, "_facts", "PMTs")
    with ExitStack() as changed:
        for name in PMTS:
            changed.enter_context(patch.object(answers, name, watch.around(getattr(answers, name), "PMTs")))
        windows_per_second(block, window, seconds)
    return {part: spent / sum(counted) for part, spent in watch.seconds.items()}


def in_the_network(bundle, window: int, runs: int, encoder: dict) -> dict[str, float]:
    """The share of each part of the network in its time, of one lane: the profiler sees one thread."""
    iq = torch.from_numpy(noise(BATCH * window).reshape(BATCH, 1, window))
    cpu = [torch.profiler.ProfilerActivity.CPU]

    def profiled() -> torch.profiler.profile:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        for count in (1, runs):  # the first time the profiler itself is set up
            with torch.profiler.profile(activities=cpu, record_shapes=True) as profile:
                for _ in range(count):
                    bundle._answer(bundle._network, iq[: -(-BATCH // threads)])
        torch.set_num_threads(threads)
        return profile

    bundle.warm(BATCH, 1)
    spent: dict[str, float] = dict.fromkeys(NETWORK, 0.0)
    for event in compute.run(profiled).key_averages(group_by_input_shape=True):
        spent[part_of(event.key, event.input_shapes, encoder)] += event.self_cpu_time_total
    return {part: own / sum(spent.values()) for part, own in spent.items()}


def part_of(operator: str, shapes: list, encoder: dict) -> str:
    """Which part an operator belongs to: its name says it, and of a linear layer its width on either side."""
    name = operator.rpartition("::")[2]
    if "layer_norm" in name:
        return "norms"
    if "bmm" in name or "softmax" in name or "scaled_dot_product" in name:
        return "attention"
    if "gelu" in name:
        return "MLP"
    if "linear" not in name and name not in ("addmm", "mm"):
        return "copies and sums"
    into = next((shape[-1] for shape in shapes if len(shape) > 1), 0)
    out = next((shape[0] for shape in shapes if len(shape) == 1), 0)  # of its bias: packed weights have no shape
    if encoder["mlp_hidden"] in (into, out):
        return "MLP"
    if out < encoder["width"]:
        return "heads"
    return "attention" if into == encoder["width"] else "tokens"


def profile(window: int, seconds: float, dtype: str, encoder: dict) -> dict:
    """One measurement: microseconds a window, by part."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_model(Path(folder), window, encoder)
        bundle = wfm_core.load_bundle(path, device="cpu", dtype=dtype, engine="torchscript")
        shares = in_the_network(bundle, window, max(2, round(10 * seconds)), encoder)
        around = around_the_network(bundle, window, seconds)
    network = around.pop("network")
    spent = {**around, **{part: share * network for part, share in shares.items()}}
    return {"window": window, "origin": bundle.origin, "us": {part: 1e6 * spent.get(part, 0.0) for part in PARTS}}


def measure(level: str, window: int, options: argparse.Namespace) -> dict:
    """`profile` in a process of its own, on a level of instructions."""
    command = [sys.executable, __file__, "--one", "--windows", str(window), "--seconds", str(options.seconds)]
    command += ["--dtype", options.dtype, "--encoder", json.dumps(options.encoder)]
    done = subprocess.run(command, env=os.environ | LEVELS[level], stdout=subprocess.PIPE, text=True, check=True)
    return {**json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{"))), "level": level}


def table(found: list[dict]) -> str:
    """Microseconds a window."""
    heads = [f"{one['window']}, {one['level']}, {one['origin']}" for one in found]
    lines = ["| us a window | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    lines += [f"| {part} | " + " | ".join(f"{one['us'][part]:.1f}" for one in found) + " |" for part in PARTS]
    return "\n".join([*lines, "| all | " + " | ".join(f"{sum(one['us'].values()):.1f}" for one in found) + " |"])


def draw(found: list[dict], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 0.6 * len(found) + 1.8))
    left, colours = np.zeros(len(found)), plt.get_cmap("tab20").colors
    for part, colour in zip(PARTS, colours, strict=False):
        widths = np.array([100 * one["us"][part] / sum(one["us"].values()) for one in found])
        axes.barh(range(len(found)), widths, left=left, color=colour, label=part, height=0.7)
        left += widths
    axes.set_yticks(range(len(found)), [f"{one['window']}, {one['level']}\n{one['origin']}" for one in found])
    axes.invert_yaxis()
    axes.set_xlabel("share of a window's time, %")
    axes.legend(ncols=6, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize="small", frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, nargs="+", default=WINDOWS, help="samples a window")
    parser.add_argument("--levels", nargs="+", choices=LEVELS, default=["all"], help="of instructions")
    parser.add_argument("--dtype", default="auto", help="number format of the encoder")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each flowgraph (3)")
    parser.add_argument("--picture", type=Path, metavar="PNG", help="draw the shares")
    parser.add_argument("--encoder", type=json.loads, default=ENCODER, help="its sizes, as JSON")
    parser.add_argument("--one", action="store_true", help="measure one window once (used by the benchmark itself)")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(profile(options.windows[0], options.seconds, options.dtype, options.encoder)))
        return
    found = [measure(level, window, options) for window in options.windows for level in options.levels]
    print(table(found))
    print(f"\n{torch.get_num_threads()} threads, torch {torch.__version__}; {machine()}")
    if options.picture:
        draw(found, options.picture)


if __name__ == "__main__":
    main()
