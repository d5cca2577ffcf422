# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples on the simulated radio as a user starts them, without a display, to their end."""

import json
import re
import signal
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from example_programs import begin, start
from flowgraph_helpers import random_model
from image_bundles import signal_bundle

from wfm_core.messages.events import KINDS
from wfm_core.messages.sockets import EventListener
from wfm_core.train.turns import TASKS

WINDOW = 4096


def quick(seconds: float) -> tuple:
    """Options of a short run that decides every window, however busy the machine is."""
    return "--policy", "lossless", "--duration", seconds


def judged(said: str, line: str) -> tuple[int, int]:
    """How many windows a line of a judge says were right, and of how many."""
    right, of = map(int, re.search(rf"{line} right in (\d+) of (\d+) windows", said).groups())
    return right, of


def share(said: str, line: str) -> float:
    right, of = judged(said, line)
    return right / of


def test_two_tasks_one_encoder(tmp_path):
    model = random_model(tmp_path / "model", samples=WINDOW, tasks=TASKS)
    lines = tmp_path / "decisions.jsonl"
    said = start("two_tasks_one_encoder", "--bundle", model, "--json", lines, *quick(0.3))
    decisions = [json.loads(line) for line in lines.read_text().splitlines()]
    assert len(decisions) > 10 and all(set(d["tasks"]) == {"fingerprint", "classification"} for d in decisions)
    for task in ("fingerprint", "classification"):
        right, of = judged(said, f"one encoder: {task}")
        assert right <= of and len(decisions) / 2 < of <= len(decisions), "some windows have two truths, most have one"


def test_classify_band(tmp_path):
    model = signal_bundle(tmp_path / "model", labels=("fm-broadcast", "cellular", "lora", "noise"))
    said = start("classify_band", "--bundle", model, "--out", tmp_path / "out", *quick(0.4))
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["task"], summary["samples_in"], summary["intd_accuracy"]) == ("classification", 960_000, None)
    assert summary["signals_found"] == summary["signals_decided"] + summary["signals_dropped"] >= 5
    assert re.search(r"band: classification right in \d+ of \d+ found signals", said)
    assert re.search(r"band: \d of 8 signals of the scene named right at least once", said)
    lines = (tmp_path / "out" / "decisions.jsonl").read_text().splitlines()
    assert len(lines) == summary["signals_decided"]
    for line in map(json.loads, lines):
        assert 432.72e6 <= line["freq_lower_edge"] < line["freq_upper_edge"] <= 435.12e6 and line["snr_db"] > 0
    meta = json.loads((tmp_path / "out" / "recording.sigmf-meta").read_text())
    assert all("core:freq_lower_edge" in annotation for annotation in meta["annotations"]) and meta["annotations"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "summary.json", "decisions.jsonl", "waterfall.png", "recording.sigmf-data", "recording.sigmf-meta",
    }  # fmt: skip


def test_publish_band(tmp_path):
    model = signal_bundle(tmp_path / "model", labels=("fm-broadcast", "cellular", "lora", "noise"))
    address = f"ipc://{tmp_path}/events"
    with closing(EventListener([address])) as listener:
        said = start("publish_band", "--bundle", model, "--address", address, "--name", "roof", *quick(1))
        heard = []
        while (message := listener.receive(0.5)) is not None:
            heard.append(message)
    assert re.search(r"band: classification right in \d+ of \d+ found signals", said)
    kinds = {kind: [message.body for message in heard if message.kind == kind] for kind in KINDS}
    assert all(kinds.values()) and {message.radio for message in heard} == {"roof"} and listener.refused == 0
    assert 4 <= len(kinds["spectrum"]) <= 5
    assert {(row["sample_rate"], row["rx_freq"]) for row in kinds["spectrum"]} == {(2.4e6, 433.92e6)}


def test_multi_antenna(tmp_path):
    model = random_model(tmp_path / "model", samples=WINDOW)
    said = start("multi_antenna", "--bundle", model, "--out", tmp_path / "out", *quick(0.5))
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["antennas"], summary["windows_inferred"]) == (4, 15)
    for antennas in ("four antennas", "one antenna"):
        right, of = judged(said, f"{antennas}: interference")
        assert right <= of and 7 < of <= 15, "some windows have two truths, most have one"


def test_fingerprint_enrol(tmp_path):
    said = start("fingerprint_enrol", *quick(3.6))
    assert "first start" not in said
    events = re.findall(r"^(enrolling|enrolled): (device-\d)", said, re.MULTILINE)
    assert events[:4] == [(kind, device) for device in ("device-1", "device-2") for kind in ("enrolling", "enrolled")]
    assert re.search(r"fingerprint device-2 +\d", said), "a window after the enrolment is named"


