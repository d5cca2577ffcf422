# SPDX-License-Identifier: GPL-3.0-or-later
"""soak: does the flowgraph keep up with a radio? Samples lost must be 0.

A wall-clocked simulated radio (wfm.sample_player, paced) at 10 MS/s on two channels, which overflows like a real one
when the flowgraph is too slow, runs into WFM Inference under the live policy, one window every ten milliseconds.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from gnuradio import blocks, gr, wfm
from random_model import noise
from result import Result, machine

CHANNELS = 2
RATE = 10e6
HOP = 100_000
SCENE_SAMPLES = 1_000_000


def write_scene(path: Path, channels: int) -> None:
    """Noise at -20 dBFS, ci16_le, channels interleaved, to be played again and again."""
    scene = np.stack([noise(SCENE_SAMPLES, seed) for seed in range(channels)], axis=1).view(np.float32)
    (scene * (0.1 * 32768)).clip(-32768, 32767).astype("<i2").tofile(path)


def soak(seconds: float, bundle: str) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.ci16"
        write_scene(path, CHANNELS)
        radio = wfm.sample_player(str(path), "ci16_le", CHANNELS, RATE, repeat=True, paced=True)
        inference = wfm.inference(bundle=bundle, channels=CHANNELS, sample_rate=RATE, hop=HOP, policy="live")
        top = gr.top_block()
        sink = blocks.null_sink(gr.sizeof_gr_complex)
        for channel in range(CHANNELS):
            top.connect((radio, channel), (inference, channel), (sink, channel))
        top.start()
        time.sleep(seconds)
        top.stop()
        top.wait()
    if inference.error():
        raise RuntimeError(inference.error())
    return verdict(radio, inference.status(), seconds)


def verdict(radio, status: dict, seconds: float) -> Result:
    played, lost = radio.samples_played(), radio.samples_lost()
    conditions = (
        f"{seconds:g} s, {RATE / 1e6:g} MS/s x {CHANNELS} channels, live, hop {HOP}, {radio.overflows()} overflows, "
        f"{status['windows_inferred']} windows inferred, {status['windows_dropped']} dropped; "
        f"baseline: samples played, ratio: the share that arrived; {machine()}"
    )
    ratio = played / (played + lost) if played else 0.0
    return Result("soak", ratio, float(lost), "samples lost", float(played), 1.0, conditions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--bundle", default="wfm-interference")
    options = parser.parse_args()
    soak(options.seconds, options.bundle).emit()


if __name__ == "__main__":
    main()
