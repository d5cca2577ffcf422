# SPDX-License-Identifier: GPL-3.0-or-later
"""The public IQ data sets in their owners' layouts: values, labels, groups, statistics, and every fault named."""

import numpy as np
import pytest
import torch
from public_layouts import icarus, powder, read, refused

from wfm_core.data.readers.public import READERS
from wfm_core.signal import build_preprocessor


def noise(count, seed=0, scale=1.0, mean=0.0):
    generator = np.random.default_rng(seed)
    return mean + scale * (generator.standard_normal(count) + 1j * generator.standard_normal(count))


@pytest.mark.parametrize("reader", READERS)
def test_folders_without_the_data_set_are_named(tmp_path, reader):
    refused("no folder .*nowhere", reader, tmp_path / "nowhere")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "readme.txt").write_text("hello")
    refused("d holds no ", reader, tmp_path / "d")


# POWDER


def test_powder_windows_labels_and_groups(tmp_path):
    powder(tmp_path / "d", "day1/x", " MEB ", np.arange(2000) * (1 + 2j))
    powder(tmp_path / "d", "b.1", "bes", np.arange(512), rate=7.69e6)
    dataset = read("powder", tmp_path / "d")
    assert (dataset.task, dataset.labels) == ("fingerprint", ("bes", "browning", "honors", "meb"))
    assert (dataset.kind, dataset.count, dataset.shape) == ("sample", 4, (2, 1, 512))
    assert dataset.groups["source"].tolist() == ["b.1"] + ["day1/x"] * 3
    assert dataset.label.tolist() == [0, 3, 3, 3]
    assert dataset.read_iq([3])[0, 0, [0, -1]].tolist() == [1024 * (1 + 2j), 1535 * (1 + 2j)]
    assert dataset.sample_rate is None
    assert dataset.groups["sample_rate"].tolist() == ["7690000"] + ["5000000"] * 3
    assert dataset.groups["center_freq"].tolist() == ["2685000000"] * 4
    options = {"window": 512, "hop": 512}
    assert dataset.provenance == {"reader": "powder", "version": 1, "source": "d", "files": 2, "options": options}


def test_powder_is_standardised_with_its_own_statistics_and_keeps_its_level(tmp_path):
    for seed, place in enumerate(("bes", "honors")):
        powder(tmp_path / "d", place, place, noise(1024, seed, 0.01, 0.02 - 0.03j))
    dataset = read("powder", tmp_path / "d")
    assert dataset.sample_rate == 5e6
    prepared = build_preprocessor(dataset.signal)(torch.from_numpy(dataset.read_iq(range(4))))
    for part in (prepared.real, prepared.imag):
        assert part.mean().item() == pytest.approx(0, abs=1e-4)
        assert part.std(unbiased=False).item() == pytest.approx(1, abs=1e-4)
    assert dataset.signal["mean"] == pytest.approx([0.02, -0.03], abs=1e-3)


def test_powder_hop(tmp_path):
    powder(tmp_path / "d", "x", "meb", np.arange(20) * (1 + 1j))
    assert read("powder", tmp_path / "d", window=8, hop=4).read_iq(range(4))[:, 0, 0].real.tolist() == [0, 4, 8, 12]


def test_powder_faults_are_named(tmp_path):
    folder = tmp_path / "d"
    path = powder(folder, "x", "moon", noise(512))
    refused("x.json: core:location 'moon', expected one of bes", "powder", folder)
    powder(folder, "x", "bes", noise(512), datatype="ci16")
    refused("core:datatype 'ci16', cf32 is expected", "powder", folder)
    powder(folder, "x", "bes", noise(511))
    refused("x.bin has 511 samples, a window takes 512", "powder", folder)
    powder(folder, "x", "bes", noise(512), rate="fast")
    refused("core:sample_rate is 'fast'", "powder", folder)
    powder(folder, "x", "bes", noise(512))
    path.with_suffix(".bin").write_bytes(b"123456789")
    refused("ends within a sample", "powder", folder)
    path.with_suffix(".bin").unlink()
    refused("x.json has no x.bin beside it", "powder", folder)
    path.write_text('{"global": {}}')
    refused("has no global.core:datatype", "powder", folder)
    path.write_text("{")
    refused("not readable as JSON", "powder", folder)


def test_powder_names_the_window_that_is_not_finite(tmp_path):
    samples = noise(1536)
    samples[600] = np.nan
    powder(tmp_path / "d", "x", "bes", samples)
    refused(r"window 1 \(source x\) has values that are not finite", "powder", tmp_path / "d")


# ICARUS


