# SPDX-License-Identifier: GPL-3.0-or-later
"""UHD's warnings, once each and as a sentence: its own console output would bury ours."""

import contextlib
import os
import re
import tempfile

_FIELDS_BEFORE_TEXT = 5  # time, thread, file and line, level, component
_TIME = re.compile(r"\d{4}-\w+-\d+ ")


class UhdLog:
    """Reads what UHD writes to a log file of ours. To be made before the library is loaded.

    The variables UHD_LOG_FILE and UHD_LOG_CONSOLE_LEVEL of the environment, where they are set, are the user's.
    """

    def __init__(self):
        self._file, self._name = None, ""
        self._seen: set[str] = set()
        self._back: list[str] = []
        if "UHD_LOG_FILE" not in os.environ and "UHD_LOG_CONSOLE_LEVEL" not in os.environ:
            handle, name = tempfile.mkstemp(prefix="wfm-uhd-", suffix=".log")
            self._file = open(handle, encoding="utf-8", errors="replace")  # noqa: SIM115 - lives with us
            self._name = name
            os.environ["UHD_LOG_FILE"] = name
            os.environ["UHD_LOG_FILE_LEVEL"] = "warning"
        os.environ.setdefault("UHD_LOG_CONSOLE_LEVEL", "off")
        os.environ.setdefault("UHD_LOG_FASTPATH_DISABLE", "1")

    def unlink(self) -> None:
        """UHD has the file open now: its name can go, so that no end of the program leaves it behind."""
        if self._name:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._name)

    def news(self) -> list[str]:
        """Warnings and errors that were not given before."""
        if self._file is None:
            return []
        found = [text for text in sentences(self._file.read()) if text not in self._seen]
        self._seen.update(found)
        back, self._back = self._back, []
        return back + list(dict.fromkeys(found))

    def put_back(self, news: list[str]) -> None:
        """Give these once more with the next."""
        self._back += news


def sentences(text: str) -> list[str]:
    """Each entry of UHD's log file as its component and its text, which may have several lines."""
    entries: list[str] = []
    for line in text.splitlines():
        fields = line.split(",", _FIELDS_BEFORE_TEXT)
        if len(fields) > _FIELDS_BEFORE_TEXT and _TIME.match(line):
            entries.append(f"UHD ({fields[-2]}): {fields[-1]}")
        elif entries:
            entries[-1] += f" {line}"
    return [" ".join(entry.split()) for entry in entries]
