# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals of shipping, read by a receiver that others wrote."""

import shutil
import subprocess

import numpy as np
import pytest
from scipy import signal as dsp

from wfm_core.synth.signals.bits import bits_to_number
from wfm_core.synth.signals.marine import ais, ais_messages

RATE = 48000.0


def armoured(message: np.ndarray) -> str:
    """The payload of an AIVDM sentence (IEC 61162-1)."""
    padded = np.concatenate([message, np.zeros(-len(message) % 6, np.uint8)]).reshape(-1, 6)
    values = [bits_to_number(six) for six in padded]
    return "".join(chr(value + 48 if value < 40 else value + 56) for value in values)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gnuais") is None, reason="gnuais is not installed")
@pytest.mark.parametrize("kind", ["class_a", "class_b", "base_station"])
def test_gnuais_decodes_ais(kind, tmp_path):
    rng = np.random.default_rng(4)
    sent, pieces = [], []
    for _ in range(40):
        vessel = ais_messages.random_vessel(rng, kind == "base_station")
        message = ais.random_message(vessel, kind, rng)
        # Of two sentences that program prints the second alone, which holds no more than the end.
        static = f'type 5 mmsi {vessel.mmsi:09d}: name "{vessel.name}"'
        sent.append(static if len(message) > 168 else f",{armoured(message)},")
        pieces += [np.zeros(2000), ais.burst(ais.frame(message), RATE) * np.exp(2j * np.pi * rng.random())]
    x = np.concatenate([*pieces, np.zeros(48000)])
    x = x + 0.02 * (rng.standard_normal(len(x)) + 1j * rng.standard_normal(len(x)))
    x = dsp.sosfilt(dsp.butter(5, 8000, fs=RATE, output="sos"), x)
    frequency = np.angle(x[1:] * x[:-1].conj()) * RATE / (2 * np.pi)
    (frequency * 2).clip(-32767, 32767).astype("<i2").tofile(tmp_path / "air.raw")
    (tmp_path / "gnuais.conf").write_text("SoundChannels mono\n")
    command = [
        "timeout",
        "-k",
        "1",
        "20",
        "gnuais",
        "-c",
        str(tmp_path / "gnuais.conf"),
        "-l",
        str(tmp_path / "air.raw"),
    ]
    printed = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=30).stdout.decode(errors="replace")
    decoded = sum(expected in printed for expected in sent)
    print(f"decoded: ais/{kind} by gnuais: {decoded} of {len(sent)}")
    assert decoded >= 0.9 * len(sent)
