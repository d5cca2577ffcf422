# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM CSI Source: logs and live packets become the PDUs that WFM CSI Image takes; what is none is counted."""

import os
import random
import socket
import sys
import threading
import time

import numpy as np
import pmt
import pytest
from csi_packets import MAC, NEEDS_CSIREAD, as_log, esp32, good_packet, intel, nexmon, numbers, pcap
from flowgraph_helpers import Collector
from gnuradio import gr, wfm
from gnuradio.wfm.images import image_messages
from waiting import thread, wait_for

from wfm_core.base.errors import WfmError

RATE, SECONDS, MALFORMED = 1000, 3, 10_000


class Run:
    """A flowgraph of the source alone, with what it sends."""

    def __init__(self, block, *more):
        self.block, self.top = block, gr.top_block()
        self.csi, self.status, self.events = Collector(), Collector(), Collector()
        for name in ("csi", "status", "events"):
            self.top.msg_connect(block, name, getattr(self, name), "in")
        for source, port, sink, to in more:
            self.top.msg_connect(source, port, sink, to)

    def __enter__(self):
        self.top.start()
        return self

    def __exit__(self, *_):
        self.top.stop()
        self.top.wait()

    def counts(self) -> dict:
        return self.block.status()

    def vectors(self) -> list:
        return [image_messages.read_csi(message, "packet_num") for message in self.csi.messages]


