# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Sample Publisher and Subscriber: what arrives is what was sent, and what did not arrive is known exactly."""

import math
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pmt
import pytest
import zmq
from flowgraph_helpers import noise
from gnuradio import blocks, gr, wfm
from gnuradio.wfm import remote
from gnuradio.wfm.ports import keys
from vrt_helpers import (
    RATE,
    Receiver,
    Talk,
    free_udp_port,
    marked,
    message,
    publish,
    radio_time,
    tag,
    through,
)  # fmt: skip
from waiting import wait_for

from wfm_core.base.errors import WfmError

INTERVAL = 512
STARTS = [k * INTERVAL for k in range(4)]


@pytest.fixture
def address(tmp_path):
    return f"ipc://{tmp_path}/link"


def test_time_rate_and_frequency_are_said_again_and_again(address):
    tags = [tag(0, "rx_time", radio_time(7, 0.25)), tag(0, "rx_freq", pmt.from_double(2.4e9))]
    found = through(address, noise(1, 4 * INTERVAL), tags).tags[0]
    assert found["rx_rate"] == [(start, RATE) for start in STARTS]
    assert found["rx_freq"] == [(start, 2.4e9) for start in STARTS]
    assert [offset for offset, _ in found["rx_time"]] == STARTS
    assert np.allclose([secs + frac - 7.25 for _, (secs, frac) in found["rx_time"]], np.array(STARTS) / RATE)


def test_a_radio_s_own_tags_stay_where_they_are_and_count_from_there(address):
    jump = INTERVAL + 9
    tags = [
        tag(5, "rx_time", pmt.intern("noon")), tag(INTERVAL, "burst", pmt.PMT_T),
        tag(jump, "rx_time", radio_time(50, 0.999)), tag(jump + 100, "rx_rate", pmt.from_double(2e6)),
        tag(jump + 100, "rx_time", radio_time(51, 0.5)), tag(jump + 101, "rx_freq", pmt.from_double(1e9)),
    ]  # fmt: skip
    got = through(address, noise(1, 4 * INTERVAL), tags)
    found = got.tags[0]
    assert got.link.status()["tags_ignored"] == 1, "what is no time is not sent"
    assert dict(found["rx_time"])[0] is None, "without a clock time is unknown"
    times = {offset: value for offset, value in found["rx_time"] if value}
    assert sorted(times) == [jump, jump + 100, jump + 101, 2 * INTERVAL, 3 * INTERVAL]
    assert times[jump] == (50, 0.999) and times[jump + 100] == (51, 0.5)
    assert times[2 * INTERVAL] == (51, pytest.approx(0.5 + (INTERVAL - 109) / 2e6, abs=1e-12))
    assert dict(found["rx_rate"])[jump + 100] == 2e6
    assert found["rx_freq"][0] == (jump + 101, 1e9)


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("transport", ["ipc", "tcp"])
def test_samples_and_tags_arrive(tmp_path, channels, transport):
    address = f"ipc://{tmp_path}/link" if transport == "ipc" else f"tcp://127.0.0.1:{free_udp_port()}"
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
    assert subscriber.status()["samples_lost"] == 0


def test_over_udp_and_as_whole_numbers():
    sent = noise(2, 8 * INTERVAL)
    for sample_format, error in (("cf32", 0), ("ci16", 0.75 / 32768)):
        address = f"udp://127.0.0.1:{free_udp_port()}"
        got = through(address, sent, [tag(0, "rx_time", radio_time(7, 0.0))], sample_format=sample_format)
        assert got.samples.shape == sent.shape and got.status["samples_lost"] == 0
        assert np.max(np.abs(got.samples - sent)) <= error
    clipped = through(f"udp://127.0.0.1:{free_udp_port()}", np.full((1, 512), 3 - 3j, np.complex64), (),
                      sample_format="ci16").samples  # fmt: skip
    assert np.all(clipped == 32767 / 32768 - 1j)


