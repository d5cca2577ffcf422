# SPDX-License-Identifier: GPL-3.0-or-later
"""Times of a record, integer nanoseconds since 1970 UTC, as texts."""

from datetime import UTC, datetime


def iso_time(time_ns: int) -> str:
    """As ISO 8601 with nanoseconds, such as 2026-01-31T12:00:00.250000000Z."""
    seconds, rest = divmod(time_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
