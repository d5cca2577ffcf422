# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured of IQ windows, and tokens that are told it."""

import pytest
import torch

from wfm_core.model import EncoderConfig, IqTokens, WirelessModel
from wfm_core.model.measures import WINDOW_MEASURES, WindowMeasures, window_measures

SPECTRUM = 32 + 16 + 25
SQUARE = slice(25 + SPECTRUM, 25 + 2 * SPECTRUM)
ENVELOPE = slice(25 + 2 * SPECTRUM, 25 + 3 * SPECTRUM)
FOURTH = slice(25 + 3 * SPECTRUM, 25 + 4 * SPECTRUM)
RANKED = slice(32, 48)
ABOUT = slice(48, 73)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(5)


def keyed(points: int, generator: torch.Generator, count: int = 64) -> torch.Tensor:
    """PSK of `points` points and 8 samples a symbol, off the centre, complex64 [count, 1, 1024]."""
    phase = torch.randint(points, (count, 1, 128), generator=generator) / points
    phase = phase.repeat_interleave(8, -1) + 0.03 * torch.arange(1024) + torch.rand(count, 1, 1, generator=generator)
    return torch.polar(torch.ones_like(phase), 2 * torch.pi * phase)


@pytest.mark.parametrize(("antennas", "samples"), [(1, 16), (1, 48), (3, 256), (2, 1008), (1, 4096)])
def test_windows_of_every_length_have_them(antennas, samples, generator):
    found = window_measures(torch.randn(4, antennas, samples, dtype=torch.complex64, generator=generator))
    assert found.shape == (4, WINDOW_MEASURES) and found.isfinite().all()


@pytest.mark.parametrize("antennas", [1, 3])
def test_level_phase_and_order_of_antennas_are_nothing_to_them(antennas, generator):
    iq = torch.randn(4, antennas, 1024, dtype=torch.complex64, generator=generator)
    found = window_measures(iq)
    compared = torch.ones(WINDOW_MEASURES, dtype=torch.bool)
    compared[ENVELOPE.start + ABOUT.start : ENVELOPE.stop] = False  # its lines are two, rounding takes one
    for same in (1e3 * iq, iq * torch.polar(torch.tensor(1.0), torch.tensor(0.7)), iq.flip(1)):
        torch.testing.assert_close(window_measures(same)[:, compared], found[:, compared], atol=2e-3, rtol=2e-3)


def test_nothing_received_has_them_too():
    assert window_measures(torch.zeros(2, 1, 1024, dtype=torch.complex64)).isfinite().all()


def test_powers_of_what_is_keyed_have_lines(generator):
    """The square of BPSK is a carrier again, of QPSK only the fourth power."""
    two, four = (window_measures(keyed(points, generator)) for points in (2, 4))
    assert two[:, SQUARE][:, RANKED][:, 0].mean() > 3.0  # 30 dB over what is about it
    assert four[:, FOURTH][:, RANKED][:, 0].mean() > 3.0
    assert four[:, SQUARE][:, RANKED][:, 0].mean() < 2.0


def test_about_the_strongest_line_there_is_less(generator):
    about = window_measures(keyed(2, generator))[:, SQUARE][:, ABOUT]
    assert (about.argmax(1) == 12).all()
    assert (about[:, 12] - about[:, [6, 18]].amax(1)).min() > 1.0


def test_moments_are_those_of_the_window(generator):
    noise = torch.randn(8, 1, 65536, dtype=torch.complex64, generator=generator)
    found = window_measures(noise).mean(0)
    # of complex Gaussian noise of unit power: E|x| = sqrt(pi)/2, E|x|^4 = 2, E|x|^6 = 6
    wanted = torch.log1p(torch.tensor([torch.pi**0.5 / 2, 2.0, 6.0]))
    torch.testing.assert_close(found[[5, 7, 8]], wanted, atol=0.03, rtol=0)
    assert found[:2].max() < 0.05  # E x^2 and E x^4 are 0


def test_all_tokens_are_told_them(generator):
    torch.manual_seed(0)
    model = WirelessModel(EncoderConfig(16, 1, 2, 32), iq=IqTokens(16, measures=True)).eval()
    bare = WirelessModel(EncoderConfig(16, 1, 2, 32), iq=IqTokens(16)).eval()
    bare.load_state_dict(model.state_dict(), strict=False)
    iq = keyed(2, generator, 4)
    assert torch.equal(model.embed_iq(iq), bare.embed_iq(iq))  # nothing before it has learnt
    assert not model.iq.measures.is_fitted()
    model.iq.measures.fit(window_measures(iq))
    assert model.iq.measures.is_fitted()
    torch.nn.init.normal_(model.iq.measures.tokens.weight)
    assert model.iq.about(iq).shape == (4, 1, 16) and bare.iq.about(iq) is None
    assert model.encode_iq(iq).shape == bare.encode_iq(iq).shape
    assert not torch.allclose(model.embed_iq(iq, "mean"), bare.embed_iq(iq, "mean"), atol=1e-3)


def test_what_they_are_scaled_by_is_not_trained(generator):
    measures = WindowMeasures(8)
    iq = keyed(4, generator, 6)
    measures.fit(window_measures(iq))
    torch.nn.init.normal_(measures.tokens.weight)
    measures.measured(iq).square().sum().backward()
    assert measures.mean.grad is None and measures.deviation.grad is None
    assert measures.values.grad.abs().sum() > 0 and measures.mix.weight.grad.abs().sum() > 0
