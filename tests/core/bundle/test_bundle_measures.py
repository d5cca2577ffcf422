# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles and foundations whose IQ side says what was measured of the window."""

import numpy as np
import pytest
import torch
from bundle_files import needs_bf16, windows
from multitask_runs import tuned

from wfm_core import load_bundle
from wfm_core.base.errors import WfmError
from wfm_core.bundle import export_tasks, read_model_folder
from wfm_core.bundle.foundation import build_model, load_foundation, save_foundation
from wfm_core.bundle.from_foundation import export_foundation
from wfm_core.model.measures import window_measures

IQ = {"kind": "iq_standard", "mean": [0.0, 0.0], "std": [0.7, 0.7]}
DESCRIPTION = {
    "name": "measured",
    "encoder": {"width": 16, "depth": 1, "heads": 2, "mlp_hidden": 32},
    "affine": "before",
    "sample_rate": {"min": 1e5, "max": 1e7},
    "modalities": {"iq": {"antennas": 4, "measures": True, "signal": IQ}},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("foundation") / "measured"
    torch.manual_seed(0)
    model = build_model(DESCRIPTION)
    model.iq.measures.fit(window_measures(torch.from_numpy(windows(32, 1, 256).astype(np.complex64))))
    torch.nn.init.normal_(model.iq.measures.tokens.weight)
    save_foundation(path, DESCRIPTION, model.state_dict())
    return path


@pytest.mark.parametrize("antennas", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["fp32", pytest.param("bf16", marks=needs_bf16)])
def test_a_bundle_says_what_its_foundation_does(folder, tmp_path, antennas, dtype):
    bundle = load_bundle(export_foundation(folder, tmp_path, samples=256), device="cpu", dtype=dtype)
    assert bundle.contract.raw["iq"] == {"measures": True} and bundle.contract.tokens(antennas) == 1 + 16 * antennas
    iq = windows(5, antennas, 256).astype(np.complex64)
    foundation = load_foundation(folder)
    wanted = foundation.model.embed_iq(foundation.preprocess["iq"](torch.from_numpy(iq)), "mean").numpy()
    atol = 1e-4 if dtype == "fp32" else 0.1
    np.testing.assert_allclose(bundle.infer(iq)["embedding_iq"], wanted, atol=atol)
    assert np.isfinite(bundle.infer(np.zeros_like(iq))["embedding_iq"]).all()


def test_random_weights_say_nothing_of_them_but_scale_them(folder):
    foundation = load_foundation(folder)
    fresh = foundation.random(3).model.iq.measures
    assert torch.equal(fresh.mean, foundation.model.iq.measures.mean) and not fresh.tokens.weight.any()


def test_weights_without_them_do_not_fit(folder, tmp_path):
    description = {**DESCRIPTION, "modalities": {"iq": {**DESCRIPTION["modalities"]["iq"], "measures": False}}}
    save_foundation(tmp_path, description, build_model(description).state_dict())
    text = (tmp_path / "foundation.yaml").read_text()
    (tmp_path / "foundation.yaml").write_text(text.replace("measures: false", "measures: true"))
    with pytest.raises(WfmError, match="the weights do not fit foundation.yaml"):
        load_foundation(tmp_path)


def test_tasks_in_one_bundle_are_told_them_too(tmp_path):
    """Each by its own input side, as alone."""
    measured = {"iq": {"measures": True}, "modality": "iq", "signal": IQ}
    runs = {name: tuned(tmp_path / name, name, "lp", freeze_inputs=False, **measured) for name in ("kind", "sender")}
    bundle = load_bundle(export_tasks(runs, tmp_path / "both.wfm.pt", "both"), device="cpu", dtype="fp32")
    assert [stem.iq_measures for stem in bundle.contract.stems.values()] == [True, True]
    iq = windows(3, 1, bundle.contract.samples).astype(np.complex64)
    for name, run in runs.items():
        alone = load_bundle(str(run), device="cpu", dtype="fp32")
        assert read_model_folder(run)[1]["iq.measures.tokens.weight"].any()
        np.testing.assert_allclose(bundle.infer(iq)[name], alone.infer(iq)[name], atol=1e-5)
