# SPDX-License-Identifier: GPL-3.0-or-later
"""spectrogram_rate: what one core turns into the interference model's images, against the fastest LTE rate.

A ratio of 1 means that one core makes an image of every sample of one antenna at 30.72 MS/s. That is PyTorch;
cyclic_images: the same images in C++, as WFM Inference makes them, against it.

spectrogram_block: MS/s of a whole flowgraph with wfm.spectrogram on one core, images and rows, against the torch module
of the same settings on that core.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import torch
from flowgraphs import through_rate
from gnuradio import blocks, gr, wfm
from random_model import noise
from result import Result, alternate, length_options, machine

from wfm_core.configs import load_config
from wfm_core.signal import Spectrogram, build_preprocessor

BATCH = 8
LTE_RATE = 30.72e6
SIZE = [32, 64]
FFT_SIZE = 64
STATISTICS = {"minimum": -60.0, "maximum": 20.0, "mean": 0.5, "std": 0.25}
WANTED = 1.0
IMAGES_WANTED = 3.3
"""20 MS/s, where PyTorch makes 6: then two cores make every image, and infer, at 10 MS/s."""


def rate(preprocess: Callable[[torch.Tensor], torch.Tensor], iq: torch.Tensor, seconds: float) -> float:
    """Samples a second through `preprocess`, complex64 [B, 1, T]."""
    runs, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        preprocess(iq)
        runs += 1
    return runs * iq.numel() / (time.perf_counter() - start)


def compare_images(preprocess: Callable[[torch.Tensor], torch.Tensor], iq: torch.Tensor, length) -> None:
    maker, windows = wfm.wfm_python.cyclic_images(), iq.numpy()
    maker.images(windows)
    ours, theirs = alternate(
        lambda: rate(lambda _: maker.images(windows), iq, length.seconds),
        lambda: rate(preprocess, iq, length.seconds),
        length.rounds,
    )
    conditions = (
        f"images of kind cyclic_image, 1 antenna, batch {BATCH}, one core; baseline: scripted "
        f"wfm_core.signal.images.CyclicImage, one thread, torch {torch.__version__}; {machine()}"
    )
    Result("cyclic_images", ours / theirs, ours / 1e6, "MS/s", theirs / 1e6, IMAGES_WANTED, conditions).emit()


def block_rate(iq: torch.Tensor, output: str, seconds: float) -> float:
    """Samples a second through wfm.spectrogram ("images" or "rows") in a flowgraph that repeats `iq`."""
    images = output == "images"
    floats, samples = (SIZE[0] * SIZE[1], iq.size(-1)) if images else (FFT_SIZE, FFT_SIZE)
    shape = {"height": SIZE[0], "width": SIZE[1]}
    block = wfm.spectrogram(FFT_SIZE, FFT_SIZE, output, iq.size(-1), **shape, **STATISTICS)
    source, sink = blocks.vector_source_c(iq.flatten().numpy(), True), blocks.null_sink(gr.sizeof_float * floats)
    return samples * through_rate(lambda top, _: top.connect(source, block, sink), seconds, min(0.3, seconds), sink)


def compare_block(iq: torch.Tensor, output: str, length: argparse.Namespace) -> None:
    module = torch.jit.script(Spectrogram(FFT_SIZE, FFT_SIZE, SIZE, **STATISTICS))
    torch_path = module if output == "images" else module.decibels
    for _ in range(3):
        torch_path(iq)
    ours, theirs = alternate(
        lambda: block_rate(iq, output, length.seconds), lambda: rate(torch_path, iq, length.seconds), length.rounds
    )
    shape = f"images {SIZE} of windows of {iq.size(-1)}" if output == "images" else "rows"
    conditions = (
        f"{shape}, fft_size and hop {FFT_SIZE}, noise; baseline: scripted wfm_core.signal.Spectrogram, batch {BATCH}, "
        f"one thread, torch {torch.__version__}; all of either on one core; {machine()}"
    )
    Result(f"spectrogram_block_{output}", ours / theirs, ours / 1e6, "MS/s", theirs / 1e6, WANTED, conditions).emit()


@torch.inference_mode()
def main() -> None:
    length = length_options(__doc__, seconds=1.0, rounds=5).parse_args()
    torch.set_num_threads(1)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    config = load_config("interference.yaml", [])
    samples = config["window"]["samples"]
    preprocess = torch.jit.script(build_preprocessor(config["signal"]))
    iq = torch.from_numpy(noise(BATCH * samples)).view(BATCH, 1, samples)
    for _ in range(3):
        preprocess(iq)
    median = statistics.median(rate(preprocess, iq, length.seconds) for _ in range(length.rounds))
    conditions = (
        f"{config['signal']}, 1 antenna, windows of {samples}, batch {BATCH}, one thread, torch {torch.__version__}; "
        f"baseline: the fastest LTE sample rate; {machine()}"
    )
    Result("spectrogram_rate", median / LTE_RATE, median / 1e6, "MS/s", LTE_RATE / 1e6, None, conditions).emit()
    compare_images(preprocess, iq, length)
    for output in ("images", "rows"):
        compare_block(iq, output, length)


if __name__ == "__main__":
    main()
