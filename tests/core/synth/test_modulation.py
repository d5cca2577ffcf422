# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.modulation import (
    LINEAR,
    MODULATIONS,
    chirp_cycles,
    constellation,
    linear,
    message,
    modulated,
    random_symbols,
)
from wfm_core.synth.shaping import (
    cpfsk_cycles,
    gaussian_phase_pulse,
    interpolated,
    keying_pulse,
    rectangular_phase_pulse,
    root_raised_cosine_pulse,
    unit_tone,
)

CPU = torch.device("cpu")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def power_spectrum(x: torch.Tensor) -> torch.Tensor:
    return torch.fft.fft(x).abs().square()


def share_within(x: torch.Tensor, bandwidth: float) -> float:
    """Part of the power within +-bandwidth / 2, cycles per sample, seen through a window of low side lobes."""
    spectrum = power_spectrum(x * torch.hann_window(len(x)))
    return float(spectrum[torch.fft.fftfreq(len(x)).abs() <= bandwidth / 2].sum() / spectrum.sum())


@pytest.mark.parametrize("name", MODULATIONS)
@pytest.mark.parametrize("samples_per_symbol", [1.6, 8, 13.7])
def test_unit_power_seeded_and_in_band(name, samples_per_symbol):
    x = modulated(name, 4096, samples_per_symbol, seeded(1))
    assert x.shape == (4096,) and x.dtype == torch.complex64
    assert float(x.abs().square().mean()) == pytest.approx(1, abs=1e-4)
    assert torch.equal(x, modulated(name, 4096, samples_per_symbol, seeded(1)))
    assert not torch.allclose(x, modulated(name, 4096, samples_per_symbol, seeded(2)), atol=0.1)
    widest = {"fm": 3.0, "gfsk": 2.0, "am": 1.1, "css": 1.1}.get(name, 1.5)
    assert share_within(x, min(widest / samples_per_symbol, 1.0)) > 0.98


# |E a^4| and E|a|^4 of unit-power points (Swami and Sadler, IEEE Trans. Comm. 2000, table I).
@pytest.mark.parametrize(
    ("name", "fourth", "kurtosis"),
    [("bpsk", 1, 1), ("qpsk", 1, 1), ("8psk", 0, 1), ("16qam", 0.68, 1.32), ("64qam", 0.619, 1.381), ("ook", 2, 2)],
)
def test_moments_of_the_constellations(name, fourth, kurtosis):
    points = constellation(name, CPU)
    assert float(points.abs().square().mean()) == pytest.approx(1, abs=1e-6)
    assert abs(complex((points**4).mean())) == pytest.approx(fourth, abs=1e-3)
    assert float((points.abs() ** 4).mean()) == pytest.approx(kurtosis, abs=1e-3)
    drawn = random_symbols(name, 64 * len(points), seeded(3))
    assert len(torch.unique(torch.view_as_real(drawn), dim=0)) == len(points)


@pytest.mark.parametrize("samples_per_symbol", [4.0, 5.3])
def test_a_matched_filter_returns_the_symbols(samples_per_symbol):
    pulse = root_raised_cosine_pulse(0.3, CPU)
    position = torch.arange(4000, dtype=torch.float64) / samples_per_symbol
    symbols = random_symbols("64qam", pulse.length(position), seeded(4))
    y = interpolated(symbols, position, pulse)
    # An independent root-raised cosine by its spectrum: flat, then the root of a raised cosine between 0.35 and 0.65.
    frequency = torch.fft.fftfreq(4000).double().abs() * samples_per_symbol
    edge = torch.cos(torch.pi / 2 * ((frequency - 0.35) / 0.3).clamp(0, 1))
    filtered = torch.fft.ifft(torch.fft.fft(y) * edge)
    wanted = torch.arange(40, 600)
    spectrum = torch.fft.fft(filtered)
    bins = torch.fft.fftfreq(4000).double()
    at = torch.exp(2j * torch.pi * bins[:, None] * (wanted * samples_per_symbol)[None]).to(torch.complex64)
    found = (spectrum.to(torch.complex64)[:, None] * at).sum(0) / 4000
    error = found - symbols[wanted + pulse.before]
    assert float(error.abs().square().mean()) < 1e-3, "intersymbol interference above -30 dB"


