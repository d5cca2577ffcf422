# SPDX-License-Identifier: GPL-3.0-or-later
"""`wfm-serve` as a program, and a cluster for it, where Ray is installed."""

import importlib.util
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import wait_for

PROGRAM = [sys.executable, "-m", "wfm_core.cli.serve"]
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is not installed (pip install 'ray[serve]')"
)


class RayServer:
    """`wfm-serve` with `options`, once it listens."""

    def __init__(self, *options: str):
        command = [*PROGRAM, *options, "--address", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        line = self.process.stdout.readline()
        assert (found := re.search(r"^serving (.*) at 127.0.0.1:(\d+)$", line)), self.process.communicate(timeout=60)
        self.bundles, self.device = found[1].split(", "), f"grpc://127.0.0.1:{found[2]}?timeout=30"
        return self

    def replicas(self, bundle: str) -> list[int]:
        """Processes of the bundle's replicas that this server has started: another test's may run beside them."""
        listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True).stdout
        lines = [line.split(maxsplit=2) for line in listed.splitlines()[1:]]
        ours = {str(self.process.pid)}
        while more := {pid for pid, parent, _ in lines if parent in ours} - ours:
            ours |= more
        return [int(pid) for pid, _, command in lines if pid in ours and f"ray::ServeReplica:{bundle}" in command]

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


class RayCluster:
    """Two nodes of Ray as processes here, at `address`; only the second has processors to give, and what `options` of
    `ray start` say. Their logs and their token, in the environment of what begins meanwhile, go into `folder`."""

    def __init__(self, folder: Path, *options: str):
        self._folder, self._options, self._nodes = folder, options, []
        with socket.create_server(("127.0.0.1", 0)) as one:
            self._port = one.getsockname()[1]
        self.address = f"127.0.0.1:{self._port}"
        token = folder / "token"
        token.write_text("0" * 64)
        self._environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}

    def __enter__(self):
        self._before = {name: os.environ.get(name) for name in self._environment}
        os.environ.update(self._environment)
        ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block"]
        # a port of its own: another Ray may run here
        head = [*ray, "--head", "--port", str(self._port), "--num-cpus", "0", "--include-dashboard", "false"]
        try:
            for command in (head, [*ray, "--address", self.address, "--num-cpus", "2", *self._options]):
                log = self._folder / f"node{len(self._nodes)}.log"
                self._nodes.append(subprocess.Popen(command, stdout=log.open("w"), stderr=subprocess.STDOUT))
                wait_for(lambda log=log: "Ray runtime started" in log.read_text(), 120, log.read_text)
        except BaseException:
            self.__exit__()
            raise
        return self

    def goes_on(self) -> bool:
        return all(node.poll() is None for node in self._nodes)

    def __exit__(self, *_):
        for node in reversed(self._nodes):
            node.terminate()
            node.wait(60)
        for name, value in self._before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
