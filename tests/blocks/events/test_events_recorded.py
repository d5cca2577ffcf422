# SPDX-License-Identifier: GPL-3.0-or-later
"""What WFM Event Publisher says of a flowgraph, as wfm-log keeps it."""

import time

import pmt
import pytest
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.ports import messages
from gnuradio.wfm.ports.event import Event
from waiting import wait_for

from wfm_core.messages.sockets import EventListener

pytest.importorskip("sqlalchemy", reason="sqlalchemy is not installed")
STATUS = {"bundle": "wfm-signals", "bundle_sha256": "ab" * 32, "device": "cpu", "tasks": ["classification", "other"]}


def test_an_event_of_a_flowgraph_is_kept_with_its_model():
    from wfm_core.record.rows import RowMaker

    publisher = wfm.event_publisher("tcp://127.0.0.1:*", "roof")
    listener, maker, rows = EventListener([publisher.address()]), RowMaker("home"), []
    event = Event("end", "lora", 0.9, 5, 10, 0.1, (1_795_867_200, 0.5), 1e8, 99e6, 101e6, 12.5)
    said = (("status", pmt.to_pmt(STATUS)), ("events", messages.event_dict("classification", event)))
    graph, own = gr.top_block(), blocks.message_debug()
    graph.msg_connect(publisher, "status", own, "store")
    graph.start()

    def kept() -> list[dict]:
        for port, message in said:
            publisher.to_basic_block()._post(pmt.intern(port), message)
        while heard := listener.receive(0.05):
            rows.extend(maker.rows(heard, time.time_ns()))
        return [row for row in rows if row["model"]]

    try:
        row = wait_for(kept)[0]
    finally:
        graph.stop()
        graph.wait()
        listener.close()
    assert (row["site"], row["radio"], row["task"], row["label"], row["score"]) == (
        "home", "roof", "classification", "lora", 0.9,
    )  # fmt: skip
    assert (row["freq_lower_edge"], row["freq_upper_edge"], row["rx_freq"], row["snr_db"]) == (99e6, 101e6, 1e8, 12.5)
    assert row["time_ns"] == 1_795_867_200_500_000_000 and row["radio_time"] and row["run"]
    assert (row["sample_start"], row["sample_count"], row["duration"]) == (5, 10, 0.1)
    assert (row["model"], row["model_sha256"]) == ("wfm-signals", "ab" * 32)
