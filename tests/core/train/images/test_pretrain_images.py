# SPDX-License-Identifier: GPL-3.0-or-later
"""Pretraining on images of several sizes and numbers of channels, each channel with tokens of its own."""

import numpy as np
import pytest
import safetensors.torch
import torch
import yaml
from numbered_recordings import record
from pretrain_recipe import CPU, fresh_training, measured_mixtures, tiny_config, tiny_file

from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import DECODER, load_foundation
from wfm_core.cli.pretrain import main
from wfm_core.configs.pretraining import load_pretraining
from wfm_core.data.readers.own import npz
from wfm_core.model import ChannelImageTokens
from wfm_core.model.masking import random_masks
from wfm_core.signal import build_preprocessor
from wfm_core.train.checkpoints import read_checkpoint
from wfm_core.train.pretrain.csi_source import HIGHEST, CsiSource
from wfm_core.train.pretrain.images import random_channels
from wfm_core.train.pretrain.mixture import Mixture, open_sources
from wfm_core.train.pretrain.sets import WindowSets
from wfm_core.train.pretrain.starting import start_from

VARIED = ("image.sizes=[[32, 16], [32, 48], [16, 32]]", "image.channels=[1, 3]")
ALONE = "modalities=[image]"


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_every_size_takes_turns_with_every_number_of_channels(tmp_path):
    image = tiny_config(tmp_path, "data.windows=64", *VARIED).image
    assert image.per_channel and sorted(set(image.shapes)) == sorted(
        (channels, *size) for channels in (1, 3) for size in ((32, 16), (32, 48), (16, 32))
    )
    square = tiny_config(tmp_path, "data.windows=64", "image.sizes=[[16, 32], [32, 32]]", "image.channels=[1, 2]").image
    assert square.shapes == [(1, 16, 32), (2, 32, 32), (2, 16, 32), (1, 32, 32)], "also where the counts are equal"
    assert tiny_config(tmp_path, "image.channels=[2]").image.shapes == [(2, 32, 32)]


def test_one_size_and_channel_is_as_it_was(tmp_path):
    config = tiny_config(tmp_path)
    assert not config.image.per_channel and config.image.shapes == [(1, 32, 32)]
    assert config.fixed_settings()["image"].keys() == {"samples", "fft_size", "hop", "size"}, "as in checkpoints"
    assert Mixture(config, "image", open_sources(config), CPU).options == [1]
    other = tiny_config(tmp_path, "image.channels=[1]")
    torch.save({config.CHECKPOINT_KEY: config.fixed_settings(), "global_step": 3}, tmp_path / "last.ckpt")
    assert read_checkpoint(tmp_path / "last.ckpt", config)["global_step"] == 3
    with pytest.raises(WfmError, match="of another architecture: its image is"):
        read_checkpoint(tmp_path / "last.ckpt", other)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("image: {sizes: []}", "image.sizes is .*at least 1 entries"),
        ("image: {sizes: [[32, 0]]}", "image.sizes.0.1 is 0; expected a positive whole number"),
        ("image: {channels: [0]}", "image.channels.0 is 0"),
        (
            "image: {channels: [1, 2, 3]}",
            "less than a batch for each of the 3 shapes of image.sizes and image.channels",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path, text, named):
    with pytest.raises(WfmError, match=named):
        load_pretraining(str(tiny_file(tmp_path, text)))


def refused(folder, named, *overrides):
    config = tiny_config(folder, ALONE, "data.windows=64", *overrides)
    with pytest.raises(WfmError, match=named) as caught:
        Mixture(config, "image", open_sources(config), CPU).check()
    assert "\n" not in str(caught.value)


def images_of(folder, channels, count=30):
    generator = np.random.default_rng(5)
    pixels = generator.random((count, channels, 40, 50), dtype=np.float32) + np.arange(channels)[:, None, None]
    np.savez(folder / "x.npz", x=pixels)
    return npz.read(folder / "x.npz", folder / f"c{channels}.h5", array="x", kind="image")


