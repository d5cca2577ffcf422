# SPDX-License-Identifier: GPL-3.0-or-later
"""A program of the tests: an SDR source, a tap and a follower of the ramp; prints one JSON object of what it saw.

A program, because SoapySDR and UHD read their environment once, when they are loaded, and because a radio that hangs
must not take the tests with it. `radio_harness.watch` starts it with a JSON object as its only argument:

    source, channels, sample_rate, seconds; ramp: whether the signal is the ramp;
    options: more arguments of `wfm.sdr_source`;
    actions: [seconds after the start, what] with one of {"call": NAME, "arguments": [...]} on the source,
        {"post": {...}} to its port `command`, {"retune": HZ, "after": SECONDS} at a time of the device.
"""

import json
import sys
import threading
import time

import numpy as np
import pmt
from gnuradio import gr, wfm
from gnuradio.wfm.ports import keys
from radio_ramp import Ramp, SpanCounter

from wfm_core.base.errors import WfmError

WINDOW = 4096
WAIT_SECONDS = 20.0  # beyond the asked length; then it hangs


class Poster(gr.basic_block):
    def __init__(self):
        gr.basic_block.__init__(self, "poster", None, None)
        self.message_port_register_out(pmt.intern("out"))

    def post(self, message: dict) -> None:
        self.message_port_pub(pmt.intern("out"), pmt.to_pmt(message))


class Watch:
    def __init__(self, request: dict):
        self.request = request
        channels, rate = request["channels"], request["sample_rate"]
        options = {"center_freq": 1e9, "gain": 20.0} | request["options"]
        self.source = wfm.sdr_source(
            source=request["source"], channels=channels, sample_rate=rate, duration=request["seconds"], **options
        )
        got = self.source.sample_rate()
        self.tap = wfm.window_tap(channels, WINDOW, policy="live", slots=256, sample_rate=got, gate_dbfs=-200.0)
        follow = request["ramp"]
        self.ramp, self.engine = Ramp(channels, follow), SpanCounter(self.tap, channels, WINDOW, follow)
        self.top, self.poster = gr.top_block(), Poster()
        for channel in range(channels):
            self.top.connect((self.source, channel), (self.tap, channel), (self.ramp, channel))
        self.top.msg_connect(self.poster, "out", self.source, "command")

    def run(self) -> dict:
        self.engine.start()
        begin = time.monotonic()
        self.top.start()
        threading.Thread(target=self._act, args=(begin,), daemon=True).start()
        waiter = threading.Thread(target=self.top.wait, daemon=True)
        waiter.start()
        self.engine.join(self.request["seconds"] + WAIT_SECONDS)
        # No stream ends the poster, and the flowgraph would wait for it.
        self.poster.to_basic_block()._post(keys.SYSTEM, keys.DONE)
        waiter.join(WAIT_SECONDS)
        seconds, hangs = time.monotonic() - begin, waiter.is_alive()
        return {
            "seconds": seconds,
            "hangs": hangs,
            "sample_rate": self.source.sample_rate(),
            "center_freq": self.source.center_freq(),
            "samples": self.ramp.samples,
            "mismatches": self.ramp.mismatches,
            "first": self.ramp.first,
            "breaks": self.ramp.breaks,
            "tags": self.ramp.tags,
            "windows": self.engine.taken,
            "spans": self.engine.spans,
            "tunings": self.engine.tunings,
            "counters": self.tap.counters(),
            "samples_lost": self.source.samples_lost(),
            "status": self.source.status(),
        }

    def _act(self, begin: float) -> None:
        for seconds, what in self.request["actions"]:
            time.sleep(max(0.0, begin + seconds - time.monotonic()))
            if "call" in what:
                getattr(self.source, what["call"])(*what["arguments"])
            elif "post" in what:
                self.poster.post(what["post"])
            else:
                self._retune_at(what["retune"], what["after"])

    def _retune_at(self, freq: float, after: float) -> None:
        whole, part = next(value for _, key, value in self.ramp.tags[0] if key == "rx_time")
        part += self.ramp.samples / self.source.sample_rate() + after
        self.source.set_center_freq(freq, at=(whole + int(part), part % 1.0))


def plain(value):
    """Values of the tap's and numpy's own types for `json`."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else repr(value)


def main() -> None:
    watch = Watch(json.loads(sys.argv[1]))
    print(json.dumps(watch.run(), default=plain))


if __name__ == "__main__":
    try:
        main()
    except WfmError as error:
        print(f"radio_watch.py: {error}", file=sys.stderr)
        sys.exit(1)
