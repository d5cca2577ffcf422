# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated radio for the tests: built once, and programs that run with it.

SoapySDR and UHD read their environment when they are loaded, so everything that hears the simulated radio is a process
of its own, and has a limit: a radio that hangs is one of the things to be tried.
"""

import contextlib
import functools
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from waiting import wait_for

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parents[2]
SOURCES = TESTS / "simulated_radio"
HIDDEN = ("DISPLAY", "WAYLAND_DISPLAY")

UHD = "uhd:type=soapy,driver=wfmsim"
SOAPY = "soapy:driver=wfmsim"


@functools.cache
def plugin() -> Path:
    """The folder with the built device; skips the test where it cannot be built."""
    if not Path("/usr/include/SoapySDR/Device.hpp").exists():
        pytest.skip("libsoapysdr-dev is not installed: the simulated radio cannot be built")
    compiler = shutil.which("g++") or pytest.skip("g++ is not installed: the simulated radio cannot be built")
    sources = sorted(SOURCES.glob("*.cc"))
    texts = [path.read_bytes() for path in [*sources, *sorted(SOURCES.glob("*.h"))]]
    folder = ROOT / "build" / "simulated_radio" / hashlib.sha256(b"".join(texts)).hexdigest()[:16]
    built = folder / "libwfmsim.so"
    if not built.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            command = [compiler, "-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
            made = Path(scratch) / built.name
            subprocess.run([*command, "-o", str(made), *map(str, sources), "-lSoapySDR"], check=True)
            made.replace(built)
    return folder


@functools.cache
def uhd_modules() -> Path:
    """The folder of `uhd-soapysdr`; skips the test where it is not installed."""
    for folder in sorted(Path("/usr/lib").glob("*/uhd/modules")):
        if list(folder.glob("libsoapySupport*.so")):
            return folder
    return pytest.skip("uhd-soapysdr is not installed: no simulated radio under libuhd")


def environment(source: str, log: Path | None = None) -> dict[str, str]:
    """Variables for a program that hears `source`; `log` gets the device's journal."""
    variables = {key: value for key, value in os.environ.items() if key not in HIDDEN}
    variables |= {"PYTHONUNBUFFERED": "1", "QT_QPA_PLATFORM": "offscreen"}
    # Threads that wait for each other in a busy loop would starve the radio.
    variables.setdefault("OMP_NUM_THREADS", "2")
    if source.startswith(("uhd:", "soapy:")):
        variables["SOAPY_SDR_PLUGIN_PATH"] = str(plugin())
    if source.startswith("uhd:"):
        variables["UHD_MODULE_PATH"] = str(uhd_modules())
    if log is not None:
        variables["WFMSIM_LOG"] = str(log)
    return variables


