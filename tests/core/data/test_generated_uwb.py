# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated responses of UWB anchors: when they come, where that says the tag is, and the way of the task."""

import json

import numpy as np
import pytest
from finetune_sets import FAST, tiny_foundation

from wfm_core import load_bundle
from wfm_core.bundle import export_bundle
from wfm_core.cli.dataset import main as dataset_command
from wfm_core.cli.finetune import main as finetune
from wfm_core.data.dataset import open_dataset
from wfm_core.evaluate.table import read_row
from wfm_core.synth.uwb import (
    ANCHORS,
    SAMPLE_RATE,
    SIZE,
    Room,
    arrivals,
    draw_places,
    draw_room,
    multilaterate,
    responses,
)


def test_bare_rooms_are_multilaterated():
    random = np.random.default_rng(1)
    places = draw_places(40, random)
    bare = Room(np.zeros(6), np.zeros((0, 2, 2)))
    heard = arrivals(responses(bare, places, random, snr_db=60.0))
    metres = np.linalg.norm(places[:, None] - ANCHORS, axis=2)
    off = heard - metres / 299792458.0 * SAMPLE_RATE
    assert np.ptp(off, axis=1).mean() < 1, "all anchors hear the tag's clock alike, to less than a sample"
    assert np.linalg.norm(multilaterate(heard) - places, axis=1).mean() < 0.35


def test_walls_and_screens_lead_astray():
    random = np.random.default_rng(2)
    room, places = draw_room(random), draw_places(40, random)
    off = np.linalg.norm(multilaterate(arrivals(responses(room, places, random))) - places, axis=1)
    assert 0.2 < off.mean() < 2


def test_a_screen_weakens_what_is_behind_it():
    random = np.random.default_rng(3)
    place = np.array([[5.0, 4.0, 1.5]])
    screens = np.array([[[2.0, 3.0], [2.0, 5.0]]])  # between the tag and the anchor at x = 0.2, y = 4
    free, hidden = (
        np.abs(responses(Room(np.zeros(6), some), place, random, snr_db=90.0)).max(2)[0]
        for some in (screens[:0], screens)
    )
    ratio = hidden / free
    assert ratio[6] == pytest.approx(10 ** (-10 / 20), abs=0.1)
    assert np.delete(ratio, 6) == pytest.approx(np.ones(7), abs=0.3)


def test_the_way_of_the_task(tmp_path, capsys):
    data, run = tmp_path / "uwb.h5", tmp_path / "run"
    assert dataset_command(["generate", "uwb_position", "--windows", "160", "--out", str(data)]) == 0
    made = open_dataset(data)
    assert (made.task, made.quantity, made.shape, made.sample_rate) == (
        "uwb_position",
        "position",
        (2, 8, 128),
        998.4e6,
    )
    assert made.scene == {"low": [0, 0, 0], "high": SIZE.tolist()} and not made.labels
    sides = {"iq": {"antennas": 8, "tokens": 64, "signal": {"kind": "iq_rms"}}}
    init = tiny_foundation(tmp_path / "tiny", modalities=sides, sample_rate=None)
    given = ["--data", str(data), "--init", str(init), "--regime", "full", "--out", str(run)]
    assert finetune([*given, *FAST, "epochs=3", "signal=dataset", "pooling=mean"]) == 0
    figures = json.loads((run / "figures.json").read_text())
    assert figures["task"] == "uwb_position" and figures["kind"] == "position" and 0 < figures["mean_m"] < 6
    assert "uwb_position: mean error" in read_row(run).other
    bundle = load_bundle(export_bundle(run, tmp_path / "uwb.wfm.pt"), device="cpu", dtype="fp32")
    windows = made.read_iq(range(4))
    answers = bundle.infer(windows)
    assert answers["uwb_position"].shape == (4, 3)
    said = bundle.decide(answers, 0)["uwb_position"]
    assert said["position"] == pytest.approx(answers["uwb_position"][0].tolist(), abs=1e-3)
