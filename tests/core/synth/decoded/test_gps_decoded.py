# SPDX-License-Identifier: GPL-3.0-or-later
"""gnss-sdr acquires the GPS satellites that we generate."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from wfm_core.synth.signals.satellite.navigation import gps_signal

PROGRAM = shutil.which("gnss-sdr")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason="gnss-sdr is not installed")]

SATELLITES = [3, 7, 11, 19, 22, 30]
SETTINGS = """[GNSS-SDR]
GNSS-SDR.internal_fs_sps=4092000
SignalSource.implementation=File_Signal_Source
SignalSource.filename={path}
SignalSource.item_type=gr_complex
SignalSource.sampling_frequency=4092000
SignalSource.samples=0
SignalSource.repeat=false
SignalSource.enable_throttle_control=false
SignalConditioner.implementation=Pass_Through
Channels_1C.count=8
Channels.in_acquisition=8
Channel.signal=1C
Acquisition_1C.implementation=GPS_L1_CA_PCPS_Acquisition
Acquisition_1C.item_type=gr_complex
Acquisition_1C.coherent_integration_time_ms=1
Acquisition_1C.pfa=0.001
Acquisition_1C.doppler_max=6000
Acquisition_1C.doppler_step=250
Acquisition_1C.blocking=true
Tracking_1C.implementation=GPS_L1_CA_DLL_PLL_Tracking
Tracking_1C.item_type=gr_complex
TelemetryDecoder_1C.implementation=GPS_L1_CA_Telemetry_Decoder
Observables.implementation=Hybrid_Observables
PVT.implementation=RTKLIB_PVT
"""


def test_gnss_sdr_tracks_all_satellites(tmp_path):
    rng = np.random.default_rng(1)
    samples, _ = gps_signal(SATELLITES, rng.uniform(-4e3, 4e3, len(SATELLITES)), 2.0, rng)
    samples = samples / np.std(samples)
    samples = samples + rng.standard_normal(len(samples)) + 1j * rng.standard_normal(len(samples))
    samples.astype(np.complex64).tofile(tmp_path / "gps.cf32")
    (tmp_path / "gps.conf").write_text(SETTINGS.format(path=tmp_path / "gps.cf32"))
    command = [PROGRAM, f"--config_file={tmp_path / 'gps.conf'}", f"--log_dir={tmp_path}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    tracked = set(map(int, re.findall(r"Tracking of GPS L1 C/A signal started .* PRN (\d+)", done.stdout)))
    print(f"decoded: gps/gps-ca by gnss-sdr: {len(tracked & set(SATELLITES))} of {len(SATELLITES)}")
    assert tracked == set(SATELLITES)