class Sender:
    """Sends datagrams to a source."""

    def __init__(self, block):
        host, port = block.address().removeprefix("udp://").rsplit(":", 1)
        self._place = host, int(port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendto(data, self._place)


def line(number: int, **more) -> bytes:
    return esp32(numbers(64, 1, 1, 128, number), number=number, ticks=number * 1000, **more)


def played(tmp_path, format, packets, **options) -> Run:
    (tmp_path / "log").write_bytes(as_log(format, packets))
    run = Run(wfm.csi_source(str(tmp_path / "log"), **{"pace": "fast", **options}))
    run.top.run()
    return run


# -- logs ------------------------------------------------------------------------------------------------------------


def test_a_log_becomes_pdus_and_the_block_ends_with_it(tmp_path):
    run = played(tmp_path, "esp32", [line(n) for n in (3, 4, 7)])
    vectors = run.vectors()
    assert [v.number for v in vectors] == [3, 4, 7] and [v.antenna for v in vectors] == [0] * 3
    assert [v.rx_freq for v in vectors] == [2.462e9] * 3
    assert [v.rx_time[0] + v.rx_time[1] for v in vectors] == pytest.approx([0.003, 0.004, 0.007])
    for v in vectors:
        assert np.array_equal(v.values, numbers(64, 1, 1, 128, v.number)[:, 0, 0])
    fields = pmt.to_python(pmt.car(run.csi.messages[0]))
    assert (fields["rssi"], fields["source"]) == (-61.0, MAC)
    last = run.status.dicts()[-1]
    assert (last["packets"], last["vectors"], last["lost"], last["malformed"], last["ended"]) == (3, 3, 2, 0, True)
    assert last["format"] == "esp32"
    assert thread("wfm_csi_source_play_") is None


def test_antennas_and_streams_are_numbered_and_the_first_are_kept(tmp_path):
    pytest.importorskip("csiread", reason=NEEDS_CSIREAD)
    csi = numbers(30, 3, 2, 128)
    found = played(tmp_path, "intel", [intel(csi, agc=30)]).vectors()
    assert [v.antenna for v in found] == list(range(6))
    assert all(np.array_equal(v.values, csi[:, v.antenna % 3, v.antenna // 3]) for v in found)
    run = played(tmp_path, "intel", [intel(csi)], antennas=3)
    assert [v.antenna for v in run.vectors()] == [0, 1, 2]
    assert [pmt.to_python(pmt.car(m))["rssi"] for m in run.csi.messages] == [-34.0, -33.0, -32.0]
    found = played(tmp_path, "nexmon", [nexmon(numbers(64, 1, 1, 99), core=2, stream=1)]).vectors()
    assert [v.antenna for v in found] == [6]


@pytest.mark.parametrize("format", ["esp32", "nexmon", "intel", "atheros", "picoscenes"])
def test_logs_of_each_format_become_images(tmp_path, format):
    if format != "esp32":
        pytest.importorskip("csiread", reason=NEEDS_CSIREAD)
    made = [good_packet(format, seed) for seed in range(8)]
    (tmp_path / "log").write_bytes(as_log(format, [packet for packet, _ in made]))
    subcarriers, receive, streams = made[0][1].shape
    source = wfm.csi_source(str(tmp_path / "log"), pace="fast")
    images = wfm.csi_image("pdus", receive * streams, subcarriers, packets=8, sequence="none")
    pictures = Collector()
    run = Run(source, (source, "csi", images, "csi"), (images, "images", pictures, "in"))
    run.top.run()
    (image,) = (image_messages.read_image(message) for message in pictures.messages)
    wanted = np.stack([np.abs(csi.transpose(2, 1, 0).reshape(-1, subcarriers)) for _, csi in made], -1)
    assert np.allclose(image.pixels, wanted, atol=1e-3 * wanted.max())
    assert images.status()["refused"] == 0


def test_arrays_are_numbered_and_have_times_by_the_packet_rate(tmp_path):
    np.savez(tmp_path / "x.npz", h=np.ones((5, 16, 2), np.complex64))
    run = Run(wfm.csi_source(str(tmp_path / "x.npz"), pace="fast", packet_rate=20, array="h"))
    run.top.run()
    vectors = run.vectors()
    assert [(v.number, v.antenna) for v in vectors] == [(n, a) for n in range(5) for a in range(2)]
    assert vectors[-1].rx_time == (0, pytest.approx(0.2)) and vectors[-1].rx_freq is None


def test_the_recorded_pace_is_kept(tmp_path):
    began = time.monotonic()
    run = played(tmp_path, "esp32", [line(n) for n in (0, 200, 400, 600, 100, 60_000)], pace="recorded")
    assert time.monotonic() - began >= 0.6, "a step back and a pause of a minute are not waited for"
    assert run.counts()["packets"] == 6


def test_a_log_is_repeated_until_it_is_stopped(tmp_path):
    (tmp_path / "log").write_bytes(as_log("esp32", [line(n) for n in range(5)]))
    with Run(wfm.csi_source(str(tmp_path / "log"), repeat=True)) as run:
        wait_for(lambda: len(run.csi.messages) > 20)
    assert run.counts()["lost"] == 0


def test_a_source_that_waits_for_its_log_stops_at_once(tmp_path):
    (tmp_path / "log").write_bytes(as_log("esp32", [line(0), line(9_000)]))
    began = time.monotonic()
    with Run(wfm.csi_source(f"file:{tmp_path / 'log'}")) as run:
        wait_for(lambda: run.csi.messages)
    assert time.monotonic() - began < 5 and len(run.csi.messages) == 1


def test_bad_packets_in_a_log_are_counted(tmp_path):
    run = played(tmp_path, "esp32", [line(0), line(1)[:100] + b"\n", b"a line of the firmware\n", line(2)])
    counts = run.counts()
    assert (counts["packets"], counts["malformed"], counts["others"], counts["lost"]) == (2, 1, 1, 1)


# -- live ------------------------------------------------------------------------------------------------------------


def test_a_thousand_packets_a_second_are_kept_up_with_and_bad_ones_change_nothing_but_the_counter():
    pytest.importorskip("csiread", reason=NEEDS_CSIREAD)
    draw = random.Random(1)
    packets = [good_packet("intel", seed)[0] for seed in range(8)]
    numbered = [p[:5] + n.to_bytes(2, "little") + p[7:] for n in range(RATE * SECONDS) for p in [packets[n % 8]]]
    block = wfm.csi_source("udp://:0", format="intel", antennas=3)
    with Run(block) as run, Sender(block) as sender:
        began = time.monotonic()
        for index, packet in enumerate(numbered):
            time.sleep(max(began + index / RATE - time.monotonic(), 0))
            sender.send(packet)
            if index % 50 == 0:  # a computer that halts for a moment is not what is tried
                wait_for(lambda sent=index: run.counts()["packets"] >= sent - 100, otherwise=lambda: str(run.counts()))
        seconds = time.monotonic() - began
        wait_for(lambda: run.counts()["packets"] == len(numbered), otherwise=lambda: str(run.counts()))
        wait_for(lambda: len(run.csi.messages) == 3 * len(numbered))
        print(f"{len(numbered)} packets in {seconds:.2f} s: {run.counts()}")
        assert any(RATE / 10 < said["rate"] < 10 * RATE for said in run.status.dicts())
        before = run.counts()
        assert (before["vectors"], before["malformed"], before["lost"], before["dropped"]) == (
            3 * len(numbered),
            0,
            0,
            0,
        )
        for index in range(MALFORMED):
            sender.send(bad_record(packets[index % 8], draw))
            if index % 100 == 99:
                wait_for(lambda sent=index + 1: run.counts()["malformed"] == sent, otherwise=lambda: str(run.counts()))
        after = run.counts()
        assert after.pop("malformed") == MALFORMED and before.pop("malformed") == 0
        assert {**after, "rate": 0} == {**before, "rate": 0}, "nothing else has changed; the rate is none now"
        assert len(run.csi.messages) == 3 * len(numbered) and not run.events.messages
        sender.send(numbered[0])
        wait_for(lambda: run.counts()["packets"] == len(numbered) + 1)


def bad_record(record: bytes, draw: random.Random) -> bytes:
    """None of a packet, in each of some ways."""
    return draw.choice([
        record[: draw.randrange(1, len(record))],
        b"\xbb" + draw.randbytes(draw.randrange(300)),
        draw.randbytes(60).replace(b"\xbb", b"").replace(b"\xc1", b""),
        record[:9] + bytes([draw.choice([0, 1, 2, 4, 255])]) + record[10:],
        record + draw.randbytes(4),
        b"",
    ])  # fmt: skip


def test_numbers_that_are_missing_are_lost_and_times_are_those_of_the_packets():
    block = wfm.csi_source("udp://127.0.0.1:0")
    with Run(block) as run, Sender(block) as sender:
        for number in (5, 6, 10):
            sender.send(line(number))
        wait_for(lambda: len(run.csi.messages) == 3)
    assert run.counts()["lost"] == 3 and run.counts()["format"] == "esp32"
    assert run.vectors()[2].rx_time == (0, pytest.approx(0.01))


def test_packets_without_a_time_have_that_of_their_arrival():
    pytest.importorskip("csiread", reason=NEEDS_CSIREAD)
    block = wfm.csi_source("udp://127.0.0.1:0", format="nexmon")
    began = time.time()
    with Run(block) as run, Sender(block) as sender:
        sender.send(nexmon(numbers(64, 1, 1, 99), rssi=-40))
        wait_for(lambda: run.csi.messages)
    (vector,) = run.vectors()
    assert began - 1 < vector.rx_time[0] + vector.rx_time[1] < time.time() + 1
    assert pmt.to_python(pmt.car(run.csi.messages[0]))["rssi"] == -40


def test_what_waits_too_long_is_dropped_and_counted(monkeypatch):
    block = wfm.csi_source("udp://127.0.0.1:0", format="esp32", high_water_mark=4)
    going, entered = threading.Event(), threading.Event()
    decoded = block._pass_on_all

    def slow(datagram, arrived):
        entered.set()
        going.wait(20)
        decoded(datagram, arrived)

    monkeypatch.setattr(block, "_pass_on_all", slow)
    with Run(block) as run, Sender(block) as sender:
        sender.send(line(0))
        wait_for(entered.is_set)
        for number in range(1, 11):
            sender.send(line(number))
        wait_for(lambda: run.counts()["dropped"] == 6, otherwise=lambda: str(run.counts()))
        going.set()
        wait_for(lambda: len(run.csi.messages) == 5)
    assert [v.number for v in run.vectors()] == [0, 7, 8, 9, 10]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what its kernel drops")
def test_what_the_kernel_drops_is_counted():
    block = wfm.csi_source("udp://127.0.0.1:0", format="esp32", high_water_mark=20_000)
    sent = 20_001
    with Sender(block) as sender:
        for number in range(sent - 1):
            sender.send(line(number % 8))
        with Run(block) as run:
            wait_for(lambda: run.counts()["packets"] > 0)
            wait_for(lambda: settled(run))
            sender.send(line(0))
            wait_for(lambda: run.counts()["packets"] + run.counts()["dropped"] == sent)
    assert run.counts()["dropped"] > 1000


def settled(run) -> bool:
    before = run.counts()["packets"]
    time.sleep(0.2)
    return run.counts()["packets"] == before


def test_silence_is_warned_of_once(monkeypatch):
    block = wfm.csi_source("udp://127.0.0.1:0", silence=0.3)
    with Sender(block) as sender:
        sender.send(b"\x00 nothing that is known")  # is there when the source begins
        with Run(block) as run:
            wait_for(lambda: silences(run))
            time.sleep(0.6)
            (event,) = silences(run)
            assert event["event"] == "warning" and "from udp://127.0.0.1:" in event["text"]
            assert "the first of 1 malformed: nothing of a format that is known" in event["text"]
            before = len(run.events.messages)
            sender.send(line(1))
            wait_for(lambda: run.csi.messages)
            wait_for(lambda: len(run.events.messages) == before + 1)


def silences(run) -> list[dict]:
    """Not what is said of csiread where that is not installed."""
    return [event for event in run.events.dicts() if "no packet of CSI" in event["text"]]


def test_a_source_listens_again_after_a_stop():
    block = wfm.csi_source("udp://127.0.0.1:0")
    address = block.address()
    for _ in range(2):
        with Run(block) as run, Sender(block) as sender:
            wait_for(lambda run=run: run.counts()["packets"] == 0)
            sender.send(line(1))
            wait_for(lambda run=run: run.counts()["packets"] == 1)
        assert block.address() == address
        assert thread("wfm_csi_source_receive") is None and thread("wfm_csi_source_decode") is None


def test_only_this_computer_is_heard_unless_another_is_named():
    assert wfm.csi_source("udp://:0").address().startswith("udp://127.0.0.1:")
    assert wfm.csi_source("udp://0.0.0.0:0").address().startswith("udp://0.0.0.0:")


# -- a serial line ---------------------------------------------------------------------------------------------------


@pytest.fixture
def serial_line():
    """The file to write to, and the name of the line that reads it."""
    master, slave = os.openpty()
    yield master, os.ttyname(slave)
    os.close(slave)
    os.close(master)


def test_lines_of_a_serial_line(serial_line):
    master, name = serial_line
    block = wfm.csi_source(f"serial:{name}?baud=921600")
    with Run(block) as run:
        whole = b"ets Jul 29 2019\r\n" + b"".join(line(n) for n in range(20)) + b"\xff\xfe\n" + line(20)
        for begin in range(0, len(whole), 100):  # in pieces that are no lines
            os.write(master, whole[begin : begin + 100])
            time.sleep(0.001)
        wait_for(lambda: len(run.csi.messages) == 21, otherwise=lambda: str(run.counts()))
    counts = run.counts()
    assert (counts["malformed"], counts["others"], counts["lost"]) == (1, 1, 0)


def test_a_serial_line_that_is_unplugged_is_said_and_tried_again(tmp_path):
    name = tmp_path / "tty"
    master, slave = os.openpty()
    name.symlink_to(os.ttyname(slave))
    block = wfm.csi_source(f"serial:{name}")
    said = []
    block.complain = said.append
    block._guard._say = said.append
    with Run(block) as run:
        os.write(master, line(0))
        wait_for(lambda: len(run.csi.messages) == 1)
        os.close(slave)
        os.close(master)
        wait_for(lambda: said)
        assert "is gone; it is tried again" in said[0]
        name.unlink()
        master, slave = os.openpty()
        name.symlink_to(os.ttyname(slave))

        def heard() -> bool:
            os.write(master, line(1))
            time.sleep(0.05)
            return len(run.csi.messages) > 1

        wait_for(heard)
    os.close(slave)
    os.close(master)


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, reason",
    [
        ({"source": "missing.csv"}, "missing.csv cannot be read"),
        ({"source": "udp://127.0.0.1"}, "give udp://HOST:PORT"),
        ({"source": "udp://127.0.0.1:99999"}, "give udp://HOST:PORT"),
        ({"source": "udp://192.0.2.1:5500"}, "an address of this computer"),
        ({"source": "udp://no.such.host.invalid:5500"}, "an address of this computer"),
        ({"source": "serial:"}, "give serial:"),
        ({"source": "serial:/dev/ttyUSB0?speed=1"}, "give serial:"),
        ({"source": "serial:/dev/tty-none"}, "a serial line that is there"),
        ({"source": "serial:/dev/null"}, "a serial line that is there"),
        ({"source": "serial:/dev/ttyUSB0?baud=7"}, "7 baud is no rate"),
        ({"source": "serial:/dev/ttyUSB0", "format": "intel"}, "format 'intel' of a serial line"),
        ({"format": "npz"}, "does not come live"),
        ({"format": "x"}, "CSI format 'x'"),
        ({"pace": "slow"}, "pace 'slow'"),
        ({"repeat": True, "pace": "fast"}, "would fill the memory"),
        ({"antennas": -1}, "0 or more antennas"),
        ({"packet_rate": 0}, "above 0"),
        ({"silence": float("nan")}, "above 0"),
        ({"high_water_mark": 0}, "above 0"),
        ({"chip": "x"}, "chip 'x'"),
    ],
)
def test_what_cannot_be_is_one_sentence(options, reason):
    with pytest.raises(WfmError, match=reason) as caught:
        wfm.csi_source(**{"source": "udp://127.0.0.1:0", **options})
    assert "\n" not in str(caught.value)


def test_a_port_that_is_taken_and_a_log_without_packets_are_refused(tmp_path):
    taken = wfm.csi_source("udp://127.0.0.1:0")
    with pytest.raises(WfmError, match="a port that is free"):
        wfm.csi_source(taken.address())
    (tmp_path / "x.pcap").write_bytes(pcap([b"nothing"]))
    pytest.importorskip("csiread", reason=NEEDS_CSIREAD)
    with pytest.raises(WfmError, match="holds no packet of CSI of the format nexmon"):
        wfm.csi_source(str(tmp_path / "x.pcap"))
