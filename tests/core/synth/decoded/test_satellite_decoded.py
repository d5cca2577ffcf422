# SPDX-License-Identifier: GPL-3.0-or-later
"""gr_satellites reads the telemetry of satellites that we generate."""

import os
import shutil
import subprocess

import numpy as np
import pytest

from wfm_core.synth.signals.bits import bits_of, nrzi
from wfm_core.synth.signals.satellite.coding import ax25, ax100, ccsds_frame, hdlc
from wfm_core.synth.signals.satellite.modulated import afsk, bpsk, gfsk

PROGRAM = shutil.which("gr_satellites")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason="gr_satellites is not installed")]

FRAMES = 4
SATELLITE = """name: TEST
norad: 99999
data:
  &tlm Telemetry:
    unknown
transmitters:
  downlink:
    frequency: 435.0e+6
{options}
    data:
    - *tlm
"""
# gr-satellites 4.4.0 as packaged by Debian 12 looks for this name where GNU Radio 3.10.5 no longer has it.
REPAIR = "from gnuradio import blocks, gr\nblocks.byte_t = gr.types.byte_t\nblocks.float_t = gr.types.float_t\n"
CCSDS = ["frame size: 223", "RS basis: conventional"]
CASES = {
    "bpsk-ax25": ["modulation: BPSK", "baudrate: 1200", "framing: AX.25"],
    "bpsk-g3ruh": ["modulation: BPSK", "baudrate: 9600", "framing: AX.25 G3RUH"],
    "bpsk-ccsds": ["modulation: BPSK", "baudrate: 9600", "framing: CCSDS Concatenated", *CCSDS],
    "dbpsk-ccsds": ["modulation: DBPSK", "baudrate: 9600", "framing: CCSDS Concatenated", *CCSDS],
    "fsk-g3ruh": ["modulation: FSK", "baudrate: 9600", "framing: AX.25 G3RUH"],
    "fsk-ax100": ["modulation: FSK", "baudrate: 9600", "framing: AX100 ASM+Golay"],
    "fsk-ccsds": ["modulation: FSK", "baudrate: 9600", "framing: CCSDS Reed-Solomon", *CCSDS],
    "afsk-ax25": ["modulation: AFSK", "baudrate: 1200", "af_carrier: 1700", "deviation: 500", "framing: AX.25"],
}


def frame_of(kind: str, data: bytes) -> np.ndarray:
    if kind == "fsk-ax100":
        return ax100(data, 50)
    if kind == "fsk-ccsds":
        return np.concatenate([bits_of(b"\xaa" * 50), ccsds_frame(data, False)])
    if kind.endswith("bpsk-ccsds"):
        return ccsds_frame(data, True)
    return hdlc(data, 60, 10, "g3ruh" in kind)


def unescaped(kiss: bytes) -> list[bytes]:
    frames = [part for part in kiss.split(b"\xc0") if part]
    return [frame[1:].replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb") for frame in frames]


@pytest.mark.parametrize("kind", CASES)
def test_gr_satellites_reads_it(kind, tmp_path):
    rng = np.random.default_rng(7)
    data = [ax25("CQ", "W1AW", rng.bytes(60 + 10 * number)) for number in range(FRAMES)]
    if "ccsds" in kind:
        data = [rng.bytes(223) for _ in range(FRAMES)]
    # The last frame is sent twice, so that none is lost in the program's filters at the end.
    bits = np.concatenate([frame_of(kind, one) for one in [*data, data[-1], data[-1]]])
    bits = nrzi(bits) if kind.startswith("dbpsk") else bits
    symbol_rate = float(next(option for option in CASES[kind] if option.startswith("baud")).split()[1])
    if "bpsk" in kind:
        samples, rate = bpsk(bits, 8, 0.35), 8 * symbol_rate
    elif kind.startswith("fsk"):
        samples, rate = gfsk(bits, 8, 0.6, 0.5), 8 * symbol_rate
    else:
        samples, rate = afsk(bits, 48000.0, 1200.0, 3000.0), 48000.0
    samples = samples + 0.05 * (rng.standard_normal(len(samples)) + 1j * rng.standard_normal(len(samples)))
    samples.astype(np.complex64).tofile(tmp_path / "pass.cf32")
    (tmp_path / "TEST.yml").write_text(SATELLITE.format(options="\n".join(f"    {line}" for line in CASES[kind])))
    command = [PROGRAM, str(tmp_path / "TEST.yml"), "--rawfile", str(tmp_path / "pass.cf32"), "--iq"]
    command += ["--samp_rate", f"{rate:.0f}", "--kiss_out", str(tmp_path / "frames.kss"), "--hexdump"]
    (tmp_path / "sitecustomize.py").write_text(REPAIR)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    seen = unescaped((tmp_path / "frames.kss").read_bytes()) if (tmp_path / "frames.kss").exists() else []
    read = sum(one in seen for one in data)
    print(f"decoded: satellite/{kind} by gr_satellites: {read} of {FRAMES}")
    assert read >= FRAMES - 1, done.stderr[-2000:]
