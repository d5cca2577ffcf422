# SPDX-License-Identifier: GPL-3.0-or-later
"""A record in its database: SQLite in a file, or PostgreSQL. What is committed stays, however the program ends."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, SQLAlchemyError

from wfm_core.base.errors import WfmError
from wfm_core.base.needs import needed
from wfm_core.record.schema import EVENTS, METADATA, RECORD, VERSION

PRUNE_ROWS = 5000
"""Deleted in one transaction, at most."""
_BUSY_SECONDS = 5
_ROWS_AT_ONCE = 5000
_LOCK = 0x77666D  # of who makes the tables, among the advisory locks of a PostgreSQL database
_EXAMPLE = "sqlite:///events.db or postgresql://USER@HOST/NAME"


class RefusedError(WfmError):
    """The database takes everything else, but not these rows."""


class Record:
    """The record at a database's URL. Not safe to call from two threads at once.

    Args:
        url: `sqlite:///PATH` or `postgresql://USER@HOST/NAME`.
        write: make the tables where there are none; without it nothing is ever changed, and a record must be there.

    Raises:
        WfmError: no such database, no record in it, or one of a newer version.
    """

    def __init__(self, url: str, write: bool):
        parsed = _parsed(url)
        self.name = parsed.render_as_string(hide_password=True)
        """The URL, for sentences: its password is hidden."""
        lite = parsed.get_backend_name() == "sqlite"
        if lite and not write and not Path(parsed.database).is_file():
            raise WfmError(f"there is no database {parsed.database}: name the one that wfm-log --database wrote")
        self._engine = _lite_engine(parsed, write) if lite else _server_engine(parsed)
        self._insert = (sqlite if lite else postgresql).insert(EVENTS).on_conflict_do_nothing()
        try:
            with self._engine.begin() as connection:
                self._prepare(connection, write)
        except SQLAlchemyError as error:
            self.close()
            raise WfmError(f"{self.name} cannot be opened ({_reason(error)}): see to the database") from error
        except WfmError:
            self.close()
            raise

    def _prepare(self, connection: sa.Connection, write: bool) -> None:
        if write and connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        there = sa.inspect(connection).has_table(RECORD.name)
        version = connection.scalar(sa.select(sa.func.max(RECORD.c.version))) if there else None
        if version is not None and version > VERSION:
            raise WfmError(
                f"{self.name} holds a record of version {version}, and this gr-wfm knows {VERSION} at most: "
                "use a newer one"
            )
        if not write and version is None:
            raise WfmError(f"{self.name} holds no record of events: name the database that wfm-log --database wrote")
        if write:
            METADATA.create_all(connection)
            if version is None:
                connection.execute(sa.insert(RECORD), {"version": VERSION})

    def add(self, rows: list[dict]) -> int:
        """Commit `rows` in one transaction, all of them or none. Returns how many are new: the others were there.

        Raises:
            RefusedError: a value that the database does not take.
            WfmError: the database cannot be reached, is locked or full; later it may be otherwise.
        """
        try:
            with self._engine.begin() as connection:
                options = {"preserve_rowcount": True}
                new = connection.execute(self._insert, rows, execution_options=options).rowcount
            return new if 0 <= new <= len(rows) else len(rows)
        except (DataError, IntegrityError, OverflowError, UnicodeError) as error:
            raise RefusedError(f"{self.name} does not take an event ({_reason(error)})") from error
        except SQLAlchemyError as error:
            raise self._out_of_reach(error) from error

    def prune(self, before_ns: int) -> int:
        """Delete the oldest events that arrived before `before_ns`, `PRUNE_ROWS` at most; returns how many.

        Raises:
            WfmError: as in `add`.
        """
        # By id, which grows as events come: so no index of arrivals is needed.
        oldest = sa.select(EVENTS.c.id, EVENTS.c.arrival_ns).order_by(EVENTS.c.id).limit(PRUNE_ROWS).subquery()
        old = sa.select(oldest.c.id).where(oldest.c.arrival_ns < before_ns)
        try:
            with self._engine.begin() as connection:
                return connection.execute(sa.delete(EVENTS).where(EVENTS.c.id.in_(old))).rowcount
        except SQLAlchemyError as error:
            raise self._out_of_reach(error) from error

    def read(self, statement: sa.Select) -> Iterator[Mapping]:
        """The rows of a statement, as they come: any number of them takes little memory. Raises `WfmError`."""
        try:
            with self._engine.connect() as connection:
                options = {"stream_results": True, "yield_per": _ROWS_AT_ONCE}
                yield from connection.execute(statement, execution_options=options).mappings()
        except SQLAlchemyError as error:
            raise WfmError(f"{self.name} cannot be read ({_reason(error)}): see to the database") from error

    def close(self) -> None:
        self._engine.dispose()

    def _out_of_reach(self, error: SQLAlchemyError) -> WfmError:
        self._engine.dispose()  # the next try connects again
        return WfmError(f"{self.name} cannot be written ({_reason(error)})")


def _parsed(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise WfmError(f"the database is no URL, {_EXAMPLE} is expected") from error
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise WfmError(f"a database of {backend!r}: {_EXAMPLE} is expected")
    if not parsed.database or parsed.database == ":memory:":
        raise WfmError("a database in memory keeps nothing: name a file, such as sqlite:///events.db")
    return parsed.set(drivername="sqlite")


def _lite_engine(url: sa.URL, write: bool) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def _connected(connection, _) -> None:
        connection.isolation_level = None  # Python's driver begins no transactions by itself then, but below
        if not write:
            connection.execute("PRAGMA query_only=ON")
            return
        connection.execute("PRAGMA journal_mode=WAL")  # who reads holds up nobody who writes
        # A commit is on the disk when it returns: it survives a power cut. NORMAL would survive a kill alone.
        connection.execute("PRAGMA synchronous=FULL")

    @sa.event.listens_for(engine, "begin")
    def _begun(connection) -> None:
        # At once, since a transaction that has read already does not wait for another one that writes.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _server_engine(url: sa.URL) -> sa.Engine:
    needed("psycopg", "a record in PostgreSQL (the extra log)")
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # its warnings of a lost connection say less than our sentence
    # A server that is gone without a word is noticed after 20 s.
    return sa.create_engine(url, connect_args={"connect_timeout": 5, "tcp_user_timeout": 20_000})


def _reason(error: Exception) -> str:
    """What the database says, without the statement and its values."""
    said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    return " ".join(said.split())[:300]
