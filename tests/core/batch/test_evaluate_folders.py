# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-evaluate of a folder: all recordings in one table, one after another or by processes, and runs that go on."""

import json

import pytest
from batch_parts.many_recordings import results_in, write_recordings
from flowgraph_helpers import random_model

from wfm_core.bundle.export import export_bundle
from wfm_core.cli.evaluate import main

WINDOW = 4096


@pytest.fixture(scope="module")
def alike(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("bundle")
    model = random_model(folder / "model", samples=WINDOW, antennas=1, labels=("none", "wifi"), average=4)
    running = ["--device", "cpu", "--dtype", "fp32", "--engine", "torchscript"]
    return ["--bundle", str(export_bundle(model, folder)), *running, "--pool", str(4 * WINDOW)]


@pytest.fixture
def source(tmp_path):
    """Three recordings, the first half of each annotated."""
    folder = write_recordings(tmp_path / "recordings", 3, samples=10 * WINDOW)
    for meta in folder.rglob("*.sigmf-meta"):
        content = json.loads(meta.read_text())
        label = "none" if "r000" in meta.name else "wifi"
        content["annotations"] = [{"core:sample_start": 0, "core:sample_count": 5 * WINDOW, "core:label": label}]
        meta.write_text(json.dumps(content))
    return folder


def table(out: str) -> list[str]:
    return [line for line in out.splitlines() if "results in" not in line]


def test_one_table_of_all_whoever_computes_it(source, alike, tmp_path, capsys):
    (source / "site1" / "broken.sigmf-meta").write_text("{")
    sequence, together, out = tmp_path / "one.jsonl", tmp_path / "all.jsonl", tmp_path / "out"
    assert main(["--input", str(source), *alike, "--json", str(sequence)]) == 1
    first = capsys.readouterr()
    assert first.out.startswith("3 recordings: 30 windows of 4096 samples inferred, 0 invalid, 0 gated\n")
    assert "against 15 annotated windows:" in first.out and "against 3 annotated blocks:" in first.out
    assert "broken.sigmf-meta" in first.err and first.err.count("\n") == 4, "and three warnings about the rate"

    arguments = ["--input", str(source), *alike, "--out", str(out), "--json", str(together), "--processes", "2"]
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert table(said.out) == table(first.out) and "4 recordings: 3 done, 0 of them before, 1 failed" in said.out
    assert len(said.err.splitlines()) == 4 and "broken.sigmf-meta" in said.err.splitlines()[-1]
    one, other = ([json.loads(line) for line in path.read_text().splitlines()] for path in (sequence, together))
    places = [
        [(line["recording"], line["sample_start"], line["sample_count"]) for line in lines] for lines in (one, other)
    ]
    assert places[0] == places[1] and len(places[0]) == 3 * (10 + 3)
    for a, b in zip(one, other, strict=True):
        scores = [line["tasks"]["interference"]["probabilities"] for line in (a, b)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-5)

    results, joined = results_in(out), together.read_bytes()
    (out / "site1" / "r001.sigmf-meta.jsonl").write_bytes(results["site1/r001.sigmf-meta.jsonl"][:-30])
    assert main([*arguments[:-2], "--processes", "1"]) == 1
    said = capsys.readouterr()
    assert table(said.out) == table(first.out) and "3 done, 2 of them before" in said.out
    assert results_in(out) == results and together.read_bytes() == joined


def test_a_recording_that_does_not_fit_is_told_and_other_rules_are_refused(source, alike, tmp_path, capsys):
    arguments = ["--input", str(source), *alike, "--out", str(tmp_path / "out"), "--processes", "1"]
    assert main([*arguments, "--antennas", "2"]) == 1
    said = capsys.readouterr()
    assert "3 recordings: 0 done, 0 of them before, 3 failed" in said.out
    assert said.err.count("2 antennas, the bundle") == 3 == said.err.count("\n")
    assert main([*arguments, "--antennas", "1"]) == 1
    assert "antennas 2, now 1" in capsys.readouterr().err
    assert main(["--input", str(source), *alike, "--pool", "1000"]) == 1
    assert capsys.readouterr().err.count("windows of 1000 samples; bundle 'test-model' takes 4096 or a multiple") == 1
    assert main(["--input", str(source), *alike, "--workers", "2"]) == 1
    assert "--workers without a folder for the results; name one with --out" in capsys.readouterr().err
