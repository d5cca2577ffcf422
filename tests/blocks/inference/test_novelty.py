# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Novelty in flowgraphs: it learns what is usual while it runs, and tells what is not."""

import numpy as np
import pmt
import pytest
import torch
from flowgraph_helpers import Collector, RuleBundle, noise
from gnuradio import blocks, gr, wfm

from wfm_core.base.errors import WfmError
from wfm_core.evaluate.weightless.spectrum_bundle import SAMPLES
from wfm_core.synth.modulation import modulated

LEARN = 128
SIGNALS = {"#": ("fm", 20.0, -0.2), "!": ("qpsk", 10.0, 0.3)}


def heard(on: str, scale: float = 0.1) -> np.ndarray:
    """[n] samples, a window a letter: noise, with the FM station that is usual here in each `#`, a stranger in `!`."""
    samples = noise(1, len(on) * SAMPLES, seed=3, scale=0.5**0.5)[0]
    time = np.arange(len(samples))
    for letter, (kind, length, place) in SIGNALS.items():
        sent = modulated(kind, len(samples), length, torch.Generator().manual_seed(4)).numpy()
        gate = np.repeat([one == letter for one in on], SAMPLES)
        samples = samples + gate * sent * np.exp(2j * np.pi * place * time)
    return (scale * samples).astype(np.complex64)


def run(block, samples):
    top, ports = gr.top_block(), {name: Collector() for name in ("detects", "events", "enrolled", "status")}
    sink = blocks.vector_sink_c()
    top.connect(blocks.vector_source_c(samples.tolist()), block, sink)
    for name, port in ports.items():
        top.msg_connect(block, name, port, "in")
    top.run()
    assert np.array_equal(np.array(sink.data(), np.complex64), samples)
    return ports


def strange(ports) -> list[int]:
    return [one.sample_start // SAMPLES for one in ports["detects"].detections() if one.label == "unknown"]


USUAL = "..##" * (LEARN // 4)
LATER = USUAL + "!" * 16 + USUAL[:32]
STRANGE = list(range(2 * LEARN, 2 * LEARN + 16))


def test_what_was_not_there_before_is_told():
    block = wfm.novelty(policy="lossless", learn=LEARN, false_alarms=0.001)
    ports = run(block, heard(USUAL + LATER))
    found = ports["detects"].detections()
    assert found[0].sample_start == LEARN * SAMPLES and len(found) == len(LATER), "the first ones are learnt"
    assert {one.task for one in found} == {"novelty"} and {one.label for one in found} == {"usual", "unknown"}
    told = strange(ports)
    assert set(STRANGE) <= set(told) and len(told) < len(STRANGE) + 4
    events = [(one["event"], one["label"]) for one in ports["events"].dicts()]
    assert events == [("begin", "unknown"), ("end", "unknown")]
    begin = ports["events"].dicts()[0]["sample_start"] // SAMPLES
    assert abs(begin - STRANGE[0]) <= 4
    assert "usual from 128 windows" in ports["enrolled"].dicts()[-1]["text"]
    distance = {pmt.to_python(pmt.car(one))["sample_start"] // SAMPLES: pmt.to_python(pmt.car(one))["distance"]
                for one in ports["detects"].messages}  # fmt: skip
    assert all(distance[place] > 1.2 for place in STRANGE)


def test_what_was_learnt_is_kept_in_a_file_and_holds_at_another_level(tmp_path):
    path = str(tmp_path / "usual.safetensors")
    block = wfm.novelty(policy="lossless", learn=LEARN)
    run(block, heard(USUAL))
    block.head.handle(pmt.intern("control"), pmt.to_pmt({"save": path}))
    ports = run(wfm.novelty(policy="lossless", usual=path, false_alarms=0.001), heard(LATER, scale=1e-3))
    assert len(ports["detects"].messages) == len(LATER)
    told = strange(ports)
    assert {place - LEARN for place in STRANGE} <= set(told) and len(told) < len(STRANGE) + 6


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(WfmError, match="has the tasks interference, one without any is expected"):
        wfm.novelty(RuleBundle())
    with pytest.raises(WfmError, match="false_alarms 0.3"):
        wfm.novelty(false_alarms=0.3)
    with pytest.raises(WfmError, match="windows is 1"):
        wfm.novelty(learn=1)
    with pytest.raises(WfmError, match="cannot be read"):
        wfm.novelty(usual=str(tmp_path / "none"))
