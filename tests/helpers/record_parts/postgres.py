# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server of the distribution's package, in a folder of its own, without a port."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from itertools import count
from pathlib import Path

from waiting import wait_for


def programs() -> Path | None:
    """The folder of postgres and initdb, or None where there is no server."""
    found = shutil.which("postgres")
    beside = [Path(found).resolve().parent] if found else []
    folders = [*beside, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    return next((folder for folder in folders if (folder / "postgres").exists() and (folder / "initdb").exists()), None)


def _who() -> dict:
    """For subprocess: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {user.pw_name for user in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Server:
    """Runs until `close`. Only this computer's users reach it, by a socket in its folder."""

    def __init__(self):
        self._programs, self._who, self._numbers = programs(), _who(), count()
        self.folder = Path(tempfile.mkdtemp(prefix="wfm-pg-"))
        if self._who:
            os.chown(self.folder, self._who["user"], self._who["group"])
        self._process: subprocess.Popen | None = None
        self._data = self.folder / "data"
        self._log = self.folder / "log"
        command = [
            self._programs / "initdb",
            "-D",
            self._data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        done = subprocess.run(command, **self._who, cwd=self.folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        self.start()

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def new_database(self) -> str:
        name = f"test{next(self._numbers)}"
        self._do(f"CREATE DATABASE {name}")
        return self.url(name)

    def checkpoint(self) -> None:
        """What was written before needs no recovery: the databases of all tests would take a minute."""
        self._do("CHECKPOINT")

    def _do(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)

    def start(self) -> None:
        command = [self._programs / "postgres", "-D", self._data, "-k", self.folder, "-c", "listen_addresses="]
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(command, **self._who, cwd=self.folder, stdout=log, stderr=log)
        wait_for(self._answers, 300.0, self._log.read_text)

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, at_once: bool = False) -> None:
        """At once: as after a power cut, but for what the disk holds."""
        self._process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
        self._process.wait(60.0)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)