def test_what_is_unknown_stays_so_and_times_may_be_before_1970(address):
    tags = [
        tag(0, "rx_time", radio_time(-1, 0.5)), tag(0, "rx_freq", pmt.from_double(1e9)),
        tag(630, "rx_time", pmt.PMT_NIL), tag(700, "rx_freq", pmt.PMT_NIL),
    ]  # fmt: skip
    found = through(address, noise(1, 1000), tags, rate=1e3, interval=100).tags[0]
    times = {offset: value if value is None else sum(value) for offset, value in found["rx_time"]}
    # Packets have no sign for the second: from 1970 on it is known.
    assert times == pytest.approx({0: None, 500: 0.0, 600: 0.1, 630: None})
    assert found["rx_freq"] == [(0, 1e9), (500, 1e9), (600, 1e9), (630, 1e9), (700, None)]


def test_losses_in_the_radio_arrive_at_their_sample(address):
    tags = [
        tag(100, "wfm_lost", pmt.from_uint64(1000)),
        tag(200, "wfm_gap", pmt.from_uint64(50)), tag(200, "rx_rate", pmt.from_double(RATE)),
        tag(300, "rx_rate", pmt.from_double(RATE)),
        tag(400, "rx_time", radio_time(8, 0.0)), tag(500, "rx_time", radio_time(8, 600e-6)),
        tag(600, "wfm_gap", pmt.from_uint64(7)),
    ]  # fmt: skip
    got = through(address, noise(1, 4 * INTERVAL), tags)
    found = got.tags[0]
    assert found["wfm_lost"] == [(100, 1000)], "no time is known there"
    assert found["wfm_gap"] == [(200, 50), (300, 0), (600, 7)]
    times = dict(found["rx_time"])
    assert times[400] == (8, 0.0) and times[500] == pytest.approx((8, 600e-6))
    assert times[600] == pytest.approx((8, 707e-6))
    assert (got.status["samples_lost"], got.status["samples_lost_estimated"]) == (1500, 57)


def test_channels_may_have_frequencies_of_their_own(address):
    tags = [[tag(3, "rx_freq", pmt.from_double(1e9))], [], [tag(9, "rx_freq", pmt.from_double(2e9))], []]
    found = through(address, noise(4, 2 * INTERVAL), tags)
    assert [own.get("rx_freq") for own in found.tags] == [[(3, 1e9)], None, [(9, 2e9)], None]


def test_messages_that_are_missing_are_a_jump_of_the_time_or_the_count(address):
    with Talk(address) as talk, Receiver(address, channels=2) as receiver:
        talk.wait_for_subscriber()
        for number in (0, 1, 5, 6):
            talk.socket.send(message(marked(number, 2), number, (17, number * 64 * 10**6)))
        for number in (20, 21, 24):
            talk.socket.send(message(marked(number, 2), number, number * 64, freq=None))
        assert receiver.heard(7 * 64)
    found = receiver.tags(1)
    assert dict(found["rx_time"])[128] == (17, pytest.approx(5 * 64e-6))
    assert dict(found["rx_time"])[256] is None, "the time is unknown from here on"
    assert found["wfm_lost"] == [(384, 128)]
    assert found["wfm_gap"] == [(256, 13 * 64)], "between a time and a count the packets are counted, modulo 16"
    assert (receiver.samples_lost, receiver.samples_lost_estimated) == (3 * 64 + 128, 13 * 64)
    assert receiver.samples()[0, ::64].real.tolist() == [0, 1, 5, 6, 20, 21, 24]


PUBLISHER = """
import sys, time
import numpy as np
sys.path[:0] = [{tests!r}]
from gnuradio import blocks, gr, wfm
from vrt_helpers import marked, radio_time, tag
top = gr.top_block()
source = blocks.vector_source_c(marked({number})[0].tolist(), True, 1, [tag(0, "rx_time", radio_time({number}, 0.0))])
top.connect(source, blocks.throttle(8, 1e5), wfm.sample_publisher({address!r}, 1, 1e5, 64))
top.start()
time.sleep(60)
"""


