# SPDX-License-Identifier: GPL-3.0-or-later
"""Broadcasting, read by gr-rds, welle-cli and GNU Radio's own blocks (Debian)."""

import re
import shutil
import subprocess

import numpy as np
import pytest
import system_python
from receiving import noisy, tell

from wfm_core.synth.signals.broadcast import dab, dab_fic, dvbt, dvbt_coding, fm
from wfm_core.synth.signals.keying import frequency_modulated

pytestmark = pytest.mark.slow

# As the example of gr-rds: biphase symbols through a matched filter, 16 samples each at 19 kHz.
RDS_RECEIVER = """
import math, sys
from gnuradio import analog, blocks, digital, filter, gr
from gnuradio.filter import firdes
import rds
graph = gr.top_block()
source = blocks.file_source(gr.sizeof_gr_complex, sys.argv[1], False)
demodulator = analog.quadrature_demod_cf(400e3 / (2 * math.pi * 75e3))
tuner = filter.freq_xlating_fir_filter_fcf(10, firdes.low_pass(1, 400e3, 7.5e3, 5e3), 57e3, 400e3)
resampler = filter.rational_resampler_ccc(19, 40)
pulse = firdes.root_raised_cosine(1, 19000, 2375, 1, 151)
biphase = [early - late for early, late in zip(pulse[:-8], pulse[8:])]
matched, gain = filter.fir_filter_ccc(1, biphase), analog.agc_cc(2e-3, 0.585, 53)
points = digital.constellation_bpsk().base()
clock = digital.symbol_sync_cc(digital.TED_ZERO_CROSSING, 16, 0.01, 1, 1, 0.1, 1, points, digital.IR_MMSE_8TAP, 128, [])
receiver = digital.constellation_receiver_cb(points, 2 * math.pi / 100, -0.002, 0.002)
decoder, parser = rds.decoder(False, False), rds.parser(True, False, 0)
graph.connect(source, demodulator, tuner, resampler, matched, gain, clock, receiver)
graph.connect((receiver, 0), digital.diff_decoder_bb(2), decoder)
for port, size in ((1, gr.sizeof_float), (2, gr.sizeof_float), (3, gr.sizeof_float), (4, gr.sizeof_gr_complex)):
    graph.connect((receiver, port), blocks.null_sink(size))
graph.msg_connect((decoder, "out"), (parser, "in"))
graph.run()
"""
STATIONS = 6


def test_gr_rds_reads_names_and_texts(tmp_path):
    if not system_python.has("rds", "gnuradio.digital"):
        pytest.skip("gr-rds is not installed (Debian package gr-rds)")
    rng, decoded, sent = np.random.default_rng(1), 0, 0
    for number in range(STATIONS):
        programme_id = 0xD300 + number
        name, text = f"RADIO {number}{rng.integers(10)}", f"now playing {rng.integers(10**6)}"
        bits = fm.rds_bits(round(8 * fm.RDS_RATE) + 200, name.ljust(8), text, programme_id, rng)
        samples = frequency_modulated(75e3 * fm.multiplex(8.0, "rds", rng, bits), fm.SAMPLE_RATE)
        noisy(samples, 0.02, rng).astype(np.complex64).tofile(tmp_path / "station.cf32")
        seen = system_python.run(RDS_RECEIVER, tmp_path, tmp_path / "station.cf32")
        heard = bool(re.search(f"PI:{programme_id:04X}", seen)), name in seen, text in seen
        decoded, sent = decoded + sum(heard), sent + len(heard)
    tell("fm-broadcast", "rds (identity, name, text)", "gr-rds", decoded, sent)


@pytest.mark.skipif(shutil.which("welle-cli") is None, reason="welle-cli is not installed (Debian package welle.io)")
def test_welle_reads_what_ensembles_say(tmp_path):
    """Identities, labels and places of all services."""
    rng, decoded, sent = np.random.default_rng(2), 0, 0
    for number in range(3):
        ensemble = dab_fic.random_ensemble(rng)
        samples = dab.frames(30, ensemble, 4 * int(rng.integers(1250)), (number, 5) if number else None, rng)
        offset = np.exp(2j * np.pi * rng.uniform(-300, 300) / dab.SAMPLE_RATE * np.arange(len(samples)))
        pairs = noisy(samples * offset, 0.05, rng).astype(np.complex64).view(np.float32)
        np.clip(np.round(pairs * 35 + 127.5), 0, 255).astype(np.uint8).tofile(tmp_path / "air.raw")
        command = ["welle-cli", "-f", str(tmp_path / "air.raw"), "-p", "none of them"]
        # It would read the file over and over, but for the line that tells it to quit.
        done = subprocess.run(command, input=b".\n", capture_output=True, timeout=60, cwd=tmp_path, check=False)
        seen, start = done.stderr.decode(errors="replace"), 0
        for place, service in enumerate(ensemble.services):
            expected = rf"\[0x{service.identity:x}\] {re.escape(service.label)} .*\[subch {place} .* at SAd:{start}\]"
            decoded, sent, start = decoded + bool(re.search(expected, seen)), sent + 1, start + service.size
    tell("dab", "dab (services)", "welle-cli", decoded, sent)


