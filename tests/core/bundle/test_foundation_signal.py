# SPDX-License-Identifier: GPL-3.0-or-later
"""The signal kinds of the foundation: spectrogram, standardised IQ, ready-made images."""

import pytest
import torch
import torch.nn.functional as F
from bundle_files import make_folder

from wfm_core.base.errors import WfmError
from wfm_core.bundle import build_network, export_bundle, load_bundle, read_model_folder
from wfm_core.bundle.screening.operators import screen_graphs
from wfm_core.model.network import pool
from wfm_core.signal import build_preprocessor

SPECTROGRAM = {
    "kind": "spectrogram", "fft_size": 64, "hop": 32, "size": [24, 48], "minimum": -40.0, "maximum": 20.0,
    "mean": 0.6, "std": 0.2,
}  # fmt: skip
IQ = {"kind": "iq_standard", "mean": [0.1, -0.2], "std": [0.7, 0.5]}
IMAGE = {
    "kind": "standard_image", "size": [24, 48], "minimum": -1.0, "maximum": 3.0,
    "mean": [0.3, 0.6], "std": [0.1, 0.2],
}  # fmt: skip


def noise(batch=2, antennas=2, samples=1000, seed=0):
    return torch.randn(batch, antennas, samples, dtype=torch.complex64, generator=torch.Generator().manual_seed(seed))


def images(height=30, width=90, seed=1):
    return torch.rand(2, 2, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("settings", "x"),
    [
        (SPECTROGRAM, noise()),
        (IQ, noise()),
        (IQ | {"level": "absolute"}, noise()),
        (IMAGE, images()),
        (IMAGE | {"mode": "bicubic"}, images()),
    ],
)
def test_scripted_equals_eager_and_a_bundle_may_hold_it(settings, x):
    module = build_preprocessor(settings)
    scripted = torch.jit.script(module)
    screen_graphs(scripted, "test")
    assert torch.equal(scripted(x), module(x))
    assert not module.state_dict(), "statistics are settings of the contract, not weights"


def test_decibels_are_those_of_a_transform_computed_one_by_one():
    iq = noise(1, 2, 200)
    hann = torch.tensor([0.5 - 0.5 * torch.cos(torch.tensor(2 * torch.pi * n / 64)) for n in range(64)])
    expected = torch.zeros(5, 64)  # starts 0, 32 .. 128; the last 8 samples fill no transform
    for row in range(5):
        for antenna in range(2):
            piece = iq[0, antenna, 32 * row : 32 * row + 64]
            for column in range(64):
                turn = torch.polar(torch.ones(64), -2 * torch.pi * (column - 32) * torch.arange(64) / 64)
                expected[row, column] += (piece * hann * turn).sum().abs() ** 2 / 2
    expected = 10 * torch.log10(expected / expected.mean())
    decibels = build_preprocessor(SPECTROGRAM).decibels(iq)
    assert decibels.shape == (1, 1, 5, 64)
    torch.testing.assert_close(decibels[0, 0], expected, atol=0.02, rtol=1e-4)


