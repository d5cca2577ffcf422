# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of a record. Whoever changes them raises `VERSION`."""

import sqlalchemy as sa

from wfm_core.messages.events import LONGEST_TEXT

VERSION = 1
"""Of the tables; kept in the database, so that an older gr-wfm does not write into newer ones."""

LONGEST_RUN = 80
HASH_DIGITS = 64

METADATA = sa.MetaData()

RECORD = sa.Table("wfm_record", METADATA, sa.Column("version", sa.Integer, nullable=False))

EVENTS = sa.Table(
    "wfm_events",
    METADATA,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("site", sa.String(LONGEST_TEXT), nullable=False),
    sa.Column("radio", sa.String(LONGEST_TEXT), nullable=False),
    sa.Column("run", sa.String(LONGEST_RUN), nullable=False),  # one start of the sender
    sa.Column("sequence", sa.BigInteger, nullable=False),  # of the message within the run
    sa.Column("event", sa.String(8), nullable=False),  # begin, end or decision
    sa.Column("task", sa.String(LONGEST_TEXT), nullable=False),
    sa.Column("label", sa.String(LONGEST_TEXT), nullable=False),
    sa.Column("score", sa.Double),
    sa.Column("time_ns", sa.BigInteger, nullable=False),  # of the first sample, ns since 1970 UTC
    sa.Column("radio_time", sa.Boolean, nullable=False),  # whether the radio said that time
    sa.Column("arrival_ns", sa.BigInteger, nullable=False),  # by the clock of the computer that keeps the record
    sa.Column("duration", sa.Double),  # s
    sa.Column("freq_lower_edge", sa.Double),  # Hz
    sa.Column("freq_upper_edge", sa.Double),
    sa.Column("rx_freq", sa.Double),
    sa.Column("snr_db", sa.Double),
    sa.Column("sample_start", sa.BigInteger),
    sa.Column("sample_count", sa.BigInteger),
    sa.Column("model", sa.String(LONGEST_TEXT)),
    sa.Column("model_sha256", sa.String(HASH_DIGITS)),
    # What is heard twice, or written again because nobody knew whether it had been, is there once. `run` comes first:
    # events of one run come in the order of their numbers, so that new entries lie beside each other in the index.
    sa.UniqueConstraint("run", "sequence", "event", "task", "radio", "site", name="wfm_events_once"),
    sa.Index("wfm_events_time", "time_ns"),
    sa.Index("wfm_events_label", "label", "time_ns"),
    sa.Index("wfm_events_edges", "freq_lower_edge", "freq_upper_edge"),
    sa.Index("wfm_events_begin", "radio", "sample_start"),  # from an event's begin to its end
)

COLUMNS = tuple(column.name for column in EVENTS.columns if column.name != "id")
