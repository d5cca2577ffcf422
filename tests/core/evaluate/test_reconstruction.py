# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconstruction errors and their baselines against direct definitions; the pictures of a run."""

import json

import pytest
import torch
from sklearn.linear_model import Ridge

from wfm_core.evaluate import pictures, reconstruction, ridge
from wfm_core.evaluate.reconstruction import MIXTURE, evaluate_reconstruction, format_table, reconstruction_errors
from wfm_core.evaluate.ridge import RidgePredictor, choose_penalty
from wfm_core.model import EncoderConfig, ImageTokens, IqTokens, WirelessModel
from wfm_core.model.masked import MaskedAutoencoder
from wfm_core.model.masking import random_masks


def tiny_autoencoder(normalise_targets=()):
    torch.manual_seed(3)
    config = EncoderConfig(width=32, depth=1, heads=2, mlp_hidden=32)
    model = WirelessModel(config, image=ImageTokens(32, 1, size=(32, 48)), iq=IqTokens(32, 4))
    return MaskedAutoencoder(model, EncoderConfig(width=16, depth=1, heads=2, mlp_hidden=16), True, normalise_targets)


def tokens_of(windows: int, generator: torch.Generator) -> torch.Tensor:
    """Correlated values [n, 6 tokens, 4] around a mean that is not zero."""
    mixing = torch.randn(24, 24, generator=generator)
    return (torch.randn(windows, 24, generator=generator) @ mixing + 3.0).view(windows, 6, 4)


MASK = torch.tensor([True, False, True, True, False, True])


def test_ridge_agrees_with_the_primal_definition():
    generator = torch.Generator().manual_seed(1)
    tokens = tokens_of(50, generator)
    train, new = tokens[:40], tokens[40:]
    targets = train.square()  # not the values themselves, as normalised targets are not
    visible = train[:, ~MASK].flatten(1)
    level = (visible - visible.mean(0)).square().sum(1).mean()
    for penalty in (0.01, 1.0):
        direct = Ridge(alpha=float(penalty * level)).fit(visible.numpy(), targets[:, MASK].flatten(1).numpy())
        wanted = torch.from_numpy(direct.predict(new[:, ~MASK].flatten(1).numpy())).view(10, 4, 4)
        hidden = new.masked_fill(MASK[:, None], torch.nan)  # must not be looked at
        predicted = RidgePredictor(train, targets, MASK).fit(penalty).predict(hidden)
        torch.testing.assert_close(predicted, wanted.float(), rtol=1e-4, atol=1e-3 * float(targets.std()))


def test_ridge_finds_what_is_linear():
    """Masked tokens that are a linear map of the visible ones are predicted from few training windows."""
    generator = torch.Generator().manual_seed(2)
    tokens = tokens_of(80, generator)
    tokens[:, MASK] = (tokens[:, ~MASK].flatten(1) @ torch.randn(8, 16, generator=generator)).view(-1, 4, 4) - 5.0
    train, new = tokens[:60], tokens[60:]
    assert choose_penalty(train, train, 15, MASK) == min(ridge.PENALTIES)
    predicted = RidgePredictor(train, train, MASK).fit(1e-6).predict(new)
    variance = (new[:, MASK] - train.mean(0)[MASK]).square().mean()
    assert (predicted - new[:, MASK]).square().mean() < 1e-4 * variance


def test_ridge_falls_back_on_the_mean_where_nothing_is_linear():
    """In white noise nothing can be told from the visible tokens: no worse than the mean by more than 2 %."""
    noise = torch.randn(300, 6, 40, generator=torch.Generator().manual_seed(3)) + 1.0
    train, new = noise[:200], noise[200:]
    predictor = RidgePredictor(train, train, MASK).fit(choose_penalty(train, train, 50, MASK))
    linear = (predictor.predict(new) - new[:, MASK]).square().mean()
    mean = (predictor.mean - new[:, MASK]).square().mean()
    assert mean < linear < 1.02 * mean or linear <= mean
    assert (RidgePredictor(train, train, MASK).fit(1e-3).predict(new) - new[:, MASK]).square().mean() > 1.1 * mean


