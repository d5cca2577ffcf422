# SPDX-License-Identifier: GPL-3.0-or-later
"""The record: events of many radios kept in a database, found again, and handed on as files."""

from wfm_core.base.needs import needed

needed("sqlalchemy", "the record of events (the extra log)")
needed("sqlalchemy.dialects.postgresql.psycopg", "the record of events (the extra log)")  # not before version 2
