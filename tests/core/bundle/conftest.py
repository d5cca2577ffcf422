# SPDX-License-Identifier: GPL-3.0-or-later
"""What several tests of bundles are given."""

import sys

import pytest

from wfm_core.cli.export import main


@pytest.fixture
def export(monkeypatch, capsys):
    """Runs wfm-export: exit status, standard output and error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["wfm-export", *map(str, arguments)])
        status = main()
        return status, *capsys.readouterr()

    return run