class Renderer:
    """Renders IQ [count, 2, 64] of known structure and keeps what it rendered, by kind."""

    def __init__(self):
        self.rendered = {}
        self.waveform = torch.randn(2, 64, dtype=torch.complex64, generator=torch.Generator().manual_seed(4))

    def __call__(self, count, generator, kind):
        noise = torch.randn(count, 2, 64, dtype=torch.complex64, generator=generator)
        steady = torch.randn(count, 1, 1, generator=generator) * self.waveform
        iq = {"noise": noise, "steady": steady, None: torch.where(torch.rand(count, 1, 1) < 0.5, noise, steady)}[kind]
        self.rendered.setdefault(kind, []).append(iq)
        return iq


@pytest.mark.parametrize("normalised", [(), ("iq",)])
def test_errors_against_the_direct_definition(normalised):
    """Kind by kind: the model's loss window by window, and the error of the training windows' mean target."""
    autoencoder = tiny_autoencoder(normalised).train()
    render = Renderer()
    result = reconstruction_errors(
        autoencoder, "iq", torch.nn.Identity(), render, ("noise", "steady"), 5, 0.5, 100, 20, windows=18, masks=3
    )
    assert autoencoder.training
    assert result["tokens"] == 8 and result["masked"] == 4
    assert list(result["kinds"]) == [MIXTURE, "noise", "steady"]
    mixed = torch.cat(render.rendered[None])
    assert len(mixed) == 118
    mean = autoencoder.targets("iq", mixed[:100]).mean(0)
    masks = random_masks(torch.arange(3), 8, 0.5, 5)
    tests = {MIXTURE: mixed[100:], **{kind: torch.cat(render.rendered[kind]) for kind in ("noise", "steady")}}
    with torch.no_grad():
        for kind, windows in tests.items():
            model, baseline = [], []
            for window in windows:
                for mask in masks:
                    model.append(autoencoder("iq", window[None], mask[None]))
                    target = autoencoder.targets("iq", window[None])[0]
                    baseline.append((target[mask] - mean[mask]).square().mean())
            row = result["kinds"][kind]
            assert row["model"] == pytest.approx(float(torch.stack(model).mean()), rel=1e-4)
            assert row["mean"] == pytest.approx(float(torch.stack(baseline).mean()), rel=1e-4)
            assert row["margin"] == pytest.approx(min(row["mean"], row["linear"]) - row["model"], abs=1e-5)


def test_the_linear_predictor_wins_on_what_is_linear_only():
    render = Renderer()
    result = reconstruction_errors(
        tiny_autoencoder(),
        "iq",
        torch.nn.Identity(),
        render,
        ("noise", "steady"),
        5,
        0.5,
        400,
        100,
        windows=50,
        masks=1,
    )
    steady, noise = result["kinds"]["steady"], result["kinds"]["noise"]
    assert steady["linear"] < 0.3 * steady["mean"]
    assert noise["linear"] > 0.97 * noise["mean"]


def test_no_windows_are_shared():
    """Training windows of the baselines, test windows of each kind: all different."""
    render = Renderer()
    reconstruction_errors(
        tiny_autoencoder(), "iq", torch.nn.Identity(), render, ("noise",), 1, 0.5, 40, 8, windows=8, masks=1
    )
    first = torch.cat([part[:, 0, 0].real for parts in render.rendered.values() for part in parts])
    assert len(first.unique()) == len(first) == 56


class TinyImage(torch.nn.Module):
    """Powers of IQ windows [B, A, 1536] as images [B, 1, 32, 48]."""

    def forward(self, iq):
        return torch.log10(iq.abs().square().mean(1) + 1e-6).view(-1, 1, 32, 48)


SETTINGS = {
    "image": {"antennas": 1, "samples": 1536, "ratio": 0.7},
    "iq": {"antennas": 2, "samples": 256, "ratio": 0.7},
    "train_windows": 24,
    "held_out": 6,
    "windows": 3,
    "masks": 2,
}


@pytest.fixture(scope="module")
def report():
    return evaluate()


def evaluate():
    from wfm_core.signal import IqRms

    preprocess = {"image": TinyImage(), "iq": IqRms()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconstruction, "KINDS", ("dsss", "noise"))
        return evaluate_reconstruction(tiny_autoencoder(("image",)), preprocess, SETTINGS, seed=9)


