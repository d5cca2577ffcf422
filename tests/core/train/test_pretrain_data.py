# SPDX-License-Identifier: GPL-3.0-or-later
"""Pretraining's windows: sets that can be entered at any step, and mixtures of sources."""

from collections import Counter

import numpy as np
import pytest
import torch
from numbered_recordings import record
from pretrain_recipe import CPU, tiny_config

from wfm_core.base.errors import WfmError
from wfm_core.data.readers.own import npz
from wfm_core.train.pretrain.mixture import Mixture, open_sources
from wfm_core.train.pretrain.sets import Batches, WindowSets


class Numbers:
    """Stands for a mixture: a window is [antennas, a random number], so windows can be told apart."""

    modality, device = "iq", CPU

    def __init__(self, config):
        self.options = config.iq.antennas

    def draw(self, chunk, count, antennas, generator):
        numbers = torch.randint(2**62, (count, 1), generator=generator)
        return torch.cat([torch.full_like(numbers, antennas), numbers], dim=1)


def number_sets(config, rank=0, world=1):
    return WindowSets(config, Numbers(config), rank, world)


def numbers_of(batches):
    return [int(number) for batch in batches for number in batch[:, 1]]


@pytest.fixture
def long(tmp_path):
    """Six steps an epoch, three passes, four sets."""
    return tiny_config(tmp_path, "data.windows=48", "data.passes=3", "epochs=12")


def test_a_batch_is_the_same_whatever_was_asked_for_before(long):
    one = number_sets(long)
    in_order = [one.batch(step) for step in range(long.steps)]
    for step in (71, 3, 40, 17, 18, 5):
        assert torch.equal(number_sets(long).batch(step), in_order[step]), step
        assert torch.equal(one.batch(step), in_order[step]), step


def test_every_pass_uses_every_window_of_a_set_once_and_the_next_set_is_another(long):
    sets = number_sets(long)
    epochs = [numbers_of(sets.batch(6 * epoch + slot) for slot in range(6)) for epoch in range(12)]
    for first in range(0, 12, 3):
        windows = set(epochs[first])
        assert len(windows) == 48
        assert all(sorted(epoch) == sorted(windows) for epoch in epochs[first : first + 3])
        assert len({tuple(epoch) for epoch in epochs[first : first + 3]}) == 3, "each pass has its own order"
    assert len(set().union(*epochs)) == 4 * 48


def test_each_modality_has_its_own_number_of_passes(tmp_path):
    config = tiny_config(tmp_path, "data.windows=48", "data.passes={image: 3}", "epochs=6")
    assert (config.data.passes_of("image"), config.data.passes_of("iq")) == (3, 1)
    sets = number_sets(config)
    assert sets.mixture.modality == "iq"
    epochs = [numbers_of(sets.batch(6 * epoch + slot) for slot in range(6)) for epoch in range(6)]
    assert len(set().union(*epochs)) == 6 * 48, "a fresh set each epoch"
    for wrong in ("{image: 0}", "{csi: 1}", "{}", "1.5"):
        with pytest.raises(WfmError, match="data.passes.*a whole number above 0, or one for each modality"):
            tiny_config(tmp_path, f"data.passes={wrong}")


def test_windows_that_are_seen_once_are_mixed(tmp_path):
    """Those of a chunk are of one source: a batch should not be of one chunk all alone."""

    class Chunks(Numbers):
        def draw(self, chunk, count, antennas, generator):
            return torch.tensor([[antennas, chunk]]).expand(count, 2)

    def chunks_in_batches(passes):
        config = tiny_config(tmp_path, "data.windows=192", "batch=16", f"data.passes={passes}", "iq.antennas=[1]")
        sets = WindowSets(config, Chunks(config))
        return [len(set(numbers_of([sets.batch(step)]))) for step in range(config.steps_per_epoch)]

    assert min(chunks_in_batches(1)) > 4
    assert set(chunks_in_batches(2)) == {1}, "as several processes need it"


def test_processes_see_different_windows(long):
    ranks = [number_sets(long, rank, 2) for rank in range(2)]
    seen = [set(numbers_of(sets.batch(step) for step in range(long.steps))) for sets in ranks]
    assert len(seen[0]) == len(seen[1]) == 4 * 24
    assert not seen[0] & seen[1]


def test_two_processes_share_out_the_windows_that_one_would_have(tmp_path):
    config = tiny_config(tmp_path, "batch=32", "data.windows=64")
    halves = [number_sets(config, rank, 2).batch(0) for rank in range(2)]
    assert torch.equal(torch.cat(halves), number_sets(config).batch(0))


