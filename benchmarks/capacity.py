# SPDX-License-Identifier: GPL-3.0-or-later
"""A capacity model of serving: how many radios a core, a GPU, a network and a wfm-serve take, and which of them limits
10, 1,000 and 100,000 radios.

It rests on what one question and one window cost, which is measured here in seconds of processor time: a wfm-serve with
one replica is asked one question at a time, of one window and of a full batch. Processor time is what a process used,
so that other programs disturb it less than a clock. The rate of a GPU is measured where PyTorch finds one; else it is
not known, unless --gpu-windows gives it.

    python benchmarks/capacity.py --json figures.json            # measured on this computer
    python benchmarks/capacity.py --figures figures.json --windows 100 --link 10 --cores 32
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from capacity_model import BEGIN, END, Figures, Model, Service, costs_table, limits_table, numbers_table
from result import machine
from serving import server

from wfm_core import load_bundle
from wfm_core.base.files import write_atomically
from wfm_core.messages.events import Message, encode
from wfm_core.record.rows import RowMaker
from wfm_core.record.store import Record
from wfm_core.serving import protocol
from wfm_core.serving.remote import open_remote
from wfm_core.serving.wire import iq_message

_LEAST_QUESTIONS = 50
"""What a process does beside them, which is taken off, is not the same each second."""
_EVENTS = 20_000
_EVENTS_A_COMMIT = 1_000
_TICK = 1 / os.sysconf("SC_CLK_TCK")


class Processes:
    """Processor time of processes, by what is in their /proc/PID/stat."""

    def __init__(self, pids: list[int]):
        self._pids = pids

    def seconds(self) -> float:
        fields = [_stat(pid) for pid in self._pids]
        return sum(int(one[11]) + int(one[12]) for one in fields) * _TICK  # utime and stime


def _stat(pid: int) -> list[str]:
    """The fields behind the name, from the state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def replicas_of(pid: int, bundle: str) -> list[int]:
    """The processes of the bundle's replicas among those that the wfm-serve `pid` has started."""
    parents = {}
    for folder in Path("/proc").iterdir():
        try:
            parents[int(folder.name)] = int(_stat(int(folder.name))[1])
        except (ValueError, OSError):
            continue
    ours = {pid}
    while more := {one for one, parent in parents.items() if parent in ours} - ours:
        ours |= more
    name = f"ray::ServeReplica:{bundle}"
    return [one for one in ours if Path(f"/proc/{one}/cmdline").read_bytes().startswith(name.encode())]


def noise(bundle, count: int) -> np.ndarray:
    """Windows of one antenna, complex64 [count, 1, T]."""
    parts = np.random.default_rng(0).standard_normal((count, 1, bundle.contract.samples, 2)).astype(np.float32)
    return parts.view(np.complex64)[..., 0]


def times(seconds: float, do: Callable[[], object], least: int = 1) -> int:
    """How often `do` was done within some seconds, `least` times at least."""
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end or count < least:
        do()
        count += 1
    return count


def line(one: float, many: float, count: int) -> tuple[float, float]:
    """What a call costs by itself and what each of its windows does, where one of 1 window costs `one`, one of `count`
    windows `many`."""
    window = max(0.0, (many - one) / (count - 1))
    return max(0.0, one - window), window


