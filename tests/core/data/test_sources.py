# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows drawn from recordings and caches: fairly, repeatably, never across a break, and every fault named."""

import os

import h5py
import numpy as np
import pytest
import torch
from numbered_recordings import record

from wfm_core.base.errors import WfmError
from wfm_core.data.sources import CacheSource, RecordingSource, write_cache


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def refused(reason, function, *arguments):
    with pytest.raises(WfmError, match=reason) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)


def test_windows_are_runs_of_one_recording_in_and_under_the_folder(tmp_path):
    record(tmp_path, "a", 100)
    record(tmp_path, "deep/er/b", 100)
    source = RecordingSource(tmp_path)
    assert (source.sample_rate, source.antennas, len(source.recordings)) == (1e6, 1, 2)
    drawn = source.draw_iq(50, 1, 20, seeded())
    assert drawn.shape == (50, 1, 20)
    assert drawn.dtype == torch.complex64
    assert (drawn.real.diff() == 1).all()


def test_every_place_is_equally_likely(tmp_path):
    record(tmp_path, "short", 10, values=np.full(10, -1.0))
    record(tmp_path, "long", 37)
    starts = RecordingSource(tmp_path).draw_iq(2000, 1, 8, seeded())[:, 0, 0].real
    counts = torch.bincount((starts + 1).long(), minlength=31)  # 3 places in `short`, 30 in `long`
    assert len(counts) == 31
    expected = torch.tensor([3.0] + [1.0] * 30) * 2000 / 33
    chi_squared = ((counts - expected).square() / expected).sum()
    assert chi_squared < 60, "30 degrees of freedom: 60 is beyond 99.9 %"


def test_no_window_reaches_across_a_break(tmp_path):
    record(tmp_path, "a", 64, breaks=(16, 40))
    starts = RecordingSource(tmp_path).draw_iq(500, 1, 8, seeded())[:, 0, 0].real.unique().int().tolist()
    assert starts == [*range(9), *range(16, 33), *range(40, 57)]


def test_a_choice_of_antennas_keeps_their_order_and_uses_all(tmp_path):
    record(tmp_path, "a", 64, channels=4)
    drawn = RecordingSource(tmp_path).draw_iq(200, 2, 8, seeded())
    chosen = {tuple(window[:, 0].imag.int().tolist()) for window in drawn}
    assert chosen == {(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)}


def test_the_antennas_are_the_fewest_of_all_recordings(tmp_path):
    record(tmp_path, "a", 64, channels=4)
    record(tmp_path, "b", 64, channels=2)
    source = RecordingSource(tmp_path)
    assert source.antennas == 2
    refused("b.sigmf-meta has 2 channels, 3 antennas", source.draw_iq, 1, 3, 8, seeded())


def test_a_seed_is_a_draw(tmp_path):
    record(tmp_path / "r", "a", 64, channels=3)
    write_cache(tmp_path / "c.h5", iq=noise(9, 3, 64), image=torch.rand(9, 1, 4, 4))
    for source in (RecordingSource(tmp_path / "r"), CacheSource(tmp_path / "c.h5")):
        first, same, other = (source.draw_iq(9, 2, 8, seeded(seed)) for seed in (1, 1, 2))
        assert torch.equal(first, same)
        assert not torch.equal(first, other)


def test_folders_without_recordings_are_named(tmp_path):
    refused("no folder .*nowhere", RecordingSource, tmp_path / "nowhere")
    refused("holds no recordings", RecordingSource, tmp_path)


def test_short_recordings_are_named_with_their_lengths(tmp_path):
    record(tmp_path, "long", 100)
    record(tmp_path, "sub/short", 31)
    record(tmp_path, "broken", 60, breaks=(30,))
    source = RecordingSource(tmp_path)
    source.check(1, 30)
    refused(
        r"2 of 3 recordings .*window of 32 .*broken.sigmf-meta: 30, sub/short.sigmf-meta: 31\)", source.check, 1, 32
    )
    refused("1 of 3", source.draw_iq, 1, 1, 31, seeded())


def test_mixed_rates_are_named_with_both_files(tmp_path):
    record(tmp_path, "a", 64, rate=1e6)
    record(tmp_path, "b", 64, rate=2.5e6)
    refused("a.sigmf-meta has 1000000 Hz, b.sigmf-meta has 2500000 Hz; use one folder", RecordingSource, tmp_path)


