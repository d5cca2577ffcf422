# SPDX-License-Identifier: GPL-3.0-or-later
"""Annotated recordings become labelled windows: inside annotations, one label each, never across a break."""

import json

import numpy as np
import pytest

from wfm_core.base.errors import WfmError
from wfm_core.cli.dataset import main
from wfm_core.data.dataset import open_dataset
from wfm_core.data.readers.own import sigmf_folder


def refused(reason, function, *arguments, **options):
    with pytest.raises(WfmError, match=reason) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)


def record(folder, name, spans, samples=100, rate=1e6, channels=1, datatype="cf32_le", breaks=(), values=None):
    """A recording in which sample n is n (or `values`); `spans` are (start, count, {key: label})."""
    folder.mkdir(parents=True, exist_ok=True)
    values = np.arange(samples) if values is None else values
    frames = np.repeat(values[:, None], channels, axis=1)
    if datatype == "cf32_le":
        frames.astype("<c8").tofile(folder / f"{name}.sigmf-data")
    else:
        np.stack([frames.real, frames.imag], -1).astype("<i2").tofile(folder / f"{name}.sigmf-data")
    head = {"core:datatype": datatype, "core:version": "1.2.0", "core:sample_rate": rate}
    captures = [{"core:sample_start": at, "core:frequency": 1e8 + at} for at in (0, *breaks)]
    annotations = [{"core:sample_start": a, "core:sample_count": n} | keys for a, n, keys in spans]
    metadata = {"global": head | {"core:num_channels": channels}, "captures": captures, "annotations": annotations}
    (folder / f"{name}.sigmf-meta").write_text(json.dumps(metadata))


def labelled(start, count, label):
    return start, count, {"core:label": label}


def build(folder, **options):
    options = {"label": "core:label", "window": 8} | options
    return open_dataset(sigmf_folder.read(folder, folder.parent / "d.h5", **options))


def test_windows_lie_inside_annotations_and_never_across_a_break(tmp_path):
    folder = tmp_path / "r"
    record(folder, "a", [labelled(3, 20, "lora"), labelled(50, 40, "wifi")], breaks=(60,))
    record(folder / "deep", "b", [labelled(0, 8, "lora")])
    dataset = build(folder)
    assert (dataset.labels, dataset.shape, dataset.sample_rate) == (("lora", "wifi"), (2, 1, 8), 1e6)
    starts = dataset.read_iq(range(dataset.count))[:, 0].real
    assert starts[:, 0].tolist() == [3, 11, 50, 60, 68, 76, 0]
    assert (np.diff(starts) == 1).all()
    assert dataset.signal == {"kind": "iq_rms"}, "real samples: there is no Q to standardise"
    assert dataset.label.tolist() == [0, 0, 1, 1, 1, 1, 0]
    assert dataset.groups["source"].tolist() == ["a"] * 6 + ["deep/b"]
    assert build(folder, hop=4).label.tolist() == [0] * 4 + [1] + [1] * 6 + [0]


def test_without_labels_the_whole_of_every_recording_is_cut(tmp_path):
    record(tmp_path / "r", "a", [labelled(3, 20, "lora")], breaks=(60,))
    record(tmp_path / "r", "b", [], samples=17)
    command = ["build", "--from", "sigmf", str(tmp_path / "r"), "--window", "8", "--out", str(tmp_path / "d.h5")]
    assert main(command) == 0
    dataset = open_dataset(tmp_path / "d.h5", unlabelled=True)
    assert (dataset.label, dataset.labels, dataset.sample_rate) == (None, (), 1e6)
    starts = dataset.read_iq(range(dataset.count))[:, 0, 0].real.astype(int).tolist()
    assert starts == [*range(0, 49, 8), *range(60, 93, 8), 0, 8]
    assert dataset.groups["source"].tolist() == ["a"] * 12 + ["b"] * 2
    refused("the whole of it.* has no window of 200 samples", sigmf_folder.read, tmp_path / "r", tmp_path / "e.h5",
            window=200)  # fmt: skip


def test_a_window_of_two_labels_is_left_out(tmp_path):
    record(tmp_path / "r", "a", [labelled(0, 32, "lora"), labelled(20, 40, "wifi")])
    dataset = build(tmp_path / "r")
    starts = dataset.read_iq(range(dataset.count))[:, 0, 0].real
    assert starts.tolist() == [0, 8, 36, 44, 52]
    assert dataset.label.tolist() == [0, 0, 1, 1, 1]