def test_spectrogram_is_scaled_resized_and_standardised_in_the_papers_order():
    module = build_preprocessor(SPECTROGRAM)
    unit = (module.decibels(noise()) + 40) / 60
    expected = (F.interpolate(unit, (24, 48), mode="bilinear", antialias=True) - 0.6) / 0.2
    torch.testing.assert_close(module(noise()), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("samples", [64, 65, 512, 4000])
def test_any_window_from_one_transform_on_makes_an_image_of_the_size(samples):
    assert build_preprocessor(SPECTROGRAM)(noise(3, 1, samples)).shape == (3, 1, 24, 48)


def test_gain_does_not_matter_and_silence_is_finite():
    module = build_preprocessor(SPECTROGRAM)
    torch.testing.assert_close(module(noise() * 1e-3), module(noise()), atol=1e-3, rtol=1e-3)
    assert torch.allclose(module.decibels(torch.zeros(1, 1, 64, dtype=torch.complex64)), torch.tensor(-120.0))


def test_a_window_shorter_than_a_transform_is_named():
    with pytest.raises(ValueError, match="window of 63 samples.*fft_size 64"):
        build_preprocessor(SPECTROGRAM)(noise(1, 1, 63))


def test_iq_is_standardised_after_its_level_is_taken_out():
    iq = noise(2, 3, 500)
    unit = iq / iq.abs().square().mean((1, 2), keepdim=True).sqrt()
    result = build_preprocessor(IQ)(17 * iq)
    torch.testing.assert_close(result.real, (unit.real - 0.1) / 0.7, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(result.imag, (unit.imag + 0.2) / 0.5, atol=1e-5, rtol=1e-5)


def test_an_absolute_level_stays_in():
    iq = 17 * noise(2, 3, 500)
    result = build_preprocessor(IQ | {"level": "absolute"})(iq)
    torch.testing.assert_close(result.real, (iq.real - 0.1) / 0.7)
    torch.testing.assert_close(result.imag, (iq.imag + 0.2) / 0.5)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_an_image_is_resized_in_the_mode_that_is_asked_for(mode):
    expected = F.interpolate((images() + 1) / 4, (24, 48), mode=mode, antialias=True)
    plain = IMAGE | {"mean": [0.0, 0.0], "std": [1.0, 1.0], "mode": mode}
    torch.testing.assert_close(build_preprocessor(plain)(images()), expected, atol=1e-6, rtol=1e-5)


def test_a_ready_image_keeps_its_channels_apart():
    flat = torch.stack([torch.full((7, 9), 1.0), torch.full((7, 9), 2.0)])[None]
    result = build_preprocessor(IMAGE)(flat)
    assert result.shape == (1, 2, 24, 48)
    assert torch.allclose(result[0, 0], torch.tensor((0.5 - 0.3) / 0.1), atol=1e-5)
    assert torch.allclose(result[0, 1], torch.tensor((0.75 - 0.6) / 0.2), atol=1e-5)


def test_shrinking_averages_and_drops_no_pixel():
    dot = torch.zeros(1, 2, 24 * 8, 48 * 8)
    dot[0, :, 3, 5] = 64.0  # between the samples that a plain bilinear resize by 8 looks at
    result = build_preprocessor(IMAGE | {"minimum": 0.0, "maximum": 1.0, "mean": [0.0, 0.0], "std": [1.0, 1.0]})(dot)
    assert result.sum() == pytest.approx(2.0, rel=0.3)  # more than 1.0 each only by the weights cut off at the edge


def test_images_of_another_channel_count_are_named():
    with pytest.raises(ValueError, match=r"2, 30, 90\]\)?: \[batch, 1 channels"):
        build_preprocessor(IMAGE | {"mean": [0.3], "std": [0.1]})(images())


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (SPECTROGRAM | {"hop": 0}, "hop 0"),
        (SPECTROGRAM | {"size": [224]}, r"size \[224\]"),
        (SPECTROGRAM | {"maximum": -40.0}, "maximum -40.0"),
        (SPECTROGRAM | {"std": 0.0}, r"std \[0.0\]"),
        (IMAGE | {"mean": [0.3]}, r"mean \[0.3\], std \[0.1, 0.2\]"),
        (IMAGE | {"mode": "nearest"}, "mode 'nearest'"),
        (IQ | {"std": [1.0]}, r"std \[1.0\]"),
        (IQ | {"level": "frame"}, "level 'frame'"),
    ],
)
def test_settings_that_cannot_be_are_named(settings, reason):
    with pytest.raises(WfmError, match=reason):
        build_preprocessor(settings)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize(
    ("modality", "signal"),
    [("iq", IQ), ("image", SPECTROGRAM | {"size": [32, 48], "fft_size": 32, "hop": 16})],
)
def test_a_bundle_carries_the_statistics(tmp_path, modality, signal):
    image = {"image": {"channels": 1, "size": [32, 48]}} if modality == "image" else {}
    contract, weights = read_model_folder(make_folder(tmp_path / "m", modality=modality, signal=signal, **image))
    network = build_network(contract).eval()
    network.load_state_dict(weights)
    x = build_preprocessor(signal)(noise(2, 3, 256))
    tokens = network.encode(network.iq(x) if modality == "iq" else network.image(x))
    bundle = load_bundle(export_bundle(tmp_path / "m", tmp_path / "m.wfm.pt"), device="cpu", dtype="fp32")
    seen = bundle.infer(noise(2, 3, 256).numpy())[f"embedding_{modality}"]
    torch.testing.assert_close(torch.from_numpy(seen), pool(tokens, "cls"), atol=1e-4, rtol=1e-4)
