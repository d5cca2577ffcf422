# SPDX-License-Identifier: GPL-3.0-or-later
"""Task chart: a map that is learnt from how unlike channels are, judged by places that it never saw."""

import json

import numpy as np
import pytest
import torch
from finetune_sets import tiny_foundation

from wfm_core.base.errors import WfmError
from wfm_core.bundle import load_bundle
from wfm_core.bundle.export import export_bundle
from wfm_core.cli.dataset import main as dataset
from wfm_core.cli.evaluate import main as evaluate
from wfm_core.cli.finetune import main as finetune
from wfm_core.data.dataset import open_dataset, write_dataset
from wfm_core.evaluate.charting import chart_figures, dissimilarities, flat_chart, geodesics


def bent(count=300):
    """Places on a strip [N, 2], and what is seen from them [N, 3]: the strip is rolled up, but for a little."""
    x, y = np.random.default_rng(2).uniform(0, 1, (2, count)) * [[3.0], [1.0]]
    return np.stack([x, y], 1), np.stack([np.cos(1.6 * x), np.sin(1.6 * x), y], 1)


def test_ways_over_neighbours_unroll_what_distances_confuse():
    places, seen = bent()
    unlike = np.linalg.norm(seen[:, None] - seen, axis=2)
    ways = geodesics(unlike, 10)
    assert ways.max() == pytest.approx(2.0) and np.allclose(ways, ways.T)
    straight, unrolled = (chart_figures(flat_chart(one), places) for one in (unlike, ways))
    assert unrolled["trustworthiness"] > 0.98 and unrolled["continuity"] > 0.98 and unrolled["stress"] < 0.1
    assert straight["stress"] > 2 * unrolled["stress"]
    chance = chart_figures(np.random.default_rng(1).normal(size=(300, 2)), places)
    assert 0.4 < chance["trustworthiness"] < 0.6 and 0.4 < chance["continuity"] < 0.6
    mirrored = chart_figures(-7 * places[:, ::-1], places)
    assert mirrored == pytest.approx({"trustworthiness": 1.0, "continuity": 1.0, "stress": 0.0}, abs=1e-6)


def test_what_cannot_be_charted_is_refused():
    apart = np.abs(np.r_[0:20, 100:120][:, None] - np.r_[0:20, 100:120]).astype(float)
    with pytest.raises(WfmError, match="fall into 2 parts"):
        geodesics(apart, 3)
    with pytest.raises(WfmError, match="40 neighbours of 40 windows"):
        geodesics(apart, 40)
    with pytest.raises(WfmError, match="5 windows to judge a chart by"):
        chart_figures(np.zeros((5, 2)), np.zeros((5, 2)))


def test_unlike_are_means_over_packets():
    images = np.random.default_rng(0).normal(size=(3, 2, 4, 5))
    found = dissimilarities(images)
    assert found[0, 1] == pytest.approx(np.linalg.norm((images[0] - images[1]).mean(2))) and not found.diagonal().any()


def test_a_hall_is_charted_by_the_commands(tmp_path, capsys):
    data, run, bundle = tmp_path / "hall.h5", tmp_path / "run", tmp_path / "chart.wfm.pt"
    assert dataset(["generate", "position", "--windows", "160", "--seed", "4", "--out", str(data)]) == 0
    init = tiny_foundation(tmp_path / "tiny")
    given = ["--task", "chart", "--data", str(data), "--init", str(init), "--regime", "full", "--out", str(run)]
    quick = ["epochs=30", "warmup_epochs=1", "batch=64", "threads=1", "test_share=0.3", "base_learning_rate=2e-2"]
    assert finetune([*given, *quick]) == 0
    said = capsys.readouterr().out
    figures = json.loads((run / "figures.json").read_text())
    assert figures["kind"] == "chart" and f"trustworthiness {figures['trustworthiness']:.4f}" in said
    assert figures["trustworthiness"] > 0.75 and figures["continuity"] > 0.75, "by chance: 0.5"
    assert (run / "chart.png").exists()
    export_bundle(run, bundle)
    assert evaluate(["--data", str(data), "--run", str(run), "--bundle", str(bundle), "--json", "-"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["continuity"] == pytest.approx(figures["continuity"], abs=0.01)
    assert evaluate(["--table", str(run)]) == 0
    assert f"chart: trustworthiness {figures['trustworthiness']:.3f}" in capsys.readouterr().out
    loaded = load_bundle(bundle, dtype="fp32")
    outputs = loaded.infer_image(open_dataset(data).read([0]))
    assert len(loaded.decide(outputs, 0)["chart"]["chart"]) == 2
    assert dataset(["generate", "position", "--samples", "64", "--windows", "8", "--out", str(data)]) == 1
    assert "--samples does not go with position: leave it out" in capsys.readouterr().err


def test_places_are_not_needed(tmp_path):
    values = torch.randn(60, 1, 32, 16, generator=torch.Generator().manual_seed(1)).numpy()
    signal = {"kind": "standard_image", "size": [32, 16], "minimum": -4.0, "maximum": 4.0, "mean": [0.5], "std": [0.1]}
    data = write_dataset(
        tmp_path / "some.h5", "image", values, None, task="custom", signal=signal, provenance={}, count=60
    )
    init, run = tiny_foundation(tmp_path / "tiny"), tmp_path / "run"
    given = ["--task", "chart", "--data", str(data), "--init", str(init), "--regime", "lp", "--out", str(run)]
    assert finetune([*given, "epochs=1", "batch=16", "threads=1"]) == 0
    figures = json.loads((run / "figures.json").read_text())
    assert figures["windows"]["test"] == 12 and "trustworthiness" not in figures
