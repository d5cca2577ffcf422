# SPDX-License-Identifier: GPL-3.0-or-later
import os

import pytest
from flowgraph_helpers import random_model
from serving_parts.server import LocalServed, ServerThread

from wfm_core.bundle import export_bundle
from wfm_core.serving.service import Service


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """A folder of installed bundles with `tiny` (IQ, 256 samples, up to 4 antennas) and `other`, of other weights."""
    folder = tmp_path_factory.mktemp("bundles")
    for seed, name in enumerate(("tiny", "other")):
        model = random_model(tmp_path_factory.mktemp("model") / name, seed=seed, name=name)
        export_bundle(model, folder / f"{name}.wfm.pt")
    before = os.environ.get("WFM_BUNDLES")
    os.environ["WFM_BUNDLES"] = str(folder)
    yield folder
    os.environ.pop("WFM_BUNDLES") if before is None else os.environ.update(WFM_BUNDLES=before)


@pytest.fixture(scope="session")
def served(installed):
    return {name: LocalServed(name) for name in ("tiny", "other")}


@pytest.fixture
def server(served):
    with ServerThread(Service(served)) as running:
        yield running
    for one in served.values():
        one.pause = 0.0