def test_icarus_labels_bands_and_the_middle(tmp_path):
    ramp = np.arange(10000) * (1 - 1j) / 1e6
    icarus(tmp_path / "d" / "b1_5MHz", "one", "LTE", 2, ramp)
    icarus(tmp_path / "d" / "b1_5MHz", "two", "LTE+DSSS", 2, ramp, suffix="")
    icarus(tmp_path / "d" / "b2_10MHz", "two", "LTE_DSSS", "4.0", ramp[:4096], rate=15.36e6)
    (tmp_path / "d" / "notes").mkdir()
    dataset = read("icarus", tmp_path / "d")
    assert (dataset.task, dataset.labels) == ("interference", ("none", "dsss-bpsk", "dsss-qpsk"))
    assert (dataset.kind, dataset.count, dataset.shape) == ("sample", 3, (2, 1, 4096))
    assert dataset.label.tolist() == [0, 1, 2]
    assert dataset.groups["band"].tolist() == ["5", "5", "10"]
    assert dataset.groups["source"].tolist() == ["b1_5MHz/one", "b1_5MHz/two", "b2_10MHz/two"]
    assert dataset.groups["sample_rate"].tolist() == ["7680000", "7680000", "15360000"]
    iq = dataset.read_iq(range(3))[:, 0]
    assert np.allclose(iq[:2], ramp[5000 - 2048 : 5000 + 2048])
    assert np.allclose(iq[2], ramp[:4096])
    prepared = build_preprocessor(dataset.signal)(torch.from_numpy(dataset.read_iq([1])))
    assert torch.allclose(prepared.real, torch.from_numpy(iq[1].real / 0.00275), rtol=1e-5)
    assert torch.allclose(prepared.imag, torch.from_numpy(iq[1].imag / 0.00260), rtol=1e-5)


@pytest.mark.parametrize(("dtype", "scale"), [("float32", 1), ("int16", 2**15), ("int8", 2**7)])
@pytest.mark.parametrize("extra", [0, 1, -40])
def test_icarus_sample_types_are_told_by_the_size(tmp_path, dtype, scale, extra):
    numbers = np.arange(4200) % 101 - 50
    samples = numbers + 1j * (numbers[::-1])
    stated = "Sampling_Rate,Frameduration,No_of_Samples,Signal_Type,DSSS_Mod\n"
    stated += f"7.68e6,,{4200 - extra},LTE,0\n"
    icarus(tmp_path / "d" / "5_MHz", "x", "", 0, samples, dtype, table=stated)
    middle = (4199 if extra == 1 else 4200) // 2
    seen = read("icarus", tmp_path / "d").read_iq([0])[0, 0]
    assert np.allclose(seen * scale, samples[middle - 2048 : middle + 2048])


@pytest.mark.parametrize(
    "table",
    [
        "DSSS_Mod,Signal_Type,Frameduration,Sampling_Rate\n4,LTE-DSSS,0.0005,1e7\n",
        "\ufeffSampling_Rate, Frameduration ,Signal_Type, DSSS_Mod\r\n 10000000 , 5e-4, LTE-DSSS , 4\r\n",
        "Index;Sampling_Rate;Frameduration;No_of_Samples;Signal_Type;DSSS_Mod\n0;1e7;0.1;5000;LTE-DSSS;4\n",
        'Sampling_Rate,Frameduration,No_of_Samples,Signal_Type,DSSS_Mod\n1e7,0.1,"5000","LTE, DSSS",4.0\n1,1,1,LTE,0\n',
    ],
)
def test_icarus_tables_come_in_variants(tmp_path, table):
    samples = noise(5000)
    icarus(tmp_path / "d" / "x-10MHz", "x", "", 0, samples, table=table)
    dataset = read("icarus", tmp_path / "d")
    assert (dataset.label.tolist(), dataset.sample_rate) == ([2], 1e7)
    assert np.allclose(dataset.read_iq([0])[0, 0], samples[452:4548])


def test_icarus_lte_may_leave_the_modulation_empty(tmp_path):
    table = "Sampling_Rate,Frameduration,No_of_Samples,Signal_Type,DSSS_Mod\n1e7,,5000,lte,\n"
    icarus(tmp_path / "d" / "x-10MHz", "x", "", 0, noise(5000), table=table)
    assert read("icarus", tmp_path / "d").label.tolist() == [0]


def test_icarus_faults_are_named(tmp_path):
    folder = tmp_path / "d"
    path = icarus(folder / "5MHz", "x", "LTE-DSSS", 8, noise(5000))
    refused("x.csv: DSSS_Mod 8, 2 .BPSK. or 4", "icarus", folder)
    icarus(folder / "5MHz", "x", "LTE-DSSS", "", noise(5000))
    refused("x.csv: DSSS_Mod is missing", "icarus", folder)
    icarus(folder / "5MHz", "x", "", 2, noise(5000))
    refused("Signal_Type is missing", "icarus", folder)
    icarus(folder / "5MHz", "x", "LTE", 2, noise(4000))
    refused("x.bin has 4000 samples, a window takes 4096", "icarus", folder)
    icarus(folder / "5MHz", "x", "LTE", 2, noise(5000), table="Sampling_Rate,Signal_Type\n1e7,LTE\n")
    refused("Frameduration is missing", "icarus", folder)
    icarus(folder / "5MHz", "x", "LTE", 2, noise(5000), table="Sampling_Rate,Signal_Type\n")
    refused("no row under its header", "icarus", folder)
    icarus(folder / "5MHz", "x", "LTE", 2, noise(5000), table="Sampling_Rate,No_of_Samples,Signal_Type\n1,90000,LTE\n")
    refused("x.bin has 40000 bytes, 90000 samples would take 720000 as float32", "icarus", folder)
    icarus(folder / "5MHz", "x", "LTE", 2, noise(5000))
    path.unlink()
    refused("x.csv has neither x nor x.bin in .*5MHz/IQ", "icarus", folder)
    (folder / "5MHz").rename(folder / "15MHz")
    refused("15MHz: a name that holds 5MHz or 10MHz", "icarus", folder)