class Program:
    """A started program whose output goes to files: a full pipe must not stop a radio."""

    def __init__(self, command: list[str], source: str, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "device.log"
        self._files = [folder / "stdout", folder / "stderr"]
        self.ended_at = None  # seconds since 1970
        with open(self._files[0], "wb") as out, open(self._files[1], "wb") as err:
            # What runs in a shell's background ignores Ctrl-C, and so would its children.
            heeding = ["env", "--default-signal=INT", *command]
            self.process = subprocess.Popen(heeding, env=environment(source, self.log), stdout=out, stderr=err)
        threading.Thread(target=self._note_end, daemon=True).start()

    def _note_end(self) -> None:
        self.process.wait()
        self.ended_at = time.time()

    @property
    def stdout(self) -> str:
        return self._files[0].read_text(encoding="utf-8")

    @property
    def stderr(self) -> str:
        return self._files[1].read_text(encoding="utf-8")

    def journal(self) -> list[tuple[float, str]]:
        """(seconds since 1970, what) of the device."""
        text = self.log.read_text(encoding="utf-8") if self.log.exists() else ""
        lines = [line.split(" ", 1) for line in text.splitlines()]
        return [(float(seconds), what) for seconds, what in lines]

    def moment(self, what: str) -> float | None:
        """Seconds since 1970 at which the journal first says `what`; None: it has not."""
        return next((seconds for seconds, said in self.journal() if said.startswith(what)), None)

    def wait_until(self, ready, timeout: float) -> None:
        """Wait for `ready()`, which the program must live to see."""

        def so_far() -> bool:
            assert self.process.poll() is None, f"it ended early: {self.stderr}"
            return ready()

        wait_for(so_far, timeout, lambda: f"{self.stdout}{self.stderr}")

    def interrupt(self) -> float:
        """Ctrl-C; seconds since 1970."""
        self.process.send_signal(signal.SIGINT)
        return time.time()

    def end(self, timeout: float) -> SimpleNamespace:
        """Its returncode, stdout and stderr; it is killed, and that is a failure, if it has not ended in time."""
        try:
            wait_for(lambda: self.ended_at is not None, timeout, lambda: f"it hangs, {self.stdout}{self.stderr}")
        except AssertionError:
            self.kill()
            raise
        return SimpleNamespace(returncode=self.process.returncode, stdout=self.stdout, stderr=self.stderr)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def begin_example(name: str, source: str, folder: Path, *options) -> Program:
    """examples/NAME.py as a user starts it."""
    command = [sys.executable, str(ROOT / "examples" / f"{name}.py"), "--source", source]
    return Program([*command, *map(str, options)], source, folder)


def begin_watch(
    source: str, folder: Path, channels=1, sample_rate=1.92e6, seconds=2.0, ramp=True, actions=(), **options
) -> Program:
    """radio_watch.py; options are further arguments of `wfm.sdr_source`."""
    request = {
        "source": source, "channels": channels, "sample_rate": sample_rate, "seconds": seconds, "ramp": ramp,
        "actions": list(actions), "options": options,
    }  # fmt: skip
    return Program([sys.executable, str(TESTS / "radio_watch.py"), json.dumps(request)], source, folder)


def watch(source: str, folder: Path, **request) -> SimpleNamespace:
    """What radio_watch.py saw, as attributes, and the device's journal (`said`: its lines without their times)."""
    program = begin_watch(source, folder, **request)
    done = program.end(request.get("seconds", 2.0) + 90)
    assert done.returncode == 0, done.stderr
    seen = SimpleNamespace(**json.loads(done.stdout.splitlines()[-1]))
    assert not seen.hangs, "the flowgraph did not end by itself"
    seen.breaks = [tuple(found) for found in seen.breaks]
    seen.said = [what for _, what in program.journal()]
    seen.stderr = done.stderr
    return seen


def lost_by(said: list[str]) -> list[tuple[int, int]]:
    """(index of the sample behind it, samples) of each loss that the journal tells."""
    found = [re.match(r"lost (\d+) before sample (\d+)", what) for what in said]
    return [(int(match[2]), int(match[1])) for match in found if match]


def retunes_of(said: list[str]) -> list[tuple[int, float, int]]:
    """(channel, Hz, tick from which on) of each retune that the journal tells after the stream's start."""
    started = next(k for k, what in enumerate(said) if what.startswith("start"))
    found = [re.match(r"freq (\d+) (\d+) tick (\d+)", what) for what in said[started:]]
    return [(int(match[1]), float(match[2]), int(match[3])) for match in found if match]


@contextlib.contextmanager
def rtl_tcp(*knobs):
    """A server on loopback; gives its source string and `said()`, the lines that it has printed."""
    with tempfile.TemporaryFile("w+") as out:
        command = [sys.executable, str(SOURCES / "rtl_tcp_server.py"), "--port", "0", *map(str, knobs)]
        process = subprocess.Popen(command, stdout=out)

        def said() -> list[str]:
            # A reader of its own: the server writes at the shared position.
            return os.pread(out.fileno(), 1 << 20, 0).decode().splitlines()

        try:
            wait_for(lambda: said() or process.poll() is not None)
            assert said(), "the rtl_tcp server does not start"
            port = said()[0].removeprefix("port ")
            yield SimpleNamespace(source=f"osmosdr:rtl_tcp=127.0.0.1:{port}", said=said)
        finally:
            process.kill()
            process.wait()