def test_report_is_repeatable_and_plain(report):
    assert json.loads(json.dumps(report)) == report == evaluate()
    assert report["image"]["tokens"] == 6 and report["iq"]["tokens"] == 32
    assert report["image"]["masked"] == 4 and report["iq"]["masked"] == 22
    # normalised targets have variance 1 in each token, IQ has unit power over I and Q together
    assert report["image"]["kinds"]["noise"]["mean"] == pytest.approx(1.0, abs=0.15)
    assert report["iq"]["kinds"]["noise"]["mean"] == pytest.approx(0.5, abs=0.1)


def test_table_names_every_kind(report):
    lines = format_table(report).splitlines()
    assert len(lines) == 2 * (2 + 3)
    row = report["iq"]["kinds"]["dsss"]
    line = next(line for line in lines[5:] if "dsss" in line)
    assert [f"{row[name]:.4f}" for name in ("mean", "linear", "model")] == line.split()[1:4]


def test_untokenised_undoes_the_tokens():
    image = torch.randn(2, 3, 32, 64)
    tokens = ImageTokens(32, 3, size=(32, 64)).values(image)
    assert torch.equal(pictures.untokenised("image", tokens, image.shape), image)
    iq = torch.randn(2, 4, 48, dtype=torch.complex64)
    assert torch.equal(pictures.untokenised("iq", IqTokens(32, 4).values(iq), iq.shape), iq)


def is_picture(path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5000


def test_pictures_are_as_high_as_their_images(tmp_path):
    heights = {}
    for height in (32, 128):
        images = torch.rand(2, 1, height, 256)
        masked = torch.rand(2, height // 16 * 16) < 0.5
        pictures.draw_reconstructions(tmp_path / "x.png", "image", images, masked, images, ["one", "two"])
        heights[height] = int.from_bytes((tmp_path / "x.png").read_bytes()[20:24], "big")
    assert heights[32] < 0.7 * heights[128]


@pytest.mark.parametrize("normalised", [(), ("image", "iq")])
def test_pictures_of_reconstructions(tmp_path, normalised, monkeypatch):
    """Both modalities are drawn; what is visible is drawn as it is, in the window's own units."""
    drawn = {}
    draw = pictures.draw_reconstructions

    def keep(path, modality, original, masked, reconstructed, titles):
        drawn[modality] = (original, masked, reconstructed)
        draw(path, modality, original, masked, reconstructed, titles)

    monkeypatch.setattr(pictures, "draw_reconstructions", keep)
    autoencoder = tiny_autoencoder(normalised)
    inputs = {"image": 4.0 + torch.randn(2, 1, 32, 48), "iq": torch.randn(2, 2, 128, dtype=torch.complex64)}
    for modality, x in inputs.items():
        mask = random_masks(torch.arange(2), autoencoder.tokens(modality, x), 0.5, 1)
        path = tmp_path / f"{modality}.png"
        pictures.picture_reconstructions(path, autoencoder, modality, x, mask, ["one", "two"])
        assert is_picture(path)
        original, _, reconstructed = drawn[modality]
        tokens = getattr(autoencoder.model, modality)
        seen, made = tokens.values(original)[~mask], tokens.values(reconstructed)[~mask]
        torch.testing.assert_close(made, seen, rtol=1e-3, atol=1e-3)


def test_curves_of_a_resumed_run(tmp_path):
    """Two files of one run: steps in order, of a step in both the later file's value, empty cells left out."""
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text(
        "epoch,step,train_loss_iq,val_loss_iq,val_mean_iq\n0,1,0.5,,\n0,2,0.4,,\n0,2,,0.45,0.5\n0,3,0.9,,\n"
    )
    second.write_text("epoch,step,train_loss_iq,val_loss_iq,val_mean_iq\n0,3,0.3,,\n0,4,nan,0.35,0.5\n")
    curves = pictures.read_curves([first, second])
    assert curves["train_loss_iq"] == {1: 0.5, 2: 0.4, 3: 0.3}
    assert curves["val_loss_iq"] == {2: 0.45, 4: 0.35}
    pictures.draw_curves(tmp_path / "curves.png", [first, second])
    assert is_picture(tmp_path / "curves.png")


def test_errors_are_drawn(tmp_path, report):
    pictures.draw_errors(tmp_path / "errors.png", report)
    assert is_picture(tmp_path / "errors.png")
