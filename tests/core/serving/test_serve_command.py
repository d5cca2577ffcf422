# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-serve: what cannot be is one sentence, before Ray is started; and the service under Ray."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest
from flowgraph_helpers import WINDOW, noise
from serving_parts.ray_server import PROGRAM, RayCluster, RayServer, needs_ray
from waiting import wait_for

from wfm_core import load_bundle
from wfm_core.base.errors import WfmError
from wfm_core.cli import serve
from wfm_core.configs.serving import read_serving
from wfm_core.serving.remote import open_remote


def windows(count: int) -> np.ndarray:
    return noise(1, count * WINDOW).reshape(count, 1, WINDOW)


def test_without_ray_it_says_what_to_install():
    code = "import sys; sys.modules['ray'] = None; from wfm_core.cli import serve; sys.exit(serve.main())"
    command = [sys.executable, "-c", code, "--bundle", "tiny"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert (
        "wfm-serve takes the Python package ray[serve], which" in done.stderr and "install it with pip" in done.stderr
    )


@needs_ray
@pytest.mark.filterwarnings("ignore:Using extra keyword arguments on .Field")  # of Ray's
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--bundle", "absent"], "no bundle 'absent'"),
        (["--bundle", "/etc/passwd"], "bundle '/etc/passwd': the name of an installed bundle is expected, no path"),
        (["--bundle", "tiny", "--address", "0.0.0.0:5720"], "can be reached by others: give --tls-cert, --tls-key"),
        (["--bundle", "tiny", "--address", "5720"], "HOST:PORT is expected"),
        (["--bundle", "tiny", "--tls-cert", __file__], "TLS takes both a certificate and its key"),
        (["--bundle", "tiny", "--token-file", os.devnull], f"{os.devnull} "),
        (["--config", "absent.yaml"], "config 'absent.yaml' is neither a file nor one of"),
    ],
)
def test_what_cannot_be_is_one_sentence(installed, options, words, capsys, monkeypatch):
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, "")
    assert serve.main(options) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and words in said, said


def test_neither_bundles_nor_a_configuration_is_wrong_use():
    done = subprocess.run(PROGRAM, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "give --bundle NAME or --config YAML" in done.stderr


def test_a_configuration_says_what_each_bundle_gets(tmp_path):
    path = tmp_path / "serve.yaml"
    path.write_text("bundles:\n  tiny: {replicas: [1, 4], gpus: 0.25}\n  other:\n")
    serving = read_serving(str(path), ["tiny", "third"])
    assert set(serving.bundles) == {"tiny", "other", "third"}
    tiny = serving.bundles["tiny"]
    assert (tiny.replicas, tiny.most_replicas, tiny.gpus, tiny.batch) == ((1, 4), 4, 0.25, 64)
    assert serving.bundles["third"].replicas == 1


def test_the_page_s_configuration_is_read(tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "serving.md").read_text()
    path = tmp_path / "serve.yaml"
    path.write_text(textwrap.dedent(re.search(r"^    bundles:\n(?:      .*\n)+", page, re.MULTILINE)[0]))
    assert read_serving(str(path), []).bundles["wfm-signals"].replicas == (1, 8)
    options = set(re.findall(r"^\| `(--[a-z-]+)", page, re.MULTILINE))
    assert len(options) == 7
    done = subprocess.run([*PROGRAM, "--help"], capture_output=True, text=True, timeout=60)
    assert options <= set(re.findall(r"--[a-z-]+", done.stdout))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bundles: {}", "at least"),
        ("bundles: {tiny: {replica: 2}}", "unknown key 'bundles.tiny.replica'; the nearest known one is 'replicas'"),
        ("bundles: {tiny: {replicas: [4, 1]}}", r"replicas \[4, 1\]; expected the fewest, then the most"),
        ("bundles: {tiny: {batch: 5000}}", "batch is 5000"),
        ("bundles: 5", "bundles is 5; expected a mapping"),
    ],
)
def test_a_configuration_that_cannot_be(tmp_path, text, said):
    path = tmp_path / "serve.yaml"
    path.write_text(text)
    with pytest.raises(WfmError, match=said):
        read_serving(str(path), [])


def replicas() -> list[int]:
    """Processes of replicas on this computer."""
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "ray::ServeReplica:tiny" in line]


@needs_ray
@pytest.mark.slow
def test_under_ray_it_answers_many_clients_as_the_bundle_does_here(installed):
    with RayServer("--bundle", "tiny", "other") as server:
        assert server.bundles == ["tiny", "other"]
        for name in server.bundles:
            there, here = open_remote(name, server.device, 0.0), load_bundle(name)
            batch = windows(7)
            assert np.allclose(there.infer(batch)["interference"], here.infer(batch)["interference"], atol=1e-5)
        results = {}

        def ask(number: int) -> None:
            client = open_remote("tiny", server.device, 0.0)
            results[number] = [client.infer(windows(3)[[number % 3]])["interference"] for _ in range(10)]

        askers = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        wanted = load_bundle("tiny").infer(windows(3))["interference"]
        for number in range(8):
            assert all(np.allclose(row, wanted[number % 3], atol=1e-5) for row in results[number])
        there = open_remote("tiny", server.device, 60.0)
        before = replicas()
        assert before
        for process in before:
            os.kill(process, signal.SIGKILL)
        assert there.infer(windows(2)), "another replica took its place"
        server.process.send_signal(signal.SIGTERM)
        out, complaints = server.process.communicate(timeout=120)
        assert server.process.returncode == 0 and "INFO" not in complaints and "Traceback" not in complaints, complaints
    wait_for(lambda: not set(replicas()) & set(before), 60)


@needs_ray
@pytest.mark.slow
def test_it_ends_with_a_sentence_when_ray_does(installed):
    with RayServer("--bundle", "tiny") as server:
        listed = subprocess.run(["ps", "-eo", "pid,ppid,comm"], capture_output=True, text=True).stdout
        ours = [line.split() for line in listed.splitlines() if line.split()[1] == str(server.process.pid)]
        (raylet,) = (int(pid) for pid, _, name in ours if name == "raylet")
        os.kill(raylet, signal.SIGKILL)
        _, complaints = server.process.communicate(timeout=120)
    assert server.process.returncode == 1 and "Ray has ended under it" in complaints


@needs_ray
@pytest.mark.slow
def test_on_a_cluster_of_two_nodes(installed, tmp_path):
    """As docs/serving.md has it, with two nodes as processes here; only the second has a processor to give."""
    with RayCluster(tmp_path) as cluster:
        with RayServer("--bundle", "tiny", "--cluster", cluster.address) as server:
            found = open_remote("tiny", server.device, 0.0).infer(windows(3))["interference"]
            assert np.allclose(found, load_bundle("tiny").infer(windows(3))["interference"], atol=1e-5)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(120) == 0
        assert cluster.goes_on()
