# SPDX-License-Identifier: GPL-3.0-or-later
"""Hot swaps under load: no sample lost, no window skipped, no wrong label in between, no leak."""

import gc
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pmt
import pytest
import torch
from flowgraph_helpers import LABELS, WINDOW, Collector, Comparer, RuleBundle, contract, noise
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.inference.hot_swap import BundleSwap
from gnuradio.wfm.ports import messages
from stops import stopped_within
from waiting import wait_for

from wfm_core.bundle import build_network, export_bundle, parse_contract, save_model_folder

RATE = 1.92e6
PACE = 200e3
HOLD = 4096
PERIOD = 100 * WINDOW
LONGEST_STOP_SECONDS = 10
"""docs/troubleshooting.md has what it is made of."""


def constant_bundle(folder: Path, label: int) -> Path:
    """A bundle that answers `label` to every window, whatever it hears."""
    raw = contract(name=f"always-{LABELS[label]}")
    torch.manual_seed(label)
    weights = build_network(parse_contract(raw, "test")).state_dict()
    for name, value in weights.items():
        if name.startswith("heads."):
            weights[name] = torch.zeros_like(value)
            if name.endswith("bias"):
                weights[name][label] = 5.0
    save_model_folder(folder, raw, weights)
    return export_bundle(folder, folder / "model.wfm.pt")


class Answers(gr.basic_block):
    """Counts windows, gaps between them, labels and changes of label, and keeps nothing else."""

    def __init__(self):
        gr.basic_block.__init__(self, name="answers", in_sig=None, out_sig=None)
        self.message_port_register_in(pmt.intern("in"))
        self.set_msg_handler(pmt.intern("in"), self._count)
        self.windows, self.changes, self.labels = 0, 0, set()
        self.misplaced = 0
        self._last = None

    def _count(self, pdu):
        found = messages.read_detection(pdu)
        label = found.decision["label"]
        self.misplaced += found.sample_start != self.windows * WINDOW
        self.changes += self._last is not None and label != self._last
        self.windows, self._last = self.windows + 1, label
        self.labels.add(label)


@dataclass
class Footprint:
    """What this process has, and what the one has in which bundles are tried."""

    resident: int
    trial_resident: int
    threads: int
    files: int


def footprint(block) -> Footprint:
    gc.collect()
    trial = block.engine.swap.trial.process_id
    resident = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 for pid in ("self", trial)]
    return Footprint(*resident, threading.active_count(), len(os.listdir("/proc/self/fd")))


def swap(block, path: Path, name: str) -> None:
    """Ask for a bundle and wait until windows are decided by it."""
    block.engine.to_basic_block()._post(pmt.intern("control"), pmt.to_pmt({"model": str(path)}))
    wait_for(lambda: block.engine.swap.current.contract.name == name, 60)


def swaps_under_load(folder: Path, count: int, warm_up: int) -> list[Footprint]:
    """`count` swaps to and fro; returns what the processes have after `warm_up` swaps and at the end."""
    period = noise(1, PERIOD)[0]
    models = [(constant_bundle(folder / str(i), i), f"always-{LABELS[i]}") for i in (1, 2)]
    top, comparer, answers, events = gr.top_block(), Comparer(period), Answers(), Collector()
    kept = {"device": "cpu", "dtype": "fp32", "policy": "lossless"}
    block = wfm.inference(str(models[0][0]), sample_rate=RATE, hold=HOLD, **kept)
    source = blocks.vector_source_c(period.tolist(), True)
    top.connect(source, blocks.throttle(gr.sizeof_gr_complex, PACE), block, comparer)
    top.msg_connect(block, "detects", answers, "in")
    top.msg_connect(block, "events", events, "in")
    top.start()
    taken = []
    wait_for(lambda: answers.windows)
    for number in range(1, count + 1):
        before = answers.windows
        swap(block, *models[number % 2])
        # More than a batch: windows of the new model are among them.
        wait_for(lambda before=before: answers.windows >= before + 40)
        if number in (warm_up, count):
            taken.append(footprint(block))
    block.finish()
    ended = threading.Thread(target=top.wait, daemon=True)
    ended.start()
    ended.join(20)
    assert not ended.is_alive(), "the flowgraph did not end"
    status = block.status()
    assert status["error"] == "" and status["control_refused"] == 0
    assert [e["event"] for e in events.dicts()] == ["model"] * count
    assert (answers.labels, answers.changes) == ({LABELS[1], LABELS[2]}, count)
    assert answers.misplaced == 0
    assert answers.windows == status["windows_in"] == status["windows_inferred"]
    assert status["windows_dropped"] == status["samples_lost"] == comparer.wrong == 0
    assert comparer.seen == status["samples_out"] > count * WINDOW
    return taken


def test_ten_swaps_lose_nothing(tmp_path):
    swaps_under_load(tmp_path, 10, 1)


def test_a_flowgraph_stops_within_its_bound_while_bundles_are_swapped(tmp_path):
    """Each time at another moment of a swap, and runs again after it."""
    models = [constant_bundle(tmp_path / str(i), i) for i in (1, 2)]
    top, sink = gr.top_block(), blocks.null_sink(gr.sizeof_gr_complex)
    block = wfm.inference(str(models[0]), sample_rate=RATE, device="cpu", dtype="fp32", policy="lossless")
    source = blocks.vector_source_c(noise(1, PERIOD)[0].tolist(), True)
    top.connect(source, blocks.throttle(gr.sizeof_gr_complex, PACE), block, sink)
    for number, moment in enumerate((0.0, 0.05, 0.5, 2.0)):
        top.start()
        wait_for(lambda: block.status()["windows_inferred"] >= 10)
        block.engine.to_basic_block()._post(pmt.intern("control"), pmt.to_pmt({"model": str(models[number % 2])}))
        time.sleep(moment)
        assert stopped_within(20, top) < LONGEST_STOP_SECONDS
        assert block.status()["error"] == ""


@pytest.mark.slow
def test_a_thousand_swaps_lose_nothing_and_leak_nothing(tmp_path):
    early, late = swaps_under_load(tmp_path, 1000, 100)
    assert late.resident < 1.05 * early.resident, (early, late)
    assert late.trial_resident < 1.05 * early.trial_resident, (early, late)
    assert (late.threads, late.files) == (early.threads, early.files)


def test_the_next_may_be_asked_for_when_a_refusal_is_told(tmp_path):
    heard = []

    def told(kind: str, text: str) -> None:
        heard.append((kind, text))
        if len(heard) == 1:
            swap.request("nowhere-else")

    swap = BundleSwap(RuleBundle(), 1, 1, told)
    swap.request("nowhere")
    wait_for(lambda: len(heard) == 2)
    assert [kind for kind, _ in heard] == ["refused"] * 2 and "nowhere-else" in heard[1][1]
    swap.close()
