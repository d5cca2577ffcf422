# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of docs/blocks-csi.md on a set of CSI, and the preset that runs what they make."""

import subprocess
import sys
from collections import Counter

import numpy as np
import pmt
import pytest
from flowgraph_helpers import Collector
from gnuradio import blocks, gr, wfm
from image_bundles import Sender

from wfm_core.synth import motion

PACKETS = 64


def command(name: str, *arguments) -> None:
    done = subprocess.run([sys.executable, "-m", f"wfm_core.cli.{name}", *map(str, arguments)], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def csi_pdus(amplitudes: np.ndarray) -> list[pmt.pmt_base]:
    """Amplitudes [subcarriers, packets] as a PDU a packet."""
    return [
        pmt.cons(pmt.to_pmt({"packet_num": n % 4096}), pmt.init_c32vector(len(column), column.astype(complex).tolist()))
        for n, column in enumerate(amplitudes.T)
    ]


@pytest.mark.slow
def test_a_model_fine_tuned_on_csi_runs_in_the_activity_sensor(tmp_path):
    generator = np.random.default_rng(4)
    labels = ["empty", "walking"]
    windows = [motion.csi_amplitudes(label, 60, PACKETS, generator) for label in labels]
    np.savez(tmp_path / "walks.npz", csi=np.concatenate(windows).transpose(0, 3, 2, 1), activity=np.repeat(labels, 60))
    build = ["--from", "npz", tmp_path / "walks.npz", "--array", "csi", "--label", "activity", "--kind", "csi"]
    command("dataset", "build", *build, "--out", tmp_path / "walks.h5")
    options = ["--init", "wfm-base", "--out", tmp_path / "run", "image_size=[64,64]", "batch=16"]
    options += ["epochs=12", "warmup_epochs=1", "base_learning_rate=0.05", "threads=1"]
    command("finetune", "--task", "activity", "--data", tmp_path / "walks.h5", *options)

    scene = np.concatenate([motion.csi_amplitudes(label, 1, 8 * PACKETS, generator)[0, 0] for label in labels], axis=1)
    csi = wfm.csi_image("pdus", fft_len=len(motion.SUBCARRIERS), packets=PACKETS, hop=PACKETS // 2)
    sensor = wfm.activity_sensor(str(tmp_path / "run"), packet_rate=motion.PACKET_RATE, policy="lossless", threshold=0)
    top, sender, ports = gr.top_block(), Sender(csi_pdus(scene)), {name: Collector() for name in ("detects", "events")}
    top.connect(sender, blocks.null_sink(1))
    top.msg_connect(sender, "out", csi, "csi")
    top.msg_connect(csi, "images", sensor, "images")
    for name, sink in ports.items():
        top.msg_connect(sensor, name, sink, "in")
    top.run()
    found = ports["detects"].detections()
    half = 8 * PACKETS
    first = Counter(d.decision["label"] for d in found if d.sample_start + d.sample_count <= half)
    second = Counter(d.decision["label"] for d in found if d.sample_start >= half)
    assert first.most_common(1)[0][0] == "empty" and second.most_common(1)[0][0] == "walking", (first, second)
    assert "walking" in {e["label"] for e in ports["events"].dicts()}


def test_the_shipped_model_says_when_somebody_is_there():
    """A preset of another task than activity, as the page has it: nobody, then somebody who walks, then nobody."""
    generator = np.random.default_rng(4)
    parts = [motion.csi_amplitudes(label, 1, 512, generator)[0, 0] for label in ("empty", "walking", "empty")]
    csi = wfm.csi_image("pdus", fft_len=len(motion.SUBCARRIERS), packets=256, hop=32)
    sensor = wfm.activity_sensor(task="presence", background="empty", packet_rate=100, policy="lossless")
    top, sender, events = gr.top_block(), Sender(csi_pdus(np.concatenate(parts, axis=1))), Collector()
    top.connect(sender, blocks.null_sink(1))
    top.msg_connect(sender, "out", csi, "csi")
    top.msg_connect(csi, "images", sensor, "images")
    top.msg_connect(sensor, "events", events, "in")
    top.run()
    begin, end = events.dicts()
    assert [begin["event"], end["event"]] == ["begin", "end"] and begin["label"] == end["label"] == "somebody"
    assert 200 <= begin["sample_start"] <= 700, "windows of 256 packets that reach into the walk, from packet 512 on"