def test_a_publisher_that_is_killed_and_comes_back_is_heard_again(address):
    with Receiver(address) as receiver:
        for number in (1, 2):
            program = PUBLISHER.format(tests=str(Path(__file__).parents[2] / "helpers"), number=number, address=address)
            before = receiver.samples_out
            publisher = subprocess.Popen([sys.executable, "-c", program])
            try:
                assert receiver.heard(before + 1000)
            finally:
                publisher.kill()
                publisher.wait()
        assert receiver.refused == 0
    assert {1.0, 2.0} <= set(receiver.samples()[0].real.tolist())
    assert receiver.tags()["rx_time"][0][1][0] == 1 and receiver.tags()["rx_time"][-1][1][0] == 2


def test_without_a_publisher_it_sleeps_and_stops_at_once(address):
    for place in (address, f"udp://127.0.0.1:{free_udp_port()}"):
        with Receiver(place) as receiver:
            before = time.process_time()
            time.sleep(1)
            assert time.process_time() - before < 0.3
            start = time.monotonic()
        assert time.monotonic() - start < 0.5
        assert receiver.samples_out == 0


def test_it_ends_with_what_comes_after_it_and_stops_in_a_flood(address):
    with Talk(address) as talk:
        subscriber, top = wfm.sample_subscriber(address), gr.top_block()
        top.connect(subscriber, blocks.head(gr.sizeof_gr_complex, 64), blocks.null_sink(gr.sizeof_gr_complex))
        top.start()
        talk.wait_for_subscriber()
        talk.socket.send(message(marked(1, samples=100)))
        start = time.monotonic()
        ended = threading.Thread(target=top.wait, daemon=True)
        ended.start()
        ended.join(5)
        assert not ended.is_alive() and time.monotonic() - start < 1, "though nothing more is sent"
    flood = {"stop": False}
    with Talk(address.replace("link", "flood")) as talk:

        def send():
            while not flood["stop"]:
                talk.socket.send(b"x" * 1000)

        with Receiver(address.replace("link", "flood")) as receiver:
            talk.wait_for_subscriber()
            sender = threading.Thread(target=send)
            sender.start()
            assert wait_for(lambda: receiver.refused > 1000)
            start = time.monotonic()
        stopped = time.monotonic() - start
        flood["stop"] = True
        sender.join()
    assert stopped < 1


def test_after_silence_samples_come_out_at_once(address):
    with Talk(address) as talk, Receiver(address) as receiver:
        talk.wait_for_subscriber()
        delays = []
        for number in range(5):
            time.sleep(0.13)
            start = time.monotonic()
            talk.socket.send(message(marked(number), number, (number, 0)))
            assert receiver.heard(64 * (number + 1))
            delays.append(time.monotonic() - start)
        assert sorted(delays)[2] < 0.1, "the scheduler would leave an idle source alone for 0.25 s"


def test_a_flowgraph_may_run_twice(address):
    link = wfm.sample_publisher(address, 1, RATE, 64)
    with Receiver(address) as receiver:
        time.sleep(0.3)
        for number in (1, 2):
            publish(link, marked(number), [tag(0, "rx_time", radio_time(number, 0.0))])
            assert link.ended() and link.samples_sent() == 64
        assert receiver.heard(128)
    assert receiver.samples()[0, ::64].real.tolist() == [1, 2]


class TimedOnce(gr.sync_block):
    """Zeros without end, with a time at the first one."""

    def __init__(self):
        gr.sync_block.__init__(self, name="timed_once", in_sig=None, out_sig=[np.complex64])
        self._told = False

    def work(self, input_items, output_items):
        if not self._told:  # unlock() counts from 0 again
            self.add_item_tag(0, 0, pmt.intern("rx_time"), radio_time(7, 0.0))
        self._told = True
        output_items[0][:] = 0
        return len(output_items[0])


def test_after_lock_and_unlock_the_time_is_unknown_until_it_is_said(address):
    top, link = gr.top_block(), wfm.sample_publisher(address, 1, 1e5, 64)
    source = TimedOnce()
    top.connect(source, blocks.throttle(gr.sizeof_gr_complex, 1e5), link)
    with Receiver(address) as receiver:
        time.sleep(0.3)
        top.start()
        assert receiver.heard(1000)
        top.lock()
        top.unlock()
        before = link.samples_sent()
        assert receiver.heard(before + 1000)
        top.stop()
        top.wait()
    assert [count for _, count in receiver.tags()["wfm_gap"]] == [0] and not receiver.refused
    times = [value for _, value in receiver.tags()["rx_time"]]
    assert times[0] is not None and times[-1] is None


