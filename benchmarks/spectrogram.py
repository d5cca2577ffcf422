# SPDX-License-Identifier: GPL-3.0-or-later
"""spectrogram_rate: what one core turns into the interference model's images, against the fastest LTE rate.

A ratio of 1 means that one core makes an image of every sample of one antenna at 30.72 MS/s.
"""

import statistics
import time

import torch
from random_model import noise
from result import Result, machine

from wfm_core.configs import load_config
from wfm_core.signal import build_preprocessor

BATCH = 8
LTE_RATE = 30.72e6
SECONDS = 1.0
ROUNDS = 5


def rate(preprocess: torch.nn.Module, iq: torch.Tensor) -> float:
    """Samples a second through `preprocess`, complex64 [B, 1, T]."""
    runs, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        preprocess(iq)
        runs += 1
    return runs * iq.numel() / (time.perf_counter() - start)


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


if __name__ == "__main__":
    main()
