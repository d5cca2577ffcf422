# SPDX-License-Identifier: GPL-3.0-or-later
"""every_sample: the share of the samples of a radio at 10 MS/s that WFM Interference Detector judges; wanted is all.

A wall-clocked simulated radio of one antenna, which overflows like a real one, policy live, blocks of 131,072 samples
back to back, each judged as one by an image of all its windows (`pool`).
"""

import argparse
import tempfile
import time
from pathlib import Path

from gnuradio import blocks, gr, wfm
from result import Result, machine
from soak import RATE, write_scene

POOL = 131_072
WANTED = 1.0


def judged(seconds: float, bundle: str) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.ci16"
        write_scene(path, 1)
        radio = wfm.sample_player(str(path), "ci16_le", 1, RATE, repeat=True, paced=True)
        detector = wfm.interference_detector(bundle=bundle, sample_rate=RATE, policy="live", pool=POOL)
        top = gr.top_block()
        top.connect(radio, detector, blocks.null_sink(gr.sizeof_gr_complex))
        top.start()
        time.sleep(seconds)
        top.stop()
        top.wait()
    if detector.inference.error():
        raise RuntimeError(detector.inference.error())
    status, lost = detector.inference.status(), radio.samples_lost()
    played = radio.samples_played()
    samples = status["windows_inferred"] * POOL
    # What had come when the radio was stopped: at most the block that was not full yet is left out.
    share = min(1.0, (samples + POOL) / (played + lost)) if played else 0.0
    conditions = (
        f"{seconds:g} s, {RATE / 1e6:g} MS/s, blocks of {POOL}, {bundle} ({status['engine']} {status['dtype']}), "
        f"{status['windows_inferred']} blocks judged, {status['windows_dropped']} dropped, {lost} samples lost, "
        f"latency {status['latency_ms_p50']:.0f} ms, 95 %: {status['latency_ms_p95']:.0f} ms; "
        f"baseline: samples played; {machine()}"
    )
    return Result("every_sample", share, float(samples), "samples", float(played), WANTED, conditions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--bundle", default="wfm-interference")
    options = parser.parse_args()
    judged(options.seconds, options.bundle).emit()


if __name__ == "__main__":
    main()
