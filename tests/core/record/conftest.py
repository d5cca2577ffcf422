# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases for the tests of the record: each is run with SQLite, and with PostgreSQL where there is a server."""

import importlib.util

import pytest
from record_parts.postgres import Server, programs


@pytest.fixture(scope="session")
def postgres_server():
    if programs() is None:
        pytest.skip("no PostgreSQL server is installed (apt-get install postgresql)")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed (pip install 'psycopg[binary]')")
    server = Server()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request, tmp_path) -> str:
    """Of a database without a record."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'events.db'}"
    return request.getfixturevalue("postgres_server").new_database()
