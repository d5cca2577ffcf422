# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Inference inside a flowgraph, against the two ways people run such a model today.

One antenna of noise, lossless, windows of 512 and 4096 samples, the full encoder with random weights.

inflow_vs_epb_*: the same encoder in an embedded Python block: eager float32, window by window.
inflow_vs_onnxruntime_*: the same encoder in ONNX Runtime, float32, in a bare loop without GNU Radio, from ready
tokens' segments, at the best of the batch sizes 1, 4, 8, 32.

Every measurement is a process of its own (`--side`), the three sides in turn: PyTorch's OpenMP teams outlive their use
and would slow down whoever comes later.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pmt
import torch
from flowgraphs import through_rate
from gnuradio import blocks, gr, wfm
from random_model import BUNDLE, eager_model, noise, write_model
from result import Result, machine

import wfm_core

SECONDS = 3.0
WARM_UP = 1.5
ROUNDS = 3
BATCHES = (1, 4, 8, 32)
WANTED = {512: (3.0, 1.2), 4096: (2.0, 1.0)}


class EmbeddedPythonBlock(gr.sync_block):
    """What a user writes into Companion's Python block: a window, a forward pass, a tag."""

    def __init__(self, model: torch.nn.Module, window: int):
        gr.sync_block.__init__(self, "embedded_python_block", [np.complex64], [np.complex64])
        self.model, self.window = model, window
        self.set_output_multiple(window)

    def work(self, input_items, output_items):
        samples, output = input_items[0], output_items[0]
        for start in range(0, len(output), self.window):
            iq = torch.from_numpy(samples[start : start + self.window].copy())[None, None]
            with torch.inference_mode():
                index = int(self.model(iq)["interference"].argmax())
            self.add_item_tag(0, self.nitems_written(0) + start, pmt.intern("interference"), pmt.from_long(index))
        output[:] = samples[: len(output)]
        return len(output)


class FromSegments(torch.nn.Module):
    """The network for ONNX, which has no complex numbers: segments [B, T / 16, 32] of one antenna -> logits [B, 3]."""

    def __init__(self, live: torch.nn.Module):
        super().__init__()
        self.iq, self.network, self.head = live.network.iq, live.network, live.outputs["interference"]

    def forward(self, segments: torch.Tensor) -> torch.Tensor:
        tokens = self.iq.projection(segments) * self.iq.scale + self.iq.shift
        tokens = tokens + self.iq.positions[: segments.size(1)] + self.iq.antenna[0]
        return self.head(self.network.encode(tokens))


def windows_per_second(block: gr.basic_block, window: int) -> float:
    """Through-rate in windows: the stream may not pass a window whose result is outstanding."""
    source = blocks.vector_source_c(noise(64 * window).tolist(), True)
    return through_rate(lambda top, sink: top.connect(source, block, sink), SECONDS, WARM_UP) / window


def inflow(folder: Path, window: int) -> dict:
    bundle = wfm_core.load_bundle(folder / BUNDLE)
    rate = windows_per_second(wfm.inference(bundle=bundle, channels=1, policy="lossless"), window)
    return {"rate": rate, "remark": f"random weights, number format {bundle.dtype} as `auto` chose it"}


def embedded(folder: Path, window: int) -> dict:
    rate = windows_per_second(EmbeddedPythonBlock(eager_model(folder), window), window)
    return {"rate": rate, "remark": "embedded Python block: eager float32, window by window"}


def onnx_session(model: torch.nn.Module, window: int, folder: Path) -> onnxruntime.InferenceSession:
    example = torch.randn(2, window // 16, 32)
    path = folder / "encoder.onnx"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            FromSegments(model).eval(), (example,), str(path), input_names=["segments"],
            dynamic_axes={"segments": {0: "batch"}}, dynamo=False, opset_version=20,
        )  # fmt: skip
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        wanted = FromSegments(model)(example).numpy()
    np.testing.assert_allclose(session.run(None, {"segments": example.numpy()})[0], wanted, atol=1e-3)
    return session


def bare_loop(session: onnxruntime.InferenceSession, window: int, batch: int, seconds: float) -> float:
    segments = noise(batch * window).view(np.float32).reshape(batch, window // 16, 32)
    session.run(None, {"segments": segments})
    runs, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        session.run(None, {"segments": segments})
        runs += 1
    return runs * batch / (time.perf_counter() - start)


def onnx(folder: Path, window: int) -> dict:
    session = onnx_session(eager_model(folder), window, folder)
    batch = max(BATCHES, key=lambda size: bare_loop(session, window, size, 1.0))
    remark = f"ONNX Runtime {onnxruntime.__version__} float32 in a bare loop, batch {batch}"
    return {"rate": bare_loop(session, window, batch, SECONDS), "remark": remark}


SIDES = {"inflow": inflow, "embedded": embedded, "onnx": onnx}


def measure(side: str, folder: Path, window: int) -> dict:
    """One side in a process of its own."""
    command = [sys.executable, __file__, "--side", side, "--model", str(folder), "--window", str(window)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))


def compare(window: int, folder: Path) -> None:
    write_model(folder, window)
    runs = {side: [] for side in SIDES}
    for _ in range(ROUNDS):
        for side, measured in runs.items():
            measured.append(measure(side, folder, window))
    rate = {side: statistics.median(run["rate"] for run in measured) for side, measured in runs.items()}
    for other, name, wanted in zip(("embedded", "onnx"), ("epb", "onnxruntime"), WANTED[window], strict=True):
        remarks = f"{runs['inflow'][-1]['remark']}; {runs[other][-1]['remark']}"
        threads = f"{torch.get_num_threads()} threads, torch {torch.__version__}"
        conditions = f"1 antenna, windows of {window}, {remarks}; {threads}; {machine()}"
        ratio = rate["inflow"] / rate[other]
        name = f"inflow_vs_{name}_{window}"
        Result(name, ratio, rate["inflow"], "windows/s", rate[other], wanted, conditions).emit()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", choices=SIDES, help="measure one side once (used by the benchmark itself)")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--window", type=int)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(SIDES[arguments.side](arguments.model, arguments.window)))
        return
    for window in WANTED:
        with tempfile.TemporaryDirectory() as folder:
            compare(window, Path(folder))


if __name__ == "__main__":
    main()