def test_held_out_windows_are_those_of_every_process_and_no_training_window(long):
    sets = number_sets(long)
    held_out = numbers_of(sets.held_out())
    assert len(set(held_out)) == 16
    assert not set(held_out) & set(numbers_of(sets.batch(step) for step in range(long.steps)))
    ranks = [numbers_of(number_sets(long, rank, 2).held_out()) for rank in range(2)]
    assert ranks[0] == ranks[1]


def test_numbers_of_antennas_take_turns(tmp_path):
    config = tiny_config(tmp_path, "iq.antennas=[1,2,4]", "data.windows=40", "data.held_out=24")
    sets = number_sets(config)
    turns = [sets.batch(step)[:, 0].unique().tolist() for step in range(config.steps)]
    assert turns == [[1], [2], [4], [1], [2]] * config.epochs
    assert [batch[0, 0] for batch in sets.held_out()] == [1, 2, 4]


def test_another_seed_gives_other_windows(long):
    other = long.model_copy(update={"seed": long.seed + 1})
    assert not set(numbers_of([number_sets(long).batch(0)])) & set(numbers_of([number_sets(other).batch(0)]))


def test_windows_are_numbered_through_the_run_and_over_the_processes(long):
    numbers = []
    for rank in range(2):
        batches = Batches({"iq": number_sets(long, rank, 2)}, long, first=5)
        numbers.append([index.tolist() for _, index in batches])
    assert numbers[0][0] == [40, 41, 42, 43] and numbers[1][0] == [44, 45, 46, 47]
    assert sorted(sum(numbers[0] + numbers[1], [])) == list(range(40, 8 * long.steps))


def sources_of(folder, sources, *overrides):
    config = tiny_config(folder, f"data.sources={sources}", *overrides)
    return config, open_sources(config)


@pytest.fixture
def places(tmp_path):
    """A folder of recordings, and data sets of windows and of images, none with labels."""
    generator = torch.Generator().manual_seed(5)
    noise = torch.randn(4096, 2, dtype=torch.complex64, generator=generator).numpy()
    record(tmp_path, "air/a", 4096, channels=2, values=noise)
    iq = torch.randn(6, 2, 1200, dtype=torch.complex64, generator=generator)
    image = torch.rand(6, 1, 40, 50, generator=generator)
    return tmp_path / "air", built(tmp_path, "iq.h5", "sample", iq), built(tmp_path, "image.h5", "image", image)


def built(folder, name, kind, values):
    """A data set without labels, as wfm-dataset build makes it."""
    np.savez(folder / "arrays.npz", x=values.numpy())
    return npz.read(folder / "arrays.npz", folder / name, array="x", kind=kind)


def test_sources_have_their_shares_and_every_window_its_shape(tmp_path, places):
    air, iq, image = places
    listed = f"[{{kind: synthetic}}, {{kind: recordings, path: {air}, weight: 3}}, {{kind: dataset, path: {iq}}}]"
    config, shares = sources_of(tmp_path, listed)
    asked = Counter()
    for share in shares:
        for name in {"draw_iq", "draw_image"} & set(dir(share.source)):
            setattr(share.source, name, counted(asked, share.name, getattr(share.source, name)))
    for modality, shape in (("image", (2, 1, 32, 32)), ("iq", (2, 2, 128))):
        mixture = Mixture(config, modality, shares, CPU)
        mixture.check()
        mixture.use(mixture.measure(config.seed))
        asked.clear()
        for chunk in range(50):
            antennas = 1 if modality == "image" else 2
            assert mixture.draw(chunk, 2, antennas, torch.Generator().manual_seed(chunk)).shape == shape
        assert abs(asked["synthetic"] - 10) <= 1
        assert abs(asked[str(air)] - 30) <= 1
        assert abs(asked[str(iq)] - 10) <= 1


def counted(asked, name, function):
    def ask(*arguments):
        asked[name] += 1
        return function(*arguments)

    return ask


def test_what_is_measured_standardises_each_way_in(tmp_path, places):
    *_, image = places
    config, shares = sources_of(tmp_path, f"[{{kind: synthetic}}, {{kind: dataset, path: {image}}}]")
    mixture = Mixture(config, "image", shares, CPU)
    settings = mixture.measure(config.seed)
    assert {key: values["kind"] for key, values in settings.items()} == {
        "signal": "spectrogram",
        str(image): "standard_image",
    }
    mixture.use(settings)
    drawn = [mixture.draw(chunk, 16, 1, torch.Generator().manual_seed(chunk)) for chunk in range(20)]
    # both ways in together: each has mean 0 and variance 1
    assert torch.cat(drawn).mean().abs() < 0.1
    assert abs(torch.cat(drawn).std() - 1) < 0.1


