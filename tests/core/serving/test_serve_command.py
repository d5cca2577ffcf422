# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-serve: what cannot be is one sentence, before Ray is started; and the service under Ray."""

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from flowgraph_helpers import WINDOW, noise
from serving_parts.fixtures import loaded_as
from serving_parts.ray_server import PROGRAM, RayCluster, RayServer, needs_ray
from waiting import wait_for

from wfm_core.base.errors import WfmError
from wfm_core.base.ray_session import ray_session
from wfm_core.cli import serve
from wfm_core.configs.serving import ServedBundle, read_serving
from wfm_core.serving.remote import open_remote


def windows(count: int, antennas: int = 1) -> np.ndarray:
    return noise(antennas, count * WINDOW).reshape(count, antennas, WINDOW)


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


def test_replicas_share_the_cores_unless_told_otherwise(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert [ServedBundle(replicas=count).placed(False).cpus for count in (1, 2, (1, 4), 8)] == [6, 3, 1, 1]
    assert ServedBundle(replicas=2).placed(True).cpus == 1, "a cluster's computers are others"
    assert ServedBundle(cpus=0.5).placed(False).cpus == ServedBundle(cpus=0.5).placed(True).cpus == 0.5


def test_commands_of_the_pages_are_options_of_the_program():
    pages = Path(__file__).parents[3] / "docs"
    text = "".join((pages / name).read_text() for name in ("serving.md", "three-sites.md"))
    commands = re.findall(r"^    (?:\.venv/bin/)?wfm-serve (.*)$", text, re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        serve._arguments(command.split())


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


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def metrics(port: int) -> str:
    """What Prometheus reads, "" while nobody answers there."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return answer.read().decode()
    except OSError:
        return ""


def questions_of(bundle: str, said: str) -> float:
    line = rf'^ray_wfm_serve_questions_total{{.*bundle="{bundle}".*}} ([\d.]+)'
    return sum(map(float, re.findall(line, said, re.MULTILINE)))


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@needs_ray
@pytest.mark.filterwarnings("ignore:Using extra keyword arguments on .Field")  # of Ray's
def test_a_ray_that_does_not_start_is_one_sentence(monkeypatch):
    import ray

    def start(**_):
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(ray, "init", start)
    said = pytest.raises(WfmError, match="^Ray cannot be started here .*timed out.* start again$")
    with said, ray_session("wfm-serve", "", 1):
        pass


@needs_ray
@pytest.mark.filterwarnings("ignore:Using extra keyword arguments on .Field")  # of Ray's
@pytest.mark.parametrize("facts", [("0" * 64, {}), None, ("0" * 64, {}, "cpu", "fp32", True, "torchscript", "")])
def test_a_replica_of_another_version_is_one_sentence(facts):
    """As on a computer of the cluster that was not updated: fewer facts, what cannot be read here at all, or a replica
    that takes one question a call."""
    from ray.exceptions import RaySystemError
    from ray.serve.exceptions import RayServeException

    from wfm_core.serving.deploy import _facts

    def told():
        if facts is None:
            raise RaySystemError("Facts.__new__() takes 6 positional arguments but 8 were given\nTraceback")
        return facts

    def answer():
        raise RayServeException("Tried to call a method 'answer' that does not exist.")

    def method(result):
        return SimpleNamespace(remote=lambda *_: SimpleNamespace(result=result))

    handle = SimpleNamespace(facts=method(told), answer=method(answer))
    with pytest.raises(
        WfmError, match="^a replica of bundle tiny does not answer .*install the same version"
    ) as caught:
        _facts("tiny", handle)
    assert "\n" not in str(caught.value)


@needs_ray
@pytest.mark.slow
def test_under_ray_it_answers_many_clients_as_the_bundle_does_here(installed):
    port = free_port()
    with RayServer("--bundle", "tiny", "other", "--metrics-port", str(port)) as server:
        assert server.bundles == ["tiny", "other"]
        for name in server.bundles:
            there, batch = open_remote(name, server.device, 0.0), windows(7)
            found = there.infer(batch)["interference"]
            assert np.allclose(found, loaded_as(there).infer(batch)["interference"], atol=1e-5)
        results = {}

        def ask(number: int) -> None:
            client = open_remote("tiny", server.device, 0.0)
            results[number] = [client.infer(windows(3)[[number % 3]])["interference"] for _ in range(10)]

        askers = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        wanted = loaded_as(open_remote("tiny", server.device, 0.0)).infer(windows(3))["interference"]
        for number in range(8):
            assert all(np.allclose(row, wanted[number % 3], atol=1e-5) for row in results[number])
        wait_for(lambda: questions_of("tiny", metrics(port)) >= 80, 120, lambda: metrics(port)[-2000:])
        there = open_remote("tiny", server.device, 60.0)
        before = server.replicas("tiny")
        assert before and there.infer(windows(1)) and there.replica
        for process in before:
            os.kill(process, signal.SIGKILL)
        assert there.infer(windows(2)), "another replica took its place"
        server.process.send_signal(signal.SIGTERM)
        out, complaints = server.process.communicate(timeout=120)
        assert server.process.returncode == 0 and "INFO" not in complaints and "Traceback" not in complaints, complaints
    wait_for(lambda: not any(map(runs, before)), 60)


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
def test_replicas_follow_the_load(installed, tmp_path):
    config = tmp_path / "serve.yaml"
    config.write_text("bundles:\n  tiny: {replicas: [1, 2], batch: 1, wait_ms: 0, cpus: 0.5}\n")
    with RayServer("--config", str(config)) as server:
        assert len(server.replicas("tiny")) == 1
        ends, asked = threading.Event(), []

        def ask() -> None:
            client = open_remote("tiny", server.device, 60.0)
            while not ends.is_set():
                client.infer(windows(1))
                asked.append(client.replica)

        askers = [threading.Thread(target=ask) for _ in range(8)]
        for asker in askers:
            asker.start()
        try:
            wait_for(lambda: len(set(asked)) == 2, 300, lambda: f"{len(asked)} answers, of {set(asked)}")
        finally:
            ends.set()
            for asker in askers:
                asker.join()


@needs_ray
@pytest.mark.slow
def test_on_a_cluster_of_two_nodes(installed, tmp_path):
    """As docs/serving.md has it, with two nodes as processes here; only the second has processors to give, and what it
    says is a GPU, of which each bundle has its half. A question of 8 MB is larger than Ray's own limit."""
    config, large = tmp_path / "serve.yaml", windows(1024, antennas=4)
    config.write_text("bundles:\n  tiny: {gpus: 0.5, device: cpu, batch: 1024}\n  other: {gpus: 0.5, device: cpu}\n")
    with RayCluster(tmp_path, "--num-gpus", "1") as cluster:
        with RayServer("--config", str(config), "--cluster", cluster.address) as server:
            for name in ("tiny", "other"):
                there = open_remote(name, server.device, 0.0)
                found = there.infer(windows(3))["interference"]
                assert np.allclose(found, loaded_as(there).infer(windows(3))["interference"], atol=1e-5)
            assert len(open_remote("tiny", server.device, 0.0).infer(large)["interference"]) == len(large)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(120) == 0
        assert cluster.goes_on()
