# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task head's knowledge, of classes or of places, says of a window."""

from dataclasses import dataclass

import pmt


@dataclass(frozen=True)
class Judged:
    """`decision` as of a bundle, or None where nothing can be said yet; `unknown`: it is none of what is known;
    `beside`: more entries of the PDU; `offer`: what is told on `events` of something unknown, if anything."""

    decision: dict | None
    unknown: bool
    beside: list[tuple[pmt.pmt_base, pmt.pmt_base]]
    offer: dict | None = None
