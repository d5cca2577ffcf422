# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals of aviation, read by receivers that others wrote."""

import shutil
import subprocess

import numpy as np
import pytest

from wfm_core.synth.signals.aviation import mode_s, mode_s_frames


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("dump1090-mutability") is None, reason="dump1090-mutability is not installed")
def test_dump1090_decodes_mode_s(tmp_path):
    rng, rate = np.random.default_rng(1), 2.4e6  # the only rate that program reads
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
    line += 0.03 * (rng.standard_normal(len(line)) + 1j * rng.standard_normal(len(line)))
    pairs = np.stack([line.real, line.imag], 1)
    np.clip(np.round(pairs * 90 + 127.5), 0, 255).astype(np.uint8).tofile(tmp_path / "air.cu8")
    command = ["dump1090-mutability", "--ifile", str(tmp_path / "air.cu8"), "--raw", "--no-fix"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.lower()
    decoded = sum(f"*{mode_s_frames.frame_hex(frame)};" in printed for frame in sent)
    print(f"decoded: ads-b/mode_s by dump1090-mutability: {decoded} of {len(sent)}")
    assert decoded >= 0.98 * len(sent)
