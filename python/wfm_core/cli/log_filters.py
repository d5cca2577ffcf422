# SPDX-License-Identifier: GPL-3.0-or-later
"""The options by which `wfm-log query` and `wfm-log export` choose events."""

import argparse
import math
import re
import time

from wfm_core.data.recordings.utc import utc_time

_NS = 10**9
_MOST = 2**63 - 1
_AGO = re.compile(r"(\d+(?:\.\d+)?) ?(s|min|h|d)(?: ago)?")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_HERTZ = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([kMG]?)(?:Hz)?")
_SCALE = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


def add_filters(parser: argparse.ArgumentParser) -> None:
    """--since, --until, --band, --label, --site, --radio, --run, --task and --begins."""
    when = "such as 2026-01-31T12:00Z, 2026-01-31 or '2h ago' (s, min, h, d)"
    parser.add_argument("--since", type=_time_ns, metavar="TIME", help=f"events that begin then or later, {when}")
    parser.add_argument("--until", type=_time_ns, metavar="TIME", help="events that begin before")
    parser.add_argument(
        "--band", action="append", type=_band, default=[], metavar="LOW:HIGH", help="events in it, such as 868M:868.6M"
    )
    for name in ("label", "site", "radio", "run", "task"):
        parser.add_argument(f"--{name}", action="append", default=[], help="events with it; may be repeated")
    parser.add_argument("--begins", action="store_true", help="begins of events whose end is there, too")


def filter_of(options: argparse.Namespace):
    """The `wfm_core.record.query.Filter` of parsed options."""
    from wfm_core.record.query import Filter

    return Filter(
        since_ns=options.since,
        until_ns=options.until,
        bands=tuple(options.band),
        labels=tuple(options.label),
        sites=tuple(options.site),
        radios=tuple(options.radio),
        runs=tuple(options.run),
        tasks=tuple(options.task),
        whole=not options.begins,
    )


def _time_ns(text: str) -> int:
    """ns since 1970 UTC."""
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return max(0, time.time_ns() - round(float(ago[1]) * _SECONDS[ago[2]] * _NS))
    try:
        seconds, fraction, _ = utc_time(text if re.search(r"[Tt\s]", text.strip()) else f"{text.strip()}T00:00")
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time ({error}): 2026-01-31T12:00:00Z or '2h ago' is expected"
        ) from error
    return min(seconds * _NS + round(fraction * _NS), _MOST)


def _band(text: str) -> tuple[float, float]:
    """Lower and upper edge in Hz."""
    lower, upper = (_hertz(edge, text) for edge in (text.split(":") + [""])[:2])
    if text.count(":") != 1 or lower > upper:
        raise argparse.ArgumentTypeError(f"{text!r} is no band: LOW:HIGH in Hz is expected, such as 868M:868.6M")
    return lower, upper


def _hertz(text: str, of: str) -> float:
    match = _HERTZ.fullmatch(text.strip())
    value = float(match[1]) * _SCALE[match[2]] if match else math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{of!r} is no band: LOW:HIGH in Hz is expected, such as 868M:868.6M")
    return value
