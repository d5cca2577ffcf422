# SPDX-License-Identifier: GPL-3.0-or-later
"""A program of the tests: a radio through GNU Radio's own source block alone, none of ours; prints what came, as JSON.

radio_raw.py DRIVER ARGUMENTS CHANNELS SAMPLE_RATE SAMPLES; DRIVER is uhd, soapy or osmosdr.
"""

import json
import sys

import numpy as np
from gnuradio import blocks, gr
from radio_ramp import Ramp

RTL_MIDDLE = 127.4  # what gr-osmosdr takes from a byte before it divides by 128


def uhd_source(arguments: str, channels: int, sample_rate: float):
    from gnuradio import uhd

    stream = uhd.stream_args(cpu_format="fc32", channels=list(range(channels)))
    source = uhd.usrp_source(arguments, stream)
    source.set_samp_rate(sample_rate)
    return source


def soapy_source(arguments: str, channels: int, sample_rate: float):
    from gnuradio import soapy

    source = soapy.source(arguments, "fc32", channels, "", "", [""] * channels, [""] * channels)
    for channel in range(channels):
        source.set_sample_rate(channel, sample_rate)
    return source


def osmosdr_source(arguments: str, channels: int, sample_rate: float):
    import osmosdr

    source = osmosdr.source(f"numchan={channels} {arguments}")
    source.set_sample_rate(sample_rate)
    return source


SOURCES = {"uhd": uhd_source, "soapy": soapy_source, "osmosdr": osmosdr_source}


def follow_ramp(source, channels: int, samples: int) -> dict:
    top, ramp = gr.top_block(), Ramp(channels)
    for channel in range(channels):
        top.connect((source, channel), blocks.head(gr.sizeof_gr_complex, samples), (ramp, channel))
    top.run()
    keys = [[index, key, value] for index, key, value in ramp.tags[0]]
    return {
        "samples": ramp.samples,
        "first": ramp.first,
        "breaks": ramp.breaks,
        "mismatches": ramp.mismatches,
        "tags": keys,
    }


def follow_bytes(source, samples: int) -> dict:
    """As `follow_ramp`, for rtl_tcp's ramp of 16 bits."""
    top, sink = gr.top_block(), blocks.vector_sink_c()
    top.connect(source, blocks.head(gr.sizeof_gr_complex, samples), sink)
    top.run()
    got = np.array(sink.data(), np.complex64)
    low, high = (np.rint(part * 128 + RTL_MIDDLE).astype(np.int64) for part in (got.real, got.imag))
    found = high << 8 | low
    steps = np.diff(found) % (1 << 16)
    lost = [(int(k) + 1, int(steps[k]) - 1) for k in np.nonzero(steps != 1)[0]]
    return {"samples": len(got), "first": int(found[0]), "breaks": lost}


def main() -> None:
    driver, arguments, channels, sample_rate, samples = sys.argv[1:]
    source = SOURCES[driver](arguments, int(channels), float(sample_rate))
    if driver == "osmosdr":
        print(json.dumps(follow_bytes(source, int(samples))))
    else:
        print(json.dumps(follow_ramp(source, int(channels), int(samples))))


if __name__ == "__main__":
    main()
