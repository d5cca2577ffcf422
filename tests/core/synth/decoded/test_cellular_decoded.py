# SPDX-License-Identifier: GPL-3.0-or-later
"""The control carrier of a GSM cell, read by gr-gsm (Debian)."""

import numpy as np
import pytest
import system_python
from receiving import noisy, tell

from wfm_core.synth.signals.cellular import gsm, gsm_messages

# The receiver chain of its program grgsm_decode, which needs a block that GNU Radio 3.10 no longer has where it looks.
RECEIVER = """
import sys
import pmt
from gnuradio import blocks, gr, gsm
graph = gr.top_block()
source = blocks.file_source(gr.sizeof_gr_complex, sys.argv[1], False)
adapter, receiver = gsm.gsm_input(ppm=0, osr=4, samp_rate_in=float(sys.argv[2])), gsm.receiver(4, [0], [])
dummies, slot, demapper = gsm.dummy_burst_filter(), gsm.burst_timeslot_filter(0), gsm.gsm_bcch_ccch_demapper(0)
decoder, printer = gsm.control_channels_decoder(), gsm.message_printer(pmt.intern(""), True, True, False)
graph.connect(source, adapter, receiver)
graph.msg_connect(receiver, "C0", dummies, "in")
graph.msg_connect(dummies, "out", slot, "in")
graph.msg_connect(slot, "out", demapper, "bursts")
graph.msg_connect(demapper, "bursts", decoder, "bursts")
graph.msg_connect(decoder, "msgs", printer, "msgs")
graph.run()
"""
CELLS = 4


@pytest.mark.slow
def test_gr_gsm_reads_the_control_channels(tmp_path):
    if not system_python.has("gnuradio.gsm"):
        pytest.skip("gr-gsm is not installed (Debian package gr-gsm)")
    decoded, sent = 0, 0
    for seed in range(CELLS):
        rng = np.random.default_rng(seed)
        cell = gsm_messages.random_cell(rng)
        samples = gsm.control_carrier(2.5, cell, int(rng.integers(gsm.FRAMES)), rng)
        samples = samples * np.exp(2j * np.pi * rng.uniform(-500, 500) / gsm.SAMPLE_RATE * np.arange(len(samples)))
        noisy(samples, 0.05, rng).astype(np.complex64).tofile(tmp_path / "cell.cf32")
        seen = system_python.run(RECEIVER, tmp_path, tmp_path / "cell.cf32", gsm.SAMPLE_RATE)
        # In the multiframes that are left after it has synchronised, each message comes once at least.
        expected = [
            gsm_messages.system_information_1(cell),
            gsm_messages.system_information_3(cell),
            gsm_messages.system_information_4(cell),
        ]
        decoded, sent = decoded + sum(message.hex(" ") in seen for message in expected), sent + len(expected)
    tell("cellular", "gsm (system information)", "gr-gsm", decoded, sent)
