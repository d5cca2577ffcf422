# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of a port `detects`, as inference sends them."""

import pmt
from gnuradio.wfm.ports import messages

ANSWER = {"label": "none", "index": 0, "score": 0.9, "probabilities": {"none": 0.9, "a": 0.1}}


BAND = {"freq_lower_edge": 2.4e9 - 5e3, "freq_upper_edge": 2.4e9 + 5e3, "snr_db": 12.0}


def detection(start: int = 0, answer=ANSWER, task: str = "interference", **band) -> pmt.pmt_base:
    """band: `BAND`, or other edges, of one signal; nothing for the whole band."""
    facts = messages.WindowFacts(start, 256, (17, 0.5), 2.4e9, -20.0, 0.01, False, **band)
    return messages.detects_pdu(task, messages.task_dict(messages.facts_dict(facts), answer), answer, late=False)
