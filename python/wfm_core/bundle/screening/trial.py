# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle is tried in a process of its own before it replaces one in use.

A bundle may use allowed operators alone and still never end, ask for all memory, crash, or give other outputs than its
contract says; within the process it would hold up every block that infers. So another process loads, warms and checks
it first, with limits on time and memory. That process is kept for the next bundle, as PyTorch takes seconds to import.
"""

import contextlib
import hashlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue

from wfm_core.base.errors import WfmError

TRIAL_SECONDS = 60.0
"""For loading, warming and checking a bundle."""
START_SECONDS = 120.0
"""For the process to import PyTorch, on a busy machine."""
_KILL_SECONDS = 1.0
WINDOWS = 2
"""At once: the process has one thread, and a large model may take a second for each."""
MEMORY_BYTES = 4 << 30
"""That the process may allocate, beside what PyTorch itself takes, and eight times the bundle's file."""


class Trial:
    """The process in which bundles are tried. One bundle at a time; `close` may be called from another thread."""

    def __init__(self, seconds: float = TRIAL_SECONDS):
        self.seconds = seconds
        self._process: subprocess.Popen | None = None
        self._closed = False
        self._lock = threading.Lock()

    def run(self, path: Path, batch: int, channels: int, engine: str = "torchscript") -> str | None:
        """Try the bundle file or model folder `path` on `batch` inputs of `channels` antennas, with the `engine` to be.

        Returns the sha256 of a file that passed, which pins what is loaded after that; None for a model folder. Raises
        `WfmError` for a bundle that does not pass.
        """
        process = self._started()
        order = {"path": str(path.absolute()), "batch": batch, "channels": channels, "engine": engine}
        try:
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
            answer = self._line(process, self.seconds)
        except OSError:
            answer = b""
        if answer is None:
            self._end(process)
            raise WfmError(f"its trial in a process of its own did not end within {self.seconds:g} s")
        if not answer:
            raise WfmError(self._why(process))
        found = json.loads(answer)
        if found["error"]:
            raise WfmError(found["error"])
        return found["sha256"]

    @property
    def process_id(self) -> int | None:
        """Of the process, which is started at the first trial and kept; None before."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the process, and the trial that runs in it; no other is begun."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                _kill(self._process)

    def open(self) -> None:
        """Take bundles again."""
        self._closed = False

    def _started(self) -> subprocess.Popen:
        """The process, ready for a bundle."""
        with self._lock:
            if self._closed:
                raise WfmError("the flowgraph ends")
            if self._process is not None and self._process.poll() is None:
                return self._process
            process = self._process = start_process()
        ready = self._line(process, START_SECONDS)
        if not ready:
            self._end(process)
            raise WfmError(f"the process for its trial did not start within {START_SECONDS:g} s ({sys.executable})")
        return process

    @staticmethod
    def _line(process: subprocess.Popen, seconds: float) -> bytes | None:
        """What the process says next, b"" when it has ended, None when it says nothing for so long."""
        deadline, line = time.monotonic() + seconds, b""
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                return None
            part = os.read(process.stdout.fileno(), 65536)
            if not part:
                return b""
            line += part
        return line

    def _why(self, process: subprocess.Popen) -> str:
        status = self._end(process)
        if self._closed:
            return "the flowgraph ends"
        ending = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        return f"its trial in a process of its own ended with {ending}"

    @staticmethod
    def _end(process: subprocess.Popen) -> int:
        status = _kill(process)
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # what was not written has no reader any more
                pipe.close()
        return status


def _kill(process: subprocess.Popen) -> int:
    """Returns how it ended; one that the kernel does not let go of, as on a disk that hangs, is not waited for."""
    process.kill()
    try:
        return process.wait(_KILL_SECONDS)
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL


def start_process() -> subprocess.Popen:
    """The process that trials run in: asked on its stdin, answering on its stdout. Raises `WfmError`."""
    here = str(Path(__file__).resolve().parents[3])  # also where wfm_core is on the path of this process alone
    path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-c", "from wfm_core.bundle.screening.trial import serve; serve()"]
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment)
    except OSError as error:
        raise WfmError(f"no process for its trial: {sys.executable!r}: {error.strerror}") from error


def serve() -> None:
    """What the process itself does: an order a line on stdin, an answer a line on stdout."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a library prints is no answer
    os.nice(10)  # the bundle in use comes first
    import torch

    torch.set_num_threads(1)
    own = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    orders: SimpleQueue = SimpleQueue()
    threading.Thread(target=_read, args=(orders,), daemon=True).start()
    answers.write(b"ready\n")
    while True:
        answers.write(json.dumps(_answer(json.loads(orders.get()), own)).encode() + b"\n")


def _read(orders: SimpleQueue) -> None:
    """Lines of stdin, read in a thread: when the process that gives them has ended, so does a trial without end."""
    for line in sys.stdin.buffer:
        orders.put(line)
    os._exit(0)


def _answer(order: dict, own: int) -> dict:
    path = Path(order["path"])
    try:
        size = 0 if path.is_dir() else path.stat().st_size
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (own + MEMORY_BYTES + 8 * size, hard))
        return {"sha256": _try(path, order["batch"], order["channels"], order["engine"]), "error": ""}
    except WfmError as error:
        return {"error": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever it raises, it is the bundle's fault and says why
        # TorchScript puts what was raised at the end, after the whole program
        return {"error": f"it cannot be run: {' '.join(str(error).split())[-300:]}"}


def _try(path: Path, batch: int, channels: int, engine: str) -> str | None:
    import torch

    from wfm_core.base.files import read_file
    from wfm_core.bundle.load import load_bundle
    from wfm_core.bundle.outputs import check_outputs
    from wfm_core.bundle.precision.dtype import probe_inputs
    from wfm_core.bundle.screening.archive import FILE_LIMIT

    pin = None if path.is_dir() else hashlib.sha256(read_file(path, FILE_LIMIT)).hexdigest()
    bundle = load_bundle(path, device="cpu", dtype="fp32", sha256=pin, engine=engine)
    infer = bundle.infer_image if bundle.contract.input == "image" else bundle.infer
    if bundle.contract.input == "iq":
        infer(torch.zeros(1, channels, bundle.contract.samples, dtype=torch.complex64))  # are so many antennas known?
    bundle.warm(min(batch, WINDOWS), channels)
    for probe in probe_inputs(bundle.contract, bundle.device):
        check_outputs(infer(probe[-WINDOWS:]), bundle.contract, WINDOWS, finite=True)
    return pin
