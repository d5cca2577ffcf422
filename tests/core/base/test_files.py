# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or not there: what a killed writer leaves is removed, and nobody else's file is."""

import fcntl
import os
import signal
import subprocess
import sys
import threading

import torch

from wfm_core.base.files import clear_leftovers, write_atomically

WRITER = """
import sys, time
from pathlib import Path
from wfm_core.base.files import write_atomically

def write(path):
    path.write_bytes(b"half")
    print(path, flush=True)
    time.sleep(120)

write_atomically(Path(sys.argv[1]), write)
"""
FINETUNE = """
import os, signal, sys
import torch
from wfm_core.cli.finetune import main

def killed(checkpoint, path):
    open(path, "wb").write(b"half a checkpoint")
    os.kill(os.getpid(), signal.SIGKILL)

torch.save = killed
sys.exit(main(sys.argv[1:]))
"""
TINY = ["encoder.depth=1", "batch=8", "validation_windows=32", "validate_every=1000", "warmup_steps=2", "workers=0"]
OTHERS = (".x.sigmf-meta.original", ".x.bin.1234567.part", "x.bin.abcdefgh.part", ".x.bin.ABCDEFGH.part", ".hidden")
"""Names beside ours that are not ours."""


def writer(path):
    """A process in the middle of writing `path`, and its temporary file."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().rstrip("\n")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def fresh_write(path):
    """As in a program that starts now."""
    code = "import sys; from pathlib import Path; from wfm_core.base.files import write_atomically; "
    code += "write_atomically(Path(sys.argv[1]), lambda path: path.write_bytes(b'whole'))"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=60)


def test_what_a_killed_writer_left_goes_with_the_next_file(tmp_path):
    for name in OTHERS:
        (tmp_path / name).write_bytes(b"not ours")
    (tmp_path / ".x.bin.abcdefgh.part").symlink_to(tmp_path / ".hidden")
    process, half = writer(tmp_path / "x.bin")
    process.kill()
    process.wait()
    assert os.path.basename(half) in names(tmp_path)
    fresh_write(tmp_path / "y.bin")
    assert names(tmp_path) == sorted([*OTHERS, ".x.bin.abcdefgh.part", "y.bin"])


def test_a_file_that_another_process_writes_stays(tmp_path):
    process, half = writer(tmp_path / "x.bin")
    try:
        assert not clear_leftovers(tmp_path)
        fresh_write(tmp_path / "x.bin")
        assert os.path.exists(half) and (tmp_path / "x.bin").read_bytes() == b"whole"
    finally:
        process.kill()
        process.wait()
    assert clear_leftovers(tmp_path) and names(tmp_path) == ["x.bin"]


def test_threads_that_write_side_by_side_lose_nothing(tmp_path):
    def write(number):
        for _ in range(50):
            path = tmp_path / f"{number % 2}.bin"
            write_atomically(path, lambda temporary: temporary.write_bytes(bytes([number])))
            clear_leftovers(tmp_path)
            assert path.stat().st_size == 1

    failed = []

    def guarded(number):
        try:
            write(number)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == [] and names(tmp_path) == ["0.bin", "1.bin"]


def test_a_folder_that_someone_keeps_locked_can_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr("wfm_core.base.files._LOCK_SECONDS", 0.1)
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        write_atomically(tmp_path / "x.bin", lambda path: path.write_bytes(b"whole"))
    finally:
        os.close(handle)
    assert names(tmp_path) == ["x.bin"]


def test_a_training_run_that_was_killed_leaves_nothing_for_long(tmp_path):
    """SIGKILL while the checkpoint is written; the name without .part is of earlier versions."""
    out, temporary = tmp_path / "run", tmp_path / "tmp"
    temporary.mkdir()
    arguments = ["--task", "interference", "--out", str(out), "steps=2", *TINY]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    killed = subprocess.run([sys.executable, "-c", FINETUNE, *arguments], env=environment, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert list((out / "checkpoints").glob(".last.ckpt.*")), "where it is known whose it is"
    assert not list(temporary.rglob("*.ckpt*")) and not list(temporary.glob("tmp*")), "and not in /tmp"
    (out / "checkpoints" / ".last.ckpt.abcd1234").write_bytes(b"half")
    (out / "checkpoints" / ".mine").write_bytes(b"not ours")
    command = [sys.executable, "-m", "wfm_core.cli.finetune", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [name for name in names(out / "checkpoints") if name.startswith(".")] == [".mine"]
    assert not [name for name in names(out) if name.startswith(".")]
    assert torch.load(out / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 2
