# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-scan --out: many recordings by processes, as one after another, whatever happens meanwhile."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from batch_parts.many_recordings import kill_at_random, results_in, signals_file, write_recordings, written
from image_bundles import signal_bundle
from waiting import wait_for

from wfm_core.cli import evaluate
from wfm_core.cli.scan import main

PROGRAM = [sys.executable, "-m", "wfm_core.cli.scan"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return signals_file(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def source(tmp_path):
    return write_recordings(tmp_path / "recordings", 4)


@pytest.fixture
def alike(bundle) -> list[str]:
    """Options by which every pass computes alike; OMP_NUM_THREADS=1 (see `one_thread`) is for the first digits only."""
    return ["--bundle", bundle, "--device", "cpu", "--dtype", "fp32", "--engine", "torchscript"]


def same(first, second) -> bool:
    """Two files of lines, but for the last digits, which depend on the number of threads."""
    one, other = ([json.loads(line) for line in path.read_text().splitlines()] for path in (first, second))
    return len(one) == len(other) > 0 and all(a == pytest.approx(b, rel=1e-4) for a, b in map(_flat, one, other))


def _flat(one: dict, other: dict) -> tuple[dict, dict]:
    probabilities = [line.pop("probabilities") for line in (one, other)]
    names = [{name: line.pop(name) for name in ("recording", "label")} for line in (one, other)]
    assert names[0] == names[1]
    return one | probabilities[0], other | probabilities[1]


def test_a_folder_in_order_with_what_cannot_be_read_told_at_the_end(source, alike, tmp_path, capsys):
    (source / "site1" / "broken.sigmf-meta").write_text("{")
    (source / "site1" / "gone.sigmf-meta").write_text((source / "site0" / "r000.sigmf-meta").read_text())
    sequence, together, out = tmp_path / "one.jsonl", tmp_path / "all.jsonl", tmp_path / "out"
    assert main([str(source), *alike, "--json", str(sequence)]) == 1
    first = capsys.readouterr().err.splitlines()
    assert len(first) == 2 and "broken.sigmf-meta" in first[0] and "gone.sigmf-data" in first[1]
    arguments = [str(source), *alike, "--out", str(out), "--json", str(together), "--processes", "2"]
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert said.err.splitlines() == first
    assert said.out == f"6 recordings: 4 done, 0 of them before, 2 failed; results in {out}\n"
    assert same(sequence, together)
    results = results_in(out)
    assert sorted(results) == [f"site{n % 3}/r{n:03d}.sigmf-meta.jsonl" for n in (0, 3, 1, 2)]
    joined = b"".join(b"".join(data.splitlines(True)[:-1]) for _, data in sorted(results.items()))
    assert joined == together.read_bytes(), "a result file's lines, but its last, are those of --json"

    # as a crash, a full disk and somebody's editor leave results
    (out / "site0" / "r000.sigmf-meta.jsonl").write_bytes(results["site0/r000.sigmf-meta.jsonl"][:100])
    (out / "site0" / "r003.sigmf-meta.jsonl").unlink()
    (out / "site1" / ".r001.sigmf-meta.jsonl.abcd1234.part").write_text("half")
    kept = (out / "site2" / "r002.sigmf-meta.jsonl").stat().st_mtime_ns
    os.utime(source / "site1" / "r001.sigmf-data")
    assert main([*arguments[:-2], "--processes", "1"]) == 1
    assert "6 recordings: 4 done, 1 of them before, 2 failed" in capsys.readouterr().out
    assert together.read_bytes() == joined and (out / "site2" / "r002.sigmf-meta.jsonl").stat().st_mtime_ns == kept
    assert set(results_in(out)) == set(results), "what a killed writer left has gone"


def test_results_of_other_options_are_not_mixed(source, alike, bundle, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out"), "--processes", "1"]
    folder = signal_bundle(tmp_path / "folder")
    assert main([str(source), "--bundle", folder, "--device", "cpu", *out]) == 0
    before = results_in(tmp_path / "out")
    for options, words in (
        (["--bundle", folder, "--noise", "--rate", "1e6"], "rate None, now 1000000.0, noise False, now True"),
        (["--bundle", bundle], f"bundle '{folder}', now '{bundle}'"),
    ):
        capsys.readouterr()
        assert main([str(source), *options, *out]) == 1
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and words in said and "name another --out" in said, said
    assert results_in(tmp_path / "out") == before
    assert main([str(source), "--bundle", folder, *out]) == 0, "what auto came to before is kept"
    assert "4 of them before" in capsys.readouterr().out


def test_pictures_and_annotations_of_each(source, alike, tmp_path):
    pytest.importorskip("matplotlib")
    arguments = [str(source), *alike, "--out", str(tmp_path / "out"), "--annotate", "--picture", str(tmp_path / "png")]
    assert main(arguments) == 0
    assert len(list((tmp_path / "png").rglob("*.sigmf-meta.png"))) == 4
    for meta in source.rglob("*.sigmf-meta"):
        assert json.loads(meta.read_text())["annotations"]


def test_options_that_do_not_go_together(source, alike, tmp_path, capsys):
    for options, words in (
        (["--workers", "2"], "--workers without a folder for the results; name one with --out"),
        (["--processes", "2"], "--processes without a folder"),
        (["--cluster", "auto"], "--cluster without a folder"),
        (["--out", str(tmp_path / "out"), "--processes", "2", "--workers", "2"], "give one of them"),
        (["--out", str(tmp_path / "out"), "--processes", "0"], "--processes 0: 1 or more is expected"),
        (["--out", str(source / "site0" / "r000.sigmf-meta" / "out")], "name another --out"),
    ):
        assert main([str(source), *alike, *options]) == 1
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and words in said, said
    assert not (tmp_path / "out").exists()


def test_a_full_disk_ends_the_run_and_keeps_what_is_finished(source, alike, tmp_path):
    """No file may have more than a kilobyte, which that of the settings has not, but any result."""
    many = signals_file(tmp_path / "bundle", [f"class-{number:02}" for number in range(40)])
    command = [*PROGRAM, str(source), "--bundle", many, *alike[2:], "--out", str(tmp_path / "out"), "--processes", "1"]
    done = subprocess.run(["bash", "-c", 'ulimit -f 1; exec "$@"', "bash", *command], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "cannot be written (File too large): see to it and start again, what is finished is kept" in done.stderr
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["run.json"]
    assert subprocess.run(command, capture_output=True, timeout=300).returncode == 0


def test_without_ray_it_says_what_to_install(source, alike, tmp_path):
    code = "import sys; sys.modules['ray'] = None; from wfm_core.cli import scan; sys.exit(scan.main())"
    command = [sys.executable, "-c", code, str(source), *alike, "--out", str(tmp_path / "out")]
    done = subprocess.run([*command, "--workers", "2"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "--workers or --cluster takes the Python package ray[data], which" in done.stderr
    assert "install it with pip" in done.stderr
    done = subprocess.run([*command, "--processes", "1"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, "processes take no Ray"


@pytest.mark.slow
def test_200_recordings_with_processes_killed_at_random(alike, tmp_path):
    source = write_recordings(tmp_path / "recordings", 200)
    command = [*PROGRAM, str(source), *alike, "--processes", "2"]
    assert subprocess.run([*command, "--out", str(tmp_path / "calm")], capture_output=True).returncode == 0
    with subprocess.Popen([*command, "--out", str(tmp_path / "killed")], stderr=subprocess.PIPE, text=True) as program:
        hit = kill_at_random(program, "spawn_main", tmp_path / "killed", most=12, seed=7)
        _, complaints = program.communicate(timeout=1200)
    assert program.returncode == 0 and hit > 2 and complaints == "", complaints
    calm = results_in(tmp_path / "calm")
    assert len(calm) == 200 and results_in(tmp_path / "killed") == calm


@pytest.mark.slow
def test_200_recordings_when_all_is_killed_and_begun_again(alike, tmp_path):
    source = write_recordings(tmp_path / "recordings", 200)
    command = [*PROGRAM, str(source), *alike, "--out", str(tmp_path / "out"), "--json", str(tmp_path / "all.jsonl")]
    counts = []
    for _ in range(3):
        with subprocess.Popen(command) as program:
            wait_for(lambda: written(tmp_path / "out") > sum(counts[-1:]) or program.poll() is not None, 300)
            program.kill()
        counts.append(written(tmp_path / "out"))
    assert subprocess.run(command, timeout=1200).returncode == 0
    assert len(results_in(tmp_path / "out")) == 200 and counts == sorted(counts)
    assert main([str(source), *alike, "--json", str(tmp_path / "one.jsonl")]) == 0
    assert same(tmp_path / "one.jsonl", tmp_path / "all.jsonl")


def test_the_page_s_commands_are_those_of_the_program(capsys):
    page = (Path(__file__).parents[3] / "docs" / "scan.md").read_text()
    folders = page.partition("## Folders\n")[2].partition("\n## ")[0]
    options = re.findall(r"^\| `(--[a-z-]+)", folders, re.MULTILINE)
    assert options == ["--out", "--processes", "--workers", "--cluster"]
    for program in (main, evaluate.main):
        with pytest.raises(SystemExit):
            program(["--help"])
        assert set(options) <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    commands = re.findall(r"^    \.venv/bin/wfm-scan recordings/ --out scanned/(.*)$", folders, re.MULTILINE)
    # as the tests here and in test_ray_data.py have them
    assert commands == ["", " --json all.jsonl", " --workers 8", " --cluster auto"]
