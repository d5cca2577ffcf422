# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.emitters import EMITTERS
from wfm_core.synth.scenes import band as band_module
from wfm_core.synth.scenes.band import KINDS, SAMPLE_RATES, placed, render_band


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def flatness(iq):
    """Strongest over median of a spectrum averaged in 32 bins, per window [B]: about 1 for noise."""
    spectrum = torch.fft.fft(iq.unflatten(-1, (-1, 64)) * torch.hann_window(64)).abs().square().mean((1, 2))
    spectrum = spectrum[:, 1:-1].roll(31, -1)[:, 12:50]  # without DC and the filter's edges
    return spectrum.amax(1) / spectrum.median(1).values


@pytest.mark.parametrize("kind", EMITTERS)
def test_every_emitter_keeps_its_contract(kind):
    emitter = EMITTERS[kind]
    low, high = emitter.rates
    for seed, rate in enumerate((low, (low * high) ** 0.5, high)):
        emission = emitter.function(2048, rate, seeded(seed))
        again = emitter.function(2048, rate, seeded(seed))
        assert torch.equal(emission.samples, again.samples)
        assert emission.samples.shape == (2048,) and emission.samples.dtype == torch.complex64
        assert torch.isfinite(torch.view_as_real(emission.samples)).all()
        assert 0 < emission.bandwidth <= rate
        power = emission.samples.abs().square()
        assert 0.4 < float(power[power > 1e-3].mean()) < 2.5


def test_a_band_is_what_a_driver_delivers_and_says_what_is_in_it():
    band = render_band(12, 512, 3, seeded(1))
    assert band.iq.shape == (12, 3, 512) and band.iq.dtype == torch.complex64
    assert torch.view_as_real(band.iq).abs().max() <= 1.0
    assert band.iq.abs().square().mean((1, 2)).min() > 0
    assert len(band.kinds) == 12 and band.sample_rate.shape == (12,) and band.sample_rate.dtype == torch.float32
    for names, rate in zip(band.kinds, band.sample_rate.double().tolist(), strict=True):
        assert min(abs(rate / known - 1) for known in SAMPLE_RATES) < 1e-6
        for name in names:
            low, high = EMITTERS[name].rates
            assert low * (1 - 1e-6) <= rate <= high * (1 + 1e-6)


def test_the_same_seed_gives_the_same_band():
    first, again, other = (render_band(6, 512, 2, seeded(seed)) for seed in (3, 3, 4))
    assert torch.equal(first.iq, again.iq) and first.kinds == again.kinds
    assert not torch.equal(first.iq, other.iq)


def test_contents_are_mostly_single_emitters():
    kinds = render_band(160, 128, 1, seeded(5)).kinds
    counts = torch.bincount(torch.tensor([len(names) for names in kinds]), minlength=6)
    assert 4 <= counts[0] <= 28  # 8 %
    assert counts[1] > 80 and counts[2:].sum() > 15 and len(counts) == 6
    assert {name for names in kinds for name in names} == set(EMITTERS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_can_be_forced(kind):
    band = render_band(3, 1024, 1, seeded(6), kind=kind)
    for names in band.kinds:
        if kind == "noise":
            assert names == ()
        elif kind == "crowded":
            assert 2 <= len(names) <= 5
        else:
            assert names == (kind,)


def test_an_unknown_kind_is_refused():
    with pytest.raises(WfmError, match="'lite'"):
        render_band(1, 512, 1, seeded(), kind="lite")


def test_emitters_stand_out_of_the_noise():
    noise = flatness(render_band(24, 4096, 2, seeded(7), kind="noise").iq)
    for kind in ("dsss", "crowded"):
        assert flatness(render_band(24, 4096, 2, seeded(7), kind=kind).iq).median() > 2 * noise.median()


def test_emitters_arrive_with_the_drawn_power(monkeypatch):
    monkeypatch.setattr(band_module, "SNR_DB", (10.0, 10.0))
    air = torch.zeros(200, 2, 512, dtype=torch.complex64)
    band_module.add_emitters(air, [("dsss",)] * 200, [5e6] * 200, seeded(9))
    power = air.abs().square().mean((1, 2))
    assert float(power.mean()) == pytest.approx(10, rel=0.2)  # over fading
    assert float(power.std()) > 2


def test_long_windows_have_no_clock_to_complain_of():
    assert render_band(1, 32768, 1, seeded(8), kind="noise").iq.shape == (1, 1, 32768)


def test_placing_moves_a_tone_and_drops_what_leaves_the_band():
    time = torch.arange(1000)
    tone = torch.polar(torch.ones(1000), 2 * torch.pi * 0.2 * time)
    moved, gone = placed(torch.stack((tone, tone)), torch.tensor([0.15, 0.4]))
    assert int(torch.fft.fft(moved).abs().argmax()) == 350
    assert moved.abs().square().mean() == pytest.approx(1.0, abs=1e-4)
    assert gone.abs().max() < 1e-4


def test_several_kinds_are_drawn_from_alone_and_each_comes():
    band = render_band(24, 64, 1, seeded(3), kind=["fm", "noise", "lora"])
    assert set(band.kinds) == {("fm",), (), ("lora",)}
    with pytest.raises(WfmError, match="'radar'"):
        render_band(1, 64, 1, seeded(), kind=["fm", "radar"])
