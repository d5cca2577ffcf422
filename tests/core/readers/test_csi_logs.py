# SPDX-License-Identifier: GPL-3.0-or-later
"""`wfm-dataset build --from csi-...`: logs of CSI cut into windows of packets."""

import numpy as np
import pytest
from csi_packets import NEEDS_CSIREAD, as_log, esp32, intel, nexmon, numbers, pcap, real_csi

from wfm_core.base.errors import WfmError
from wfm_core.cli.dataset import READERS, main
from wfm_core.data.dataset import open_dataset

TONES = 16


def csi_of(seed: int) -> np.ndarray:
    return numbers(TONES, 1, 1, 100, seed)


def lines(seeds, ticks=None) -> bytes:
    times = [10_000 * index for index in range(len(seeds))] if ticks is None else ticks
    return b"".join(
        esp32(csi_of(seed), ticks=time, number=i) for i, (seed, time) in enumerate(zip(seeds, times, strict=True))
    )


def folder(tmp_path, **logs):
    """Logs of an ESP32 by class: so many packets each."""
    for name, data in logs.items():
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "a.csv").write_bytes(data)
    return tmp_path / "in"


def amplitude(seeds) -> np.ndarray:
    return np.stack([np.abs(csi_of(seed)[:, 0, 0]) for seed in seeds], -1)


def read(name, source, out, **options):
    return open_dataset(READERS[f"csi-{name}"](source, out, **{"size": 16, **options}), unlabelled=True)


def refused(reason, *arguments, **options):
    with pytest.raises(WfmError, match=reason) as caught:
        read(*arguments, **options)
    assert "\n" not in str(caught.value)


def test_logs_of_folders_become_windows_with_the_folders_as_classes(tmp_path):
    source = folder(tmp_path, walk=lines(range(12)), empty=lines(range(20, 27)))
    dataset = read("esp32", source, tmp_path / "d.h5", window=4, hop=3, label="folder", task="activity")
    assert (dataset.kind, dataset.shape, dataset.labels, dataset.task) == (
        "csi",
        (1, TONES, 4),
        ("empty", "walk"),
        "activity",
    )
    assert dataset.label.tolist() == [0, 0, 1, 1, 1]
    assert dataset.groups["source"].tolist() == ["empty/a.csv"] * 2 + ["walk/a.csv"] * 3
    assert np.allclose(dataset.read([1, 4])[:, 0], [amplitude(range(23, 27)), amplitude(range(6, 10))])
    assert dataset.signal["kind"] == "csi_image" and dataset.provenance["reader"] == "csi-esp32"
    assert dataset.provenance["options"]["packets"] == 19


def test_subcarriers_are_chosen_and_without_labels_there_are_none(tmp_path):
    source = folder(tmp_path, x=lines(range(8))) / "x" / "a.csv"
    dataset = read("esp32", source, tmp_path / "d.h5", window=4, subcarriers=[2, 5, 6])
    assert dataset.label is None and dataset.shape == (1, 3, 4)
    assert np.allclose(dataset.read([1])[0, 0], amplitude(range(4, 8))[[2, 5, 6]])
    assert dataset.groups["source"].tolist() == ["a.csv"] * 2


def test_the_beginning_of_a_files_name_is_its_class(tmp_path):
    for name in ("walk_1.csv", "walk-2.csv", "sit3.csv", "notes.md"):
        (tmp_path / name).write_bytes(lines(range(4)))
    dataset = read("esp32", tmp_path, tmp_path / "d.h5", window=4, label="file")
    assert dataset.labels == ("sit", "walk") and dataset.label.tolist() == [0, 1, 1]
    (tmp_path / "7.csv").write_bytes(lines(range(4)))
    refused("does not begin with the name of its class", "esp32", tmp_path, tmp_path / "d.h5", window=4, label="file")


def test_no_window_spans_a_pause_or_a_step_back_in_time(tmp_path):
    ticks = [0, 10_000, 20_000, 2_000_000, 2_010_000, 2_020_000, 5_000, 15_000, 25_000]
    source = folder(tmp_path, x=lines(range(9), ticks))
    dataset = read("esp32", source, tmp_path / "d.h5", window=2)
    assert np.allclose(dataset.read([0, 1, 2])[:, 0], [amplitude([0, 1]), amplitude([3, 4]), amplitude([6, 7])])
    assert dataset.count == 3


def test_packets_of_another_shape_and_bad_ones_are_left_out(tmp_path):
    good = lines(range(6)).splitlines(keepends=True)
    log = b"".join([*good[:3], esp32(numbers(8, 1, 1, 9)), b"CSI_DATA,broken\n", *good[3:]])
    dataset = read("esp32", folder(tmp_path, x=log), tmp_path / "d.h5", window=6)
    assert dataset.count == 1 and dataset.provenance["options"]["other_packets"] == 1


