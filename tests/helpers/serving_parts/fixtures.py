# SPDX-License-Identifier: GPL-3.0-or-later
"""Installed bundles, and servers of them; a conftest.py imports what its tests use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flowgraph_helpers import random_model
from image_bundles import ACTIVITY, POSITION, image_contract, signal_bundle

from wfm_core.bundle import build_network, export_bundle, load_bundle, parse_contract, save_model_folder
from wfm_core.serving.service import Service

from .server import LocalServed, ServerThread


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder of installed bundles: `tiny` (IQ, 256 samples, up to 4 antennas) and `other`, of other weights."""
    folder = tmp_path_factory.mktemp("bundles")
    for seed, name in enumerate(("tiny", "other")):
        model = random_model(tmp_path_factory.mktemp("model") / name, seed=seed, name=name)
        export_bundle(model, folder / f"{name}.wfm.pt")
    before = os.environ.get("WFM_BUNDLES")
    os.environ["WFM_BUNDLES"] = str(folder)
    yield folder
    os.environ.pop("WFM_BUNDLES") if before is None else os.environ.update(WFM_BUNDLES=before)


@pytest.fixture(scope="module")
def installed_kinds(installed, tmp_path_factory):
    """Also `odd`, of other labels, `signals`, which names found signals, `activity` and `position` of images."""
    model = tmp_path_factory.mktemp("model")
    export_bundle(random_model(model / "odd", labels=("none", "wifi"), name="odd"), installed / "odd.wfm.pt")
    export_bundle(Path(signal_bundle(model / "signals")), installed / "signals.wfm.pt")
    for name, tasks in (("activity", ACTIVITY), ("position", POSITION)):
        raw = image_contract(tasks, name=name)
        save_model_folder(model / name, raw, build_network(parse_contract(raw, name)).state_dict())
        export_bundle(model / name, installed / f"{name}.wfm.pt")
    return installed


@pytest.fixture(scope="module")
def served(installed):
    return {name: LocalServed(name) for name in ("tiny", "other")}


@pytest.fixture
def server(served):
    with ServerThread(Service(served)) as running:
        yield running
    for one in served.values():
        one.pause, one.claims = 0.0, {}


def loaded_as(there):
    """The bundle of the name of a remote one, computed as its server did: each chooses by what is fast just then."""
    return load_bundle(there.name, dtype=there.dtype, engine=there.engine)


class ServerProcess:
    """A server of `names` as a process of its own; `start` takes the same port again."""

    def __init__(self, *names: str):
        self._names, self.port = names, 0
        self._process = None

    def start(self) -> None:
        program = Path(__file__).with_name("server.py")
        command = [sys.executable, str(program), f"127.0.0.1:{self.port}", *self._names]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = int(self._process.stdout.readline().split()[1])

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    @property
    def device(self) -> str:
        return f"grpc://127.0.0.1:{self.port}"


@pytest.fixture
def server_process(installed):
    server = ServerProcess("tiny")
    server.start()
    yield server
    server.kill()
