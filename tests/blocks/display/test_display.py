# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of Qt's platforms a program chooses: a display that is named and cannot be opened must not end it."""

import os
import socket
import subprocess
import sys

import pytest
from example_programs import EXAMPLES
from flowgraph_helpers import noise, random_model, write_recording
from gnuradio.wfm.display.platform import choose_platform

NAMES = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "QT_LOGGING_RULES", "XDG_RUNTIME_DIR")


@pytest.fixture
def environment(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def chosen() -> str:
    return os.environ.get("QT_QPA_PLATFORM", "")


def test_no_display_is_offscreen_without_a_word(environment):
    assert (choose_platform(), chosen()) == ("", "offscreen")


@pytest.mark.parametrize("name", [":99", "no.such.host:0", "nonsense"])
def test_a_stale_display_is_offscreen_and_said(environment, name):
    environment.setenv("DISPLAY", name)
    said = choose_platform()
    assert chosen() == "offscreen" and f"DISPLAY={name} cannot be opened" in said and "\n" not in said


def test_what_the_user_set_stays(environment):
    environment.setenv("DISPLAY", ":99")
    environment.setenv("QT_QPA_PLATFORM", "vnc")
    assert (choose_platform(), chosen()) == ("", "vnc")


def test_wayland_that_does_not_answer_is_offscreen(environment, tmp_path):
    environment.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    environment.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert "WAYLAND_DISPLAY=wayland-0 cannot be opened" in choose_platform() and chosen() == "offscreen"


def test_wayland_needs_qts_plugin(environment, tmp_path):
    from PyQt5.QtCore import QLibraryInfo

    environment.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    environment.setenv("WAYLAND_DISPLAY", "wayland-0")
    plugins = os.listdir(os.path.join(QLibraryInfo.location(QLibraryInfo.PluginsPath), "platforms"))
    has_plugin = any(name.startswith("libqwayland") for name in plugins)
    with socket.socket(socket.AF_UNIX) as compositor:
        compositor.bind(str(tmp_path / "wayland-0"))
        compositor.listen()
        said = choose_platform()
    assert (chosen(), bool(said)) == (("wayland", False) if has_plugin else ("offscreen", True))


def test_an_example_with_a_stale_display_runs(environment, tmp_path):
    model = random_model(tmp_path / "model", samples=4096)
    path = write_recording(tmp_path, noise(2, 3 * 4096))
    command = [
        sys.executable,
        str(EXAMPLES / "live_interference.py"),
        "--source",
        f"file:{path}",
        "--bundle",
        str(model),
    ]
    environment.setenv("DISPLAY", ":99")
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    (said,) = done.stderr.splitlines()
    assert done.returncode == 0, done.stderr
    assert said.startswith("live_interference.py: no window is shown, as the display of DISPLAY=:99 cannot be opened")