# As the example dvbt_rx_8k of GNU Radio.
DVB_T_RECEIVER = """
import sys
from gnuradio import blocks, dtv, fft, gr
recording, out, size, cells, used, states, code, share = sys.argv[1:]
size, cells, used, share, same = int(size), int(cells), int(used), int(share), dtv.NH
points = getattr(dtv, states)
rate, guard = getattr(dtv, "C" + code.replace("/", "_")), getattr(dtv, f"GI_1_{share}")
mode = dtv.T2k if size == 2048 else dtv.T8k
graph = gr.top_block()
graph.connect(
    blocks.file_source(gr.sizeof_gr_complex, recording, False),
    dtv.dvbt_ofdm_sym_acquisition(1, size, used, size // share, 30),
    fft.fft_vcc(size, True, [1.0] * size, True, 1),
    dtv.dvbt_demod_reference_signals(8, size, cells, points, same, rate, rate, guard, mode, 0, 0),
    dtv.dvbt_demap(cells, points, same, mode, 1),
    dtv.dvbt_symbol_inner_interleaver(cells, mode, 0),
    dtv.dvbt_bit_inner_deinterleaver(cells, points, same, mode),
    blocks.vector_to_stream(1, cells),
    dtv.dvbt_viterbi_decoder(points, same, rate, 768),
    dtv.dvbt_convolutional_deinterleaver(136, 12, 17),
    dtv.dvbt_reed_solomon_dec(2, 8, 0x11D, 255, 239, 8, 51, 8),
    dtv.dvbt_energy_descramble(8),
    blocks.file_sink(1, out),
)
graph.run()
"""


@pytest.mark.parametrize(
    "mode", [dvbt.Mode(2048, 1, "1/2", 4), dvbt.Mode(2048, 2, "2/3", 32), dvbt.Mode(8192, 3, "3/4", 8)],
    ids=["2k-qpsk", "2k-16qam", "8k-64qam"],
)  # fmt: skip
def test_gnu_radio_reads_packets(tmp_path, mode):
    if not system_python.has("gnuradio.dtv", "gnuradio.fft"):
        pytest.skip("GNU Radio's gr-dtv is not installed for the system's Python (Debian package gnuradio)")
    rng = np.random.default_rng(3)
    numerator, denominator = map(int, mode.rate.split("/"))
    superframe = 4 * dvbt.FRAME * mode.cells * 2 * mode.axis_bits * numerator // denominator // (8 * dvbt_coding.CODED)
    packets = dvbt.packets(4 * superframe, rng)
    cells = dvbt_coding.cells(dvbt.coded(packets, mode), mode.axis_bits, mode.size, 0)
    samples = dvbt.symbols(cells, mode, 0)
    noisy(samples, 0.01, rng).astype(np.complex64).tofile(tmp_path / "air.cf32")
    states = {1: "MOD_QPSK", 2: "MOD_16QAM", 3: "MOD_64QAM"}[mode.axis_bits]
    system_python.run(
        DVB_T_RECEIVER, tmp_path, tmp_path / "air.cf32", tmp_path / "packets.ts", mode.size, mode.cells, mode.used,
        states, mode.rate, mode.guard,
    )  # fmt: skip
    data = (tmp_path / "packets.ts").read_bytes()
    read = {data[at : at + dvbt_coding.PACKET] for at in range(0, len(data), dvbt_coding.PACKET)}
    # It begins with the second superframe, and what is in its buffers and interleaver at the end does not come out.
    sent = packets[superframe : 3 * superframe]
    decoded = sum(packet.tobytes() in read for packet in sent)
    kind = f"{'dvb-t-8k' if mode.size == 8192 else 'dvb-t-2k'} ({states[4:].lower()} {mode.rate})"
    tell("dvb-t", kind, "GNU Radio's gr-dtv", decoded, len(sent))