def free_addresses() -> tuple[str, str]:
    """Two loopback addresses that nobody has."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return tuple(f"tcp://127.0.0.1:{each.getsockname()[1]}" for each in (one, other))


def serve(model: Path, addresses) -> subprocess.Popen:
    """An inference host that listens."""
    options = ("--bundle", model, "--address", addresses[0], "--answers", addresses[1], "--gate", -200)
    program = begin("remote_inference_server", *options)
    while "ready" not in (line := program.stdout.readline()):
        assert line, program.stderr.read()
    return program


def counted(said: str) -> dict[str, int]:
    """The figures of a radio host's last line."""
    sent, taken, sessions, lost = re.search(
        r"(\d+) samples a channel sent, (\d+) taken by (\d+) sessions of inference, (\d+) lost", said
    ).groups()
    return {"sent": int(sent), "taken": int(taken), "sessions": int(sessions), "lost": int(lost)}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return random_model(tmp_path_factory.mktemp("remote") / "model", samples=WINDOW)


def test_remote_inference(model):
    addresses = free_addresses()
    with serve(model, addresses) as server:
        said = start("remote_inference_radio", "--address", addresses[0], "--answers", addresses[1], *live(2))
        server.send_signal(signal.SIGINT)
        heard, complaints = server.communicate(timeout=60)
    assert (server.returncode, complaints) == (0, "")
    found = counted(said)
    assert found["sessions"] == 1 and 0 < found["taken"] <= found["sent"]
    assert found["lost"] == found["sent"] - found["taken"]
    assert f"{found['taken']} samples a channel" in heard, "both hosts count alike"
    assert re.search(r"^ +\d+\.\d+ s  interference", said, re.MULTILINE), "decisions come back"


def live(seconds: float) -> tuple:
    return "--policy", "live", "--duration", seconds


@pytest.mark.slow
def test_remote_inference_survives_the_server_s_restart(model):
    """Killed in the middle and started again: the radio goes on, both sessions decide, what was lost is counted."""
    addresses = free_addresses()
    first = serve(model, addresses)
    radio = begin("remote_inference_radio", "--address", addresses[0], "--answers", addresses[1], *live(40))
    while "interference" not in radio.stdout.readline():
        assert radio.poll() is None
    time.sleep(3)
    first.kill()
    first.communicate()
    second = serve(model, addresses)
    said, complaints = radio.communicate(timeout=300)
    assert (radio.returncode, complaints) == (0, "")
    second.send_signal(signal.SIGINT)
    heard = second.communicate(timeout=60)[0]
    found = counted(said)
    assert found["sessions"] == 2 and found["lost"] == found["sent"] - found["taken"] > 0
    last = int(re.search(r"(\d+) samples a channel", heard)[1])
    assert 0 < last < found["taken"], "both sessions took samples"


@pytest.mark.parametrize(("taken", "sentence"), [(0, "samples cannot be published"), (1, "events cannot be published")])
def test_a_port_in_use_is_one_sentence(model, taken, sentence):
    addresses = free_addresses()
    host, port = addresses[taken].removeprefix("tcp://").split(":")
    with socket.create_server((host, int(port))):
        name = ("remote_inference_radio", "remote_inference_server")[taken]
        extra = ("--duration", 0.1) if taken == 0 else ("--bundle", model)
        with begin(name, "--address", addresses[0], "--answers", addresses[1], *extra) as program:
            complaints = program.communicate(timeout=120)[1]
    assert program.returncode == 1 and len(complaints.splitlines()) == 1
    assert f"{name}.py: {sentence} at {addresses[taken]} (Address already in use)" in complaints


@pytest.mark.slow
def test_two_heads_of_the_shipped_model_name_most_windows():
    said = start("two_tasks_one_encoder", *quick(2))
    assert share(said, "one encoder: fingerprint") > 0.7 and share(said, "one encoder: classification") > 0.7


@pytest.mark.slow
def test_five_transmitters_are_enrolled_and_named():
    said = start("fingerprint_enrol", *quick(20))
    assert len(re.findall(r"^enrolled: device-\d", said, re.MULTILINE)) == 5
    assert share(said, "enrolled: fingerprint") > 0.85
    unknown, of = map(int, re.search(r"unknown senders called unknown in (\d+) of (\d+) windows", said).groups())
    assert of > 5 and unknown / of > 0.8


@pytest.mark.slow
def test_four_antennas_with_the_shipped_model():
    said = start("multi_antenna", *quick(3))
    assert share(said, "four antennas: interference") > 0.8