def test_shapes_that_cannot_be_had_are_named(tmp_path):
    refused(tmp_path, "image.sizes has 30x16 pixels; expected sides that are multiples of 16", "image.sizes=[[30,16]]")
    refused(tmp_path, "one token of one channel, of which nothing can be hidden", "image.sizes=[[16,16]]")
    refused(tmp_path, "image.channels has 9; expected 1 to 8, for which the model has vectors", "image.channels=[9]")
    csi = "data.sources=[{kind: csi}]"
    refused(tmp_path, "windows of 7 channels are asked for, the sources have 6 at most", csi, "image.channels=[2, 7]")
    cells = "data.sources=[{kind: csi, scenes: [cells]}]"
    refused(tmp_path, "windows of 5 channels are asked for, the sources have 4 at most", cells, "image.channels=[5]")
    ready = f"data.sources=[{{kind: dataset, path: {images_of(tmp_path, 3)}}}]"
    refused(tmp_path, "4 channels are asked for, the sources have 3 .*image.channels", ready, "image.channels=[4]")
    refused(tmp_path, "c3.h5 has images of 3 channels, 1 are asked for: ask for 3", ready)


def test_batches_have_the_shapes_whose_turn_it_is_from_every_source(tmp_path):
    record(tmp_path / "air", "a", 5000)
    sources = ["{kind: csi}", "{kind: synthetic}", f"{{kind: dataset, path: {images_of(tmp_path, 4)}}}"]
    sources.append(f"{{kind: recordings, path: {tmp_path / 'air'}}}")
    config = tiny_config(
        tmp_path, ALONE, "data.windows=48", "data.passes=1", "epochs=2", f"data.sources=[{', '.join(sources)}]", *VARIED
    )
    shares = open_sources(config)
    asked = set()
    for share in shares:
        for name in {"draw_iq", "draw_channels", "draw_image"} & set(dir(share.source)):
            setattr(share.source, name, noting(asked, share.name, getattr(share.source, name)))
    mixture = Mixture(config, "image", shares, CPU)
    mixture.check()
    mixture.use(mixture.measure(1))
    assert {key: values["size"] for key, values in mixture.settings.items()} == dict.fromkeys(
        ["csi", "signal", str(tmp_path / "c4.h5")], [32, 32]
    )
    assert len(mixture.settings["csi"]["mean"]) == 1 and len(mixture.settings[str(tmp_path / "c4.h5")]["mean"]) == 4
    asked.clear()
    sets = WindowSets(config, mixture)
    batches = [sets.batch(step) for step in range(12)]
    assert [batch.shape[1:] for batch in batches] == 2 * [torch.Size(shape) for shape in config.image.shapes]
    assert all(batch.isfinite().all() and batch.dtype == torch.float32 for batch in batches)
    again = WindowSets(config, mixture)
    assert torch.equal(again.batch(9), batches[9]), "a run can go on anywhere"
    for chunk in range(40):
        mixture.draw(chunk, 1, config.image.shapes[1], seeded(chunk))
        mixture.draw(chunk, 1, config.image.shapes[0], seeded(chunk))
    assert {name for name, channels in asked if channels == 3} == {"csi", "synthetic", str(tmp_path / "c4.h5")}
    assert {name for name, channels in asked if channels == 1} == {"csi", "synthetic", str(tmp_path / "air")}


def noting(asked, name, function):
    """`function`, which puts the source's name and the channels of what it gave into `asked`, a data set's as 3."""

    def ask(*arguments):
        drawn = function(*arguments)
        asked.add((name, 3 if drawn.shape[1] > 2 else drawn.shape[1]))
        return drawn

    return ask


@pytest.mark.parametrize("source", ["{kind: csi}", "{kind: synthetic}"])
def test_channels_together_are_standardised_at_the_configured_size(tmp_path, source):
    config = tiny_config(tmp_path, ALONE, f"data.sources=[{source}]", "image.channels=[3]")
    mixture = measured_mixtures(config)["image"]
    drawn = torch.cat([mixture.draw(chunk, 8, config.image.shapes[0], seeded(chunk)) for chunk in range(24)])
    assert drawn.shape == (192, 3, 32, 32) and drawn.mean().abs() < 0.2 and abs(drawn.std() - 1) < 0.25


