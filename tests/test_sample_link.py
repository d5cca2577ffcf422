# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Sample Publisher and Subscriber: what arrives is what was sent, and what did not arrive is known exactly."""

from types import SimpleNamespace

import numpy as np
import pmt
import pytest
from flowgraph_helpers import noise
from gnuradio import blocks, gr, wfm
from gnuradio.wfm import remote
from gnuradio.wfm.tag_repeater import tag_repeater

from wfm_core.errors import WfmError

RATE = 1e6
INTERVAL = 512


def tag(offset: int, key: str, value) -> gr.tag_t:
    made = gr.tag_t()
    made.offset, made.key, made.value = offset, pmt.intern(key), value
    return made


def radio_time(secs: int, frac: float):
    return pmt.make_tuple(pmt.from_uint64(secs), pmt.from_double(frac))


def repeated(tags, samples: int = 4 * INTERVAL) -> dict[str, list[tuple[int, object]]]:
    """key -> (offset, value) of what comes out of a repeater."""
    top, sink = gr.top_block(), blocks.vector_sink_c()
    source = blocks.vector_source_c(noise(1, samples)[0].tolist(), False, 1, tags)
    repeater = tag_repeater(1, RATE, INTERVAL)
    top.connect(source, repeater, sink)
    top.run()
    found: dict[str, list] = {}
    for each in sorted(sink.tags(), key=lambda t: t.offset):
        found.setdefault(pmt.symbol_to_string(each.key), []).append((each.offset, pmt.to_python(each.value)))
    return found


def test_time_rate_and_frequency_are_said_again_and_again():
    found = repeated([tag(0, "rx_time", radio_time(7, 0.25)), tag(0, "rx_freq", pmt.from_double(2.4e9))])
    starts = [k * INTERVAL for k in range(4)]
    assert found["rx_rate"] == [(start, RATE) for start in starts]
    assert found["rx_freq"] == [(start, 2.4e9) for start in starts]
    assert [offset for offset, _ in found["rx_time"]] == starts
    assert np.allclose([secs + frac - 7.25 for _, (secs, frac) in found["rx_time"]], np.array(starts) / RATE)


def test_a_radio_s_own_tags_stay_where_they_are_and_count_from_there():
    jump = tag(INTERVAL + 9, "rx_time", radio_time(50, 0.999))
    found = repeated([jump, tag(INTERVAL, "burst", pmt.PMT_T), tag(5, "rx_time", pmt.intern("noon"))])
    assert found["burst"] == [(INTERVAL, True)]
    times = dict(found["rx_time"])
    assert times[5] == "noon" and times[INTERVAL + 9] == (50, 0.999)
    secs, frac = times[2 * INTERVAL]
    assert abs((secs - 50) + frac - (0.999 + (INTERVAL - 9) / RATE)) < 1e-9
    assert times[0] == (0, 0.0), "without a clock time begins at 0"


@pytest.mark.parametrize("channels", [1, 2])
def test_samples_and_tags_arrive(tmp_path, channels):
    address = f"ipc://{tmp_path}/link"
    sent = noise(channels, 40 * INTERVAL)
    send, receive = gr.top_block(), gr.top_block()
    link = wfm.sample_publisher(address, channels, RATE, INTERVAL)
    head = [tag(0, "rx_time", radio_time(100, 0.5))]
    for channel, row in enumerate(sent):
        source = blocks.vector_source_c(row.tolist(), True, 1, head)
        send.connect(source, blocks.throttle(gr.sizeof_gr_complex, RATE), (link, channel))
    subscriber = wfm.sample_subscriber(address, channels)
    sinks = [blocks.vector_sink_c() for _ in range(channels)]
    for channel, sink in enumerate(sinks):
        receive.connect((subscriber, channel), blocks.head(gr.sizeof_gr_complex, 20 * INTERVAL), sink)
    receive.start()
    send.start()
    receive.wait()
    send.stop()
    send.wait()
    got = np.array([sink.data() for sink in sinks], np.complex64)
    times = [t for t in sinks[-1].tags() if pmt.symbol_to_string(t.key) == "rx_time"]
    assert got.shape == (channels, 20 * INTERVAL) and times[0].offset == 0
    secs, frac = pmt.to_python(times[0].value)
    first = round(((secs - 100) + (frac - 0.5)) * RATE)
    assert first % INTERVAL == 0, "a subscriber that joins late begins with an interval"
    wanted = np.take(sent, np.arange(first, first + got.shape[1]), axis=1, mode="wrap")
    assert np.array_equal(got, wanted)
    assert link.samples_sent() >= first + got.shape[1] and link.ended()


def test_a_port_in_use_is_one_sentence(tmp_path):
    address = f"ipc://{tmp_path}/link"
    first = wfm.sample_publisher("tcp://127.0.0.1:0")  # any free port
    assert first.samples_sent() == 0
    import zmq

    with zmq.Context() as context, context.socket(zmq.PUB) as other:
        port = other.bind_to_random_port("tcp://127.0.0.1")
        with pytest.raises(WfmError, match=f"samples cannot be published at tcp://127.0.0.1:{port}.*in use.*name a"):
            wfm.sample_publisher(f"tcp://127.0.0.1:{port}")
    with pytest.raises(WfmError, match="samples cannot be had from 'nowhere'"):
        wfm.sample_subscriber("nowhere")
    with pytest.raises(WfmError, match="interval 0"):
        wfm.sample_publisher(address, interval=0)


def test_the_account_adds_up_sessions_and_ignores_other_messages():
    account, log = remote.Account(), wfm.decision_log()
    for radio, taken, lost in (("a-1", 1000, 0), ("a-1", 3000, 100), ("a-2", 500, 0)):
        account._on_status(pmt.to_pmt({"radio": radio, "samples_in": taken, "samples_lost": lost, "ended": False}))
    for stranger in ({"received": 7}, {"radio": "b", "samples_in": "many", "samples_lost": 0}, "hello"):
        account._on_status(pmt.to_pmt(stranger))
    assert account.sessions() == {"a-1": (3000, 100), "a-2": (500, 0)}
    radio, link = SimpleNamespace(samples_lost=lambda: 5), SimpleNamespace(samples_sent=lambda: 4000)
    said = account.summary(radio, link, log)
    assert "4000 samples a channel sent, 3500 taken by 2 sessions of inference, 500 lost on the way" in said
    assert "gaps that the sessions saw: 100 samples; lost in the radio: 5" in said


def test_times_that_become_unknown_or_are_before_1970_are_repeated():
    before = pmt.make_tuple(pmt.from_long(-1), pmt.from_double(0.5))
    tags = [
        tag(0, "rx_time", before),
        tag(0, "rx_freq", pmt.from_double(1e9)),
        tag(130, "rx_time", pmt.PMT_NIL),
        tag(200, "rx_freq", pmt.PMT_NIL),
    ]
    source = blocks.vector_source_c([0j] * 400, False, 1, tags)
    repeater, sink, top = tag_repeater(1, 1e3, 100), blocks.vector_sink_c(), gr.top_block()
    top.connect(source, repeater, sink)
    top.run()
    seen = {(t.offset, pmt.symbol_to_string(t.key)): pmt.to_python(t.value) for t in sink.tags()}
    times = {offset: value[0] + value[1] for (offset, key), value in seen.items() if key == "rx_time"}
    assert times == pytest.approx({0: -0.5, 100: -0.4, 130: 0.0, 200: 0.07, 300: 0.17})
    assert {offset: value for (offset, key), value in seen.items() if key == "rx_freq"} == {0: 1e9, 100: 1e9, 200: None}
