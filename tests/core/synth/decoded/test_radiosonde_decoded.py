# SPDX-License-Identifier: GPL-3.0-or-later
"""minimodem reads the packets of the iMet radiosondes that we generate."""

import shutil
import subprocess
import wave

import numpy as np
import pytest

from wfm_core.synth.signals.keying import frequency_modulated
from wfm_core.synth.signals.sondes.other_sondes import imet_audio, imet_packet

MINIMODEM = shutil.which("minimodem")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(MINIMODEM is None, reason="minimodem is not installed")]

PACKETS = 5


def test_minimodem_reads_imet(tmp_path):
    read, rate = 0, 48000
    for seed in range(PACKETS):
        rng = np.random.default_rng(seed)
        packet = imet_packet(4, rng.bytes(12))
        audio = imet_audio(packet, (2200.0, 1200.0), rate, 60, 60)
        sent = frequency_modulated(audio * 3500, rate) + 0.02 * rng.standard_normal(len(audio))
        heard = np.angle(sent[1:] * np.conj(sent[:-1])) / 0.6
        path = tmp_path / "imet.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes((20000 * heard).astype("<i2").tobytes())
        command = [MINIMODEM, "--rx", "--quiet", "--binary-output", "1200", "-f", str(path)]
        seen = subprocess.run(command, capture_output=True, timeout=60, check=False).stdout.decode()
        expected = "".join(f"{byte:08b}"[::-1] for byte in packet)
        read += expected in "".join(line.strip() for line in seen.split())
    print(f"decoded: radiosonde/imet by minimodem: {read} of {PACKETS}")
    assert read >= 0.8 * PACKETS
