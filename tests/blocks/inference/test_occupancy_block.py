# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Occupancy in flowgraphs: bursts come and go in the noise of a receiver, at any level."""

import numpy as np
import pmt
import pytest
import torch
from flowgraph_helpers import Collector, RuleBundle, noise
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.events.duty_cycle import duty_cycle
from gnuradio.wfm.ports import keys

from wfm_core.base.errors import WfmError
from wfm_core.evaluate.weightless.cfar_bundle import SAMPLES
from wfm_core.synth.modulation import modulated

RATE = 1e6
SNR_DB = 0.0


def heard(on: str, scale: float) -> np.ndarray:
    """[n] samples, a window a letter: noise, and in each `#` a QPSK signal of the same power in the whole band."""
    own = noise(1, len(on) * SAMPLES, seed=3, scale=scale * 0.5**0.5)[0]
    sent = modulated("qpsk", len(own), 12.0, torch.Generator().manual_seed(4)).numpy()
    carrier = np.exp(2j * np.pi * 0.2 * np.arange(len(own)))
    gate = np.repeat([letter == "#" for letter in on], SAMPLES)
    return (own + scale * 10 ** (SNR_DB / 20) * gate * sent * carrier).astype(np.complex64)


def run(block, samples, channels=1, tags=()):
    top, ports = gr.top_block(), {name: Collector() for name in ("detects", "events", "duty", "status", "notices")}
    for channel in range(channels):
        sink = blocks.vector_sink_c()
        top.connect(blocks.vector_source_c(samples.tolist(), False, 1, list(tags)), (block, channel), sink)
    for name, port in ports.items():
        top.msg_connect(block, name, port, "in")
    top.run()
    assert np.array_equal(np.array(sink.data(), np.complex64), samples)
    return ports


@pytest.mark.parametrize("scale", [1e-4, 0.3])
def test_bursts_are_told_whatever_the_level_is(scale):
    on = ("." * 12 + "#" * 12) * 3 + "." * 8
    block = wfm.occupancy(sample_rate=RATE, policy="lossless", false_alarms=0.001, windows=4, duty_windows=24)
    ports = run(block, heard(on, scale))
    told = {one.sample_start // SAMPLES: one.label for one in ports["detects"].detections()}
    assert [told[place] for place in range(len(on))] == [{"#": "occupied", ".": "free"}[letter] for letter in on]
    events = [(one["event"], one["label"], one["sample_start"] // SAMPLES) for one in ports["events"].dicts()]
    assert events == [(kind, "occupied", first) for first in (12, 36, 60) for kind in ("begin", "end")]
    ends = [one for one in ports["events"].dicts() if one["event"] == "end"]
    assert {one["sample_count"] // SAMPLES for one in ends} == {12} and ends[0]["duration"] == 12 * SAMPLES / RATE
    duty = ports["duty"].dicts()
    assert [(one["share"], one["windows"], one["sample_start"]) for one in duty] == [
        (0.5, 24, 24 * place * SAMPLES) for place in range(3)
    ]
    assert {one["sample_count"] for one in duty} == {24 * SAMPLES}
    assert {(one["task"], one["label"]) for one in duty} == {("occupancy", "occupied")}
    assert ports["status"].dicts()[-1]["windows_inferred"] == len(on)


def test_a_duty_cycle_is_of_one_frequency():
    tag = gr.tag_t()
    tag.offset, tag.key, tag.value = 6 * SAMPLES, keys.RX_FREQ, pmt.from_double(100e6)
    block = wfm.occupancy(policy="lossless", duty_windows=4, windows=1)
    duty = run(block, heard("####........##", 0.1), tags=[tag])["duty"].dicts()
    assert [(one["sample_start"] // SAMPLES, one["share"], one.get("rx_freq")) for one in duty] == [
        (0, 1.0, None),
        (6, 0.0, 100e6),
        (10, 0.5, 100e6),
    ]


def test_antennas_are_averaged():
    samples = heard("....####", 0.1)
    ports = run(wfm.occupancy(channels=2, policy="lossless"), samples, channels=2)
    assert [one.label for one in ports["detects"].detections()] == ["free"] * 4 + ["occupied"] * 4


def test_what_does_not_fit_is_refused():
    with pytest.raises(WfmError, match="has the tasks interference, occupancy is expected here"):
        wfm.occupancy(RuleBundle())
    with pytest.raises(WfmError, match="0 channels: 1 or more is expected"):
        wfm.occupancy(channels=0)
    with pytest.raises(WfmError, match="false_alarms 0.3"):
        wfm.occupancy(false_alarms=0.3)
    with pytest.raises(WfmError, match="a duty cycle of 0 windows"):
        duty_cycle("occupancy", "occupied", 0, 1)
