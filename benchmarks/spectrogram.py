# SPDX-License-Identifier: GPL-3.0-or-later
"""spectrogram_rate: what one core turns into the interference model's images, against the fastest LTE rate.

A ratio of 1 means that one core makes an image of every sample of one antenna at 30.72 MS/s.

spectrogram_block: MS/s of wfm.spectrogram in a flowgraph, images, against the torch module of the same settings.
"""

import statistics
import time

import torch
from gnuradio import blocks, gr, wfm
from random_model import noise
from result import Result, alternate, machine

from wfm_core.configs import load_config
from wfm_core.signal import Spectrogram, build_preprocessor

BATCH = 8
LTE_RATE = 30.72e6
SECONDS = 1.0
ROUNDS = 5
SIZE = [32, 64]
STATISTICS = {"minimum": -60.0, "maximum": 20.0, "mean": 0.5, "std": 0.25}
BLOCK_SAMPLES = 50_000_000


def rate(preprocess: torch.nn.Module, iq: torch.Tensor) -> float:
    """Samples a second through `preprocess`, complex64 [B, 1, T]."""
    runs, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        preprocess(iq)
        runs += 1
    return runs * iq.numel() / (time.perf_counter() - start)


def block_rate(samples: int, fft_size: int) -> float:
    """Samples a second through wfm.spectrogram in a flowgraph of null source, head and null sink."""
    shape = {"height": SIZE[0], "width": SIZE[1]}
    block = wfm.spectrogram(fft_size, fft_size, "images", samples, **shape, **STATISTICS)
    top = gr.top_block()
    item = gr.sizeof_gr_complex
    sink = blocks.null_sink(gr.sizeof_float * SIZE[0] * SIZE[1])
    top.connect(blocks.null_source(item), blocks.head(item, BLOCK_SAMPLES), block, sink)
    start = time.perf_counter()
    top.run()
    return BLOCK_SAMPLES / (time.perf_counter() - start)


def compare_block(iq: torch.Tensor, fft_size: int) -> None:
    samples = iq.size(-1)
    torch_path = torch.jit.script(Spectrogram(fft_size, fft_size, SIZE, **STATISTICS))
    for _ in range(3):
        torch_path(iq)
    ours, theirs = alternate(lambda: block_rate(samples, fft_size), lambda: rate(torch_path, iq), ROUNDS)
    conditions = (
        f"images {SIZE} of windows of {samples}, fft_size and hop {fft_size}, a flowgraph of silence; baseline: "
        f"scripted wfm_core.signal.Spectrogram, batch {BATCH}, one thread, torch {torch.__version__}; {machine()}"
    )
    Result("spectrogram_block", ours / theirs, ours / 1e6, "MS/s", theirs / 1e6, None, conditions).emit()


@torch.inference_mode()
def main() -> None:
    torch.set_num_threads(1)
    config = load_config("interference.yaml", [])
    samples = config["window"]["samples"]
    preprocess = torch.jit.script(build_preprocessor(config["signal"]))
    iq = torch.from_numpy(noise(BATCH * samples)).view(BATCH, 1, samples)
    for _ in range(3):
        preprocess(iq)
    median = statistics.median(rate(preprocess, iq) for _ in range(ROUNDS))
    conditions = (
        f"{config['signal']}, 1 antenna, windows of {samples}, batch {BATCH}, one thread, torch {torch.__version__}; "
        f"baseline: the fastest LTE sample rate; {machine()}"
    )
    Result("spectrogram_rate", median / LTE_RATE, median / 1e6, "MS/s", LTE_RATE / 1e6, None, conditions).emit()
    compare_block(iq, fft_size=64)


if __name__ == "__main__":
    main()
