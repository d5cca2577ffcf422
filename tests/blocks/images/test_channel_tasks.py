# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel tasks from a generated data set to decisions in a flowgraph: fine-tuned, exported, asked of CSI packets."""

import json

import numpy as np
import pmt
import pytest
import torch
from finetune_sets import FAST, tiny_foundation
from flowgraph_helpers import Collector
from gnuradio import blocks, gr, wfm
from image_bundles import Sender

from wfm_core import load_bundle
from wfm_core.bundle import export_bundle
from wfm_core.cli.evaluate import main as evaluate
from wfm_core.cli.finetune import main as finetune
from wfm_core.data.generated_csi import write_generated_csi
from wfm_core.evaluate.table import read_row
from wfm_core.signal.channels.csi_profile import csi_parts
from wfm_core.synth.csi.beams import ELEMENTS, draw_beams
from wfm_core.synth.csi.clusters import draw_clusters
from wfm_core.synth.csi.grids import find_grid
from wfm_core.synth.csi.windows import CsiWindows

GRID = find_grid("srs-32")
PACKETS = 16


def pdus(windows: CsiWindows) -> list[pmt.pmt_base]:
    """A PDU a packet and antenna of all windows, one after the other."""
    packets = windows.csi.permute(0, 3, 1, 2).flatten(0, 1).numpy()  # [packets, antennas, subcarriers]
    return [
        pmt.cons(
            pmt.to_pmt({"packet_num": number, "antenna": antenna}), pmt.init_c32vector(len(vector), vector.tolist())
        )
        for number, packet in enumerate(packets)
        for antenna, vector in enumerate(packet)
    ]


def decided(bundle: str, windows: CsiWindows, packets: int):
    """What a flowgraph of WFM CSI Image and WFM Image Inference decides of the windows' packets."""
    csi = wfm.csi_image("pdus", antennas=windows.csi.shape[1], fft_len=len(GRID), packets=packets, values="complex")
    inference = wfm.image_inference(bundle, policy="lossless", device="cpu", dtype="fp32", threshold=0.0)
    top, sender, found = gr.top_block(), Sender(pdus(windows)), Collector()
    top.connect(sender, blocks.null_sink(1))
    top.msg_connect(sender, "out", csi, "csi")
    top.msg_connect(csi, "images", inference, "images")
    top.msg_connect(inference, "detects", found, "in")
    top.run()
    return found.detections()


def trained(tmp_path, task: str, draw, signal: dict, size: str, epochs: int, pooling: str = "mean") -> str:
    """The bundle of a fine-tuning of a tiny foundation on windows of `draw`."""
    data = write_generated_csi(tmp_path / "set.h5", draw, 4, task, signal=signal)
    chosen = [
        "--data",
        str(data),
        "--init",
        str(tiny_foundation(tmp_path / "tiny")),
        "--regime",
        "full",
        "--split",
        "random",
    ]
    options = [*FAST, f"epochs={epochs}", "base_learning_rate=0.01", f"image_size={size}", f"pooling={pooling}"]
    assert finetune([*chosen, "--out", str(tmp_path / "run"), *options]) == 0
    return str(export_bundle(tmp_path / "run", tmp_path / "task.wfm.pt"))


@pytest.mark.slow
def test_line_of_sight_in_a_flowgraph(tmp_path):
    def draw(number, count=100):
        return draw_clusters(count, GRID, PACKETS, 2, torch.Generator().manual_seed(number))

    signal = {"kind": "csi_profile", "size": [16, 16], "taps": len(GRID)}
    bundle = trained(tmp_path, "line_of_sight", draw, signal, "[16,16]", epochs=6)
    windows = draw(1000, 60)
    found = decided(bundle, windows, PACKETS)
    check(found, bundle, windows, "line_of_sight", PACKETS)
    truth = np.where(windows.causes["line_of_sight"], "los", "nlos")
    assert np.mean([d.decision["label"] == label for d, label in zip(found, truth, strict=True)]) > 0.65


def test_beams_in_a_flowgraph(tmp_path):
    def draw(number, count=200):
        drawn = draw_beams(count, GRID, 4, torch.Generator().manual_seed(number), scenarios=["umi-los"])
        few = (drawn.causes["beam"] - 32).abs() < 4  # a set that is so small has several windows of each of these
        causes = {name: values[few] for name, values in drawn.causes.items()}
        return CsiWindows(drawn.csi[few], drawn.times[few], drawn.grid, causes)

    signal = {"kind": "beam_image", "size": [16, 64], "taps": len(GRID), "elements": list(ELEMENTS)}
    bundle = trained(tmp_path, "beam", draw, signal, "[16,64]", epochs=1, pooling="columns")
    figures = json.loads((tmp_path / "run" / "figures.json").read_text())
    assert 0 < figures["rate_lost"] < 1 and figures["top3_accuracy"] >= figures["accuracy"]
    evaluated = ["--data", str(tmp_path / "set.h5"), "--run", str(tmp_path / "run"), "--json", str(tmp_path / "e.json")]
    evaluated += ["--dtype", "fp32", "--engine", "torchscript"]
    assert evaluate(evaluated) == 0
    again = json.loads((tmp_path / "e.json").read_text())
    assert f"rate lost {100 * figures['rate_lost']:.2f} %" in read_row(tmp_path / "run").other
    assert again["rate_lost"] == pytest.approx(figures["rate_lost"], abs=1e-4)
    windows = draw(1000)
    check(decided(bundle, windows, 4), bundle, windows, "beam", 4)


def test_a_chart_in_a_flowgraph(tmp_path):
    def draw(number):
        return draw_clusters(25, GRID, PACKETS, 2, torch.Generator().manual_seed(number))

    signal = {"kind": "csi_profile", "size": [16, 16], "taps": len(GRID)}
    data = write_generated_csi(tmp_path / "set.h5", draw, 2, "line_of_sight", signal=signal)
    given = ["--task", "chart", "--data", str(data), "--init", str(tiny_foundation(tmp_path / "tiny"))]
    assert finetune([*given, "--regime", "full", "--out", str(tmp_path / "run"), *FAST, "image_size=[16,16]"]) == 0
    bundle, windows = str(export_bundle(tmp_path / "run", tmp_path / "chart.wfm.pt")), draw(1000)
    found = decided(bundle, windows, PACKETS)
    answers = load_bundle(bundle, device="cpu", dtype="fp32").infer_image(csi_parts(windows.csi).numpy())["chart"]
    np.testing.assert_allclose([one.decision["chart"] for one in found], answers, atol=1e-4)


def check(found, bundle: str, windows: CsiWindows, task: str, packets: int) -> None:
    """One decision a window, the bundle's own answers."""
    answers = load_bundle(bundle, device="cpu", dtype="fp32").infer_image(csi_parts(windows.csi).numpy())
    assert [d.sample_start for d in found] == [packets * number for number in range(len(windows.csi))]
    assert {d.task for d in found} == {task}
    said = np.array([list(d.decision["probabilities"].values()) for d in found])
    np.testing.assert_allclose(said, answers[task], atol=1e-4)