def test_values_that_would_spoil_the_model_are_named(tmp_path):
    record(tmp_path, "a", 8, values=np.array([0, 0, 0, np.nan, 0, 0, 0, 0]))
    refused("a.sigmf-data has values that are not finite", RecordingSource(tmp_path).draw_iq, 1, 1, 8, seeded())
    write_cache(tmp_path / "c.h5", iq=noise() / 0, image=torch.full((1, 1, 2, 2), torch.inf))
    refused("dataset iq has values that are not finite", CacheSource(tmp_path / "c.h5").draw_iq, 1, 1, 8, seeded())
    refused("dataset image has values", CacheSource(tmp_path / "c.h5").draw_image, 1, seeded())


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts the process's open files under /proc")
def test_recordings_do_not_stay_open(tmp_path):
    for number in range(20):
        record(tmp_path, f"r{number}", 64)
    source = RecordingSource(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    source.draw_iq(100, 1, 8, seeded())
    assert len(os.listdir("/proc/self/fd")) == before


def noise(count=5, antennas=3, samples=64, seed=3):
    return torch.randn(count, antennas, samples, dtype=torch.complex64, generator=seeded(seed))


def ramps(count=5, antennas=3, samples=64):
    """Sample n of antenna a of window w is w * 1000 + n + 1j * a."""
    real = torch.arange(count).view(-1, 1, 1) * 1000.0 + torch.arange(samples)
    imag = torch.arange(antennas).view(1, -1, 1).expand(count, -1, samples)
    return torch.complex(*torch.broadcast_tensors(real, imag.float()))


@pytest.mark.parametrize("pairs", [False, True])
def test_cached_windows_are_cropped_anywhere(tmp_path, pairs):
    iq = ramps()
    write_cache(tmp_path / "c.h5", iq=torch.view_as_real(iq) if pairs else iq, sample_rate=2e6)
    source = CacheSource(tmp_path / "c.h5")
    assert (source.sample_rate, source.antennas, source.has_iq, source.has_image) == (2e6, 3, True, False)
    drawn = source.draw_iq(400, 2, 60, seeded())
    assert drawn.dtype == torch.complex64
    assert (drawn.real.diff() == 1).all()
    starts = drawn[:, 0, 0].real
    assert set(starts.int().tolist()) == {1000 * window + start for window in range(5) for start in range(5)}
    assert {tuple(window[:, 0].imag.int().tolist()) for window in drawn} == {(0, 1), (0, 2), (1, 2)}


def test_cached_images_come_as_they_are(tmp_path):
    images = torch.rand(6, 2, 3, 4)
    write_cache(tmp_path / "c.h5", image=images.numpy())
    source = CacheSource(tmp_path / "c.h5")
    assert (source.sample_rate, source.antennas, source.has_iq, source.has_image) == (None, 0, False, True)
    drawn = source.draw_image(80, seeded())
    matches = (drawn[:, None] == images[None]).all((2, 3, 4))
    assert (matches.sum(1) == 1).all()
    assert matches.any(0).all(), "every image comes up"


def test_no_cache_and_no_hdf5_are_named(tmp_path):
    refused("no cache at .*nowhere.h5", CacheSource, tmp_path / "nowhere.h5")
    (tmp_path / "text.h5").write_text("hello")
    refused("text.h5 cannot be read as HDF5", CacheSource, tmp_path / "text.h5")
    write_cache(tmp_path / "c.h5", iq=noise())
    (tmp_path / "cut.h5").write_bytes((tmp_path / "c.h5").read_bytes()[:3000])
    refused("cut.h5 cannot be read as HDF5", CacheSource, tmp_path / "cut.h5")


@pytest.mark.parametrize(
    ("datasets", "reason"),
    [
        ({"x": np.zeros(3)}, "holds x: a dataset iq or image is expected"),
        ({}, "holds nothing: a dataset iq or image is expected"),
        ({"iq": np.zeros((5, 64), np.complex64)}, r"iq is complex64 \[5, 64\]; expected complex64 \[windows"),
        ({"iq": np.zeros((5, 2, 64), np.float32)}, r"iq is float32 \[5, 2, 64\]"),
        ({"iq": np.zeros((5, 2, 64), np.complex128)}, "iq is complex128"),
        ({"iq": np.zeros((0, 2, 64), np.complex64)}, r"iq is complex64 \[0, 2, 64\]"),
        ({"image": np.zeros((5, 8, 8), np.float32)}, r"image is float32 \[5, 8, 8\]; expected float32 \[images"),
        ({"image": np.zeros((5, 1, 8, 8), np.uint8)}, "image is uint8"),
        ({"iq/inner": np.zeros(3)}, "iq is a group"),
    ],
)
def test_caches_of_other_shapes_are_named(tmp_path, datasets, reason):
    with h5py.File(tmp_path / "c.h5", "w") as file:
        for name, data in datasets.items():
            file[name] = data
    refused(reason, CacheSource, tmp_path / "c.h5")


def test_a_rate_that_is_none_is_named(tmp_path):
    write_cache(tmp_path / "c.h5", iq=noise(), sample_rate=-1.0)
    refused("sample_rate -1.0.*above 0 Hz", CacheSource, tmp_path / "c.h5")


def test_asking_a_cache_for_more_than_it_has_is_named(tmp_path):
    write_cache(tmp_path / "iq.h5", iq=noise(5, 3, 64))
    write_cache(tmp_path / "image.h5", image=torch.rand(2, 3, 4, 4))
    iq, image = CacheSource(tmp_path / "iq.h5"), CacheSource(tmp_path / "image.h5")
    iq.check(3, 64)
    image.check_image(3)
    refused("3 antennas x 64 samples, 4 x 64 are asked", iq.check, 4, 64)
    refused("3 antennas x 64 samples, 1 x 65 are asked", iq.draw_iq, 1, 1, 65, seeded())
    refused("no dataset iq", image.check, 1, 1)
    refused("no dataset image", iq.draw_image, 1, seeded())
    refused("images of 3 channels, 1 are asked", image.check_image, 1)


def test_a_cache_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "c.h5"
    write_cache(path, iq=noise())
    before = path.read_bytes()
    refused("iq is complex128", write_cache, path, noise().to(torch.complex128))
    refused("nothing to write", write_cache, path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["c.h5"]
    refused("cannot write .*missing", write_cache, tmp_path / "missing" / "c.h5", noise())
