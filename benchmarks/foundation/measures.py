# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs an encoder to measure its IQ windows: training steps and inference with `iq.measures` against without.

    python benchmarks/foundation/measures.py

A ratio of 1 would be nothing at all. Windows of one antenna and 1024 samples, the full encoder, bfloat16, one core.
"""

import sys
import time
from pathlib import Path

import torch

from wfm_core.model import EncoderConfig, IqTokens, WirelessModel

sys.path.insert(0, str(Path(__file__).parents[1]))
from result import Result, alternate, length_options, machine

BATCH = 32


def rate(model: WirelessModel, iq: torch.Tensor, seconds: float, train: bool) -> float:
    """Windows a second of the processor's time."""
    windows, start = 0, time.process_time()
    while not windows or time.process_time() - start < seconds:
        with torch.set_grad_enabled(train), torch.autocast("cpu", torch.bfloat16):
            encoded = model.encode_iq(iq)
        if train:
            encoded.float().square().mean().backward()
        windows += len(iq)
    return windows / (time.process_time() - start)


def main() -> None:
    options = length_options(__doc__, seconds=5.0, rounds=5).parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    iq = torch.randn(BATCH, 1, 1024, dtype=torch.complex64)
    measured, bare = (WirelessModel(EncoderConfig(), iq=IqTokens(256, measures=yes)) for yes in (True, False))
    for name, train in (("measures_training", True), ("measures_inference", False)):
        ours, theirs = alternate(
            lambda train=train: rate(measured, iq, options.seconds, train),
            lambda train=train: rate(bare, iq, options.seconds, train),
            options.rounds,
        )
        conditions = f"batch {BATCH}, 64 tokens, bfloat16, one core, time of the processor; {machine()}"
        Result(name, ours / theirs, ours, "windows/s", theirs, None, conditions).emit()


if __name__ == "__main__":
    main()
