# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.signal import build_preprocessor
from wfm_core.signal.images import CyclicImage, LogSpectrogram

SAMPLES = 4096


def noise(batch=2, antennas=2, seed=0):
    return torch.randn(batch, antennas, SAMPLES, dtype=torch.complex64, generator=torch.Generator().manual_seed(seed))


def tone(frequency):
    return torch.polar(torch.ones(SAMPLES), 2 * torch.pi * frequency * torch.arange(SAMPLES))[None, None]


def tile_of(channel: torch.Tensor) -> int:
    """Which of the eight patches [32, 64] holds the largest value."""
    row, column = divmod(int(channel.argmax()), 64)
    return (row // 16) * 4 + column // 16


@pytest.mark.parametrize("kind", ["iq_rms", "cyclic_image"])
def test_scripted_equals_eager(kind):
    module = build_preprocessor({"kind": kind})
    assert torch.equal(torch.jit.script(module)(noise()), module(noise()))


@pytest.mark.parametrize("kind", ["iq_rms", "cyclic_image"])
def test_gain_of_the_radio_does_not_matter(kind):
    module = build_preprocessor({"kind": kind})
    torch.testing.assert_close(module(noise() * 1e-3), module(noise()), atol=2e-3, rtol=1e-3)


def test_iq_has_unit_power_and_silence_stays_silent():
    module = build_preprocessor({"kind": "iq_rms"})
    assert torch.allclose(module(7 * noise()).abs().square().mean((1, 2)), torch.ones(2), atol=1e-5)
    assert not module(torch.zeros(1, 1, 64, dtype=torch.complex64)).abs().any()


def test_image_is_the_same_for_one_antenna_and_its_copies():
    one = noise(antennas=1)
    torch.testing.assert_close(CyclicImage()(one.expand(-1, 3, -1)), CyclicImage()(one), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("frequency, column", [(-0.5, 0), (0.0, 32), (0.25, 48)])
def test_spectrogram_column_is_frequency_from_minus_half_the_rate(frequency, column):
    image = LogSpectrogram(fft_size=64, rows=32, floor_db=-35.0, range_db=50.0)(tone(frequency))
    assert image.shape == (1, 1, 32, 64)
    assert (image[0, 0].argmax(-1) == column).all()


def test_spectrogram_row_is_time():
    late = noise(1, 1)
    late[..., : SAMPLES // 2] *= 1e-3
    image = LogSpectrogram(fft_size=64, rows=32, floor_db=-35.0, range_db=50.0)(late)[0, 0]
    assert image[16:].mean() > image[:16].mean() + 0.3


def test_a_line_shows_in_its_own_channel_and_tile():
    bits = torch.randint(0, 2, (1, 1, SAMPLES // 4), generator=torch.Generator().manual_seed(1)) * 2.0 - 1
    x = bits.repeat_interleave(4, -1) * tone(0.1) + 0.3 * noise(1, 1)
    image = CyclicImage()(x)[0]
    squared = image[2]
    assert squared.max() > 2.0, "BPSK squared is a line, 20 dB or more over its surroundings"
    assert tile_of(squared) == int((0.2 + 0.5) * 8)
    assert image[1].max() < 2.0, "x itself has none"


def test_each_tile_is_ranked():
    tile = CyclicImage()(noise())[0, 1, :16, :16].flatten()
    assert (tile.diff() <= 0).all()


def test_unknown_kind_is_named():
    with pytest.raises(WfmError, match="'wavelet' is not known; expected one of iq_rms, cyclic_image"):
        build_preprocessor({"kind": "wavelet"})
    with pytest.raises(WfmError, match="size"):
        build_preprocessor({"kind": "cyclic_image", "size": 3})
