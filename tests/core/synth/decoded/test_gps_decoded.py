# SPDX-License-Identifier: GPL-3.0-or-later
"""gnss-sdr acquires the satellites of GPS and GLONASS that we generate."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from wfm_core.synth.signals.satellite.navigation import GLONASS_SPACING, glonass_signal, gps_signal

PROGRAM = shutil.which("gnss-sdr")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason="gnss-sdr is not installed")]

SATELLITES = [3, 7, 11, 19, 22, 30]
SETTINGS = """[GNSS-SDR]
GNSS-SDR.internal_fs_sps={rate}
SignalSource.implementation=File_Signal_Source
SignalSource.filename={path}
SignalSource.item_type=gr_complex
SignalSource.sampling_frequency={rate}
SignalSource.samples=0
SignalSource.repeat=false
SignalSource.enable_throttle_control=false
SignalConditioner.implementation=Pass_Through
Channels_{signal}.count=8
Channels.in_acquisition=8
Channel.signal={signal}
Acquisition_{signal}.implementation={name}_PCPS_Acquisition
Acquisition_{signal}.item_type=gr_complex
Acquisition_{signal}.coherent_integration_time_ms=1
Acquisition_{signal}.pfa=0.001
Acquisition_{signal}.doppler_max=6000
Acquisition_{signal}.doppler_step=250
Acquisition_{signal}.blocking=true
Tracking_{signal}.implementation={name}_DLL_PLL_Tracking
Tracking_{signal}.item_type=gr_complex
TelemetryDecoder_{signal}.implementation={name}_Telemetry_Decoder
Observables.implementation=Hybrid_Observables
PVT.implementation=RTKLIB_PVT
"""


def tracked(folder, samples, rate: float, signal: str, name: str, rng) -> set[int]:
    """Numbers of the satellites whose tracking begins, at about 0 dB in the whole band."""
    samples = samples / np.std(samples)
    samples = samples + rng.standard_normal(len(samples)) + 1j * rng.standard_normal(len(samples))
    samples.astype(np.complex64).tofile(folder / "sky.cf32")
    settings = SETTINGS.format(path=folder / "sky.cf32", rate=round(rate), signal=signal, name=name)
    (folder / "sky.conf").write_text(settings)
    command = [PROGRAM, f"--config_file={folder / 'sky.conf'}", f"--log_dir={folder}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=folder)
    return set(map(int, re.findall(r"Tracking of G\w+ L1 C/A signal started .* PRN (\d+)", done.stdout)))


def test_gnss_sdr_tracks_all_satellites(tmp_path):
    rng = np.random.default_rng(1)
    samples, rate = gps_signal(SATELLITES, rng.uniform(-4e3, 4e3, len(SATELLITES)), 2.0, rng)
    seen = tracked(tmp_path, samples, rate, "1C", "GPS_L1_CA", rng)
    print(f"decoded: gps/gps-ca by gnss-sdr: {len(seen & set(SATELLITES))} of {len(SATELLITES)}")
    assert seen == set(SATELLITES)


def test_gnss_sdr_tracks_channels_of_glonass(tmp_path):
    """Two satellites on opposite sides of the earth share a channel and its code: either may be named."""
    rng = np.random.default_rng(2)
    names = {-2: {9, 13}, -1: {12, 16}, 0: {11, 15}, 1: {1, 5}, 2: {20, 24}}
    sent = [-2, 0, 1]
    offsets = np.array(sent) * GLONASS_SPACING
    samples, rate = glonass_signal(offsets, rng.uniform(-4e3, 4e3, len(sent)), 2.0, rng)
    seen = tracked(tmp_path, samples, rate, "1G", "GLONASS_L1_CA", rng)
    heard = [channel for channel in sent if seen & names[channel]]
    print(f"decoded: gps/glonass (channels) by gnss-sdr: {len(heard)} of {len(sent)}")
    assert heard == sent
    assert seen <= set().union(*(names[channel] for channel in sent))
