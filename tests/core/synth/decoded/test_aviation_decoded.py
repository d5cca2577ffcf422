# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals of aviation, read by receivers that others wrote."""

import shutil
import subprocess

import numpy as np
import pytest

from wfm_core.synth.signals.aviation import mode_s, mode_s_frames

SYSTEM_PYTHON = "/usr/bin/python3"  # the one that distributions install GNU Radio's modules for
AIR_MODES = """
import os, sys, time
import air_modes
from gnuradio import blocks, gr
queue = gr.msg_queue(10000)
graph = gr.top_block()
source = blocks.file_source(gr.sizeof_gr_complex, sys.argv[1], False)
graph.connect(source, air_modes.rx_path(4e6, 7.0, queue, True, False))
graph.start()
last, quiet = -1, 0
while quiet < 10:
    time.sleep(0.2)
    quiet = quiet + 1 if queue.count() == last else 0
    last = queue.count()
while queue.count():
    print(queue.delete_head().to_string().decode().split()[0])
sys.stdout.flush()
os._exit(0)
"""


def air(rate: float) -> tuple[list[np.ndarray], np.ndarray]:
    """200 messages of five aircraft, 2 ms apart, and what a receiver samples of them at `rate`."""
    rng = np.random.default_rng(1)
    aircraft = [mode_s_frames.random_aircraft(rng) for _ in range(5)]
    # Replies hold their address only in the parity: the receiver must have met it before.
    sent = [mode_s_frames.all_call(one) for one in aircraft]
    sent += [mode_s.random_frame(aircraft[rng.integers(5)], rng) for _ in range(195)]
    line = np.zeros(round(rate * (0.1 + 0.002 * len(sent))), complex)
    for number, frame in enumerate(sent):
        place = (0.05 + 0.002 * number) * rate + rng.random()
        burst = mode_s.mode_s_burst(frame, rate, start=(place % 1) / rate)
        carrier = rng.uniform(-0.2e6, 0.2e6) * np.arange(len(burst)) / rate + rng.random()
        line[int(place) : int(place) + len(burst)] += burst * np.exp(2j * np.pi * carrier)
    return sent, line + 0.03 * (rng.standard_normal(len(line)) + 1j * rng.standard_normal(len(line)))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("dump1090-mutability") is None, reason="dump1090-mutability is not installed")
def test_dump1090_decodes_mode_s(tmp_path):
    sent, line = air(2.4e6)  # the only rate that program reads
    pairs = np.stack([line.real, line.imag], 1)
    np.clip(np.round(pairs * 90 + 127.5), 0, 255).astype(np.uint8).tofile(tmp_path / "air.cu8")
    command = ["dump1090-mutability", "--ifile", str(tmp_path / "air.cu8"), "--raw", "--no-fix"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.lower()
    decoded = sum(f"*{mode_s_frames.frame_hex(frame)};" in printed for frame in sent)
    print(f"decoded: ads-b/mode_s by dump1090-mutability: {decoded} of {len(sent)}")
    assert decoded >= 0.98 * len(sent)


def has_air_modes() -> bool:
    if shutil.which(SYSTEM_PYTHON) is None:
        return False
    return subprocess.run([SYSTEM_PYTHON, "-c", "import air_modes"], capture_output=True, timeout=60).returncode == 0


@pytest.mark.slow
def test_gr_air_modes_decodes_mode_s(tmp_path):
    if not has_air_modes():
        pytest.skip("gr-air-modes is not installed")
    sent, line = air(4e6)
    line.astype(np.complex64).tofile(tmp_path / "air.cf32")
    command = [SYSTEM_PYTHON, "-c", AIR_MODES, str(tmp_path / "air.cf32")]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment).stdout
    decoded = sum(mode_s_frames.frame_hex(frame) in printed for frame in sent)
    print(f"decoded: ads-b/mode_s by gr-air-modes: {decoded} of {len(sent)}")
    assert decoded >= 0.85 * len(sent)