class _Away:
    """A bundle that computes at a wfm-serve, and the processes whose time its questions take."""

    def __init__(self, bundle: str, device: str, pid: int):
        self.bundle = open_remote(bundle, device, 0.0)
        if self.bundle.contract.input != "iq":
            raise SystemExit(f"bundle {bundle} takes {self.bundle.contract.input}: name one of IQ windows")
        self._processes = (Processes([os.getpid()]), Processes([pid]), Processes(replicas_of(pid, bundle)))

    def idle(self, seconds: float) -> list[float]:
        """Processor time a second of each of them while nothing is asked."""
        before = self._seconds()
        time.sleep(seconds)
        return [(after - first) / seconds for first, after in zip(before, self._seconds(), strict=True)]

    def question(self, windows: int, seconds: float, idle: list[float]) -> list[float]:
        """Processor time of each of them for a question of so many windows."""
        batch = noise(self.bundle, windows)
        times(seconds / 4, lambda: self.bundle.infer(batch))
        before, began = self._seconds(), time.monotonic()
        count = times(seconds, lambda: self.bundle.infer(batch), _LEAST_QUESTIONS)
        took = time.monotonic() - began
        spent = [after - first for first, after in zip(before, self._seconds(), strict=True)]
        return [max(0.0, own - rest * took) / count for own, rest in zip(spent, idle, strict=True)]

    def _seconds(self) -> list[float]:
        return [one.seconds() for one in self._processes]


def measured(bundle: str, form: str, batch: int, seconds: float, gpu_windows: float | None) -> Figures:
    """All figures, with a wfm-serve that runs meanwhile."""
    with server(bundle) as (device, pid):
        away = _Away(bundle, f"{device}&format={form}", pid)
        idle = away.idle(seconds)
        one, many = (away.question(count, seconds, idle) for count in (1, batch))
        remote = away.bundle
    sensor, front, (question, window) = (line(first, last, batch) for first, last in zip(one, many, strict=True))
    alone = computing(bundle, remote.dtype, remote.engine, batch, seconds)[0]
    message = protocol.JudgeRequest(bundle=bundle, sha256="0" * 64, iq=iq_message(noise(remote, 1), form))
    return Figures(
        bundle=bundle,
        origin=remote.origin,
        machine=machine(),
        format=form,
        window_bytes=message.ByteSize(),
        sensor=sensor,
        front=front,
        replica=(min(alone, question), max(0.0, question - alone), window),
        gpu=on_gpu(bundle, batch, seconds, gpu_windows),
        **record_figures(),
    )


def computing(bundle: str, dtype: str, engine: str, batch: int, seconds: float) -> tuple[float, float]:
    """Processor time of a batch and of a window in it, in this process and one thread."""
    torch.set_num_threads(1)
    here = load_bundle(bundle, device="cpu", dtype=dtype, engine=engine)
    here.warm(batch, 1)

    def cost(count: int) -> float:
        windows = noise(here, count)
        here.infer(windows)
        began = time.process_time()
        done = times(seconds / 2, lambda: here.infer(windows))
        return (time.process_time() - began) / done

    return line(cost(1), cost(batch), batch)


def on_gpu(bundle: str, batch: int, seconds: float, gpu_windows: float | None) -> tuple[float, float] | None:
    """Seconds of a batch and of a window on the GPU; from `gpu_windows` a second where there is none."""
    if not torch.cuda.is_available():
        return (0.0, 1 / gpu_windows) if gpu_windows else None
    there = load_bundle(bundle, device="cuda")
    there.warm(batch, 1)

    def cost(count: int) -> float:
        windows = noise(there, count)
        there.infer(windows)
        began = time.monotonic()
        done = times(seconds / 2, lambda: there.infer(windows))
        return (time.monotonic() - began) / done

    return line(cost(1), cost(batch), batch)


