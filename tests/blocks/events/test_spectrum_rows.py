# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Spectrum Rows: a tone has its level in its bin at its place in the stream, and is published so."""

import base64
from types import SimpleNamespace

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.display.sinks import display_rows_sink
from gnuradio.wfm.ports import keys
from gnuradio.wfm.ports.spectrum import read_spectrum, spectrum_pdu
from waiting import wait_for

from wfm_core.base.errors import WfmError
from wfm_core.messages.events import Message, decode, encode
from wfm_core.messages.sockets import EventListener
from wfm_core.messages.spectra import LOWEST, STEP, level_bytes, spectrum_json

RATE, BINS = 1e5, 64


def rows_of(samples: np.ndarray, tags=(), **options) -> list[dict]:
    top, kept = gr.top_block(), blocks.message_debug()
    source = blocks.vector_source_c(samples.astype(np.complex64), False, 1, list(tags))
    rows = wfm.spectrum_rows(RATE, fft_size=BINS, **options)
    top.connect(source, rows)
    top.msg_connect(rows, "spectrum", kept, "store")
    top.run()
    return [read_spectrum(kept.get_message(number)) for number in range(kept.num_messages())]


def levels(row: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(row["levels"]), np.uint8) * row["step"] + row["lowest"]


def test_a_tone_has_its_level_in_its_bin():
    tone = 0.1 * np.exp(2j * np.pi * 0.25 * np.arange(100_000))
    rows = rows_of(tone, center_freq=433e6, rows_per_second=10)
    assert len(rows) == 10
    for number, row in enumerate(rows):
        assert row["sample_start"] == number * row["sample_count"] and row["rx_freq"] == 433e6
        assert abs(row["sample_count"] / RATE - 0.1) < 0.001 and row["sample_rate"] == RATE
        assert np.argmax(levels(row)) == BINS * 3 // 4 and abs(levels(row).max() + 20.0) <= STEP


def test_a_retune_is_said_and_an_unknown_frequency_is_not():
    tag = gr.tag_t()
    tag.offset, tag.key, tag.value = 50_000, keys.RX_FREQ, pmt.from_double(868e6)
    rows = rows_of(np.zeros(100_000), [tag], rows_per_second=10)
    assert [row.get("rx_freq") for row in (rows[0], rows[-1])] == [None, 868e6]


def test_rows_of_one_call_are_of_the_frequency_before_and_after_their_tags():
    """All ten rows wait when the sink is first asked: its buffer holds hundreds."""
    told = []
    state = SimpleNamespace(
        clear=lambda: None,
        tune=lambda freq: told.append(freq),
        add_rows=lambda number, rows: told.append((number, len(rows))),
    )
    tags = []
    for offset, freq in ((7, 915e6), (3, 868e6), (7, 920e6)):
        tag = gr.tag_t()
        tag.offset, tag.key, tag.value = offset, keys.RX_FREQ, pmt.from_double(freq)
        tags.append(tag)
    top, sink = gr.top_block(), display_rows_sink(state, BINS, 1)
    top.connect(blocks.vector_source_f(np.zeros(10 * BINS), False, BINS, tags), sink)
    top.run()
    assert told == [(0, 3), 868e6, (3, 4), 915e6, 920e6, (7, 3)]


def test_levels_beyond_the_scale_are_put_on_its_ends():
    found = level_bytes(np.array([-np.inf, np.nan, -1000.0, LOWEST, 0.0, 1000.0, np.inf]))
    assert found.tolist() == [0, 0, 0, 0, 250, 255, 250]


def test_rows_are_heard_by_who_asks_for_them():
    publisher = wfm.event_publisher("tcp://127.0.0.1:*", "roof")
    subscriber, passed = wfm.event_subscriber(publisher.address()), blocks.message_debug()
    listener = EventListener([publisher.address()], kinds=["spectrum"])
    sending, hearing = gr.top_block(), gr.top_block()
    sending.msg_connect(publisher, "status", blocks.message_debug(), "store")
    for port in ("detects", "events"):
        hearing.msg_connect(subscriber, port, passed, "store")
    sending.start()
    hearing.start()
    try:
        row = spectrum_pdu(10, 5, RATE, 1e9, np.arange(16))
        post = publisher.to_basic_block()._post
        heard = wait_for(lambda: post(keys.SPECTRUM, row) or listener.receive(0.05))
        assert heard.body == spectrum_json(10, 5, RATE, 1e9, bytes(range(16))) and heard.kind == "spectrum"
        wait_for(lambda: post(keys.EVENTS, pmt.to_pmt({"event": "x"})) or passed.num_messages())
        assert subscriber.counts()["refused"] == 0, "a flowgraph does not get rows"
    finally:
        listener.close()
        for graph in (sending, hearing):
            graph.stop()
            graph.wait()


@pytest.mark.parametrize(
    "change",
    [{"levels": ""}, {"levels": "AAA"}, {"levels": "<b>="}, {"levels": "A" * 1372}, {"levels": 3}, {"step": 0},
     {"sample_rate": -1}, {"sample_rate": None}, {"lowest": None}, {"sample_start": -1}, {"rx_freq": "1"}],
)  # fmt: skip
def test_a_row_that_is_none_is_refused(change):
    body = spectrum_json(0, 5, RATE, None, bytes(16))
    assert decode(encode(Message("spectrum", "roof", 0, body))).body == body
    with pytest.raises(WfmError, match="does not fit the schema"):
        encode(Message("spectrum", "roof", 0, {**body, **change}))


@pytest.mark.parametrize(
    "options",
    [
        {"sample_rate": 0.0},
        {"center_freq": float("nan")},
        {"fft_size": 8},
        {"fft_size": 2048},
        {"rows_per_second": 0.0},
    ],
)
def test_a_parameter_out_of_its_range_is_refused(options):
    with pytest.raises(WfmError, match="expected"):
        wfm.spectrum_rows(**options)
