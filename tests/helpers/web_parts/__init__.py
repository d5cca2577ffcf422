# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests of the page: the command that serves it, as a user runs it, and publishers for it."""

import http.client
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from wfm_core.messages.sockets import EventSender
from wfm_core.messages.spectra import level_bytes, spectrum_json

PROGRAM = [sys.executable, "-m", "wfm_core.cli.monitor"]
FREQ, RATE, ROW = 868.3e6, 1e6, 200_000
RUBBISH = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>\'"&amp;\u202e'
"""What an unknown sender may call itself, or what it sends."""


class Page:
    """The command while it runs; `url` is where it says that the page is."""

    def __init__(self, process: subprocess.Popen):
        self.process = process
        line = process.stdout.readline()
        found = re.match(r"http://\S+/ ", line)
        assert found, (line, process.communicate(timeout=30))
        self.url = found[0].strip()
        self.host = urlsplit(self.url).netloc

    def get(self, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """The path as it stands goes to the server. Keywords are headers, with _ for -."""
        with closing(http.client.HTTPConnection(self.host, timeout=30)) as connection:
            connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read()

    @contextmanager
    def stream(self, **headers: str) -> Iterator[Iterator[tuple[str, dict]]]:
        """The id and the data of each server-sent event."""
        with closing(http.client.HTTPConnection(self.host, timeout=30)) as connection:
            connection.request("GET", "/changes", headers={k.replace("_", "-"): v for k, v in headers.items()})
            answer = connection.getresponse()
            assert answer.status == 200, (answer.status, answer.read())
            yield _events(answer)


def _events(answer) -> Iterator[tuple[str, dict]]:
    fields: dict[str, str] = {}
    while line := answer.readline().decode():
        if line == "\n":
            yield fields["id"], json.loads(fields["data"])
            fields = {}
        else:
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value


@contextmanager
def serving(*options: str | Path, address: str = "127.0.0.1:0") -> Iterator[Page]:
    command = [*PROGRAM, "--web", address, *map(str, options)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield Page(process)
    finally:
        process.kill()
        process.communicate()


@contextmanager
def publisher(radio: str = "roof", address: str = "tcp://127.0.0.1:*") -> Iterator[EventSender]:
    with closing(EventSender(address, radio, 10_000)) as sender:
        yield sender


def signal(number: int, kind: str = "end", label: str = "lora", **changes) -> dict:
    """The body of an event: a second of a signal, 50 kHz wide, every two seconds."""
    return {
        "event": kind,
        "task": "classification",
        "label": label,
        "score": 0.75,
        "sample_start": int(2 * number * RATE),
        "sample_count": int(RATE),
        "duration": 1.0,
        "rx_freq": FREQ,
        "freq_lower_edge": FREQ - 50e3,
        "freq_upper_edge": FREQ,
        "snr_db": 12.5,
        **changes,
    }


def decision(label: str = "lora", **changes) -> dict:
    answer = {"label": label, "index": 1, "score": 0.5, "probabilities": {label: 0.5}}
    body = {
        "sample_start": 0,
        "sample_count": 4096,
        "rx_freq": FREQ,
        "level": -30.0,
        "tasks": {"classification": answer},
    }
    return {**body, **changes}


def spectrum(number: int, strong: int = 60) -> dict:
    """A row of noise with one strong bin of 256."""
    levels = np.random.default_rng(number).normal(-100, 2, 256)
    levels[strong] = -40
    return spectrum_json(number * ROW, ROW, RATE, FREQ, level_bytes(levels).tobytes())
