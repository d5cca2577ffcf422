# SPDX-License-Identifier: GPL-3.0-or-later
"""classifier_live: does WFM Signal Classifier keep up with a radio? Samples lost must be 0.

The simulated radio's scene of eight technologies (sim:air) at 2.4 MS/s by the wall clock, which overflows like a real
one when the flowgraph is too slow, runs into WFM Signal Classifier under the live policy.
"""

import argparse

import numpy as np
import pmt
from gnuradio import blocks, gr, wfm
from result import Result, machine

RATE = 2.4e6


class EventClock(gr.basic_block):
    """How far (s) the stream had run on past the end of what an event's begin speaks of, when that came."""

    def __init__(self, classifier):
        gr.basic_block.__init__(self, name="event_clock", in_sig=None, out_sig=None)
        self._classifier = classifier
        self.delays: list[float] = []
        self.message_port_register_in(pmt.intern("events"))
        self.set_msg_handler(pmt.intern("events"), self._on_event)

    def _on_event(self, message: pmt.pmt_base) -> None:
        event = pmt.to_python(message)
        if event["event"] == "begin":
            here = self._classifier.finder.counters()["samples_in"]
            self.delays.append((here - event["sample_start"] - event["sample_count"]) / RATE)


def run(seconds: float, bundle: str) -> Result:
    radio = wfm.sdr_source(source="sim:air", channels=1, sample_rate=RATE, policy="live", duration=seconds)
    classifier = wfm.signal_classifier(bundle, sample_rate=RATE, policy="live")
    clock, top = EventClock(classifier), gr.top_block()
    top.connect(radio, classifier, blocks.null_sink(gr.sizeof_gr_complex))
    top.msg_connect(classifier, "events", clock, "events")
    top.run()
    if error := classifier.status()["error"]:
        raise RuntimeError(error)
    return verdict(radio.samples_lost(), classifier.status(), clock.delays, seconds)


def verdict(lost: int, status: dict, delays: list[float], seconds: float) -> Result:
    lost += status["samples_lost"] + status["samples_skipped"]
    played, p95 = status["samples_in"], float(np.percentile(delays or [0.0], 95))
    conditions = (
        f"{seconds:g} s, {RATE / 1e6:g} MS/s, live, {status['bundle']} ({status['dtype']}), {status['signals_found']} "
        f"signals found, {status['signals_decided']} decided, {status['signals_dropped']} dropped, {len(delays)} "
        f"events, from a signal's end to its event {p95:.2f} s (95 %), {status['samples_skipped']} samples skipped by "
        "the finder; "
        f"baseline: samples that came, ratio: the share that was looked at; {machine()}"
    )
    ratio = played / (played + lost) if played else 0.0
    return Result("classifier_live", ratio, float(lost), "samples lost", float(played), 1.0, conditions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--bundle", default="wfm-signals")
    options = parser.parse_args()
    run(options.seconds, options.bundle).emit()


if __name__ == "__main__":
    main()
