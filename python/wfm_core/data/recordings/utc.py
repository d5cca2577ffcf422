# SPDX-License-Identifier: GPL-3.0-or-later
"""ISO 8601 date and time texts as exact UTC times."""

import re
from datetime import UTC, datetime

_FORM = re.compile(
    r"(?P<day>[^Tt\s]+)[Tt\s](?P<clock>[\d:]+?)(?:[.,](?P<decimals>\d+))?(?P<zone>[Zz]|[+-][\d:]+)?", re.ASCII
)


def utc_time(text: str) -> tuple[int, float, float]:
    """Whole seconds since 1970 (negative before), the fraction, in [0, 1), and the step in s of its last decimal.

    Any offset from UTC is taken into account, and any number of decimals (`datetime` keeps six); a text without an
    offset is UTC. A leap second is the second after it, as in POSIX time. Raises `ValueError`.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a date and a time")
    clock, zone = match["clock"], match["zone"] or "Z"
    if match["decimals"] and sum(character.isdigit() for character in clock) != 6:
        raise ValueError("decimals of something else than seconds")
    leap = clock.endswith(("5960", "59:60"))
    clock = clock[:-2] + "59" if leap else clock
    moment = datetime.fromisoformat(f"{match['day']}T{clock}{'+00:00' if zone in 'Zz' else zone}")
    whole = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) + leap
    carry, fraction = divmod(float(f"0.{match['decimals'] or 0}"), 1.0)  # many nines are 1.0 as a float
    return whole + int(carry), fraction, 10.0 ** -len(match["decimals"] or "")
