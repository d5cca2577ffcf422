# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Inference inside a flowgraph, against the two ways people run such a model today.

One antenna of noise, lossless, windows of 512 and 4096 samples, the full encoder with random weights.

inflow_vs_epb_*: the same encoder in an embedded Python block: eager float32, window by window.
inflow_vs_onnxruntime_*: the same encoder in ONNX Runtime, float32, in a bare loop without GNU Radio, from ready
tokens' segments, at the best of the batch sizes 1 to 32.
inflow_vs_openvino_*: the same encoder in OpenVINO, bfloat16 where the CPU multiplies it, else float32, in such a loop.
inflow_vs_bare_*: the same bundle, with the engine and number format that it has in the flowgraph, in such a loop; a
batch goes in at once.

All sides have as many threads as PyTorch takes by itself, one a core, the flowgraph too: it is lossless, so its stream
waits for inference. (Of a live one inference leaves a core to the stream.)

Every measurement is a process of its own (`--side`), the sides in turn: PyTorch's OpenMP teams outlive their use
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
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pmt
import torch
from flowgraphs import through_rate
from gnuradio import blocks, gr, wfm
from random_model import BUNDLE, eager_model, noise, write_model
from result import Result, has_amx, length_options, machine

import wfm_core
from wfm_core.bundle.bundle import WARM_RUNS
from wfm_core.bundle.engines.openvino import find_openvino

WARM_UP = 1.5
"""Seconds before a flowgraph is measured, at most half as long as the measurement."""
BATCHES = (1, 2, 4, 8, 16, 32)
WINDOWS = (512, 4096)
WANTED = {
    "embedded": {512: 10.0, 4096: 3.0},
    "onnx": {512: 2.0, 4096: 2.0} if has_amx() else {512: 1.3, 4096: 1.5},
    "openvino": {512: 1.0, 4096: 1.0},
    "bare": {512: 0.9, 4096: 0.9},
}
"""Least ratio of the flowgraph to each other side, by samples a window."""
NAMES = {"embedded": "epb", "onnx": "onnxruntime", "openvino": "openvino", "bare": "bare"}


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
    """The network for libraries that have no complex numbers: segments [B, T / 16, 32] of one antenna -> logits [B, 3].

    Everything behind the segments is the live module's own code.
    """

    def __init__(self, live: torch.nn.Module):
        super().__init__()
        self.live = live

    def forward(self, segments: torch.Tensor) -> torch.Tensor:
        side = self.live.network.iq
        tokens = side.place(segments, side.positions[: segments.size(1)] + side.antenna[0])
        encoded = self.live.network.encode(tokens, side.place_cls(self.live.network.cls_token))
        return self.live.outputs_of(encoded)["interference"]


def windows_per_second(block: gr.basic_block, window: int, seconds: float) -> float:
    """Through-rate in windows: the stream may not pass a window whose result is outstanding."""
    source = blocks.vector_source_c(noise(64 * window).tolist(), True)
    warm_up = min(WARM_UP, seconds / 2)
    return through_rate(lambda top, sink: top.connect(source, block, sink), seconds, warm_up) / window


def inflow(folder: Path, window: int, seconds: float) -> dict:
    bundle = wfm_core.load_bundle(folder / BUNDLE)
    block = wfm.inference(bundle=bundle, channels=1, policy="lossless")
    rate = windows_per_second(block, window, seconds)
    chosen = f"engine and number format {bundle.origin} as `auto` chose them"
    remark = f"random weights, {chosen}, batches of {block.status()['batch']}"
    return {"rate": rate, "remark": remark, "engine": bundle.engine, "dtype": bundle.dtype}


def embedded(folder: Path, window: int, seconds: float) -> dict:
    rate = windows_per_second(EmbeddedPythonBlock(eager_model(folder), window), window, seconds)
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
    segments, wanted = question(model, window)
    np.testing.assert_allclose(session.run(None, {"segments": segments})[0], wanted, atol=1e-3)
    return session


