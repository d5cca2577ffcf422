# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-scan: what it finds, writes and refuses. The bundle has random weights: its names mean nothing here."""

import json
import wave

import numpy as np
import pytest
from image_bundles import signal_bundle

from wfm_core.cli.scan import main

RATE, FREQ = 250e3, 433.92e6
LABELS = ["ook", "nbfm", "noise"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """Noise is made unlikely, so that what is found is reported."""
    return signal_bundle(tmp_path_factory.mktemp("bundle") / "tiny", LABELS)


def band(seconds: float = 0.4) -> np.ndarray:
    """Noise, a burst at +60 kHz from 0.1 to 0.2 s, and an FM signal at -50 kHz all the time."""
    rng = np.random.default_rng(7)
    count = int(seconds * RATE)
    x = 0.01 * (rng.standard_normal(count) + 1j * rng.standard_normal(count))
    t = np.arange(count) / RATE
    x += 0.05 * np.exp(2j * np.pi * (-50e3 * t + np.cumsum(2500 * np.sin(2 * np.pi * 700 * t)) / RATE))
    keyed = np.repeat(rng.integers(0, 2, 200), int(0.1 * RATE / 200))
    first = int(0.1 * RATE)
    x[first : first + len(keyed)] += 0.2 * keyed * np.exp(2j * np.pi * 60e3 * t[: len(keyed)])
    return x.astype(np.complex64)


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "air.sigmf-meta"
    band().tofile(path.with_suffix(".sigmf-data"))
    head = {"core:datatype": "cf32_le", "core:sample_rate": RATE, "core:version": "1.0.0"}
    captures = [{"core:sample_start": 0, "core:frequency": FREQ, "core:datetime": "2026-11-28T12:00:00Z"}]
    path.write_text(json.dumps({"global": head, "captures": captures, "annotations": []}))
    return path


def lines_of(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_signal_is_a_line_with_its_place_and_name(recording, bundle, tmp_path, capsys):
    out = tmp_path / "signals.jsonl"
    assert main([str(recording), "--bundle", bundle, "--json", str(out)]) == 0
    signals = lines_of(out)
    middles = [(s["freq_lower_edge"] + s["freq_upper_edge"]) / 2 - FREQ for s in signals]
    strong = {round(middle / 10e3) for middle, s in zip(middles, signals, strict=True) if s["snr_db"] > 10}
    assert {6, -5} <= strong
    burst = max((s for s, m in zip(signals, middles, strict=True) if abs(m - 60e3) < 8e3), key=lambda s: s["snr_db"])
    assert abs(burst["sample_start"] - 0.1 * RATE) < 1500 and abs(burst["sample_count"] - 0.1 * RATE) < 3000
    for signal in signals:
        assert {"sample_start", "sample_count", "freq_lower_edge", "freq_upper_edge", "snr_db", "level_dbfs"} <= set(
            signal
        )
        assert signal["label"] in [*LABELS, "unknown"] and 0 <= signal["score"] <= 1
        assert sum(signal["probabilities"].values()) == pytest.approx(1, abs=1e-3)
        assert signal["rx_time"][0] == 1795867200
    assert f"{len(signals)} signals" in capsys.readouterr().out


def test_annotations_have_edges_and_are_not_doubled(recording, bundle):
    # which dtype is faster, on a busy computer, may be another one the second time
    arguments = [str(recording), "--bundle", bundle, "--annotate", "--dtype", "fp32"]
    assert main(arguments) == 0
    first = json.loads(recording.read_text())["annotations"]
    assert main(arguments) == 0
    again = json.loads(recording.read_text())["annotations"]
    assert first == again and len(first) >= 2
    for entry in first:
        assert FREQ - RATE / 2 <= entry["core:freq_lower_edge"] < entry["core:freq_upper_edge"] <= FREQ + RATE / 2
        assert entry["core:label"] and entry["core:generator"] == "gr-wfm"


def test_a_picture_is_drawn(recording, bundle, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "new" / "scan.png"
    assert main([str(recording), "--bundle", bundle, "--picture", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")


def test_raw_files_and_their_rates(tmp_path, bundle, capsys):
    named = tmp_path / "g001_433.92M_250k.cf32"
    band().tofile(named)
    out = tmp_path / "named.jsonl"
    assert main([str(named), "--bundle", bundle, "--json", str(out)]) == 0
    assert all(abs(s["freq_lower_edge"] - FREQ) < RATE for s in lines_of(out))
    plain = named.rename(tmp_path / "plain.cf32")
    assert main([str(plain), "--bundle", bundle]) == 1
    assert "--rate" in capsys.readouterr().err
    assert main([str(plain), "--bundle", bundle, "--rate", "250e3", "--freq", "433.92e6", "--json", str(out)]) == 0
    assert lines_of(out)


def test_a_wav_of_one_channel_says_what_was_assumed(tmp_path, bundle, capsys):
    path = tmp_path / "sound.wav"
    t = np.arange(48_000) / 48e3
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes((8000 * np.sin(2 * np.pi * 5000 * t)).astype("<i2").tobytes())
    assert main([str(path), "--bundle", bundle]) == 0
    assert "real samples" in capsys.readouterr().err


@pytest.mark.parametrize("samples", [np.zeros(100_000), np.full(100_000, np.nan), np.ones(30), np.zeros(1)])
def test_empty_broken_and_short_recordings_end_well(tmp_path, bundle, samples, capsys):
    path = tmp_path / "x_250k.cf32"
    samples.astype(np.complex64).tofile(path)
    assert main([str(path), "--bundle", bundle, "--json", "-"]) == 0
    for line in capsys.readouterr().out.splitlines():
        json.loads(line, parse_constant=pytest.fail)


def test_a_folder_is_scanned_file_by_file(recording, bundle, tmp_path, capsys):
    broken = recording.with_name("broken.sigmf-meta")
    broken.write_text(recording.read_text())
    recording.with_suffix(".sigmf-data").rename(tmp_path / "broken.sigmf-data")
    band(0.2).tofile(recording.with_suffix(".sigmf-data"))
    out = tmp_path / "all.jsonl"
    assert main([str(tmp_path), "--bundle", bundle, "--json", str(out)]) == 0
    assert {line["recording"] for line in lines_of(out)} == {"air.sigmf-meta", "broken.sigmf-meta"}


def test_a_bundle_of_windows_is_refused(recording, capsys):
    assert main([str(recording), "--bundle", "wfm-interference"]) == 1
    assert "single signals" in capsys.readouterr().err