def test_finish_ends_the_stream(address):
    top, link = gr.top_block(), wfm.sample_publisher(address, 1, RATE, 64)
    top.connect(blocks.null_source(8), blocks.throttle(8, RATE), link)
    top.start()
    assert not link.ended()
    link.finish()
    top.wait()
    assert link.ended() and link.status()["ended"]


def test_a_port_in_use_is_one_sentence(address):
    first = wfm.sample_publisher("tcp://127.0.0.1:0")  # any free port
    assert first.samples_sent() == 0
    with zmq.Context() as context, context.socket(zmq.PUB) as other:
        port = other.bind_to_random_port("tcp://127.0.0.1")
        with pytest.raises(WfmError, match=f"samples cannot be published at tcp://127.0.0.1:{port}.*in use.*name a"):
            wfm.sample_publisher(f"tcp://127.0.0.1:{port}")
    port = free_udp_port()
    udp = wfm.sample_subscriber(f"udp://127.0.0.1:{port}")
    with pytest.raises(WfmError, match=f"samples cannot be had from 'udp://127.0.0.1:{port}'.*in use"):
        wfm.sample_subscriber(f"udp://127.0.0.1:{port}")
    assert udp.status()["packets_in"] == 0


@pytest.mark.parametrize("wrong", ["nowhere", "udp://", "udp://127.0.0.1", "udp://127.0.0.1:", "udp://:5", "tcp://x"])
def test_an_address_that_is_none_is_one_sentence(wrong):
    with pytest.raises(WfmError, match=f"samples cannot be had from '{wrong}' .*give tcp://HOST:PORT"):
        wfm.sample_subscriber(wrong)
    with pytest.raises(WfmError, match=f"samples cannot be published at {wrong} .*name a free address"):
        wfm.sample_publisher(wrong)


@pytest.mark.parametrize(
    ("said", "parameters"),
    [
        ("interval is 0, expected: 1 to 65536", {"interval": 0}),
        ("interval is 65537", {"interval": 65537}),
        ("high_water_mark is 0, expected: 1 to", {"high_water_mark": 0}),
        ("channels is 65, expected: 1 to 64", {"channels": 65}),
        ("sample_rate is 0, expected: 0.001 to", {"sample_rate": 0}),
        ("sample_rate is nan", {"sample_rate": math.nan}),
        ("expected: cf32 or ci16", {"sample_format": "cu8"}),
        ("datagram_bytes is 5, expected: 256 to 65507", {"datagram_bytes": 5}),
        ("stream id -1: 0 to 4294967295", {"stream_id": -1}),
    ],
)
def test_parameters_out_of_range_are_one_sentence(address, said, parameters):
    with pytest.raises(WfmError, match=said):
        wfm.sample_publisher(address, **parameters)


def test_the_account_adds_up_sessions_and_ignores_other_messages():
    account, log = remote.Account(), wfm.decision_log()
    for radio, taken, lost in (("a-1", 1000, 0), ("a-1", 3000, 100), ("a-2", 500, 0)):
        account.handle(
            keys.STATUS, pmt.to_pmt({"radio": radio, "samples_in": taken, "samples_lost": lost, "ended": False})
        )
    for stranger in ({"received": 7}, {"radio": "b", "samples_in": "many", "samples_lost": 0}, "hello"):
        account.handle(keys.STATUS, pmt.to_pmt(stranger))
    assert account.sessions() == {"a-1": (3000, 100), "a-2": (500, 0)}
    radio, link = SimpleNamespace(samples_lost=lambda: 5), SimpleNamespace(samples_sent=lambda: 4000)
    said = account.summary(radio, link, log)
    assert "4000 samples a channel sent, 3500 taken by 2 sessions of inference, 500 lost on the way" in said
    assert "gaps that the sessions saw: 100 samples; lost in the radio: 5" in said
