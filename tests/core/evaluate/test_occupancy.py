# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows with a signal or none, and the classical detectors that tell them apart."""

import numpy as np
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.cli.dataset import main as dataset_command
from wfm_core.data.dataset import open_dataset
from wfm_core.evaluate.classical.detectors import cfar, eigenvalue, energy, threshold
from wfm_core.evaluate.metrics import auc
from wfm_core.evaluate.weightless.cfar_bundle import SAMPLES, CfarBundle
from wfm_core.synth.occupancy import KINDS, Listening, draw_signals, draw_windows

SEED = 31


@pytest.fixture(scope="module")
def signals():
    return draw_signals(2 * len(KINDS), SAMPLES, torch.Generator().manual_seed(SEED))


def drawn(signals, count=400, seed=1, **how):
    return draw_windows(signals, count, Listening(**how), torch.Generator().manual_seed(seed))


def test_windows_are_what_was_asked_for(signals):
    plain = {"fading": ("none",), "flaws": 0.0, "uncertainty_db": 0.0, "snr_db": (3.0, 3.0)}
    made = drawn(signals, **plain)
    power = made.iq.abs().square().mean((1, 2))
    assert made.iq.shape == (400, 1, SAMPLES) and made.iq.dtype == torch.complex64
    assert float(power[made.occupied == 0].mean()) == pytest.approx(1.0, rel=0.01)
    assert float(power[made.occupied == 1].mean()) == pytest.approx(1 + 10**0.3, rel=0.02)
    assert bool((made.kind[made.occupied == 1] >= 0).all()) and set(made.kind[made.occupied == 0].tolist()) == {-1}
    faded = drawn(signals, **{**plain, "fading": ("flat", "paths"), "occupied": 1.0})
    assert float(faded.iq.abs().square().mean()) == pytest.approx(1 + 10**0.3, rel=0.2)
    assert float(faded.iq.abs().square().mean((1, 2)).std()) > 0.5, "it fades"


def test_the_same_seed_gives_the_same_windows(signals):
    one, again, other = drawn(signals, 8), drawn(signals, 8), drawn(signals, 8, seed=2)
    assert torch.equal(one.iq, again.iq) and not torch.equal(one.iq, other.iq)


def test_the_noise_differs_from_what_it_is_thought_to_be(signals):
    made = drawn(signals, uncertainty_db=2.0, occupied=0.0, flaws=0.0)
    level_db = 10 * made.iq.abs().square().mean((1, 2)).log10()
    np.testing.assert_allclose(level_db, made.noise_db, atol=0.4)
    assert made.noise_db.min() < -1.8 and made.noise_db.max() > 1.8


def test_weak_signals_are_found_whatever_the_level_is(signals):
    made = drawn(signals, 600, snr_db=(-4.0, -4.0))
    assert auc(cfar(made.iq), made.occupied) > 0.96
    assert auc(eigenvalue(made.iq), made.occupied) > 0.94
    assert auc(energy(made.iq), made.occupied) < 0.95, "1 dB of doubt hides what is weaker than the noise"
    assert torch.allclose(cfar(1000 * made.iq), cfar(made.iq), rtol=1e-3)


def test_what_is_known_of_the_noise_is_worth_much(signals):
    made = drawn(signals, uncertainty_db=0.0, flaws=0.0, fading=("none",), snr_db=(-8.0, -8.0))
    assert auc(energy(made.iq), made.occupied) > 0.999


def test_white_noise_has_equal_eigenvalues(signals):
    assert float(eigenvalue(drawn(signals, occupied=0.0, flaws=0.0).iq).mean()) == pytest.approx(1.0, abs=0.2)


def test_false_alarms_are_as_many_as_stated(signals):
    made = drawn(signals, 1500, seed=5, occupied=0.0)
    score = cfar(made.iq)
    for rate in (0.1, 0.01):
        called = CfarBundle(1, rate).infer(made.iq)["occupancy"].argmax(1).mean()
        assert called == pytest.approx(rate, abs=3.5 * (rate / 1500) ** 0.5)
        assert float((score > threshold(score, rate)).float().mean()) == pytest.approx(rate, abs=1e-3)


def test_a_bundle_says_yes_or_no(signals):
    bundle = CfarBundle(2)
    strong = drawn(signals, 4, occupied=1.0, snr_db=(10.0, 10.0), fading=("none",)).iq
    outputs = bundle.infer(torch.cat([strong, strong], 1))
    assert {bundle.decide(outputs, i)["occupancy"]["label"] for i in range(4)} == {"occupied"}
    silence = bundle.infer(np.zeros((1, 1, SAMPLES), np.complex64))
    assert bundle.decide(silence, 0)["occupancy"]["label"] == "free"
    with pytest.raises(WfmError, match="false_alarms 0.5: .* from 0.0005 to 0.1"):
        CfarBundle(1, 0.5)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(WfmError, match="fading rain: expected some of none, flat, paths"):
        Listening(fading=("rain",))
    with pytest.raises(WfmError, match="no am of 200 is 0.9 to 1 of its band wide"):
        draw_signals(1, 256, torch.Generator().manual_seed(1), ("am",), (0.9, 1.0))


def test_a_labelled_set_is_generated_by_a_command(tmp_path, capsys):
    out = tmp_path / "o.h5"
    command = ["generate", "occupancy", "--windows", "40", "--samples", "256", "--out", str(out)]
    assert dataset_command(command) == 0
    assert "40 windows of sample" in capsys.readouterr().out
    data = open_dataset(out)
    assert data.task == "occupancy" and data.labels == ("free", "occupied") and data.shape == (2, 1, 256)
    noise = np.array(data.groups["kind"]) == "noise"
    assert 0 < noise.sum() < 40 and not data.label[noise].any() and data.label[~noise].all()
    assert dataset_command([*command[:-1], str(tmp_path / "p.h5"), "--seed", "2"]) == 0
    assert not np.array_equal(open_dataset(tmp_path / "p.h5").read([0]), data.read([0]))
    assert dataset_command([*command, "--windows", "0"]) == 1
    assert "--windows 0: 1 to 16777216 is expected" in capsys.readouterr().err