def test_the_first_antennas_are_those_of_the_first_stream(tmp_path):
    pytest.importorskip("csiread", reason=NEEDS_CSIREAD)
    made = [numbers(30, 3, 1 + seed % 2, 128, seed) for seed in range(6)]
    packets = [intel(csi, ticks=1000 * seed) for seed, csi in enumerate(made)]
    (tmp_path / "x.dat").write_bytes(as_log("intel", packets))
    dataset = read("intel", tmp_path, tmp_path / "d.h5", window=6, antennas=3)
    assert np.allclose(dataset.read([0])[0], np.stack([np.abs(csi[:, :, 0].T) for csi in made], -1))
    refused(
        "most packets in .* have 3 antennas, 4 are asked for",
        "intel",
        tmp_path,
        tmp_path / "d.h5",
        window=2,
        antennas=4,
    )


def test_cores_of_nexmon_are_put_together_by_their_number(tmp_path):
    pytest.importorskip("csiread", reason=NEEDS_CSIREAD)
    made = {(n, core): numbers(64, 1, 1, 999, 10 * n + core) for n in range(5) for core in range(2)}
    payloads = [nexmon(csi, number=n, core=core) for (n, core), csi in made.items() if (n, core) != (2, 1)]
    (tmp_path / "x.pcap").write_bytes(pcap(payloads))
    dataset = read("nexmon", tmp_path, tmp_path / "d.h5", window=2)
    wanted = [[np.abs(made[n, core][:, 0, 0]) for core in range(2)] for n in (0, 1, 3, 4)]
    assert np.allclose(dataset.read([0, 1]), np.stack(wanted, -1).reshape(2, 64, 2, 2).transpose(2, 0, 1, 3))


def test_arrays_say_their_class_themselves(tmp_path):
    for name, label in (("a", "walk"), ("b", "sit")):
        values = np.random.default_rng(1).integers(-90, 90, (9, 12)).astype(np.int8)
        np.savez(tmp_path / f"{name}.npz", csi_data=values, label=label, many=[1, 2])
    dataset = read("npz", tmp_path, tmp_path / "d.h5", window=4, label="label")
    assert dataset.labels == ("sit", "walk") and dataset.shape == (1, 6, 4) and dataset.label.tolist() == [1, 1, 0, 0]
    refused("no entry 'who'.*csi_data, label", "npz", tmp_path, tmp_path / "d.h5", window=4, label="who")
    refused("one text or number is expected", "npz", tmp_path, tmp_path / "d.h5", window=4, label="many")
    refused("no array 'x'", "npz", tmp_path, tmp_path / "d.h5", window=4, array="x")


def test_what_does_not_fit_is_one_sentence(tmp_path, capsys):
    source = folder(tmp_path, walk=lines(range(6)), sit=lines(range(3)))
    out = tmp_path / "d.h5"
    refused("label 'sit' in .* has no 4 packets in a row", "esp32", source, out, window=4, label="folder")
    assert read("esp32", source, out, window=4).count == 1
    assert "1 of 2 logs give no window: sit/a.csv" in capsys.readouterr().err
    refused("no 40 packets in a row", "esp32", source, out, window=40)
    refused("numbers from 1 are expected", "esp32", source, out, window=0)
    refused("'core:label': folder or file is expected", "esp32", source, out, window=2, label="core:label")
    refused("have 16 subcarriers: name some of 0 to 15", "esp32", source, out, window=2, subcarriers=[3, 16])
    refused("--chip does not go with --from csi-esp32", "esp32", source, out, window=2, chip="4358")
    refused("--array does not go with --from csi-esp32", "esp32", source, out, window=2, array="x")
    refused("no logs of CSI|holds no", "npz", source, out, window=2)
    refused("no folder", "esp32", tmp_path / "missing", out, window=2)
    (source / "sit" / "b.csv").write_bytes(b"hello\n")
    refused("b.csv holds no packet of CSI", "esp32", source, out, window=2)


def test_the_command(tmp_path, capsys):
    source = folder(tmp_path, walk=lines(range(8)), sit=lines(range(8)))
    out = tmp_path / "d.h5"
    options = ["--label", "folder", "--window", "4", "--subcarriers", "2-5, 9", "--out", str(out)]
    assert main(["build", "--from", "csi-esp32", str(source), *options]) == 0
    assert "4 windows of csi, each 1 x 5 x 4" in capsys.readouterr().out
    for wrong in ("5-2", "x", "", "0-99999"):
        with pytest.raises(SystemExit):
            main(["build", "--from", "csi-esp32", str(source), *options, "--subcarriers", wrong])
    with pytest.raises(SystemExit):
        main(["build", "--from", "csi-esp32", str(source), "--out", str(out)])
    assert "--from csi-esp32 needs --window" in capsys.readouterr().err


def test_real_arrays_of_a_quiet_room_and_of_people(tmp_path):
    dataset = read("npz", real_csi("csi_esp32"), tmp_path / "d.h5", window=100, hop=50, label="label")
    assert dataset.labels == ("baseline", "movement") and dataset.shape == (1, 64, 100)
    assert dataset.count == 259 and len(set(dataset.groups["source"])) == 12
