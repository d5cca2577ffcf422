# SPDX-License-Identifier: GPL-3.0-or-later
"""Every program that measures how good models and methods are runs to its end, small, and prints its tables."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from benchmark_programs import program, rows
from finetune_sets import tiny_foundation
from flowgraph_helpers import noise, random_model, write_recording
from image_bundles import activity_model, signal_bundle

from wfm_core.bundle import export_bundle
from wfm_core.cli.dataset import main as dataset
from wfm_core.cli.finetune import main as finetune
from wfm_core.model.trees import TreeSizes
from wfm_core.synth.signals.catalogue import UNHEARD


@pytest.mark.slow
def test_synthetic_accuracy(tmp_path):
    model = random_model(tmp_path / "model", samples=4096)
    options = ("--windows", 32, "--boost-windows", 64)
    said = program("accuracy/synthetic.py", "--bundle", model, "--out", tmp_path / "out", *options)
    assert [row[0] for row in rows(said)] == ["-5", "+0", "+5", "+10", "+15"]
    assert len(json.loads((tmp_path / "out" / "accuracy.json").read_text())) == 5
    model = random_model(tmp_path / "blocks", samples=4096, average=2)
    options = ("--windows", 32, "--boost-windows", 32, "--pool", 8192)
    said = program("accuracy/synthetic.py", "--bundle", model, "--out", tmp_path / "pooled", *options)
    assert len(rows(said)) == 5


@pytest.mark.slow
def test_enrolment(tmp_path):
    foundation = tiny_foundation(tmp_path / "tiny")
    options = ("--seeds", 1, "--fresh", 4, "--random", "--json", tmp_path / "out.json")
    said = program("accuracy/enrolment.py", "--foundation", foundation, *options)
    assert len(rows(said)) == len(json.loads((tmp_path / "out.json").read_text())) == 12


@pytest.mark.slow
def test_positions(tmp_path):
    image = {"channels": 8, "per_channel": True, "size": [32, 32]}
    foundation = tiny_foundation(tmp_path / "tiny", modalities={"image": image})
    model = tmp_path / "model"
    said = program("accuracy/positions.py", "--train", model, "--foundation", foundation, "--steps", 2)
    assert "2 steps: wifi" in said and (model / "contract.yaml").exists()
    options = ("--sets", 2, "--sites", 1, "--places", 5, "--json", tmp_path / "out.json")
    said = program("accuracy/positions.py", "--model", model, *options)
    errors, distances = said.split("\n\n|")[-2:]
    for table in (errors, f"|{distances}"):
        assert [row[0] for row in rows(table)] == ["wifi", "wifi", "srs", "srs"]
    assert len(json.loads((tmp_path / "out.json").read_text())) == 4


def test_angles(tmp_path):
    run = tmp_path / "run"
    small = ("windows=512", "signals=32", "epochs=1", "samples=128", "bands=16")
    assert finetune(["--config", "angle.yaml", "--out", str(run), *small]) == 0
    bundle = export_bundle(run, tmp_path / "angle.wfm.pt")
    options = ("--bundle", bundle, "--windows", 20, "--widest", 60, "--json", tmp_path / "out.json")
    said = program("accuracy/angles.py", *options)
    assert "within +-60 degrees" in said and len(json.loads((tmp_path / "out.json").read_text())) == 20


def test_angles_of_an_array(tmp_path):
    few = ("--arrays", 1, "--sizes", "large", "--labels", 40, "--networks", "fitted", "--windows", 20, "--snr-db", 10)
    small = ("--epochs", 1, "--set", "windows=512", "signals=32")
    said = program("accuracy/angles_array.py", "--out", tmp_path, *few, *small, "--json", tmp_path / "out.json")
    assert "| large | 40 | fitted |" in said
    rows = {row["method"]: row["error"] for row in json.loads((tmp_path / "out.json").read_text())}
    assert rows["MUSIC"] > rows["MUSIC, fitted to the labels"], "an array that is known beats one that is not"


def test_angles_of_several_sources(tmp_path):
    program(
        "accuracy/angles_several.py", "--windows", 40, "--snr-db", 20, "--apart", 20, "--json", tmp_path / "out.json"
    )
    rows = json.loads((tmp_path / "out.json").read_text())
    assert [row["sources"] for row in rows] == [0, 1, 2, 3, 2] and all(row["found"] > 0.8 for row in rows[1:])


@pytest.mark.slow
def test_charts(tmp_path):
    few = ("--windows", 150, "--seeds", 3, "--set", "epochs=1", "warmup_epochs=0")
    given = ("--out", tmp_path, "--json", tmp_path / "out.json", "--picture", tmp_path / "charts.png")
    assert "| small |" in program("accuracy/charts.py", *few, *given)
    rows = json.loads((tmp_path / "out.json").read_text())
    assert rows["Isomap of the test itself"][0]["trustworthiness"] > 0.7 and (tmp_path / "charts.png").exists()


def test_occupancy(tmp_path):
    few = ("--windows", 40, "--signals", 22, "--snr-db", 0, "--conditions", "all")
    assert "all, 40 windows a cell" in program("accuracy/occupancy.py", *few, "--json", tmp_path / "out.json")
    found = json.loads((tmp_path / "out.json").read_text())
    assert [row["detector"] for row in found] == ["energy, noise known", "energy", "eigenvalue", "cfar"]
    assert found[3]["auc"] > 0.8 and 0 <= found[3]["found"] <= 1


@pytest.mark.slow
def test_occupancy_by_a_model(tmp_path):
    """The whole way of the task: windows that are generated, a foundation fine-tuned on them, its bundle measured."""
    data, run, bundle = tmp_path / "occupancy.h5", tmp_path / "run", tmp_path / "tuned.wfm.pt"
    assert dataset(["generate", "occupancy", "--windows", "48", "--out", str(data)]) == 0
    init = tiny_foundation(tmp_path / "tiny")
    given = ["--data", str(data), "--init", str(init), "--regime", "lp", "--modality", "iq", "signal=foundation"]
    assert finetune([*given, "--out", str(run), "epochs=1", "batch=16", "threads=1"]) == 0
    export_bundle(run, bundle)
    few = ("--windows", 40, "--signals", 22, "--snr-db", 0, "--conditions", "signals fill the band")
    assert f"\n{bundle.name} " in program("accuracy/occupancy.py", "--bundles", bundle, *few)


@pytest.mark.slow
def test_novelty(tmp_path):
    said = program("accuracy/novelty.py", "--sites", 1, "--windows", 32, "--json", tmp_path / "out.json")
    assert "means over 1 sites, 32 windows learnt at each" in said
    (found,) = json.loads((tmp_path / "out.json").read_text())
    assert found["embedding"] == "spectrum" and found["auc"] > 0.7 and 0 <= found["alarms"] <= 1


def test_modulations_by_what_is_measured(tmp_path):
    few = ("--train", 440, "--test", 440, "--regimes", "trees")
    few = (*few, "--picture", tmp_path / "snr.png", "--json", tmp_path / "o.json")
    said = rows(program("accuracy/modulation.py", "--out", tmp_path / "sets", *few))
    assert said[0][:2] == ["trees", "100 %"] and len(said[-1]) == 21
    (found,) = json.loads((tmp_path / "o.json").read_text())
    assert 20 < found["all"] < found["high"] and found["by_snr_db"]["18"] > 0.3 > found["by_snr_db"]["-20"]
    assert (tmp_path / "snr.png").stat().st_size > 5_000


@pytest.mark.slow
def test_modulations_by_models_with_few_labels(tmp_path):
    few = ("--train", 220, "--test", 220, "--regimes", "trees", "small", "lp", "--small-epochs", 1, "--epochs", 1)
    init = tiny_foundation(tmp_path / "tiny")
    few = (*few, "--shares", 50, 100, "--init", init, "--set", "warmup_epochs=0")
    found = [row for row in rows(program("accuracy/modulation.py", "--out", tmp_path / "o", *few)) if len(row) == 4]
    assert [row[1] for row in found] == ["50 %"] * 3 + ["100 %"] * 3


def test_uwb_places_by_what_is_classical(tmp_path):
    said = rows(program("accuracy/uwb.py", "--out", tmp_path, "--places", 300, "--no-network"))
    found = {row[0]: float(row[1]) for row in said}
    assert list(found) == ["multilateration", "neighbours by arrivals", "neighbours by envelopes"]
    assert all(0 < error < 1.5 for error in found.values())


@pytest.mark.slow
def test_uwb_places_by_a_network(tmp_path):
    few = ("--places", 120, "--epochs", 1, "--set", "warmup_epochs=0")
    assert len(rows(program("accuracy/uwb.py", "--out", tmp_path, *few))) == 4


def test_beams_by_what_is_classical(tmp_path):
    out = tmp_path / "out.json"
    said = program(
        "accuracy/channels.py", "beam", "--out", tmp_path, "--train", 1, "--test", 1, "--json", out, "--regimes"
    )
    found = {row[0]: [float(figure) for figure in row[1:]] for row in rows(said)}
    assert found["covariance by distances"][0] > 70 > found["sweep of 16 beams"][0]
    assert found["covariance by distances"][2] < 5 < found["sweep of 16 beams"][2], "rate lost"
    assert json.loads(out.read_text())["rows"].keys() == found.keys()


def test_channel_estimates_by_what_is_classical(tmp_path):
    options = ("--out", tmp_path, "--train", 600, "--test", 100, "--json", tmp_path / "out.json", "--regimes")
    said = program("accuracy/dense/channel_estimate.py", *options)
    found = {row[0]: [float(figure) for figure in row[1:]] for row in rows(said)}
    assert found["LMMSE"][0] < found["linear interpolation"][0] - 2 and found["LMMSE"][0] > -25
    assert found["linear interpolation"][1] > found["linear interpolation"][3] + 6, "what has more noise is worse"
    assert json.loads((tmp_path / "out.json").read_text())["rows"].keys() == found.keys()


def test_segmentation_by_energy_and_width(tmp_path):
    """A few bands: every column is there, and most of what is sent at 10 dB is found."""
    options = ("--out", tmp_path, "--train", 8, "--test", 2, "--json", tmp_path / "out.json", "--regimes")
    (row,) = rows(program("accuracy/dense/segmentation.py", *options))
    figures = [float(figure) for figure in row[1:]]
    assert row[0] == "energy and width" and len(figures) == 6 and figures[5] > 0.5 and all(0 < f < 1 for f in figures)


@pytest.mark.slow
def test_channel_estimates_of_a_network(tmp_path):
    tiny = tiny_foundation(tmp_path / "tiny")
    options = ("--train", 200, "--test", 50, "--init", tiny, "--regimes", "lp", "small", "--set", "epochs=1")
    found = rows(program("accuracy/dense/channel_estimate.py", "--out", tmp_path / "runs", *options))
    assert len(found) == 5 and all(float(row[1]) < -8 for row in found), "little is added to interpolation at first"


@pytest.mark.slow
def test_line_of_sight(tmp_path):
    tiny = tiny_foundation(tmp_path / "tiny")
    options = ("--train", 1, "--test", 1, "--init", tiny, "--regimes", "lp", "small", "--set", "epochs=1")
    said = program("accuracy/channels.py", "line_of_sight", "--out", tmp_path / "runs", *options)
    found = {row[0]: [float(figure) for figure in row[1:]] for row in rows(said)}
    assert found["trees on nine numbers"][0] > 80 and len(found) == 5


def test_activity(tmp_path):
    """Noise that is quiet and a wave that moves, as chips record them, and as activities; any weights, but a head that
    sees how far slow changes stand out."""
    model = activity_model(tmp_path / "model")
    rng, time = np.random.default_rng(0), np.arange(700) / 100
    (tmp_path / "csi_esp32").mkdir()
    for chip in ("c3", "c6"):
        for label, moves in (("baseline", 0.0), ("movement", 0.5)):
            wave = 1 + moves * np.cos(2 * np.pi * 3 * time[:, None] + np.linspace(0, 4, 64))
            parts = (40 * wave[..., None] * [0.6, 0.8] + rng.normal(0, 1, (700, 64, 2))).round().astype(np.int8)
            parts[:, [0, 1, 2, 62, 63] if chip == "c6" else [31, 32, 33]] = 0
            file = tmp_path / "csi_esp32" / f"{label}_{chip}_64sc_1.npz"
            np.savez(file, csi_data=parts.reshape(700, 128), label=label, chip=chip, duration_ms=7000.0)
    options = ("--bundle", model, "--windows", 64, "--seeds", 1, "--only", "generated", "esp32", "csi_har")
    options = (*options, "--out", tmp_path / "out", "--json", tmp_path / "out.json", "--write-threshold")
    said = program("accuracy/activity.py", *options, WFM_REALDATA=str(tmp_path))
    found = {tuple(row[:3]): row[4:6] for row in rows(said[said.index("## ESP32") :])}
    assert found["model", "contract's", "all"] == found["model", "by the other chips", "c6"] == ["1.000", "0.000"]
    figures = json.loads((tmp_path / "out.json").read_text())
    assert set(figures) == {"generated", "esp32"}, "the third has no recordings here"
    assert figures["esp32"]["delay, contract's"]["to motion"]["within_two_seconds"] == 1
    assert (tmp_path / "out" / "confusion.png").stat().st_size > 10_000
    written = yaml.safe_load((tmp_path / "model" / "contract.yaml").read_text())
    assert written["tasks"]["motion"]["bias"][1] == 0 and "content_sha256" not in written


@pytest.mark.slow
def test_activity_of_persons(tmp_path):
    """Two persons who do three things in noise."""
    names = np.array(["fall", "lying", "walking"])
    rng = np.random.default_rng(0)
    activity, person = np.repeat(names, 24), np.tile(np.repeat(["a", "b", "c"], 8), 3)
    csi = rng.normal(0, 20, (72, 256, 30, 3, 2)).astype(np.int8)
    (tmp_path / "csi_har").mkdir()
    source = np.array([f"{number}" for number in range(72)])
    np.savez(tmp_path / "csi_har" / "har11.npz", csi=csi, activity=activity, person=person, source=source)
    options = ("--bundle", activity_model(tmp_path / "model"), "--seeds", 1, "--only", "csi_har")
    said = program("accuracy/activity.py", *options, WFM_REALDATA=str(tmp_path))
    assert {row[0] for row in rows(said)} >= {"5", "10", "wfm-activity", "wfm-base", "forest"}


def test_lte_recordings(tmp_path):
    model = random_model(tmp_path / "model", samples=4096, antennas=1, average=32)
    (tmp_path / "lte").mkdir()
    generator = np.random.default_rng(0)
    parts = generator.standard_normal((1, 3 * 4096, 2), np.float32)
    write_recording(tmp_path / "lte", parts.view(np.complex64)[..., 0])
    said = program("accuracy/lte_recordings.py", "--bundle", model, WFM_REALDATA=str(tmp_path))
    assert [row[:2] for row in rows(said)] == [["rec", "3"], ["all", "3"]]
    assert all(len(row) == 8 and "(" in row[6] and "(" in row[7] for row in rows(said)), "pooled: one block of three"


def test_other_recordings(tmp_path):
    """A recording of 40 windows and one that is too short for one; what is not off the air is left out."""
    model = random_model(tmp_path / "model", samples=4096, antennas=1, average=32)
    heads = {"tech": "file,label", "ism": "file,label", "air": "name,label,kind"}
    lines = {"tech": ["rec,gsm"], "ism": ["rec,remote"], "air": ["rec,lora,generated"]}
    for folder, count in (("tech", 40 * 4096), ("ism", 4000), ("air", 4096)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "labels.csv").write_text("\n".join([heads[folder], *lines[folder], ""]))
        write_recording(tmp_path / folder, noise(1, count))
    said = program("accuracy/other_recordings.py", "--bundle", model, WFM_REALDATA=str(tmp_path))
    assert [[*row[:3], row[4]] for row in rows(said)] == [
        ["tech: gsm", "1", "40", "2"], ["ism: remote", "1", "0", "0"], ["all", "2", "40", "2"],
    ]  # fmt: skip


def test_decoded_signals(tmp_path):
    """Lines of one class and receiver are one row; and a run of one test, be its receiver there or not."""
    log = tmp_path / "log"
    log.write_text(".decoded: ook/x10 by rtl_433: 5 of 5\n.decoded: ais/a (b) by gnuais: 39 of 40\n"
                   "decoded: ook/dsc by rtl_433: 4 of 5\n3 passed\n")  # fmt: skip
    assert rows(program("accuracy/decoded.py", "--log", log)) == [
        ["ais", "a (b)", "gnuais", "40", "39"], ["ook", "x10, dsc", "rtl_433", "10", "9"],
    ]  # fmt: skip
    for row in rows(program("accuracy/decoded.py", "-k", "test_hf_300_by_direwolf")):
        assert row == ["packet", "hf300", "direwolf", "10", row[4]] and int(row[4]) >= 9


def test_finder_accuracy():
    said = program("finder/accuracy.py", "--bands", 2, "--noise", 0.5, "--labels", "ook", "nbfm")
    assert "white noise, 0.5 s at 2.4 MS/s:" in said
    found = re.search(r"recall ([\d.]+) of (\d+), precision ([\d.]+) of", said)
    assert float(found[1]) > 0.5 and int(found[2]) > 2 and float(found[3]) > 0.5


def test_air(tmp_path):
    """One recording off the air, and one that is put back on a carrier."""
    bundle = signal_bundle(tmp_path / "tiny")
    (tmp_path / "air").mkdir()
    rng = np.random.default_rng(0)
    columns = ("name", "label", "kind", "modulator")
    items = {"heard": ("ook", "air", "", "cf32_le"), "said": ("nbfm", "audio", "nbfm, deviation 3 kHz", "rf32_le")}
    lines = [",".join(columns)]
    for name, (label, kind, modulator, datatype) in items.items():
        lines.append(f'{name},{label},{kind},"{modulator}"')
        parts = rng.standard_normal(40_000).astype(np.float32)
        parts.tofile(tmp_path / "air" / f"{name}.sigmf-data")
        meta = {
            "global": {"core:datatype": datatype, "core:sample_rate": 48000, "core:version": "1.0.0"},
            "captures": [{"core:sample_start": 0}],
            "annotations": [{"core:sample_start": 0, "core:sample_count": 1, "core:label": label}],
        }
        (tmp_path / "air" / f"{name}.sigmf-meta").write_text(json.dumps(meta))
    (tmp_path / "air" / "labels.csv").write_text("\n".join(lines))
    options = ("--bundle", bundle, "--json", tmp_path / "out.json", "--pictures", tmp_path / "pictures")
    said = program("accuracy/air.py", *options, WFM_REALDATA=str(tmp_path))
    each, means = said.split("\n\n")[:2]
    assert len(rows(each)) == 2 and [row[0] for row in rows(means)] == ["air", "demodulated"]
    assert [entry["group"] for entry in json.loads((tmp_path / "out.json").read_text())] == ["air", "demodulated"]
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 2


def test_signals(tmp_path):
    """A tiny model, whose trees say "ook" of everything."""
    bundle = signal_bundle(tmp_path / "tiny", trees=TreeSizes(2, 2, 1))
    options = ("--crops", 8, "--most-samples", 1 << 15, "--out", tmp_path / "out")
    said = program("accuracy/signals.py", "--bundle", bundle, *options)
    figures = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert figures["labels"] == ["ook", "nbfm", "noise"] and figures["crops"]["alone"] > 0
    named = {row[0] for row in rows(said)}
    assert named >= {"whole", "IQ alone", "images alone", "both", "0 to 5"} and named & set(UNHEARD)
    assert all((tmp_path / "out" / name).stat().st_size > 10_000 for name in ("confusion.png", "accuracy.png"))
    assert figures["trees"]["crops"] == figures["crops"]
    assert figures["trees"]["mean_class_accuracy"]["alone"] == 0.5, "one class of two"


def test_csi_statistics(tmp_path):
    """A recorded set, which here is noise that nobody generates, and three that are not there."""
    (tmp_path / "csi_har").mkdir()
    noise = np.random.default_rng(0).normal(0, 20, (5, 32, 30, 3, 2)).astype(np.int8)
    np.savez(tmp_path / "csi_har" / "har11.npz", csi=noise)
    said = program("foundation/csi_statistics.py", "--windows", 8, WFM_REALDATA=str(tmp_path))
    found = {row[0]: row for row in rows(said)}
    assert len(found) == 10 and said.count("set WFM_REALDATA") == 3
    deviation = float(found["deviation over packets, of the mean"][1].split()[0])
    assert deviation == pytest.approx(0.52, abs=0.03), "Rayleigh"
    assert found["autocorrelation after 1 packet"][3] == "0.00"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "budget", "ways"),
    [
        ("objectives", ("--tflop", 1e-5), ("causes", "masked+causes")),
        ("modalities", ("--epochs", 1), ("both", "IQ alone")),
    ],
)
def test_comparison_of_foundations(tmp_path, question, budget, ways):
    size = "{width: 16, depth: 1, heads: 2, mlp_hidden: 32}"
    shape = "image={samples: 1024, fft_size: 64, hop: 64, size: [32, 32], sizes: [[32, 32]], channels: [1]}"
    inputs = (shape, "iq={tokens: 16, antennas: [1]}", "data.sources=[{kind: synthetic}, {kind: links}]")
    data = ("data.windows=16", "data.passes=1", "data.held_out=16", "batch=8", "threads=2")
    out = tmp_path / "out"
    options = ("--out", out, "--run", tiny_foundation(tmp_path / "tiny"), *budget, "--seeds", 2, "--only", *ways)
    settings = (f"encoder={size}", f"decoder={size}", *inputs, *data)
    asked = ("--tasks", "modulation", "--labels", "5")
    said = program("foundation/compare.py", question, *options, *asked, "--set", *settings)
    lines = json.loads((out / "compare.json").read_text())
    assert {line["way"] for line in lines} == set(ways) and all(0 < line["mean"] < 100 for line in lines)
    assert (out / "compare.txt").read_text() in said and (out / "probe" / "probe.json").exists()
    assert all((out / f"{way.replace(' ', '-')}-{seed}" / "figures.json").exists() for way in ways for seed in (1, 2))


def test_fingerprint():
    found = rows(program("accuracy/fingerprint.py", "--window", 16384, "--makes", "ook", "--snr", 20, "--fresh", 1))
    assert [row[:3] for row in found] == [["all makes", "20", "with"], ["all makes", "20", "without"]]
    assert all(0 <= float(cell) <= 1 for row in found for cell in row[3:])


def test_fingerprint_of_real_transmitters():
    folder = Path(os.environ.get("WFM_REALDATA", Path(__file__).parents[3] / "shared" / "realdata"))
    if not (folder / "fingerprint" / "usrp2.npz").is_file():
        pytest.skip(f"no {folder / 'fingerprint'}: set WFM_REALDATA to the folder of real recordings")
    found = rows(program("accuracy/fingerprint_real.py", WFM_REALDATA=str(folder)))
    assert [row[:2] for row in found] == [["usrp2", "2"], ["lte", "4"]]