def record_figures() -> dict[str, float]:
    """What an event takes: bytes between programs, bytes in a database of SQLite, and how many are committed a
    second."""
    body = {
        "event": "end", "task": "classification", "label": "lora", "score": 0.9312, "sample_start": 104448,
        "sample_count": 20480, "duration": 0.0102, "rx_time": [1_795_867_200, 0.25], "rx_freq": 868.3e6,
        "freq_lower_edge": 868.0e6, "freq_upper_edge": 868.125e6, "snr_db": 12.5,
    }  # fmt: skip
    maker, arrival = RowMaker("site-1"), time.time_ns()
    messages = [Message("event", "radio-1", number, body, "5f0c9e1ab2d34c77") for number in range(_EVENTS)]
    rows = [row for message in messages for row in maker.rows(message, arrival)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.db"
        record, began = Record(f"sqlite:///{path}", write=True), time.monotonic()
        for first in range(0, _EVENTS, _EVENTS_A_COMMIT):
            record.add(rows[first : first + _EVENTS_A_COMMIT])
        took = time.monotonic() - began
        record.close()
        size = path.stat().st_size
    return {
        "event_bytes": len(encode(messages[-1])),
        "record_bytes": size / _EVENTS,
        "events_a_second": _EVENTS / took,
    }


def read_figures(path: Path, gpu_windows: float | None) -> Figures:
    """What --json has written, or a sentence and exit status 1."""
    try:
        values = json.loads(path.read_text())
        figures = Figures(**values)
    except (OSError, ValueError, TypeError) as error:
        raise SystemExit(f"{path} holds no figures ({error}): name what --json of this program wrote") from error
    return replace(figures, gpu=(0.0, 1 / gpu_windows)) if gpu_windows else figures


def report(figures: Figures, service: Service) -> str:
    """The tables, in Markdown."""
    model = Model(figures, service)
    asked = (
        f"A radio asks about {service.windows:g} windows a second, {model.windows_a_question:.2g} in a question; "
        f"the network takes {1e3 * service.round_trip:g} ms there and back, a batch up to {service.batch} windows and "
        f"{1e3 * service.wait:g} ms of waiting."
    )
    parts = (costs_table(figures), asked, limits_table(model, service), numbers_table(model, service))
    return "\n\n".join(parts)


def put_into(page: Path, text: str) -> None:
    """In the place of what is between the marks."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"{page} has no line {BEGIN!r}, or no {END!r} after it")
    whole = f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"
    write_atomically(page, lambda temporary: temporary.write_text(whole, encoding="utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="wfm-interference", help="of IQ windows, installed here")
    parser.add_argument("--format", default="cf32", choices=("cf32", "ci16"), help="of windows on the wire")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement (10)")
    parser.add_argument("--figures", type=Path, metavar="FILE", help="figures that --json wrote, instead of measuring")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--into", type=Path, metavar="PAGE", help=f"put the tables between {BEGIN} and {END}")
    service = parser.add_argument_group("what is there")
    service.add_argument("--windows", type=float, default=10.0, help="a second, that a radio asks about (10)")
    service.add_argument("--link", type=float, default=1.0, help="Gb/s of the network to the server (1)")
    service.add_argument("--round-trip", type=float, default=1.0, help="ms of the network there and back (1)")
    service.add_argument("--cores", type=int, default=os.cpu_count() or 1, help="for replicas (this computer's)")
    service.add_argument("--gpus", type=int, default=0, help="that compute instead of the cores (0)")
    service.add_argument("--gpu-windows", type=float, help="a second, of one GPU, where none is here to measure")
    service.add_argument("--replicas", type=int, default=2, help="of each GPU (2)")
    service.add_argument("--batch", type=int, default=64, help="windows computed together (64)")
    service.add_argument("--wait-ms", type=float, default=2.0, help="that a question waits for others (2)")
    options = parser.parse_args()
    if options.figures:
        figures = read_figures(options.figures, options.gpu_windows)
    else:
        figures = measured(options.bundle, options.format, options.batch, options.seconds, options.gpu_windows)
    there = Service(
        options.windows, options.link * 1e9, options.cores, options.gpus, options.replicas, options.batch,
        options.wait_ms / 1e3, options.round_trip / 1e3,
    )  # fmt: skip
    if options.gpus and figures.gpu is None:
        raise SystemExit("--gpus: what a GPU computes was not measured here, give --gpu-windows")
    if options.json:
        options.json.write_text(json.dumps(asdict(figures), indent=2) + "\n")
    said = report(figures, there)
    print(said)
    if options.into:
        put_into(options.into, said)


if __name__ == "__main__":
    main()
