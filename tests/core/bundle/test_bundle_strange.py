# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles whose program is within all limits and yet no model: one sentence, from the library and the commands."""

import re

import numpy as np
import pytest
import torch
from flowgraph_helpers import random_model, write_recording
from test_bundle_trial import bad_bundle

from wfm_core.base.errors import WfmError
from wfm_core.bundle import export_bundle, load_bundle
from wfm_core.cli import evaluate

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


class Bare(torch.nn.Module):
    """No parameter, and no `network`."""

    def forward(self, iq: torch.Tensor):
        return {"interference": iq.abs()[:, 0, :3], "embedding_iq": iq.abs()[:, 0, :32]}


class Demanding(torch.nn.Module):
    def forward(self, iq: torch.Tensor, more: int):
        return {"interference": iq.abs()[:, 0, :3] + more}


class Silent(torch.nn.Module):
    def forward(self, iq: torch.Tensor):
        return {"embedding_iq": iq.abs()[:, 0, :32]}


class Narrow(torch.nn.Module):
    def forward(self, iq: torch.Tensor):
        return {"interference": iq.abs()[:, 0, :2], "embedding_iq": iq.abs()[:, 0, :32]}


class NoDict(torch.nn.Module):
    def forward(self, iq: torch.Tensor):
        return iq.abs()


class Raising(torch.nn.Module):
    def forward(self, iq: torch.Tensor):
        if iq.size(0) < 1000:
            raise ValueError("boo\nhoo")
        return {"interference": iq.abs()[:, 0, :3], "embedding_iq": iq.abs()[:, 0, :32]}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    return export_bundle(random_model(folder / "m"), folder / "good.wfm.pt")


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return write_recording(tmp_path_factory.mktemp("r"), np.ones((1, 4096), np.complex64))


def test_a_bundle_without_parameters_is_run(good, tmp_path):
    bundle = load_bundle(bad_bundle(good, tmp_path / "x.wfm.pt", Bare), device="cpu", dtype="fp32")
    assert bundle.infer(np.ones((2, 1, bundle.contract.samples), np.complex64))["interference"].shape == (2, 3)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Demanding, "cannot be run .*missing value for argument 'more'"),
        (Silent, "gives nothing as interference"),
        (Narrow, r"gives \[16, 2\] as interference"),
        (NoDict, "cannot be run"),
        (Raising, "cannot be run .*boo hoo"),
    ],
)
@pytest.mark.parametrize("dtype", ["fp32", "auto"])
def test_a_bundle_that_is_no_model_is_one_sentence(good, recording, tmp_path, capsys, kind, said, dtype):
    path = bad_bundle(good, tmp_path / "x.wfm.pt", kind)
    with pytest.raises(WfmError):
        load_bundle(path, device="cpu", dtype=dtype).warm(1, 1)
    assert evaluate.main(["--bundle", str(path), "--input", str(recording), "--device", "cpu", "--dtype", dtype]) == 1
    error = capsys.readouterr().err.splitlines()
    assert not any(line.startswith("Traceback") for line in error) and len(error[-1]) < 1600
    if dtype == "fp32":
        assert re.search(said, error[-1])
