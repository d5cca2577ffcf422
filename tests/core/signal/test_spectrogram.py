# SPDX-License-Identifier: GPL-3.0-or-later
"""The one spectrogram, against SciPy's, and its scales."""

import numpy as np
import pytest
import scipy.signal
import torch

from wfm_core.signal.spectrogram import dbfs, decibels, full_scale_db, hann, relative, spectrogram


def tone(place: float, samples: int = 4096, level: float = 1.0) -> torch.Tensor:
    """`place` in cycles a sample."""
    return torch.from_numpy(level * np.exp(2j * np.pi * place * np.arange(samples))).to(torch.complex64)


@pytest.mark.parametrize(("fft_size", "hop"), [(64, 64), (64, 20), (48, 31), (256, 1)])
def test_rows_are_those_of_scipy(fft_size, hop):
    iq = torch.randn(2, 1000, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    rows = spectrogram(iq, hann(fft_size), hop)
    assert rows.shape == (2, (1000 - fft_size) // hop + 1, fft_size)
    options = {"nperseg": fft_size, "noverlap": fft_size - hop, "return_onesided": False}
    *_, spectra = scipy.signal.spectrogram(iq.numpy(), 1.0, "hann", detrend=False, scaling="spectrum", **options)
    expected = np.fft.fftshift(spectra.swapaxes(-1, -2), axes=-1) * (fft_size / 2) ** 2
    assert np.allclose(rows.numpy(), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("fft_size", [16, 64, 512])
def test_a_full_scale_tone_is_0_dbfs_in_its_bin(fft_size):
    rows = dbfs(spectrogram(tone(3 / 16), hann(fft_size), fft_size))
    assert (rows.argmax(-1) == fft_size // 2 + 3 * fft_size // 16).all()
    assert torch.allclose(rows.amax(-1), torch.zeros(len(rows)), atol=1e-3)
    half = dbfs(spectrogram(tone(-3 / 16, level=0.5), hann(fft_size), fft_size))
    assert (half.argmax(-1) == fft_size // 2 - 3 * fft_size // 16).all()
    assert torch.allclose(half.amax(-1), torch.full((len(half),), -6.0206), atol=1e-3)


def test_relative_is_free_of_gain_and_dbfs_is_decibels_less_full_scale():
    power = spectrogram(tone(0.1) + 0.1 * tone(-0.3), hann(64), 32)
    assert torch.allclose(relative(100 * power), relative(power), atol=1e-4)
    assert (10 ** (relative(power) / 10)).mean().item() == pytest.approx(1, abs=1e-3)
    assert torch.allclose(decibels(power) - dbfs(power), torch.tensor(full_scale_db(64)))


def test_silence_is_finite():
    power = spectrogram(torch.zeros(256, dtype=torch.complex64), hann(64), 64)
    assert torch.allclose(decibels(power), torch.tensor(-120.0))
    assert torch.allclose(relative(power), torch.tensor(-120.0))


def test_less_than_a_transform_is_named():
    with pytest.raises(ValueError, match="window of 63 samples: a spectrogram needs fft_size 64 or more"):
        spectrogram(torch.zeros(63, dtype=torch.complex64), hann(64), 64)
