# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows drawn from recordings and data sets: fairly, repeatably, never across a break, and every fault named."""

import os

import h5py
import numpy as np
import pytest
import torch
from numbered_recordings import record

from wfm_core.base.errors import WfmError
from wfm_core.data.dataset import write_dataset
from wfm_core.data.sources import DatasetSource, RecordingSource

IQ = {"kind": "iq_rms"}


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
    iq, image = windows(tmp_path / "c.h5", noise(9, 3, 64)), images(tmp_path / "i.h5", torch.rand(9, 1, 4, 4))
    for draw in (
        lambda generator: RecordingSource(tmp_path / "r").draw_iq(9, 2, 8, generator),
        lambda generator: iq.draw_iq(9, 2, 8, generator),
        lambda generator: image.draw_image(9, generator),
    ):
        first, same, other = (draw(seeded(seed)) for seed in (1, 1, 2))
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
    iq, image = windows(tmp_path / "c.h5", noise()), images(tmp_path / "i.h5", torch.zeros(1, 1, 2, 2))
    for source in (iq, image):
        with h5py.File(source.dataset.path, "r+") as file:
            file[source.dataset.kind][:] = np.inf
    refused("c.h5: window . has values that are not finite", iq.draw_iq, 1, 1, 8, seeded())
    refused("i.h5: window 0 has values that are not finite", image.draw_image, 1, seeded())


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


def windows(path, iq, **facts):
    """A source of the windows `iq`, complex [N, A, T], without labels."""
    facts = {"task": "custom", "signal": IQ, "provenance": {}} | facts
    return DatasetSource(write_dataset(path, "sample", iq.numpy(), None, **facts))


def images(path, values):
    """A source of images, float32 [N, C, H, W], without labels."""
    channels = values.size(1)
    signal = {"kind": "standard_image", "size": [8, 8], "minimum": 0.0, "maximum": 1.0}
    signal |= {"mean": [0.5] * channels, "std": [0.5] * channels}
    write_dataset(path, "image", values.numpy(), None, task="custom", signal=signal, provenance={})
    return DatasetSource(path)


def ramps(count=5, antennas=3, samples=64):
    """Sample n of antenna a of window w is w * 1000 + n + 1j * a."""
    real = torch.arange(count).view(-1, 1, 1) * 1000.0 + torch.arange(samples)
    imag = torch.arange(antennas).view(1, -1, 1).expand(count, -1, samples)
    return torch.complex(*torch.broadcast_tensors(real, imag.float()))


@pytest.mark.parametrize("labels", [None, ["a", "b"]])
def test_windows_of_a_data_set_are_cropped_anywhere(tmp_path, labels):
    facts = {"task": "custom", "signal": IQ, "provenance": {}, "labels": labels, "sample_rate": 2e6}
    write_dataset(tmp_path / "c.h5", "sample", ramps().numpy(), labels and [0, 1, 0, 1, 1], **facts)
    source = DatasetSource(tmp_path / "c.h5")
    assert (source.sample_rate, source.antennas, source.ready_images) == (2e6, 3, False)
    drawn = source.draw_iq(400, 2, 60, seeded())
    assert drawn.dtype == torch.complex64
    assert (drawn.real.diff() == 1).all()
    starts = drawn[:, 0, 0].real
    assert set(starts.int().tolist()) == {1000 * window + start for window in range(5) for start in range(5)}
    assert {tuple(window[:, 0].imag.int().tolist()) for window in drawn} == {(0, 1), (0, 2), (1, 2)}


def test_images_of_a_data_set_come_as_they_are(tmp_path):
    values = torch.rand(6, 2, 3, 4)
    source = images(tmp_path / "c.h5", values)
    assert (source.sample_rate, source.antennas, source.ready_images) == (None, 0, True)
    drawn = source.draw_image(80, seeded())
    matches = (drawn[:, None] == values[None]).all((2, 3, 4))
    assert (matches.sum(1) == 1).all()
    assert matches.any(0).all(), "every image comes up"


def test_no_data_set_and_no_hdf5_are_named(tmp_path):
    refused("no data set at .*nowhere.h5", DatasetSource, tmp_path / "nowhere.h5")
    (tmp_path / "text.h5").write_text("hello")
    refused("text.h5 cannot be read as HDF5", DatasetSource, tmp_path / "text.h5")
    windows(tmp_path / "c.h5", noise())
    (tmp_path / "cut.h5").write_bytes((tmp_path / "c.h5").read_bytes()[:3000])
    refused("cut.h5 cannot be read as HDF5", DatasetSource, tmp_path / "cut.h5")


@pytest.mark.parametrize(
    ("datasets", "reason"),
    [
        ({"x": np.zeros(3)}, "holds x: one of sample, image"),
        ({}, "holds nothing: one of sample, image"),
        ({"iq": np.zeros((5, 2, 64), np.complex64)}, "holds iq: one of .*wfm-dataset build --from hdf5"),
        ({"sample": np.zeros((5, 2, 64), np.complex64)}, r"sample is \[5, 2, 64\]"),
        ({"sample": np.zeros((5, 2, 1, 64), np.float64)}, "sample is float64, float32 is expected"),
        ({"sample": np.zeros((0, 2, 1, 64), np.float32)}, r"sample is \[0, 2, 1, 64\].* none of them empty"),
        ({"image": np.zeros((5, 8, 8), np.float32)}, r"image is \[5, 8, 8\]"),
        ({"image": np.zeros((5, 1, 8, 8), np.uint8)}, "image is uint8"),
        ({"sample/inner": np.zeros(3)}, "sample is a group"),
    ],
)
def test_files_of_other_contents_are_named(tmp_path, datasets, reason):
    with h5py.File(tmp_path / "c.h5", "w") as file:
        for name, data in datasets.items():
            file[name] = data
    refused(reason, DatasetSource, tmp_path / "c.h5")


def test_a_rate_that_is_none_is_named(tmp_path):
    windows(tmp_path / "c.h5", noise())
    with h5py.File(tmp_path / "c.h5", "r+") as file:
        file.attrs["sample_rate"] = -1.0
    refused("sample_rate -1.0.*above 0 Hz", DatasetSource, tmp_path / "c.h5")


def test_asking_a_data_set_for_more_than_it_has_is_named(tmp_path):
    iq, image = windows(tmp_path / "iq.h5", noise(5, 3, 64)), images(tmp_path / "image.h5", torch.rand(2, 3, 4, 4))
    iq.check(3, 64)
    image.check_image(3)
    refused("3 antennas x 64 samples, 4 x 64 are asked", iq.check, 4, 64)
    refused("3 antennas x 64 samples, 1 x 65 are asked", iq.draw_iq, 1, 1, 65, seeded())
    refused("holds image: use it for the image modality", image.check, 1, 1)
    refused("holds IQ windows, not images", iq.draw_image, 1, seeded())
    refused("images of 3 channels, 1 are asked for", image.check_image, 1)


def test_images_that_nothing_prepares_as_images_are_named(tmp_path):
    path = write_dataset(
        tmp_path / "c.h5", "image", np.ones((2, 1, 4, 4)), None, task="custom", signal=IQ, provenance={}
    )
    refused("c.h5 holds image with the signal iq_rms; one of standard_image, csi_image", DatasetSource, path)