@torch.inference_mode()
def question(model: torch.nn.Module, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Two windows of noise as segments, and the logits that belong to them."""
    iq = torch.from_numpy(noise(2 * window)).reshape(2, 1, window)
    segments = torch.view_as_real(model.preprocess(iq)).reshape(2, window // 16, 32)
    return segments.numpy(), model(iq)["interference"].numpy()


def openvino_request(model: torch.nn.Module, window: int):
    """As somebody would do it who has the model in PyTorch; its number format comes with it."""
    import openvino
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    example = torch.randn(2, window // 16, 32)
    # What openvino.convert_model does; but that tells its makers of it.
    front_end = FrontEndManager().load_by_framework("pytorch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        decoder = TorchScriptPythonDecoder(FromSegments(model).eval(), example_input=(example,))
    converted = front_end.convert(front_end.load(decoder))
    converted.reshape([-1, *example.shape[1:]])
    core = openvino.Core()
    precision = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
    settings = {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": precision}
    settings["INFERENCE_NUM_THREADS"] = torch.get_num_threads()
    request = core.compile_model(converted, "CPU", settings).create_infer_request()
    segments, wanted = question(model, window)
    atol = 1e-3 if precision == "f32" else 0.1
    np.testing.assert_allclose(request.infer([segments])[0], wanted, atol=atol)
    return request, precision


def bare_loop(infer: Callable[[np.ndarray], object], window: int, batch: int, seconds: float) -> float:
    """Windows a second through `infer`, which takes IQ complex64 [B, 1, T]."""
    iq = noise(batch * window).reshape(batch, 1, window)
    for _ in range(WARM_RUNS):
        infer(iq)
    runs, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        infer(iq)
        runs += 1
    return runs * batch / (time.perf_counter() - start)


def best_batch(infer: Callable[[np.ndarray], object], window: int, seconds: float) -> tuple[float, int]:
    """Windows a second at the best batch size, and that size."""
    batch = max(BATCHES, key=lambda size: bare_loop(infer, window, size, seconds / 3))
    return bare_loop(infer, window, batch, seconds), batch


def onnx(folder: Path, window: int, seconds: float) -> dict:
    session = onnx_session(eager_model(folder), window, folder)

    def infer(iq: np.ndarray):
        session.run(None, {"segments": iq.view(np.float32).reshape(len(iq), window // 16, 32)})

    rate, batch = best_batch(infer, window, seconds)
    return {"rate": rate, "remark": f"ONNX Runtime {onnxruntime.__version__} float32 in a bare loop, batch {batch}"}


def openvino(folder: Path, window: int, seconds: float) -> dict:
    request, precision = openvino_request(eager_model(folder), window)

    def infer(iq: np.ndarray):
        request.infer([iq.view(np.float32).reshape(len(iq), window // 16, 32)], share_inputs=True, share_outputs=True)

    rate, batch = best_batch(infer, window, seconds)
    return {"rate": rate, "remark": f"OpenVINO {find_openvino()[0]} {precision} in a bare loop, batch {batch}"}


def bare(folder: Path, window: int, seconds: float, engine: str = "auto", dtype: str = "auto") -> dict:
    bundle = wfm_core.load_bundle(folder / BUNDLE, engine=engine, dtype=dtype)
    bundle.tokens_at_once = max(BATCHES) * bundle.contract.tokens(1)
    rate, batch = best_batch(bundle.infer, window, seconds)
    return {"rate": rate, "remark": f"the same bundle by {bundle.origin} in a bare loop, batch {batch}"}


SIDES = {"inflow": inflow, "embedded": embedded, "onnx": onnx, "openvino": openvino, "bare": bare}


def measure(side: str, folder: Path, window: int, seconds: float, **choice: str) -> dict:
    """One side in a process of its own; `choice`: what `bare` is to load the bundle with."""
    command = [sys.executable, __file__, "--side", side, "--model", str(folder), "--windows", str(window)]
    command += ["--seconds", str(seconds), *(f"--{name}={value}" for name, value in choice.items())]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))


def compare(window: int, folder: Path, length: argparse.Namespace) -> None:
    write_model(folder, window)
    runs = {side: [] for side in SIDES if side != "openvino" or find_openvino()[0]}
    for _ in range(length.rounds):
        for side, measured in runs.items():
            chosen = runs["inflow"][-1] if side == "bare" else {}
            choice = {name: chosen[name] for name in ("engine", "dtype") if name in chosen}
            measured.append(measure(side, folder, window, length.seconds, **choice))
    rate = {side: statistics.median(run["rate"] for run in measured) for side, measured in runs.items()}
    for other, wanted in WANTED.items():
        if other not in runs:
            print(f"inflow_vs_{NAMES[other]}_{window} is left out: {find_openvino()[1]}", file=sys.stderr)
            continue
        remarks = f"{runs['inflow'][-1]['remark']}; {runs[other][-1]['remark']}"
        threads = f"{torch.get_num_threads()} threads, torch {torch.__version__}"
        conditions = f"1 antenna, windows of {window}, {remarks}; {threads}; {machine()}"
        ratio = rate["inflow"] / rate[other]
        name = f"inflow_vs_{NAMES[other]}_{window}"
        Result(name, ratio, rate["inflow"], "windows/s", rate[other], wanted[window], conditions).emit()


def main() -> None:
    parser = length_options(__doc__, seconds=3.0, rounds=3)
    parser.add_argument("--side", choices=SIDES, help="measure one side once (used by the benchmark itself)")
    parser.add_argument("--model", type=Path, help="the folder that --side takes its model from")
    parser.add_argument("--engine", default="auto", help="of the side bare")
    parser.add_argument("--dtype", default="auto", help="of the side bare")
    parser.add_argument("--windows", type=int, nargs="+", choices=WINDOWS, default=WINDOWS, help="samples a window")
    arguments = parser.parse_args()
    if arguments.side:
        choice = {"engine": arguments.engine, "dtype": arguments.dtype} if arguments.side == "bare" else {}
        print(json.dumps(SIDES[arguments.side](arguments.model, arguments.windows[0], arguments.seconds, **choice)))
        return
    for window in arguments.windows:
        with tempfile.TemporaryDirectory() as folder:
            compare(window, Path(folder), arguments)


if __name__ == "__main__":
    main()