def test_antennas_of_a_window_keep_their_levels_and_a_subset_its_order():
    source = CsiSource(["rooms"])
    amplitudes = source.draw_channels(4, 3, seeded(3))
    assert amplitudes.shape[:2] == (4, 3)
    level = amplitudes.square().mean((1, 2, 3), keepdim=True).sqrt()
    signal = CsiSource.signal | {"size": list(amplitudes.shape[2:]), "mean": [0.25], "std": [0.5]}
    expected = (amplitudes / level / HIGHEST - 0.25) / 0.5
    torch.testing.assert_close(source.prepare(build_preprocessor(signal), amplitudes), expected, atol=1e-5, rtol=1e-4)
    images = torch.arange(6.0).view(1, 6, 1, 1).expand(500, 6, 2, 2)
    chosen = random_channels(images, 2, seeded())[:, :, 0, 0]
    assert (chosen[:, 0] < chosen[:, 1]).all() and len({tuple(row) for row in chosen.tolist()}) == 15
    assert random_channels(images, 6, seeded()) is images


def test_spectrograms_of_antennas_are_what_each_would_be_alone(tmp_path):
    config = tiny_config(tmp_path, ALONE, "image.channels=[2]")
    mixture = measured_mixtures(config)["image"]
    iq = torch.randn(3, 2, 1024, dtype=torch.complex64, generator=seeded())
    source = mixture.shares[0].source
    source.draw_iq = lambda *_: iq
    drawn = mixture.draw(0, 3, config.image.shapes[0], seeded())
    prepare = build_preprocessor(mixture.settings["signal"])
    for antenna in range(2):
        torch.testing.assert_close(drawn[:, antenna], prepare(iq[:, antenna : antenna + 1])[:, 0])


def test_means_are_of_tokens_where_images_vary(tmp_path):
    training = fresh_training(tiny_config(tmp_path, ALONE, "data.windows=64", *VARIED), {"image": {}})
    assert isinstance(training.model.image, ChannelImageTokens) and training.model.image.max_channels == 8
    batches = [torch.randn(2, *shape) for shape in ((1, 32, 16), (3, 16, 32))]
    training.measure_mean("image", batches)
    tokens = torch.cat([training.model.image.values(x).flatten(0, 1) for x in batches])
    torch.testing.assert_close(training.mean_image, tokens.mean(0))
    index = torch.arange(2)
    figures = training.held_out_figures({"image": batches[1]}, index)
    mask = random_masks(index, 6, 0.7, 2 * (training.config.seed + 1))
    errors = training.model.image.values(batches[1]) - training.mean_image
    torch.testing.assert_close(figures["val_mean_image"], errors[mask].square().mean())


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A short run with images of one channel."""
    folder = tmp_path_factory.mktemp("plain")
    threads = torch.get_num_threads()
    assert main(["--config", str(tiny_file(folder)), "--out", str(folder / "run"), "epochs=1"]) == 0
    torch.set_num_threads(threads)
    return folder / "run"


def test_a_foundation_of_one_channel_gives_its_projection_and_decoder(plain, tmp_path):
    config = tiny_config(tmp_path, f"init={plain}", "image.channels=[1, 2]")
    settings = yaml.safe_load((plain / "statistics.yaml").read_text())
    fresh, started = (fresh_training(config, settings) for _ in range(2))
    start_from(config, started)
    foundation = load_foundation(plain).model.state_dict()
    decoder = safetensors.torch.load_file(plain / DECODER)
    for name, weight in started.autoencoder.state_dict().items():
        if name in ("decoder_channel", "model.image.channel"):
            assert torch.equal(weight, fresh.autoencoder.state_dict()[name])
        elif name.startswith("model."):
            assert torch.equal(weight, foundation[name.removeprefix("model.")])
        else:
            assert torch.equal(weight, decoder[name].float())
