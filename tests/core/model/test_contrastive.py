# SPDX-License-Identifier: GPL-3.0-or-later
"""NT-Xent against its definition, and what the views of a window may and may not change."""

import math

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.model import EncoderConfig, ImageTokens, IqTokens, WirelessModel
from wfm_core.model.contrastive import ContrastiveModel, nt_xent
from wfm_core.train import augment as views
from wfm_core.train.augment import augment


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(1)


def direct_nt_xent(a: torch.Tensor, b: torch.Tensor, temperature: float) -> float:
    """Equation 1 of arXiv 2002.05709, pair by pair."""
    rows = [row / row.norm() for row in (*a.double(), *b.double())]
    losses = []
    for i in range(len(rows)):
        partner = (i + len(a)) % len(rows)
        scores = [math.exp(float(rows[i] @ rows[k]) / temperature) for k in range(len(rows))]
        losses.append(-math.log(scores[partner] / (sum(scores) - scores[i])))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_nt_xent_is_its_definition(temperature):
    a, b = torch.randn(5, 8), torch.randn(5, 8)
    assert nt_xent(a, b, temperature).item() == pytest.approx(direct_nt_xent(a, b, temperature), rel=1e-5)


def test_nt_xent_of_views_without_information():
    assert nt_xent(torch.ones(4, 8), torch.ones(4, 8), 0.1).item() == pytest.approx(math.log(7))


def test_nt_xent_is_small_for_partners_and_large_for_strangers():
    basis = torch.eye(6)
    assert nt_xent(basis, 3 * basis, 0.1) < 1e-3  # lengths do not count
    assert nt_xent(basis, basis.roll(1, 0), 0.1) > 9


def test_nt_xent_keeps_its_precision_under_autocast():
    a, b = torch.randn(32, 64), torch.randn(32, 64)
    with torch.autocast("cpu", torch.bfloat16):
        seen = nt_xent(a, b, 0.1)
    torch.testing.assert_close(seen, nt_xent(a, b, 0.1), rtol=1e-6, atol=0)


@pytest.mark.parametrize(("rows", "temperature"), [((4, 3), 0.1), ((1, 1), 0.1), ((4, 4), 0.0)])
def test_impossible_batches_are_refused(rows, temperature):
    with pytest.raises(WfmError, match="larger batch"):
        nt_xent(torch.randn(rows[0], 8), torch.randn(rows[1], 8), temperature)


def small_model() -> ContrastiveModel:
    return ContrastiveModel(WirelessModel(EncoderConfig(16, 1, 2, 32), iq=IqTokens(16, max_antennas=2)), 8)


def test_the_loss_projects_the_mean_of_the_tokens():
    contrast = small_model()
    a, b = torch.randn(2, 4, 2, 64, dtype=torch.complex64)
    a_out, b_out = (contrast.projection(contrast.model.embed_iq(x, "mean")) for x in (a, b))
    torch.testing.assert_close(contrast(a, b), nt_xent(a_out, b_out, 0.1))
    contrast(a, b).backward()
    assert not [name for name, parameter in contrast.named_parameters() if not parameter.grad.abs().sum()]


def test_windows_are_told_apart_after_some_steps():
    contrast = small_model()
    turns = torch.arange(64) * torch.linspace(-0.4, 0.4, 8).view(8, 1, 1)
    iq = torch.polar(torch.ones_like(turns), 2 * math.pi * turns)  # eight tones
    optimizer = torch.optim.Adam(contrast.parameters(), 3e-3)
    losses = []
    for step in range(60):
        optimizer.zero_grad()
        loss = contrast(*(augment(iq, torch.arange(8), 2 * step + view, seed=1) for view in (0, 1)))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])


def test_a_model_of_images_is_refused():
    with pytest.raises(WfmError, match="no iq side"):
        ContrastiveModel(WirelessModel(EncoderConfig(16, 1, 2, 32), image=ImageTokens(16, 1, size=(32, 32))))


def test_a_window_has_the_same_view_in_every_batch():
    iq, index = torch.randn(6, 2, 128, dtype=torch.complex64), torch.arange(6) + 100
    whole = augment(iq, index, view=1, seed=5)
    order = torch.tensor([4, 2, 0])
    torch.testing.assert_close(augment(iq[order], index[order], view=1, seed=5), whole[order])


def test_views_seeds_and_windows_differ():
    iq = torch.randn(1, 2, 128, dtype=torch.complex64)
    seen = [
        augment(iq, torch.tensor([index]), view, seed)
        for index, view, seed in [(7, 0, 1), (7, 1, 1), (8, 0, 1), (7, 0, 2)]
    ]
    for i in range(4):
        for j in range(i):
            assert (seen[i] - seen[j]).abs().mean() > 0.1


@pytest.fixture
def noiseless(monkeypatch):
    monkeypatch.setattr(views, "SNR_DB", (200.0, 200.0))


def test_a_tone_stays_a_tone_of_nearly_its_frequency(noiseless):
    samples, cycles = 1000, 0.1
    tone = torch.polar(torch.ones(samples), 2 * math.pi * cycles * torch.arange(samples)).expand(300, 2, samples)
    view = augment(tone, torch.arange(300), view=0, seed=3)
    steps = (view[..., 1:] * view[..., :-1].conj()).angle() / (2 * math.pi) - cycles
    assert steps.abs().max() <= 1.01e-3 and steps.std() > 0.4e-3  # uniform in +-1e-3: 0.58e-3
    phases = view[:, 0, 0].angle()
    assert abs(torch.polar(torch.ones(300), phases).mean()) < 0.2
    assert (view[:, 0].angle() - view[:, 1].angle()).abs().max() < 1e-3  # the phase between antennas is kept
    gains = 20 * view[:, :, 0].abs().log10()
    assert gains.abs().max() < 3.01 and gains.std() > 1.5 and not torch.allclose(gains[:, 0], gains[:, 1])


def test_time_shifts_go_round_and_antennas_change_places(noiseless):
    iq = torch.zeros(400, 2, 50, dtype=torch.complex64)
    iq[:, 0, 20] = 1  # only the first antenna hears anything, at one instant
    view = augment(iq, torch.arange(400), view=0, seed=3).abs()
    heard = (view > 0.5).nonzero()
    assert heard[:, 0].tolist() == list(range(400))
    assert 130 < int(heard[:, 1].sum()) < 270
    assert len(heard[:, 2].unique()) == 50


def test_noise_is_white_and_10_to_30_db_down(monkeypatch):
    monkeypatch.setattr(views, "MAX_GAIN_DB", 0.0)
    iq = torch.full((200, 1, 4096), 5 + 0j, dtype=torch.complex64)
    monkeypatch.setattr(views, "MAX_FREQUENCY_OFFSET", 0.0)
    view = augment(iq, torch.arange(200), view=0, seed=3)
    noise = view - view.mean(2, keepdim=True)
    snr_db = 10 * (25 / noise.abs().square().mean((1, 2))).log10()
    assert 9.5 < snr_db.min() < 12 and 28 < snr_db.max() < 30.5
    unit = noise / noise.abs().square().mean((1, 2), keepdim=True).sqrt()
    assert abs((unit[..., 1:] * unit[..., :-1].conj()).mean()) < 0.005
    assert abs(unit.square().mean()) < 0.005  # circular
    assert unit.abs().pow(4).mean() == pytest.approx(2, abs=0.03)  # Gaussian
