# SPDX-License-Identifier: GPL-3.0-or-later
"""Dense tasks from a data set to a bundle: fine-tuned in each regime, evaluated, exported, loaded."""

import json

import numpy as np
import pytest
import torch
import yaml
from finetune_sets import FAST, PILOTS, PIXELS, bars, flat_channels, spots, tiny_foundation

from wfm_core import load_bundle
from wfm_core.base.errors import WfmError
from wfm_core.bundle import export_bundle
from wfm_core.bundle.combine import export_tasks
from wfm_core.cli.evaluate import main as evaluate
from wfm_core.cli.finetune import main
from wfm_core.data.dataset import open_dataset
from wfm_core.evaluate.dense import nmse_db, relative_errors
from wfm_core.evaluate.table import read_row
from wfm_core.signal import build_preprocessor

finetune = main.__wrapped__  # raises, where the program prints

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*treespec")
PLAIN = ["--dtype", "fp32", "--engine", "torchscript"]


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """A folder with both sets and a foundation for each: that of flat.h5 makes tokens of each channel."""
    folder = tmp_path_factory.mktemp("dense")
    tiny_foundation(folder / "bars")
    image = {"channels": 2, "per_channel": True, "size": [32, 32]}
    tiny_foundation(folder / "flat", modalities={"image": image})
    flat_channels(folder / "flat.h5")
    bars(folder / "bars.h5")
    return folder


def run(sets, data, out, *arguments):
    init = sets / data.removesuffix(".h5")
    finetune(["--data", str(sets / data), "--init", str(init), "--out", str(out), *FAST, *arguments])
    return json.loads((out / "figures.json").read_text())


def evaluated(out, data, *arguments):
    file = out / "evaluated.json"
    assert evaluate(["--data", str(data), "--run", str(out), "--json", str(file), *PLAIN, *arguments]) == 0
    return json.loads(file.read_text())


def test_an_estimate_in_each_regime(sets, tmp_path, capsys):
    figures = run(sets, "flat.h5", tmp_path / "full", "--regime", "full", "epochs=20")
    dataset = open_dataset(sets / "flat.h5")
    test = json.loads((tmp_path / "full" / "split.json").read_text())["test"]
    pilots, truth = dataset.read(test), dataset.label[test]
    grid = build_preprocessor(PILOTS)
    raw = torch.from_numpy(pilots)
    plain = (grid(raw) * grid.level(raw))[..., :14].numpy()
    assert figures["kind"] == figures["task"] == "channel_estimate" and "nmse_db" in capsys.readouterr().out
    assert figures["nmse_db"] < nmse_db(relative_errors(plain, truth)) - 3, "the mean over pilots is learnt"
    again = evaluated(tmp_path / "full", sets / "flat.h5", "--out", str(tmp_path / "pictures"))
    assert again["nmse_db"] == pytest.approx(figures["nmse_db"], abs=1e-3)
    low, high = again["nmse_db_interval"]
    assert low < again["nmse_db"] < high
    assert f"NMSE {figures['nmse_db']:.2f} dB" in read_row(tmp_path / "full").other
    bundle = load_bundle(str(export_bundle(tmp_path / "full", tmp_path / "e.wfm.pt")), device="cpu", dtype="fp32")
    answers = bundle.infer_image(pilots)
    assert answers["channel_estimate"].shape == (len(test), 2, 16, 14) and bundle.decide(answers, 0) == {}
    assert nmse_db(relative_errors(answers["channel_estimate"], truth)) == pytest.approx(again["nmse_db"], abs=1e-3)
    louder = bundle.infer_image(1000 * pilots)["channel_estimate"]
    np.testing.assert_allclose(louder, 1000 * answers["channel_estimate"], rtol=1e-3, atol=1)
    for regime in ("lp", "ft2", "scratch", "lora"):
        other = run(sets, "flat.h5", tmp_path / regime, "--regime", regime, "epochs=1", "blocks=1")
    assert evaluated(tmp_path / "lora", sets / "flat.h5")["nmse_db"] == pytest.approx(other["nmse_db"], abs=1e-3)
    for folder in (tmp_path / "full", tmp_path / "pictures"):
        assert (folder / "examples.png").stat().st_size > 5000


def test_a_segmentation(sets, tmp_path):
    figures = run(sets, "bars.h5", tmp_path / "run", "--regime", "full", "epochs=20")
    assert figures["mean_iou"] > 0.7 and figures["pixel_accuracy"] > 0.9 and figures["ece_after"] < 0.1
    contract = yaml.safe_load((tmp_path / "run" / "contract.yaml").read_text())
    task = contract["tasks"]["segmentation"]
    assert task["grid"] == [32, 32] and task["pooling"] == "tokens" and task["labels"] == list(PIXELS)
    assert contract["image"]["size"] == [32, 32], "that of the labels, without image_size"
    again = evaluated(tmp_path / "run", sets / "bars.h5")
    assert again["mean_iou"] == pytest.approx(figures["mean_iou"], abs=1e-3) and again["ece"] < 0.1
    assert f"mean IoU {figures['mean_iou']:.3f}" in read_row(tmp_path / "run").other
    bundle = load_bundle(str(export_bundle(tmp_path / "run", tmp_path / "s.wfm.pt")), device="cpu", dtype="fp32")
    probabilities = bundle.infer_image(open_dataset(sets / "bars.h5").read([0, 1, 2]))["segmentation"]
    assert probabilities.shape == (3, 3, 32, 32)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize(
    "data, arguments, said",
    [
        ("bars.h5", ["image_size=[48,32]"], "expected images of 32x32"),
        ("bars.h5", ["roll=width"], "leave out roll"),
    ],
)
def test_what_does_not_lie_on_the_labels_is_refused(sets, tmp_path, data, arguments, said):
    with pytest.raises(WfmError, match=said):
        run(sets, data, tmp_path / "run", *arguments)


def test_evaluations_on_other_labels_are_refused(sets, tmp_path):
    run(sets, "flat.h5", tmp_path / "run", "--regime", "lp", "epochs=1")
    for data, said in ((bars(tmp_path / "b.h5"), "labelled with segmentation"), (spots(tmp_path / "s.h5"), "classes")):
        with pytest.raises(WfmError, match=said):
            evaluate.__wrapped__(["--data", str(data), "--run", str(tmp_path / "run"), "--split", "all", *PLAIN])
    with pytest.raises(WfmError, match="export it as a bundle of its own"):
        export_tasks({"channel_estimate": tmp_path / "run"}, tmp_path / "both.wfm.pt", "both")
