# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated windows in the manner of RadioML 2016.10a."""

import numpy as np
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.cli.dataset import main as dataset_command
from wfm_core.data.dataset import open_dataset
from wfm_core.synth.radioml import LABELS, SNR_DB, Transmitters, through_paths


@pytest.fixture(scope="module")
def transmitters():
    return Transmitters(torch.Generator().manual_seed(7))


@pytest.mark.parametrize("name", LABELS)
def test_what_is_sent_has_unit_power(transmitters, name):
    sent = transmitters.sent(name, 600, 160)
    assert sent.shape == (600, 160) and sent.dtype == torch.complex64
    assert float(sent.abs().square().mean()) == pytest.approx(1, abs=0.25 if name == "AM-SSB" else 0.05)


def test_frequency_modulation_turns_as_far_as_its_index_says(transmitters):
    for name, index in (("CPFSK", 0.5), ("GFSK", 0.25)):
        step = transmitters.sent(name, 200, 160)
        turn = torch.angle(step[:, 1:] * step[:, :-1].conj())
        assert float(turn.abs().max()) == pytest.approx(index * np.pi / 8, rel=0.05), name


def test_one_side_band_and_two(transmitters):
    def spectrum(name):
        return torch.fft.fft(transmitters.sent(name, 400, 1024)).abs().square().mean(0)

    upper, both = spectrum("AM-SSB"), spectrum("AM-DSB")
    assert float(upper[1:512].sum() / upper[513:].sum()) > 10
    assert float(both[1:512].sum() / both[513:].sum()) == pytest.approx(1, abs=0.1)
    assert float(both[0] / both.sum()) > 0.9 > 0.6 > float(upper[0] / upper.sum()), "a carrier"


def test_the_snr_is_that_of_powers(transmitters):
    label = torch.full((4000,), LABELS.index("QPSK"))
    received = through_paths(transmitters.sent("QPSK", 4000, 160), transmitters.generator)
    assert 10 * np.log10(float(received.abs().square().mean())) == pytest.approx(2.4, abs=0.3), "of the three paths"
    drawn = transmitters.draw(label, torch.full((4000,), -20.0))
    # white noise but for 2 % of the power
    spectrum = torch.fft.fft(drawn).abs().square().mean((0, 1))
    middle, edge = spectrum[torch.tensor([0, 1, 2, -1, -2])].mean(), spectrum[32:97].mean()
    assert float(middle / edge) == pytest.approx(1 + 8 * 1.73 / 100, abs=0.05)
    torch.testing.assert_close(drawn.abs().sum(2), torch.ones(4000, 1))


def test_as_published_the_snr_is_of_amplitudes_and_one_class_is_noise():
    transmitters = Transmitters(torch.Generator().manual_seed(7), published=True)
    assert not transmitters.sent("AM-SSB", 20, 160).any()
    label = torch.full((4000,), LABELS.index("QPSK"))
    spectrum = torch.fft.fft(transmitters.draw(label, torch.full((4000,), -10.0))).abs().square().mean((0, 1))
    middle, edge = spectrum[torch.tensor([0, 1, 2, -1, -2])].mean(), spectrum[32:97].mean()
    assert float(middle / edge) == pytest.approx(1 + 8 * 1.73 / 100, abs=0.05), "that of -20 dB"


def test_what_does_not_fit_is_refused(transmitters):
    with pytest.raises(WfmError, match=r"labels \[2\], SNRs \[3\]: one or more samples"):
        transmitters.draw(torch.zeros(2, dtype=torch.long), torch.zeros(3))


def test_a_labelled_set_is_generated_by_a_command(tmp_path, capsys):
    out = tmp_path / "m.h5"
    command = ["generate", "modulation", "--windows", "440", "--out", str(out)]
    assert dataset_command(command) == 0
    assert "440 windows of sample" in capsys.readouterr().out
    data = open_dataset(out)
    assert (data.task, data.labels, data.shape, data.sample_rate) == ("modulation", LABELS, (2, 1, 128), 200e3)
    assert np.bincount(data.label).tolist() == [40] * 11
    assert {name: list(data.groups["snr_db"]).count(name) for name in map(str, SNR_DB)} == dict.fromkeys(
        map(str, SNR_DB), 22
    )
    assert dataset_command([*command[:-1], str(tmp_path / "n.h5"), "--seed", "2", "--samples", "256"]) == 0
    other = open_dataset(tmp_path / "n.h5")
    assert other.shape == (2, 1, 256) and not np.array_equal(other.read([0])[..., :128], data.read([0]))
