# SPDX-License-Identifier: GPL-3.0-or-later
"""Models of single signals whose trees are not what their contract says, or lead nowhere, are refused in a sentence."""

from dataclasses import asdict

import numpy as np
import pytest
import torch
import yaml

from wfm_core import load_bundle
from wfm_core.base.errors import WfmError
from wfm_core.bundle import read_model_folder
from wfm_core.bundle.export import save_model_folder
from wfm_core.model import ClassHead, EncoderConfig
from wfm_core.model.found import FoundSignalModel
from wfm_core.model.trees import TreeSizes
from wfm_core.signal.found import IMAGES, NUMBERS, SAMPLES
from wfm_core.signal.observe import observe

SIZES = TreeSizes(rounds=2, leaves=4, depth=2)
ENCODER = {"width": 32, "depth": 1, "heads": 2, "mlp_hidden": 32}
CONTRACT = {
    "name": "tiny",
    "encoder": ENCODER,
    "input": "iq",
    "modality": "signal",
    "window": {"antennas": 1, "samples": SAMPLES},
    "sample_rate": {"min": 1.0, "max": 1e12},
    "signal": {"kind": "found_signal"},
    "trees": asdict(SIZES),
    "tasks": {"classification": {"kind": "classification", "labels": ["a", "b", "noise"]}},
}


def folder(path, change=lambda trees: None):
    """A model folder with random weights; `change` is given its trees."""
    torch.manual_seed(0)
    heads = {"classification": ClassHead(32, 3)}
    model = FoundSignalModel(EncoderConfig(**ENCODER), IMAGES, NUMBERS, heads=heads, trees=SIZES, classes=3)
    change(model.opinion.trees)
    save_model_folder(path, CONTRACT, model.state_dict())
    return path


def test_trees_travel_as_whole_numbers(tmp_path):
    def leaf(trees):
        trees.value.data[:: trees.nodes] = 1234

    _, weights = read_model_folder(folder(tmp_path, leaf))
    assert weights["opinion.trees.value"].dtype == torch.int16 and weights["opinion.trees.value"][0] == 1234
    answers = load_bundle(str(tmp_path)).infer(observe(np.ones(5000), 1e4, 0.25, 20.0, 1e6)[None, None])
    assert answers["classification"].shape == (1, 3)


@pytest.mark.parametrize(("part", "value"), [("branches", 7), ("feature", 248)])
def test_trees_that_lead_out_of_themselves_are_refused(tmp_path, part, value):
    def lead_out(trees):
        getattr(trees, part).data[0] = value

    with pytest.raises(WfmError, match="nodes that lead out"):
        load_bundle(str(folder(tmp_path, lead_out)))


@pytest.mark.parametrize(
    ("trees", "said"),
    [
        ({"rounds": 4096, "leaves": 128, "depth": 2}, "for its trees there should be more than"),
        ({"rounds": 3, "leaves": 4, "depth": 2}, "do not fit"),
        ({"rounds": 2, "leaves": 129, "depth": 2}, "leaves"),
        ({"rounds": 0, "leaves": 4, "depth": 2}, "rounds"),
        ({"rounds": 2, "leaves": 4}, "depth"),
        (None, "do not fit"),
    ],
)
def test_other_sizes_are_refused(tmp_path, trees, said):
    path = folder(tmp_path) / "contract.yaml"
    contract = yaml.safe_load(path.read_text())
    contract["trees"] = trees
    path.write_text(yaml.safe_dump(contract))
    with pytest.raises(WfmError, match=said):
        load_bundle(str(tmp_path))


def test_only_single_signals_have_trees(tmp_path):
    path = folder(tmp_path) / "contract.yaml"
    contract = yaml.safe_load(path.read_text()) | {"modality": "iq"}
    contract["window"]["samples"] = 1024
    path.write_text(yaml.safe_dump(contract))
    with pytest.raises(WfmError, match="trees, modality 'iq'"):
        load_bundle(str(tmp_path))
