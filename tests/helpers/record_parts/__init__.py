# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages for a record of events, and what keeps it: programs that are killed, a PostgreSQL server."""

from wfm_core.messages.events import Message
from wfm_core.record.rows import RowMaker

ARRIVAL = 1_795_867_200 * 10**9  # 2026-11-28T12:00:00Z
RATE = 1_000_000
SHA256 = "ab" * 32


def event(sequence: int = 0, kind: str = "event", radio: str = "roof", run: str = "r1", **changes) -> Message:
    """The end of half a second of LoRa, one second after that of the message before."""
    body = {
        "event": "end",
        "task": "classification",
        "label": "lora",
        "score": 0.75,
        "sample_start": sequence * RATE,
        "sample_count": RATE // 2,
        "duration": 0.5,
        "rx_time": [1_795_867_200 + sequence, 0.25],
        "rx_freq": 868.3e6,
        "freq_lower_edge": 868.0e6,
        "freq_upper_edge": 868.125e6,
        "snr_db": 12.5,
        **changes,
    }
    return Message(kind, radio, sequence, {name: value for name, value in body.items() if value is not ...}, run)


def status(radio: str = "roof", **changes) -> Message:
    body = {"bundle": "wfm-signals", "bundle_sha256": SHA256, "tasks": ["classification"], **changes}
    return Message("status", radio, 0, body, "r1")


def rows_of(*messages: Message, site: str = "home", **options) -> list[dict]:
    maker = RowMaker(site, **options)
    return [row for number, message in enumerate(messages) for row in maker.rows(message, ARRIVAL + number)]
