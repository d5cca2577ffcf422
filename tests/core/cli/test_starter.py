# SPDX-License-Identifier: GPL-3.0-or-later
"""The starter models: what they learn from, and when they are made, kept and made again."""

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from waiting import wait_for

from wfm_core import load_bundle, starter
from wfm_core.base.errors import WfmError
from wfm_core.base.places import cache_folder
from wfm_core.bundle.foundation import DESCRIPTION, find_foundation
from wfm_core.starter import catalog
from wfm_core.starter.catalog import STARTERS, Starter
from wfm_core.starter.recipes import RECIPES, WINDOW, draw
from wfm_core.synth.scenes.turns import GATE_DBFS, TRANSMITTERS

PAIR = (".wfm.pt", ".safetensors")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def teach(monkeypatch):
    """Gives the catalog a starter "pair" of two files, made by the function that it is called with."""

    def give(make) -> None:
        monkeypatch.setitem(STARTERS, "pair", Starter("making a pair", make, suffixes=PAIR))

    return give


def write_pair(name: str, folder: Path) -> str:
    for suffix in PAIR:
        (folder / f"{name}{suffix}").write_text("whole")
    return "made"


def cached() -> dict[str, str]:
    """Contents by name of what the cache has, but for locks."""
    return {path.name: path.read_text() for path in cache_folder().iterdir() if path.suffix != ".lock"}


def test_training_windows_are_labelled_and_heard():
    recipe = RECIPES["starter-two-tasks"]
    iq, labels = draw(recipe, 40, seed=5)
    levels = 10 * torch.log10(iq.abs().square().mean((1, 2)))
    assert iq.shape == (40, 1, WINDOW) and levels.min() > GATE_DBFS
    assert set(labels) == {"fingerprint", "classification"}
    assert all(len(own) == 40 and own.max() < len(recipe.tasks[task]) for task, own in labels.items())


def test_a_trained_starter_is_made_once_and_names_fresh_windows(capsys):
    starter.ensure("starter-two-tasks")
    assert "a small one learns 5 transmitters with 3 modulations from generated data" in capsys.readouterr().out
    bundle = load_bundle("starter-two-tasks", device="cpu")
    assert bundle.path == cache_folder() / "starter-two-tasks.wfm.pt"
    assert (bundle.contract.tasks["fingerprint"].labels, len(bundle.contract.segments)) == (TRANSMITTERS, 1)
    iq, labels = draw(RECIPES["starter-two-tasks"], 100, seed=99)
    outputs = bundle.infer(iq.numpy())
    for task, truth in labels.items():
        assert float((torch.from_numpy(outputs[task]).argmax(1) == truth).float().mean()) > 0.7
    made = bundle.path.stat().st_mtime_ns
    starter.ensure("starter-two-tasks")
    assert capsys.readouterr().out == "" and bundle.path.stat().st_mtime_ns == made


def test_it_is_made_anew_for_other_code_or_when_a_file_is_gone(teach, capsys, monkeypatch):
    teach(write_pair)
    starter.ensure("pair")
    stamp = STARTERS["pair"].made_from()
    assert cached() == {"pair.wfm.pt": "whole", "pair.safetensors": "whole", "pair.wfm.pt.made-from": stamp}
    (cache_folder() / f"pair{PAIR[1]}").unlink()
    starter.ensure("pair")
    assert cached()["pair.safetensors"] == "whole"
    monkeypatch.setattr(Starter, "made_from", lambda _: "other code")
    starter.ensure("pair")
    starter.ensure("pair")
    assert capsys.readouterr().out.count("first start: making a pair") == 3
    assert cached()["pair.wfm.pt.made-from"] == "other code"


def test_another_foundation_makes_other_activities(tmp_path, monkeypatch):
    before = {name: one.made_from() for name, one in STARTERS.items()}
    changed = tmp_path / "foundation"
    changed.mkdir()
    shutil.copy(find_foundation("wfm-base") / DESCRIPTION, changed)
    text = (changed / DESCRIPTION).read_text()
    assert "weights_sha256" in text
    (changed / DESCRIPTION).write_text(text.replace("weights_sha256: ", "weights_sha256: 0"))
    monkeypatch.setattr(catalog, "find_foundation", lambda name: changed)
    other = {name for name, one in STARTERS.items() if one.made_from() != before[name]}
    assert other == {"wfm-base"}


def test_a_failure_leaves_what_was_there(teach, monkeypatch):
    teach(write_pair)
    starter.ensure("pair")
    before = cached()

    def fail(name: str, folder: Path) -> str:
        (folder / f"{name}.wfm.pt").write_text("ha")
        raise WfmError("no")

    teach(fail)
    monkeypatch.setattr(Starter, "made_from", lambda _: "other code")
    with pytest.raises(WfmError, match="no"):
        starter.ensure("pair")
    assert cached() == before


HANGING = """
import sys, time
from pathlib import Path
from wfm_core import starter
from wfm_core.starter.catalog import STARTERS, Starter

def hang(name, folder):
    (folder / f"{name}.wfm.pt").write_text("ha")
    Path(sys.argv[1]).touch()
    time.sleep(120)

STARTERS["pair"] = Starter("making a pair", hang, suffixes=(".wfm.pt", ".safetensors"))
starter.ensure("pair")
"""


def test_one_that_is_killed_leaves_nothing_that_looks_whole(teach, tmp_path, capsys):
    """A program of its own, not a fork: this process has threads, whose locks a fork would hold for ever."""
    under_way = tmp_path / "under way"
    process = subprocess.Popen([sys.executable, "-c", HANGING, str(under_way)], stdout=subprocess.DEVNULL)
    wait_for(under_way.exists, 60)
    process.kill()
    process.wait()
    assert not list(cache_folder().glob("pair*"))
    teach(write_pair)
    starter.ensure("pair")
    assert set(cached()) == {"pair.wfm.pt", "pair.safetensors", "pair.wfm.pt.made-from"}


def test_of_two_at_once_one_makes_and_the_other_waits(teach, capsys):
    """Threads in place of processes: the lock does not tell them apart."""
    go, times = threading.Event(), []

    def slow(name: str, folder: Path) -> str:
        times.append(time.monotonic())
        go.wait(30)
        return write_pair(name, folder)

    teach(slow)
    both = [threading.Thread(target=starter.ensure, args=("pair",)) for _ in range(2)]
    for one in both:
        one.start()
    said = []
    wait_for(lambda: said.append(capsys.readouterr().out) or "another program makes pair" in "".join(said), 60)
    go.set()
    for one in both:
        one.join(30)
    assert len(times) == 1 and set(cached()) == {"pair.wfm.pt", "pair.safetensors", "pair.wfm.pt.made-from"}


def test_other_names_are_left_alone(tmp_path):
    starter.ensure("wfm-interference")
    starter.ensure(str(tmp_path / "own.wfm.pt"))
    assert not list(tmp_path.iterdir())


def test_a_cache_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "wfm").write_text("in the way")
    with pytest.raises(WfmError, match="set XDG_CACHE_HOME"):
        starter.ensure("wfm-base")
