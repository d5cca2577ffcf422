# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-scan --workers: the same by Ray Data, here and on a cluster, whatever happens to its workers."""

import importlib.util
import subprocess
import sys

import pytest
from batch_parts.many_recordings import kill_at_random, results_in, signals_file, write_recordings
from serving_parts.ray_server import RayCluster

needs_ray_data = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None or importlib.util.find_spec("pandas") is None,
    reason="Ray Data is not installed (pip install 'ray[data]')",
)
pytestmark = [needs_ray_data, pytest.mark.slow]


@pytest.fixture(scope="module")
def scan(tmp_path_factory) -> list[str]:
    """The command, by which every pass computes alike."""
    bundle = signals_file(tmp_path_factory.mktemp("bundle"))
    program = [sys.executable, "-m", "wfm_core.cli.scan", "--bundle", bundle]
    return [*program, "--device", "cpu", "--dtype", "fp32", "--engine", "torchscript"]


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=900)


def undisturbed(scan: list[str], source, out) -> dict[str, bytes]:
    """By processes."""
    done = run(*scan, str(source), "--out", str(out))
    assert done.returncode == 0, done.stderr
    return results_in(out)


def test_200_recordings_with_workers_killed_at_random(scan, tmp_path):
    source = write_recordings(tmp_path / "recordings", 200)
    calm = undisturbed(scan, source, tmp_path / "calm")
    command = [*scan, str(source), "--out", str(tmp_path / "killed"), "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        hit = kill_at_random(program, "ray::MapWorker", tmp_path / "killed", most=8, seed=7)
        said, complaints = program.communicate(timeout=1200)
    assert program.returncode == 0 and hit > 2, complaints
    assert said == f"200 recordings: 200 done, 0 of them before, 0 failed; results in {tmp_path / 'killed'}\n"
    assert complaints == ""
    assert len(calm) == 200 and results_in(tmp_path / "killed") == calm


def test_a_run_goes_on_with_ray_and_on_a_cluster(scan, tmp_path):
    source = write_recordings(tmp_path / "recordings", 9)
    calm = undisturbed(scan, source, tmp_path / "calm")
    (source / "site1" / "broken.sigmf-meta").write_text("{")
    out = tmp_path / "out"
    done = run(*scan, str(source), "--out", str(out), "--workers", "2")
    (said,) = done.stderr.splitlines()
    assert done.returncode == 1 and "broken.sigmf-meta" in said
    assert "10 recordings: 9 done, 0 of them before, 1 failed" in done.stdout and results_in(out) == calm
    for number in (1, 5):
        (out / f"site{number % 3}" / f"r00{number}.sigmf-meta.jsonl").unlink()
    with RayCluster(tmp_path) as cluster:
        done = run(*scan, str(source), "--out", str(out), "--cluster", cluster.address)
        assert cluster.goes_on()
    assert done.returncode == 1 and "9 done, 7 of them before, 1 failed" in done.stdout, done.stderr
    assert results_in(out) == calm


def test_a_cluster_that_is_not_there_is_one_sentence(scan, tmp_path):
    source = write_recordings(tmp_path / "recordings", 1)
    done = run(*scan, str(source), "--out", str(tmp_path / "out"), "--cluster", "127.0.0.1:1")
    (said,) = done.stderr.splitlines()
    assert done.returncode == 1 and "the Ray cluster 127.0.0.1:1 cannot be reached" in said and "refused" in said


def test_a_recording_on_which_no_worker_lasts_is_left_out(tmp_path):
    """And no other."""
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    source = write_recordings(tmp_path / "recordings", 6, samples=100)
    done = run(sys.executable, str(program), str(source), str(tmp_path / "out"))
    assert done.stdout.splitlines() == ["5", "site1/r004.sigmf-meta: the process at work on it ended 3 times, as for "
                                        "lack of memory; see the system's log"], done.stderr  # fmt: skip


_PROGRAM = """
import sys
from pathlib import Path
from batch_parts.many_recordings import Tricky
from wfm_core.batch.ray_data import RayWorkers
from wfm_core.batch.run import run
from wfm_core.batch.work import Unit
from wfm_core.data.recordings.folder import called_in, recordings_in

source, out = map(Path, sys.argv[1:])
units = [Unit(recording, called_in(source, recording)) for recording in recordings_in(source)]
ended = run("test", {}, Tricky(kills=(4,)), units, out, RayWorkers("test", 2, ""))
print(len(ended.names), *ended.failures.values(), sep="\\n")
"""
