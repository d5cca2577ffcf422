# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated radar and communication windows, and their two labels."""

import numpy as np
import pytest
import torch

from wfm_core.cli.dataset import main as dataset_command
from wfm_core.data.dataset import open_dataset
from wfm_core.synth.radcom import WAVEFORMS, Radars


@pytest.fixture(scope="module")
def radars():
    return Radars(torch.Generator().manual_seed(7))


@pytest.mark.parametrize("name", [" ".join(names) for names in WAVEFORMS])
def test_what_is_sent_has_unit_power(radars, name):
    sent = radars.sent(name, 600, 160)
    assert sent.shape == (600, 160) and sent.dtype == torch.complex64
    assert float(sent.abs().square().mean()) == pytest.approx(1, abs=0.25 if name == "AM-SSB AM radio" else 0.08)


def test_pulses_are_on_for_a_share_of_the_time(radars):
    for kind, share in (("Air-Ground-MTI", 8 / 32), ("Airborne-range", 24 / 48)):
        on = (radars.sent(f"PULSED {kind}", 400, 1024).abs() > 0).float().mean()
        assert float(on) == pytest.approx(share, rel=0.05)


def test_the_same_windows_have_two_labels(tmp_path, capsys):
    def made(label):
        out = tmp_path / f"{label}.h5"
        assert dataset_command(["generate", "radcom", "--windows", "180", "--label", label, "--out", str(out)]) == 0
        return open_dataset(out)

    both, modulation, signal = map(made, ("both", "modulation", "signal"))
    assert [data.task for data in (both, modulation, signal)] == ["radcom", "modulation", "radcom"]
    assert [len(data.labels) for data in (both, modulation, signal)] == [9, 6, 8]
    np.testing.assert_array_equal(modulation.read(range(180)), signal.read(range(180)))
    for row in range(180):
        names = modulation.labels[modulation.label[row]], signal.labels[signal.label[row]]
        assert both.labels[both.label[row]] == " ".join(names)
        assert names == (both.groups["modulation"][row], both.groups["signal"][row])
    wrong = ["generate", "radcom", "--windows", "9", "--out", str(tmp_path / "x.h5"), "--label"]
    assert dataset_command([*wrong, "snr"]) == 1
    assert "label 'snr': expected one of both, modulation, signal" in capsys.readouterr().err
    assert dataset_command(["generate", "modulation", "--label", "both", "--out", str(tmp_path / "x.h5")]) == 1
    assert "--label does not go with modulation: leave it out" in capsys.readouterr().err
