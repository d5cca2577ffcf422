# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch

from wfm_core.synth.dsss import DsssParameters, dsss, random_parameters

SAMPLES = 4096


def parameters(qpsk, chip_rate=0.25, order=6, rolloff=0.3, offset=0.05):
    def one(value):
        return torch.tensor([value])

    return DsssParameters(one(qpsk), one(chip_rate), one(order), one(3), one(rolloff), one(offset))


def line(spectrum: torch.Tensor) -> tuple[float, float]:
    """Frequency (cycles per sample) of the strongest bin, and its power over the median in dB."""
    strongest = int(spectrum.argmax())
    frequency = (strongest + SAMPLES // 2) % SAMPLES - SAMPLES // 2
    return frequency / SAMPLES, float(10 * torch.log10(spectrum.max() / spectrum.median()))


def power_spectrum(x: torch.Tensor) -> torch.Tensor:
    return torch.fft.fft(x).abs().square()


def test_unit_power_and_seeded():
    drawn = random_parameters(16, torch.Generator().manual_seed(1))
    first = dsss(drawn, SAMPLES, torch.Generator().manual_seed(2))
    again = dsss(drawn, SAMPLES, torch.Generator().manual_seed(2))
    other = dsss(drawn, SAMPLES, torch.Generator().manual_seed(3))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.allclose(first.abs().square().mean(1), torch.ones(16), atol=1e-4)


def test_bpsk_squares_to_a_line_at_twice_the_offset():
    x = dsss(parameters(False), SAMPLES, torch.Generator().manual_seed(4))[0]
    frequency, height = line(power_spectrum(x * x))
    assert frequency == pytest.approx(0.1, abs=1 / SAMPLES)
    assert height > 40


def test_qpsk_has_its_line_in_the_fourth_power_only():
    x = dsss(parameters(True), SAMPLES, torch.Generator().manual_seed(4))[0]
    squared = power_spectrum(x * x)
    assert squared.max() / squared.sum() < 0.2, "the square of QPSK keeps the random data: no single line"
    frequency, _ = line(power_spectrum(x**4))
    assert frequency == pytest.approx(0.2, abs=1 / SAMPLES)


@pytest.mark.parametrize("chip_rate", [0.125, 0.25, 0.5])
def test_envelope_has_a_line_at_the_chip_rate(chip_rate):
    x = dsss(parameters(True, chip_rate=chip_rate, rolloff=0.5), SAMPLES, torch.Generator().manual_seed(5))[0]
    spectrum = power_spectrum(x.abs().square())
    bin_of_rate = int(chip_rate * SAMPLES)
    assert spectrum[bin_of_rate] > 100 * spectrum.median()


def test_code_period_is_one_symbol():
    order, chip_rate = 5, 0.25
    x = dsss(
        parameters(False, chip_rate=chip_rate, order=order, offset=0.0), SAMPLES, torch.Generator().manual_seed(6)
    )[0]
    period = int((2**order - 1) / chip_rate)
    product = x[period:] * x[:-period].conj()
    assert product.abs().mean() > 0.8, "one period later stands the same chip, times the next symbol's sign"
    assert product.real.mean().abs() < 0.6


def test_spectrum_stays_in_the_band_it_was_given():
    x = dsss(parameters(False, chip_rate=0.2, rolloff=0.25, offset=0.2), SAMPLES, torch.Generator().manual_seed(7))[0]
    spectrum = power_spectrum(x)
    frequency = torch.fft.fftfreq(SAMPLES)
    inside = (frequency - 0.2).abs() < 0.2 * 1.25 / 2 + 0.01
    assert spectrum[inside].sum() / spectrum.sum() > 0.99