def test_symbol_rate_may_be_fractional():
    x = linear("qpsk", 8192, 3.7, 0.45, seeded(5))
    spectrum = power_spectrum(x.abs().square())[100:4096]
    assert int(spectrum.argmax()) + 100 == pytest.approx(8192 / 3.7, abs=1)
    assert spectrum.max() > 50 * spectrum.median()


@pytest.mark.parametrize("name", LINEAR)
def test_only_ook_has_a_carrier(name):
    x = modulated(name, 16384, 4.0, seeded(6))
    assert (float(x.mean().abs()) > 0.5) == (name == "ook")


def test_rectangular_cpfsk_of_index_half_is_msk():
    bits = torch.tensor([1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0, 1.0, 1.0])
    position = torch.arange(0, 8, 0.25, dtype=torch.float64) + 1 / 512
    cycles = cpfsk_cycles(bits, position, 0.5, rectangular_phase_pulse(CPU))
    steps = cycles[4::4] - cycles[:-4:4]
    assert torch.allclose(steps, 0.25 * bits[:7].double(), atol=2e-3)


def test_gaussian_fsk_reaches_its_deviation_only_in_runs():
    pulse = gaussian_phase_pulse(0.5, CPU)
    position = torch.arange(0, 20, 1 / 16, dtype=torch.float64)

    def peak(bits):
        return float(cpfsk_cycles(bits, position, 0.32, pulse).diff().abs().max() * 16)

    assert peak(torch.ones(32)) == pytest.approx(0.16, rel=0.01)
    # Bluetooth asks for at least 80 % in 1010...; a Gaussian of BT 0.5 leaves (2 Phi(0.5 / 0.265) - 1) - 2 tails.
    alternating = peak(torch.tensor([1.0, -1.0]).repeat(16))
    assert 0.8 * 0.16 < alternating < 0.95 * 0.16


def test_gfsk_and_fm_have_a_constant_envelope_and_am_a_constant_phase():
    for name in ("gfsk", "fm", "css"):
        assert torch.allclose(modulated(name, 2048, 9.0, seeded(7)).abs(), torch.ones(2048), atol=1e-3)
    x = modulated("am", 2048, 9.0, seeded(7))
    turned = x * (x.mean().conj() / x.mean().abs())
    assert float(turned.imag.abs().max()) < 1e-3 and float(turned.real.min()) > 0
    assert 0.02 < float(turned.real.std()) < 0.9


def test_message_is_band_limited_and_bounded():
    both = message(8192, 10.0, seeded(8), channels=2)
    assert both.shape == (2, 8192) and float(both.abs().max()) <= 1
    assert share_within(both[0].to(torch.complex64), 0.12) > 0.995
    assert abs(float((both[0] * both[1]).mean())) < 0.02, "the two channels are independent"


def test_chirps_join_in_phase_and_dechirp_to_their_symbol():
    chips, oversampling = 128, 4
    chip = torch.arange(chips * oversampling, dtype=torch.float64) / oversampling
    base = unit_tone(chirp_cycles(torch.zeros_like(chip), chip, chips))
    for symbol in (0, 1, 77, 127):
        values = torch.full_like(chip, symbol)
        x = unit_tone(chirp_cycles(values, chip, chips))
        spectrum = power_spectrum((x * base.conj())[::oversampling])
        assert int(spectrum.argmax()) == symbol and spectrum.max() > 0.99 * spectrum.sum()
        end = chirp_cycles(values[:1], torch.tensor([float(chips)], dtype=torch.float64), chips)
        assert float(end - end.round()) == pytest.approx(0, abs=1e-9)


def test_keying_rises_over_its_edge_and_holds_through_a_run():
    sent = torch.tensor([0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    # values[0] is the symbol at time -1: the two ones last from 1 to 3, the edge another 0.2.
    y = interpolated(
        sent, torch.tensor([0.9, 1.1, 1.5, 2.1, 2.9, 3.1, 3.3], dtype=torch.float64), keying_pulse(0.2, CPU)
    )
    assert torch.allclose(y, torch.tensor([0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0]), atol=0.03)


def test_refusals_name_the_value_and_the_mend():
    with pytest.raises(WfmError, match="'pam4' is not known, want one of bpsk"):
        modulated("pam4", 64, 4.0, seeded(9))
    with pytest.raises(WfmError, match="1 samples per symbol"):
        modulated("bpsk", 64, 1.0, seeded(9))
    with pytest.raises(WfmError, match="0 samples"):
        modulated("bpsk", 0, 4.0, seeded(9))
