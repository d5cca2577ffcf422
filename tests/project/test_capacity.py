# SPDX-License-Identifier: GPL-3.0-or-later
"""The capacity model of serving, the program that fills it with figures, and the page that has its tables."""

import dataclasses
import json
import re
import subprocess
import sys

import pytest
from benchmark_programs import BENCHMARKS, program, rows
from flowgraph_helpers import random_model
from serving_parts.ray_server import needs_ray

from wfm_core.bundle import export_bundle

import capacity_model  # isort: skip
from capacity_model import BEGIN, END  # isort: skip

COSTS = capacity_model.Figures(
    "small", "torchscript fp32", "a CPU", "cf32", 1000.0, (1e-3, 1e-4), (1e-3, 0.0), (5e-3, 1e-3, 4e-3), None, 400.0,
    300.0, 1e4,
)  # fmt: skip
"""A window of 1,000 bytes, a millisecond of wfm-serve; 10 ms alone, 5 ms or less in a large batch of questions."""
ON_CORES = capacity_model.Service(10.0, 1e6, 4, 0, 2, 64, 0.0, 0.0)


def test_capacity_of_cores():
    model = capacity_model.Model(COSTS, ON_CORES)
    limits = model.limits()
    assert list(limits) == ["network", "wfm-serve", "batching", "cores"]
    assert (limits["network"], limits["wfm-serve"], limits["batching"]) == pytest.approx((125, 1000, 400))
    assert limits["cores"] == pytest.approx(4 * 64 / (5e-3 + 64 * 5e-3))
    assert model.batch_at(400) == 1, "each is computed before the next comes"
    # of each replica 150 a second: 0.75 s for windows and 50 batches of 5 ms, with 3 windows each
    assert model.batch_at(600) == pytest.approx(3) and model.batch_at(800) == 64
    assert model.shares(250)["network"] == 2 and model.shares(500)["wfm-serve"] == pytest.approx(0.5)


def test_capacity_of_gpus():
    with pytest.raises(ValueError, match="not known"):
        capacity_model.Model(COSTS, dataclasses.replace(ON_CORES, gpus=1))
    known = dataclasses.replace(COSTS, gpu=(5e-3, 1e-4))
    one, four = (capacity_model.Model(known, dataclasses.replace(ON_CORES, gpus=1, replicas=n)) for n in (1, 4))
    assert one.limits()["GPUs"] == pytest.approx(64 / (5e-3 + 64 * 1.1e-3)), "the replica's own work"
    assert four.limits()["GPUs"] == pytest.approx(4 * one.limits()["GPUs"]) and four.limits()["GPUs"] < 1 / 1e-4
    many = capacity_model.Model(known, dataclasses.replace(ON_CORES, gpus=1, replicas=100))
    assert many.limits()["GPUs"] == pytest.approx(1e4), "the GPU itself"


def test_a_busy_radio_asks_about_many_windows_at_once():
    busy = capacity_model.Model(COSTS, dataclasses.replace(ON_CORES, windows=1000.0, round_trip=0.02))
    assert busy.windows_a_question == pytest.approx(1000 * 0.03), "what came in the 30 ms of a question"
    assert busy.limits()["wfm-serve"] == pytest.approx(30_000)


def test_capacity_by_figures(tmp_path):
    """The tables, and where they go; measuring takes Ray: below."""
    figures, page = tmp_path / "figures.json", tmp_path / "page.md"
    figures.write_text(json.dumps(dataclasses.asdict(COSTS)))
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    options = ("--figures", figures, "--into", page)
    said = program("capacity.py", *options, "--link", 0.01, "--cores", 4, "--json", tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text()) == json.loads(figures.read_text())
    assert [row[0] for row in rows(said)[-3:]] == ["10", "1,000", "100,000"]
    assert rows(said)[-1][-1] == "cores, 1,270 times what is there"
    assert page.read_text() == (f"before\n{BEGIN}\n\n{said}\n{END}\nafter\n")
    gpus = ("--gpus", 1, "--gpu-windows", 2000)
    assert "1 GPUs with 2 replicas each, 64 windows at a time" in program("capacity.py", "--figures", figures, *gpus)
    command = [sys.executable, str(BENCHMARKS / "capacity.py"), "--figures", str(figures), "--gpus", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("--gpus: ") and done.stderr.count("\n") == 1


def test_capacity_of_the_page():
    """What is named there are options of the program, and its tables are as the program prints them."""
    page = (BENCHMARKS.parent / "docs" / "three-sites.md").read_text()
    section = page.partition("## How much is how much")[2]
    assert set(re.findall(r"--[a-z][a-z-]*", section)) <= set(
        re.findall(r"--[a-z-]+", program("capacity.py", "--help"))
    )
    model = capacity_model.Model(COSTS, ON_CORES)
    tables = (
        capacity_model.costs_table(COSTS),
        capacity_model.limits_table(model, ON_CORES),
        capacity_model.numbers_table(model, ON_CORES),
    )
    made = [[row[0] for row in rows(table)] for table in tables]
    printed = section.partition(BEGIN)[2].partition(END)[0].split("\n\n")
    there = [[row[0] for row in rows(part)] for part in printed if part.startswith("|")]
    assert [len(table) for table in there] == [len(table) for table in made] and there[1:] == made[1:]


@needs_ray
@pytest.mark.slow
def test_capacity_is_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("WFM_BUNDLES", str(tmp_path))
    export_bundle(random_model(tmp_path / "model"), tmp_path / "small.wfm.pt")
    options = ("--seconds", 1, "--bundle", "small", "--batch", 16, "--json", tmp_path / "figures.json")
    said = program("capacity.py", *options)
    found = json.loads((tmp_path / "figures.json").read_text())
    assert sum(found["front"]) > 0 and sum(found["replica"]) > 0 and found["window_bytes"] > 8 * 256
    assert found["bundle"] == "small" and len(rows(said)) > 10
