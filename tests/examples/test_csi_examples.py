# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples with CSI as a user starts them."""

import json
import re
from collections import Counter

import numpy as np
from example_programs import start

from wfm_core import load_bundle
from wfm_core.synth import motion, room


def test_activity_sensing_with_lost_packets(tmp_path):
    """Walking for 5 s, then nobody; so noisy that some packets are lost."""
    lines = tmp_path / "decisions.jsonl"
    options = ["--duration", "10", "--noise-level", "1.5", "--quiet", "1", "--json", lines]
    out = start("activity_sensing_csi", *options)
    assert "first start" not in out, "the model is shipped"
    received, lost = map(int, re.search(r"(\d+) packets received, (\d+) lost", out).groups())
    assert lost > 5 and received > 800, out
    assert 0 <= 1000 - received - lost < 10, "each packet is received or counted, but for the last ones under way"
    begin = float(re.search(r"([\d.]+) s  presence somebody begins", out)[1])
    lasted = float(re.search(r"presence somebody ends after ([\d.]+) s", out)[1])
    assert begin < 1 and 4 < lasted < 9, out
    decisions = [json.loads(line) for line in lines.read_text().splitlines()]
    assert all(d["sample_count"] == 256 for d in decisions)
    walking = [d["tasks"]["presence"]["label"] for d in decisions if d["sample_start"] + d["sample_count"] <= 500]
    assert Counter(walking)["somebody"] >= 0.8 * len(walking) > 5
    nobody = [d["tasks"]["presence"]["label"] for d in decisions if d["sample_start"] >= 510]
    assert Counter(nobody)["empty"] >= 0.8 * len(nobody) > 2


def test_the_shipped_model_tells_that_somebody_is_there():
    """On the simple link of the example, which its training has not seen."""
    generator = np.random.default_rng(99)
    bundle = load_bundle("wfm-activity")
    for activity in motion.ACTIVITIES:
        amplitudes = motion.csi_amplitudes(activity, 20, 256, generator)
        found = bundle.infer_image(amplitudes)["presence"].argmax(1)
        assert (found == (activity != "empty")).sum() >= 17, activity


def test_script_and_gain():
    script = motion.script(12, 5)
    assert script == [("walking", 0, 5), ("empty", 5, 10), ("waving", 10, 12)]
    gain = motion.scripted_gain(script, 4, seed=1)
    assert len(gain) == 12 * 400
    assert (abs(gain[:2000]) > 0.2).all() and not gain[2000:4000].any() and (abs(gain[4000:]) > 0.2).all()
    assert motion.describe(script) == "walking 0 to 5 s, empty 5 to 10 s, waving 10 to 12 s"


def test_positioning_with_lost_packets(tmp_path):
    """Twenty points are surveyed, then a walk of 20 s."""
    lines = tmp_path / "decisions.jsonl"
    out = start("positioning_csi", "--duration", 20, "--quiet", 1, "--json", lines)
    assert "first start" not in out, "the model is shipped"
    assert "20 points surveyed; each located by the others is" in out
    received, lost = map(int, re.search(r"(\d+) packets received, (\d+) lost", out).groups())
    assert lost > 5 and 0 <= 20 * 40 + 1000 - received - lost < 5, out
    assert float(re.search(r"mean error ([\d.]+) m", out)[1]) < 0.83, "half of the spacing of the points"
    decisions = [json.loads(line) for line in lines.read_text().splitlines()]
    assert len(decisions) >= 1000 // 8 - 1 and decisions[0]["sample_start"] == 20 * 40
    x, y, _ = np.transpose([d["tasks"]["position"]["position"] for d in decisions])
    assert x.min() > -1 and x.max() < room.WIDTH + 1 and np.ptp(x) > 3 and np.ptp(y) > 2


def test_csi_of_a_room():
    generator = np.random.default_rng(0)
    places = np.array([[0.6, 0.6], [room.WIDTH - 0.6, 0.6]])
    vectors = room.csi(places, generator)
    assert vectors.shape == (2, 4, room.SUBCARRIERS) and vectors.dtype == np.complex64
    level = np.abs(vectors).mean(2)
    assert level.argmax(1).tolist() == [0, 1], "the nearest antenna hears it best"
    points = room.survey_points(1.75)
    assert len(points) == 20 and points.min(0).tolist() == [0.5, 0.5] and points.max(0).tolist() == [7.5, 5.5]
    way = room.walk(500, seed=1)
    steps = np.linalg.norm(np.diff(way, axis=0), axis=1) * room.PACKET_RATE
    assert 0.1 < steps.mean() < 1.5 and (way > 0).all() and (way < [room.WIDTH, room.DEPTH]).all()