def test_csi_is_prepared_as_its_data_set_says(tmp_path):
    generator = torch.Generator().manual_seed(5)
    path = built(tmp_path, "csi.h5", "csi", torch.rand(40, 50, 30, 1, dtype=torch.complex64, generator=generator))
    config, shares = sources_of(tmp_path, f"[{{kind: dataset, path: {path}}}]")
    mixture = Mixture(config, "image", shares, CPU)
    mixture.check()
    mixture.use(mixture.measure(config.seed))
    assert mixture.settings[str(path)]["kind"] == "csi_image"
    drawn = torch.cat([mixture.draw(n, 16, 1, torch.Generator().manual_seed(n)) for n in range(20)])
    assert drawn.shape == (320, 1, 32, 32)
    assert drawn.mean().abs() < 0.1
    assert abs(drawn.std() - 1) < 0.1


def test_a_data_set_of_images_serves_images_alone(tmp_path):
    built(tmp_path, "images.h5", "image", torch.rand(6, 1, 40, 50))
    config, shares = sources_of(tmp_path, f"[{{kind: dataset, path: {tmp_path / 'images.h5'}}}]")
    Mixture(config, "image", shares, CPU).check()
    with pytest.raises(WfmError, match="none of the sources .*images.h5.* gives iq windows"):
        Mixture(config, "iq", shares, CPU)


def refused_at_the_start(folder, sources, named, *overrides):
    with pytest.raises(WfmError, match=named) as caught:
        config, shares = sources_of(folder, sources, *overrides)
        for modality in config.modalities:
            Mixture(config, modality, shares, CPU).check()
    assert "\n" not in str(caught.value)


def test_an_empty_folder_is_named(tmp_path):
    (tmp_path / "nothing").mkdir()
    refused_at_the_start(
        tmp_path, f"[{{kind: recordings, path: {tmp_path / 'nothing'}}}]", "nothing holds no recordings"
    )


def test_recordings_shorter_than_a_window_are_named(tmp_path):
    record(tmp_path, "air/long", 2000)
    record(tmp_path, "air/short", 1023)
    listed = f"[{{kind: recordings, path: {tmp_path / 'air'}}}]"
    refused_at_the_start(tmp_path, listed, "1 of 2 recordings .* shorter than a window of 1024 .*short.*: 1023")


def test_mixed_rates_are_named(tmp_path):
    record(tmp_path, "air/a", 2000, rate=1e6)
    record(tmp_path, "air/b", 2000, rate=2e6)
    listed = f"[{{kind: recordings, path: {tmp_path / 'air'}}}]"
    refused_at_the_start(tmp_path, listed, "mixed sample rates .*a.* 1000000 Hz.*b.* 2000000 Hz")


def test_more_antennas_than_any_source_has_are_named(tmp_path):
    record(tmp_path, "air/a", 2000)
    listed = f"[{{kind: recordings, path: {tmp_path / 'air'}}}]"
    refused_at_the_start(tmp_path, listed, "iq windows of 2 antennas are asked for, the sources have 1")


def test_data_sets_of_other_shapes_are_named(tmp_path):
    built(tmp_path, "short.h5", "sample", torch.randn(3, 2, 100, dtype=torch.complex64))
    listed = f"[{{kind: dataset, path: {tmp_path / 'short.h5'}}}]"
    refused_at_the_start(tmp_path, listed, "short.h5 has windows of 2 antennas x 100 samples")
    built(tmp_path, "colour.h5", "image", torch.rand(3, 3, 8, 8))
    listed = f"[{{kind: synthetic}}, {{kind: dataset, path: {tmp_path / 'colour.h5'}}}]"
    refused_at_the_start(tmp_path, listed, "colour.h5 has images of 3 channels, 1 are asked for")


def test_scenes_that_are_not_known_are_named_before_anything_is_rendered(tmp_path):
    config = tiny_config(tmp_path, "data.sources=[{kind: synthetic, scenes: [fm, radar]}]")
    with pytest.raises(WfmError, match="scenes of kind 'radar'; expected some of lte, "):
        open_sources(config)