def test_any_key_of_an_annotation_may_be_the_label(tmp_path):
    record(tmp_path / "r", "a", [(0, 50, {"core:comment": "left"}), (50, 50, {"core:comment": "right"})])
    assert build(tmp_path / "r", label="core:comment").labels == ("left", "right")
    refused("has the key core:label; their keys are core:comment", build, tmp_path / "r")


def test_resampling_keeps_a_tone_where_it_is_in_hertz(tmp_path):
    for name, rate, samples in (("a", 1e6, 400), ("b", 2.5e6, 1000)):
        tone = np.exp(2j * np.pi * 125e3 * np.arange(samples) / rate)
        record(tmp_path / "r", name, [labelled(0, samples, name)], samples, rate, values=tone)
    refused("mixed sample rates .*a.sigmf-meta has 1000000 Hz, b.sigmf-meta has 2500000 Hz.*--resample",
            build, tmp_path / "r")  # fmt: skip
    dataset = build(tmp_path / "r", resample=5e5, window=64)
    assert (dataset.sample_rate, dataset.label.tolist()) == (5e5, [0] * 3 + [1] * 3)
    assert dataset.signal["kind"] == "iq_standard"
    assert dataset.signal["std"] == pytest.approx([0.5**0.5] * 2, rel=0.02)
    spectra = np.abs(np.fft.fft(dataset.read_iq([1, 4])[:, 0]))
    assert spectra.argmax(1).tolist() == [16, 16], "125 kHz of 500 kHz in 64 bins"


@pytest.mark.parametrize(
    ("other", "options", "reason"),
    [
        ({"datatype": "ci16_le"}, {}, "mixed datatypes .*a.sigmf-meta has cf32_le, b.sigmf-meta has ci16_le"),
        ({"channels": 2}, {}, "mixed channels .*a.sigmf-meta has 1, b.sigmf-meta has 2.*--antennas"),
        ({"channels": 2}, {"antennas": 2}, "a.sigmf-meta has 1 channels, 2 antennas"),
        ({"rate": 1000003.0}, {"resample": 1e6}, "which no ratio of whole numbers"),
        ({"spans": [labelled(0, 7, "wifi")]}, {}, "label 'wifi' .*no window of 8 .*longest stretch 7 samples"),
        ({"values": np.full(100, np.nan)}, {}, "b.sigmf-data has values that are not finite .*samples 0 to 8"),
        ({}, {"window": 0}, "--window 0"),
    ],
)
def test_folders_that_do_not_fit_are_named(tmp_path, other, options, reason):
    record(tmp_path / "r", "a", [labelled(0, 100, "lora")])
    record(tmp_path / "r", "b", **{"spans": [labelled(0, 100, "wifi")]} | other)
    refused(reason, build, tmp_path / "r", **options)


def test_mixed_datatypes_and_channels_are_taken_when_asked_for(tmp_path):
    record(tmp_path / "r", "a", [labelled(0, 100, "lora")], channels=2)
    record(tmp_path / "r", "b", [labelled(0, 100, "wifi")], datatype="ci16_le")
    dataset = build(tmp_path / "r", resample=1e6, antennas=1)
    assert dataset.read_iq([13])[0, 0].real.tolist() == pytest.approx((np.arange(8) + 8) / 2**15)


def test_the_command_builds_shows_and_draws(tmp_path, capsys):
    record(tmp_path / "r", "a", [labelled(0, 64, "lora"), labelled(64, 16, "wifi")])
    record(tmp_path / "r", "b", [])
    out = tmp_path / "d.h5"
    command = ["build", "--from", "sigmf", str(tmp_path / "r"), "--label", "core:label", "--window", "16"]
    assert main([*command, "--out", str(out)]) == 0
    printed, warned = capsys.readouterr()
    assert "5 windows of sample, each 2 x 1 x 16" in printed
    assert "lora         4\nwifi         1\n" in printed
    assert "group source: a 5" in printed
    assert "1 of 2 recordings give no window: b.sigmf-meta" in warned
    assert "one window only of wifi" in warned
    assert "all windows of lora are of one source" in warned
    assert (tmp_path / "d.png").read_bytes().startswith(b"\x89PNG")
    assert main(["show", str(out)]) == 0
    assert capsys.readouterr().out == printed
